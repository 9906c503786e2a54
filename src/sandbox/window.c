#include "window.h"

#include <stdlib.h>
#include <string.h>

#define SECOND ((int64_t)1000000000)

/* Forgets what is a second old: it is out of the window. */
static void expire(struct moments *m, int64_t now) {
  while (m->count && m->at[m->first] <= now - SECOND) {
    m->first = (m->first + 1) % m->room;
    m->count--;
  }
}

static void unroll(const struct moments *m, int64_t *at) {
  size_t i;
  for (i = 0; i < m->count; i++) at[i] = m->at[(m->first + i) % m->room];
}

static bool grow(struct moments *m) {
  size_t room = m->room ? m->room * 2 : 16;
  int64_t *at = malloc(room * sizeof *at);
  if (!at) return false;
  unroll(m, at);
  free(m->at);
  m->at = at;
  m->first = 0;
  m->room = room;
  return true;
}

static void add(struct moments *m, int64_t now) {
  if (m->count == m->room && !grow(m)) return;
  m->at[(m->first + m->count++) % m->room] = now;
}

static struct window *find(struct windows *w, const char *name) {
  struct window *one;
  for (one = w->list; one; one = one->next)
    if (strcmp(one->name, name) == 0) return one;
  one = calloc(1, sizeof *one);
  if (!one) return NULL;
  one->name = strdup(name);
  if (!one->name) {
    free(one);
    return NULL;
  }
  one->next = w->list;
  w->list = one;
  return one;
}

/*
** Counts an arrival. False when the second up to now already holds as many
** as the limit allows; a limit of 0 is none. A rejected request takes a
** place only if `count_rejected`.
*/
bool window_enter(struct windows *w, const char *name, double limit,
                  bool count_rejected, int64_t now) {
  struct window *one = find(w, name);
  bool free_place;
  if (!one) return true;
  expire(&one->arrived, now);
  add(&one->arrived, now);
  if (one->arrived.count > w->peak) w->peak = one->arrived.count;
  if (limit <= 0) return true;
  expire(&one->placed, now);
  free_place = (double)one->placed.count + 1 <= limit;
  if (free_place || count_rejected) add(&one->placed, now);
  return free_place;
}

void windows_free(struct windows *w) {
  while (w->list) {
    struct window *next = w->list->next;
    free(w->list->name);
    free(w->list->placed.at);
    free(w->list->arrived.at);
    free(w->list);
    w->list = next;
  }
}
