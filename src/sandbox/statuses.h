/* Kantata's project statuses. An account can disable them, but not add any. */
#ifndef SANDBOX_STATUSES_H
#define SANDBOX_STATUSES_H

#include <stddef.h>

struct kantata_status {
  int key;
  const char *message, *color;
};

extern const struct kantata_status kantata_statuses[];
extern const size_t kantata_status_count;

#endif
