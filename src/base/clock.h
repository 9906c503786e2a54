/*
** Times are microseconds of CLOCK_MONOTONIC, which is never set back.
*/

#ifndef WS_CLOCK_H
#define WS_CLOCK_H

#include <stdint.h>

typedef int64_t ws_time;   /* a time, or a duration */

#define WS_NEVER INT64_MAX /* later than every time */
#define WS_SECOND INT64_C(1000000)

/* The current time of CLOCK_MONOTONIC. */
ws_time ws_now(void);

/* The current date and time: seconds since 1970. */
double ws_wall_clock(void);

/* Converts seconds, rounding towards zero. They must be below 9e12, so that the
** result fits. */
static inline ws_time ws_from_seconds(double seconds) {
  return (ws_time)(seconds * 1e6);
}

static inline double ws_to_seconds(ws_time time) {
  return (double)time / 1e6;
}

#endif
