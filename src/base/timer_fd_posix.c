/*
** A pipe that becomes readable as soon as a time is set, as POSIX has no
** descriptor for timers. The host wakes up too early, once, and then asks for
** the next time. See timer_fd.h.
*/

#include "base/timer_fd.h"
#include "base/pipe.h"

int ws_timer_fd_open(void) {
  return ws_pipe_open();
}

void ws_timer_fd_set(int timer_fd, ws_time due) {
  (void)due;
  ws_pipe_signal(timer_fd);
}

void ws_timer_fd_clear(int timer_fd) {
  ws_pipe_clear(timer_fd);
}

void ws_timer_fd_close(int timer_fd) {
  ws_pipe_close(timer_fd);
}
