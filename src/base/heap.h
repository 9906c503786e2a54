/*
** Timers in a binary heap, the one that expires first on top. A timer is a
** member of the structure that it belongs to, and knows its index in the
** heap, so it can be moved or removed at once.
*/

#ifndef WS_HEAP_H
#define WS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

typedef struct ws_timer {   /* zero: not set */
  ws_time due;         /* when it expires */
  size_t index;        /* from 1; 0: not in a heap */
} ws_timer;

typedef struct ws_heap {
  ws_timer **timers;   /* timers[1] is the top; timers[0] is unused */
  size_t count;
  size_t capacity;
} ws_heap;

/* Makes space for `count` timers in all; false if memory runs out. */
bool ws_heap_reserve(ws_heap *heap, size_t count);

/* Sets a timer, or moves it if it is set. Never allocates: space must have
** been reserved. */
void ws_heap_set(ws_heap *heap, ws_timer *timer, ws_time due);

/* Removes a timer; does nothing if it is not set. */
void ws_heap_remove(ws_heap *heap, ws_timer *timer);

/* The timer that expires first, or NULL. */
ws_timer *ws_heap_top(const ws_heap *heap);
void ws_heap_free(ws_heap *heap);

#endif
