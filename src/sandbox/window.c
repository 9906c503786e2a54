#include "window.h"
#include "base/memory.h"

#include <string.h>

/* Removes requests that are a second old and have left the rolling window. */
static void expire(struct moments *m, ws_time now) {
  while (m->count && m->at[m->first] <= now - WS_SECOND) {
    m->first = (m->first + 1) % m->capacity;
    m->count--;
  }
}

static void unroll(const struct moments *m, ws_time *at) {
  size_t i;
  for (i = 0; i < m->count; i++) at[i] = m->at[(m->first + i) % m->capacity];
}

static bool grow(struct moments *m) {
  size_t capacity = m->capacity ? m->capacity * 2 : 16;
  ws_time *at = ws_alloc(capacity * sizeof *at);
  if (!at) return false;
  unroll(m, at);
  ws_free(m->at);
  m->at = at;
  m->first = 0;
  m->capacity = capacity;
  return true;
}

static void add(struct moments *m, ws_time now) {
  if (m->count == m->capacity && !grow(m)) return;
  m->at[(m->first + m->count++) % m->capacity] = now;
}

static struct window *find(struct windows *w, const char *name) {
  struct window *one;
  for (one = w->list; one; one = one->next)
    if (strcmp(one->name, name) == 0) return one;
  one = ws_calloc(1, sizeof *one);
  if (!one) return NULL;
  one->name = ws_copy(name, strlen(name));
  if (!one->name) {
    ws_free(one);
    return NULL;
  }
  one->next = w->list;
  w->list = one;
  return one;
}

/* Resets the counters when a new clock second begins. */
static void begin_second(struct window *one, int64_t second) {
  if (one->second == second) return;
  one->second = second;
  one->placed_in_second = one->arrived_in_second = 0;
}

static void count_arrival(struct windows *w, struct window *one,
                          ws_time now) {
  expire(&one->arrived, now);
  add(&one->arrived, now);
  one->arrived_in_second++;
  if (one->arrived.count > w->peak) w->peak = one->arrived.count;
  if (one->arrived_in_second > w->peak_second)
    w->peak_second = one->arrived_in_second;
}

/* Returns the number of requests that count now, in either kind of window. */
static size_t count_places(struct window *one, const struct rate *rate,
                           ws_time now) {
  expire(&one->placed, now);
  return rate->rolling ? one->placed.count : one->placed_in_second;
}

/*
** Counts a request. False if the window already has as many as the limit
** allows. A rejected request counts only with `count_rejected`.
*/
bool window_enter(struct windows *w, const char *name,
                  const struct rate *rate, ws_time now, int64_t second) {
  struct window *one = find(w, name);
  bool free_place;
  if (!one) return true;
  begin_second(one, second);
  count_arrival(w, one, now);
  if (rate->limit <= 0) return true;
  free_place = (double)count_places(one, rate, now) + 1 <= rate->limit;
  if (free_place || rate->count_rejected) {
    add(&one->placed, now);
    one->placed_in_second++;
  }
  return free_place;
}

void windows_free(struct windows *w) {
  while (w->list) {
    struct window *next = w->list->next;
    ws_free(w->list->name);
    ws_free(w->list->placed.at);
    ws_free(w->list->arrived.at);
    ws_free(w->list);
    w->list = next;
  }
}
