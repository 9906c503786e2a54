#include "base/heap.h"

#include "base/memory.h"

static void put(ws_heap *heap, size_t index, ws_timer *timer) {
  heap->timers[index] = timer;
  timer->index = index;
}

static void sift_up(ws_heap *heap, size_t index) {
  ws_timer *timer = heap->timers[index];
  while (index > 1 && heap->timers[index / 2]->due > timer->due) {
    put(heap, index, heap->timers[index / 2]);
    index /= 2;
  }
  put(heap, index, timer);
}

static void sift_down(ws_heap *heap, size_t index) {
  ws_timer *timer = heap->timers[index];
  for (;;) {
    size_t child = index * 2;
    if (child > heap->count) break;
    if (child < heap->count &&
        heap->timers[child + 1]->due < heap->timers[child]->due)
      child++;
    if (heap->timers[child]->due >= timer->due) break;
    put(heap, index, heap->timers[child]);
    index = child;
  }
  put(heap, index, timer);
}

bool ws_heap_reserve(ws_heap *heap, size_t count) {
  size_t capacity = heap->capacity ? heap->capacity : 16;
  ws_timer **timers;
  while (capacity < count + 1) capacity *= 2;
  if (capacity == heap->capacity) return true;
  timers = ws_realloc(heap->timers, capacity * sizeof *timers);
  if (!timers) return false;
  heap->timers = timers;
  heap->capacity = capacity;
  return true;
}

void ws_heap_set(ws_heap *heap, ws_timer *timer, ws_time due) {
  timer->due = due;
  if (!timer->index) put(heap, ++heap->count, timer);
  sift_up(heap, timer->index);
  sift_down(heap, timer->index);
}

void ws_heap_remove(ws_heap *heap, ws_timer *timer) {
  size_t index = timer->index;
  ws_timer *last;
  if (!index) return;
  timer->index = 0;
  last = heap->timers[heap->count--];
  if (last == timer) return;
  put(heap, index, last);
  sift_up(heap, last->index);
  sift_down(heap, last->index);
}

ws_timer *ws_heap_top(const ws_heap *heap) {
  return heap->count ? heap->timers[1] : NULL;
}

void ws_heap_free(ws_heap *heap) {
  ws_free(heap->timers);
  *heap = (ws_heap){0};
}
