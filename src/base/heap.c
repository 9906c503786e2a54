#include "base/heap.h"

#include "base/memory.h"

static void put(ws_heap *heap, size_t place, ws_timer *timer) {
  heap->timers[place] = timer;
  timer->place = place;
}

static void rise(ws_heap *heap, size_t place) {
  ws_timer *timer = heap->timers[place];
  while (place > 1 && heap->timers[place / 2]->due > timer->due) {
    put(heap, place, heap->timers[place / 2]);
    place /= 2;
  }
  put(heap, place, timer);
}

static void sink(ws_heap *heap, size_t place) {
  ws_timer *timer = heap->timers[place];
  for (;;) {
    size_t child = place * 2;
    if (child > heap->count) break;
    if (child < heap->count &&
        heap->timers[child + 1]->due < heap->timers[child]->due)
      child++;
    if (heap->timers[child]->due >= timer->due) break;
    put(heap, place, heap->timers[child]);
    place = child;
  }
  put(heap, place, timer);
}

bool ws_heap_reserve(ws_heap *heap, size_t count) {
  size_t room = heap->room ? heap->room : 16;
  ws_timer **timers;
  while (room < count + 1) room *= 2;
  if (room == heap->room) return true;
  timers = ws_realloc(heap->timers, room * sizeof *timers);
  if (!timers) return false;
  heap->timers = timers;
  heap->room = room;
  return true;
}

void ws_heap_set(ws_heap *heap, ws_timer *timer, ws_time due) {
  timer->due = due;
  if (!timer->place) put(heap, ++heap->count, timer);
  rise(heap, timer->place);
  sink(heap, timer->place);
}

void ws_heap_unset(ws_heap *heap, ws_timer *timer) {
  size_t place = timer->place;
  ws_timer *last;
  if (!place) return;
  timer->place = 0;
  last = heap->timers[heap->count--];
  if (last == timer) return;
  put(heap, place, last);
  rise(heap, last->place);
  sink(heap, last->place);
}

ws_timer *ws_heap_top(const ws_heap *heap) {
  return heap->count ? heap->timers[1] : NULL;
}

void ws_heap_free(ws_heap *heap) {
  ws_free(heap->timers);
  *heap = (ws_heap){0};
}
