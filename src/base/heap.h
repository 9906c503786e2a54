/*
** Timers: a heap of moments, the nearest on top. A timer lies inside the
** thing that it wakes, and knows its place in the heap.
*/

#ifndef WS_HEAP_H
#define WS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

typedef struct ws_timer {
  ws_time due;
  size_t index;        /* from 1; 0: not in a heap */
} ws_timer;

typedef struct ws_heap {
  ws_timer **timers;   /* from 1 */
  size_t count;
  size_t capacity;
} ws_heap;

/* Makes sure that one more timer fits; false without memory. */
bool ws_heap_reserve(ws_heap *heap, size_t count);

/* Sets a timer, or moves one that is set; room must have been reserved. */
void ws_heap_set(ws_heap *heap, ws_timer *timer, ws_time due);
void ws_heap_remove(ws_heap *heap, ws_timer *timer);

/* The nearest timer, or NULL. */
ws_timer *ws_heap_top(const ws_heap *heap);
void ws_heap_free(ws_heap *heap);

#endif
