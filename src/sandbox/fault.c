#include "call.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

static const struct field fields[] = {
  { "name", F_TEXT }, { "method", F_TEXT }, { "path", F_TEXT },
  { "count", F_INT }, { "after", F_INT }, { "chance", F_NUMBER },
  { "seed", F_INT }, { "status", F_INT },
  { "body", F_TEXT | F_OBJECT | F_ARRAY }, { "headers", F_OBJECT },
  { "retry_after", F_NUMBER }, { "effect", F_BOOL }, { "shape", F_TEXT },
  { "close", F_TEXT }, { "reset", F_BOOL }, { "hang", F_TEXT },
  { "hold", F_NUMBER }, { "delay", F_NUMBER }, { "delay_after", F_NUMBER },
  { "late", F_NUMBER }, { "idle_close", F_NUMBER | F_BOOL },
  { "truncate", F_NUMBER | F_BOOL }, { "malformed", F_BOOL },
  { "html", F_BOOL }, { "query", F_OBJECT }, { NULL, 0 },
};

/* Returns a start value for ws_random() that differs much for similar seeds;
** never 0. */
uint64_t random_start(int64_t seed) {
  uint64_t z = (uint64_t)seed + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return z ? z : 1;
}

static double number(const struct json *v, const char *name, double other) {
  const struct json *found = json_get(v, name);
  if (!found || found->type == JSON_BOOL) return other;
  return found->real;
}

static int64_t integer(const struct json *v, const char *name,
                       int64_t other) {
  const struct json *found = json_get(v, name);
  return found ? found->integer : other;
}

static const char *text(const struct json *v, const char *name) {
  const struct json *found = json_get(v, name);
  return found ? found->text : NULL;
}

static bool flag(const struct json *v, const char *name) {
  const struct json *found = json_get(v, name);
  return found && found->type == JSON_BOOL && found->boolean;
}

static bool read_moment(const struct json *v, const char *name,
                        enum moment *moment, ws_buffer *err) {
  const char *word = text(v, name);
  *moment = NEVER;
  if (!word) return true;
  if (strcmp(word, "before") == 0) *moment = BEFORE;
  else if (strcmp(word, "after") == 0) *moment = AFTER;
  else return fail(err, "fault field '%s' must be 'before' or 'after'", name);
  return true;
}

static bool check_headers(const struct json *headers, ws_buffer *err) {
  const struct json *v;
  for (v = headers ? headers->child : NULL; v; v = v->next)
    if (!v->key || (v->type != JSON_TEXT && v->type != JSON_INT &&
                    v->type != JSON_ARRAY &&
                    (v->type != JSON_BOOL || v->boolean)))
      return fail(err, "fault field 'headers': names and strings expected");
  return true;
}

static bool check_query(const struct json *query, ws_buffer *err) {
  const struct json *v;
  for (v = query ? query->child : NULL; v; v = v->next)
    if (!v->key || (v->type != JSON_TEXT && v->type != JSON_INT))
      return fail(err, "fault field 'query': names and strings expected");
  return true;
}

static bool check_shape(const char *shape, ws_buffer *err) {
  size_t i;
  for (i = 0; shape && shape_names[i]; i++)
    if (strcmp(shape_names[i], shape) == 0) return true;
  if (!shape) return true;
  fail(err, "fault field 'shape' must be one of");
  for (i = 0; shape_names[i]; i++)
    text_format(err, "%s '%s'", i ? "," : "", shape_names[i]);
  return false;
}

static bool check_numbers(const struct json *v, ws_buffer *err) {
  const struct json *member;
  int64_t status = integer(v, "status", 500);
  for (member = v->child; member; member = member->next)
    if (member->real < 0 && strcmp(member->key, "seed") != 0)
      return fail(err, "fault field '%s' must not be negative", member->key);
  if (status < 200 || status > 599)
    return fail(err, "fault field 'status' must be 200 to 599");
  if (number(v, "chance", 1) > 1)
    return fail(err, "fault field 'chance' must be 0 to 1");
  return true;
}

static void read_which(struct fault *f, const struct json *v, int64_t seed) {
  f->name = text(v, "name");
  f->method = text(v, "method");
  f->path = text(v, "path");
  f->count = integer(v, "count", -1);
  f->after = integer(v, "after", 0);
  f->chance = number(v, "chance", 1);
  f->random = random_start(integer(v, "seed", seed));
  f->enabled = true;
}

static void read_what(struct fault *f, const struct json *v) {
  double truncate = number(v, "truncate", flag(v, "truncate") ? -2 : -1);
  f->status = (int)integer(v, "status", 0);
  f->body = json_get(v, "body");
  f->headers = json_get(v, "headers");
  f->query = json_get(v, "query");
  f->effect = json_get(v, "effect");
  f->shape = text(v, "shape");
  f->retry_after = number(v, "retry_after", -1);
  f->reset = flag(v, "reset");
  f->malformed = flag(v, "malformed");
  f->html = flag(v, "html");
  f->hold = number(v, "hold", 180);
  f->delay = number(v, "delay", 0);
  f->delay_after = number(v, "delay_after", 0);
  f->late = number(v, "late", 0);
  f->idle_close = number(v, "idle_close", flag(v, "idle_close") ? 0 : -1);
  f->truncate = truncate < 1e15 ? (int64_t)truncate : (int64_t)1e15;
}

static bool does_something(const struct fault *f) {
  return f->status || f->body || f->headers || f->query || f->close ||
         f->hang || f->reset || f->malformed || f->html || f->delay > 0 ||
         f->delay_after > 0 || f->late > 0 || f->idle_close >= 0 ||
         f->truncate != -1 || f->retry_after >= 0;
}

static bool read_fault(struct fault *f, const struct json *v, int64_t seed,
                       ws_buffer *err) {
  if (!fields_check(fields, v, "fault field", err)) return false;
  if (!check_numbers(v, err) || !check_headers(json_get(v, "headers"), err) ||
      !check_query(json_get(v, "query"), err))
    return false;
  read_which(f, v, seed);
  read_what(f, v);
  if (!read_moment(v, "close", &f->close, err) ||
      !read_moment(v, "hang", &f->hang, err) || !check_shape(f->shape, err))
    return false;
  if (f->retry_after >= 0 && !f->status) f->status = 429;
  if (f->reset && !f->close) f->close = BEFORE;
  if (!does_something(f)) return fail(err, "a fault that does nothing");
  return true;
}

static bool read_batch(struct faults *all, struct fault_batch *batch,
                       const char *json, size_t len, int64_t seed,
                       ws_buffer *err) {
  const struct json *list = json_parse(&batch->arena, json, len, err), *v;
  if (!list) return false;
  if (list->type != JSON_ARRAY) return fail(err, "a list of faults expected");
  batch->faults = arena_alloc(&batch->arena,
                              (list->len + 1) * sizeof *batch->faults);
  if (!batch->faults) return fail(err, "out of memory");
  for (v = list->child; v; v = v->next) {
    struct fault *f = &batch->faults[batch->count++];
    size_t number_of_it = all->count + batch->count;
    ws_buffer b = { 0 };
    if (!read_fault(f, v, seed + (int64_t)number_of_it, &b)) {
      fail(err, "fault %zu: %s", batch->count, ws_buffer_cstring(&b));
      ws_buffer_free(&b);
      return false;
    }
    text_format(&b, "fault %zu", number_of_it);
    if (!f->name) f->name = arena_keep(&batch->arena, &b);
    else ws_buffer_free(&b);
  }
  return true;
}

/* Adds a list of faults from JSON text after the existing ones. */
bool faults_add(struct faults *all, const char *json, size_t len,
                int64_t seed, ws_buffer *err) {
  struct fault_batch *batch = ws_calloc(1, sizeof *batch), **tail;
  if (!batch) return fail(err, "out of memory");
  if (!read_batch(all, batch, json, len, seed, err)) {
    arena_free(&batch->arena);
    ws_free(batch);
    return false;
  }
  all->count += batch->count;
  for (tail = &all->first; *tail; tail = &(*tail)->next) continue;
  *tail = batch;
  return true;
}

/* Disables all faults. They stay in memory, as a request may still use one. */
void faults_clear(struct faults *all) {
  struct fault_batch *batch;
  size_t i;
  for (batch = all->first; batch; batch = batch->next)
    for (i = 0; i < batch->count; i++) batch->faults[i].enabled = false;
}

void faults_free(struct faults *all) {
  while (all->first) {
    struct fault_batch *next = all->first->next;
    arena_free(&all->first->arena);
    ws_free(all->first);
    all->first = next;
  }
}

static bool glob(const char *pattern, const char *path) {
  for (; *pattern; pattern++, path++) {
    if (*pattern == '*') {
      for (;; path++) {
        if (glob(pattern + 1, path)) return true;
        if (!*path) return false;
      }
    }
    if (*pattern != *path) return false;
  }
  return !*path;
}

static bool meets(struct fault *f, const char *method, const char *path) {
  if (!f->enabled || (f->method && strcmp(f->method, method) != 0))
    return false;
  if (!f->path) return true;
  if (strchr(f->path, '*')) return glob(f->path, path);
  return strstr(path, f->path) != NULL;
}

/* Counts a match; true if the fault applies to it. */
static bool fires(struct fault *f) {
  if (f->matched++ < f->after) return false;
  if (f->count >= 0 && f->fired >= f->count) return false;
  if (f->chance < 1 && ws_random(&f->random) >= f->chance) return false;
  f->fired++;
  return true;
}

/* Returns the first fault that applies to a request, or NULL. */
struct fault *faults_find(struct faults *all, const char *method,
                          const char *path) {
  struct fault_batch *batch;
  size_t i;
  for (batch = all->first; batch; batch = batch->next)
    for (i = 0; i < batch->count; i++) {
      struct fault *f = &batch->faults[i];
      if (meets(f, method, path) && fires(f)) return f;
    }
  return NULL;
}

/*
** True if the request is not executed: an error status means that the server
** refused it, unless the fault says otherwise.
*/
bool fault_skips_effect(const struct fault *f) {
  if (f->effect) return !f->effect->boolean;
  if (f->close == BEFORE || f->hang == BEFORE) return true;
  if (f->close == AFTER || f->hang == AFTER || f->late > 0) return false;
  return f->status >= 300;
}
