#include "base/timer_fd.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int ws_timer_fd_open(void) {
  return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

/* A time of 0 would switch the timer off. */
void ws_timer_fd_set(int timer_fd, ws_time due) {
  struct itimerspec when = {0};
  if (due < 1) due = 1;
  when.it_value.tv_sec = (time_t)(due / WS_SECOND);
  when.it_value.tv_nsec = (long)(due % WS_SECOND) * 1000;
  timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void ws_timer_fd_clear(int timer_fd) {
  uint64_t count;
  ssize_t got = read(timer_fd, &count, sizeof count);
  (void)got;
}

void ws_timer_fd_close(int timer_fd) {
  close(timer_fd);
}
