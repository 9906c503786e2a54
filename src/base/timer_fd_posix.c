/*
** A pipe that becomes readable as soon as a time is set, as POSIX has no
** descriptor for timers. The host wakes up too early, once, and then asks for
** the next time. See alarm.h.
*/

#include "base/alarm.h"
#include "base/pipe.h"

int ws_alarm_open(void) {
  return ws_pipe_open();
}

void ws_alarm_set(int alarm, ws_time due) {
  (void)due;
  ws_pipe_signal(alarm);
}

void ws_alarm_clear(int alarm) {
  ws_pipe_clear(alarm);
}

void ws_alarm_close(int alarm) {
  ws_pipe_close(alarm);
}
