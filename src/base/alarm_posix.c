/*
** A pipe that is readable as soon as a time is set: POSIX has no descriptor
** that waits for one. The host wakes up too early, once, and asks when it is
** wanted next. See alarm.h.
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
