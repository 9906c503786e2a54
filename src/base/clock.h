/*
** Time as the core counts it: microseconds of a clock that never steps.
*/

#ifndef WS_CLOCK_H
#define WS_CLOCK_H

#include <stdint.h>

typedef int64_t ws_time;

#define WS_NEVER INT64_MAX
#define WS_SECOND INT64_C(1000000)

/* Now, on CLOCK_MONOTONIC. */
ws_time ws_now(void);

#endif
