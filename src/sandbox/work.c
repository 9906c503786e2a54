/* Runs the handler of a request, immediately or late. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A late effect: the request, which is served again at that time. */
struct late {
  struct timer timer;
  struct message *message;
  char now[TIME_SIZE];
  int64_t counter;     /* of ids, so that the same ones are assigned */
  uint64_t number;
};

static void set_call(struct call *c, struct sandbox *s,
                     const struct message *m) {
  memset(c, 0, sizeof *c);
  c->sandbox = s;
  c->db = s->db;
  c->config = &s->config;
  c->message = m;
}

static void note_effect(struct sandbox *s, uint64_t number,
                        const struct effects *effects) {
  struct entry *e = log_entry(&s->log, number);
  if (e && effects_any(effects)) e->effect = true;
  effects_add(&s->stats.effects, effects);
}

/* Serves a late request and keeps its effect. */
static void serve_late(void *host, struct timer *timer, bool stopping) {
  struct late *late = (struct late *)timer;
  struct sandbox *s = host;
  int64_t counter = store_counter(s->db);
  struct call c;
  set_call(&c, s, late->message);
  memcpy(c.now, late->now, sizeof c.now);
  s->stats.late--;
  if (!stopping) {
    store_rewind(s->db, late->counter);
    store_begin(s->db);
    call_serve(&c);
    store_end(s->db, c.status < 400);
    if (store_counter(s->db) < counter) store_rewind(s->db, counter);
    if (c.status < 400) note_effect(s, late->number, &c.effects);
    else s->stats.late_failed++;
  }
  call_free(&c);
  message_free(late->message);
  ws_free(late);
}

/* Sets a timer that serves the request later. The original keeps only what its
** response needs. */
static void postpone(struct request *r, const char *now, int64_t counter) {
  struct sandbox *s = r->sandbox;
  struct late *late = ws_calloc(1, sizeof *late);
  if (!late) return;
  late->timer.fire = serve_late;
  late->message = r->message;
  late->counter = counter;
  late->number = r->number;
  memcpy(late->now, now, TIME_SIZE);
  s->stats.late++;
  if (timers_add(&s->timers, &late->timer, r->fault->late)) {
    r->message = NULL;
  } else {
    s->stats.late--;
    ws_free(late);
  }
}

static void keep_answer(struct request *r, struct call *c) {
  r->status = c->status;
  r->total = c->total;
  r->per_page = c->per_page;
  r->body_len = c->out.size;
  r->body = c->out.size ? text_take(&c->out) : NULL;
}

static const char *param_value(struct message *m, const struct json *v) {
  char digits[24];
  if (v->type == JSON_TEXT) return v->text;
  snprintf(digits, sizeof digits, "%lld", (long long)v->integer);
  return arena_copy(&m->arena, digits, strlen(digits));
}

/* Replaces parameters, if a fault says so. */
static void change_query(const struct request *r) {
  const struct json *v = r->fault ? r->fault->query : NULL;
  for (v = v ? v->child : NULL; v; v = v->next)
    message_set_param(r->message, v->key, param_value(r->message, v));
}

/*
** Executes the request. With a late fault it is executed and rolled back, to
** get the response, and executed again at its time.
*/
void request_work(struct request *r) {
  struct sandbox *s = r->sandbox;
  int64_t counter = store_counter(s->db);
  struct call c;
  bool good, late;
  change_query(r);
  set_call(&c, s, r->message);
  clock_iso(c.now, s->config.time_offset);
  store_begin(s->db);
  call_serve(&c);
  good = c.status < 400;
  late = good && r->fault && r->fault->late > 0 && effects_any(&c.effects);
  store_end(s->db, good && !late);
  if (good && !late) note_effect(s, r->number, &c.effects);
  keep_answer(r, &c);
  if (late) postpone(r, c.now, counter);
  call_free(&c);
}
