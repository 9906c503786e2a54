/*
** The requests of each token in the last second: a rolling one, and that of the
** clock, whose counter restarts with each second.
*/
#ifndef SANDBOX_WINDOW_H
#define SANDBOX_WINDOW_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct moments {
  ws_time *at;  /* a ring of times, oldest first */
  size_t first, count, capacity;
};

struct window {
  struct window *next;
  char *name;
  struct moments placed, arrived;
  int64_t second;  /* of the clock, for the two counters */
  size_t placed_in_second, arrived_in_second;
};

struct windows {
  struct window *list;
  size_t peak;         /* most arrivals of one name in any rolling second */
  size_t peak_second;  /* and in a second of the clock */
};

/* The number of requests a second that are accepted. */
struct rate {
  double limit;  /* 0: any number */
  bool rolling, count_rejected;
};

bool window_enter(struct windows *w, const char *name,
                  const struct rate *rate, ws_time now, int64_t second);
void windows_free(struct windows *w);

#endif
