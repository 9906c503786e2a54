/* The rolling one-second window of each token, and its busiest second. */
#ifndef SANDBOX_WINDOW_H
#define SANDBOX_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moments {
  int64_t *at;  /* a ring of times, oldest first */
  size_t first, count, room;
};

struct window {
  struct window *next;
  char *name;
  struct moments placed, arrived;
};

struct windows {
  struct window *list;
  size_t peak;  /* most arrivals of one token in any rolling second */
};

bool window_enter(struct windows *w, const char *name, double limit,
                  bool count_rejected, int64_t now);
void windows_free(struct windows *w);

#endif
