/*
** Iterates over the items of an array in order, even if the host's own
** iteration has another order. Reports holes, and keys that are not positions.
*/

#ifndef WS_ITEMS_H
#define WS_ITEMS_H

#include <stdint.h>

#include "base/source.h"
#include "schema/validate.h"

typedef struct ws_items {
  const ws_source *source;
  int table;
  int64_t index;       /* of the last item */
  int64_t count;       /* 0 while the host's order is that of the items */
} ws_items;

static inline ws_items ws_items_of(const ws_source *source, int table) {
  return (ws_items){source, table, 0, 0};
}

/* 1 with the next item in `value`; 0 at the end; -1 with an error. */
int ws_items_next(ws_items *items, const ws_path *up,
                  ws_validation_error *error, ws_value *value);

#endif
