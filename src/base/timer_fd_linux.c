#include "base/alarm.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int ws_alarm_open(void) {
  return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

/* A time of 0 would switch the timer off. */
void ws_alarm_set(int alarm, ws_time due) {
  struct itimerspec when = {0};
  if (due < 1) due = 1;
  when.it_value.tv_sec = (time_t)(due / WS_SECOND);
  when.it_value.tv_nsec = (long)(due % WS_SECOND) * 1000;
  timerfd_settime(alarm, TFD_TIMER_ABSTIME, &when, NULL);
}

void ws_alarm_clear(int alarm) {
  uint64_t count;
  ssize_t got = read(alarm, &count, sizeof count);
  (void)got;
}

void ws_alarm_close(int alarm) {
  close(alarm);
}
