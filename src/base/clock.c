#include "base/clock.h"

#include <time.h>

ws_time ws_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (ws_time)now.tv_sec * WS_SECOND + now.tv_nsec / 1000;
}

double ws_wall_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
