#include "sandbox.h"
#include "inner.h"
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

static void free_all(struct sandbox *s) {
  store_close(s->db);
  faults_free(&s->faults);
  windows_free(&s->windows);
  log_free(&s->log);
  pthread_mutex_destroy(&s->lock);
  config_free(&s->config);
  ws_free(s);
}

/* Reads the option `faults`: a list, or a file with one. */
static bool add_faults(struct sandbox *s, const struct json *faults,
                       ws_buffer *err) {
  ws_buffer text = { 0 }, why = { 0 };
  bool ok = true;
  if (!faults) return true;
  if (faults->type == JSON_TEXT) ok = text_read_file(&text, faults->text, &why);
  else json_write(&text, faults);
  ok = ok && faults_add(&s->faults, ws_buffer_cstring(&text), text.size,
                        s->config.random_seed, &why);
  if (!ok && faults->type == JSON_TEXT)
    fail(err, "faults '%s': %s", faults->text, ws_buffer_cstring(&why));
  else if (!ok)
    fail(err, "%s", ws_buffer_cstring(&why));
  ws_buffer_free(&text);
  ws_buffer_free(&why);
  return ok;
}

static bool open_all(struct sandbox *s, const char *options, size_t len,
                     ws_buffer *err) {
  if (!config_read(&s->config, options, len, err)) return false;
  s->random = random_start(s->config.random_seed);
  s->log.limit = (size_t)s->config.log;
  s->started = ws_now();
  s->db = store_open(s->config.database, err);
  return s->db && add_faults(s, s->config.faults, err) &&
         seed_read(s, err) && server_start(s, err);
}

static char *take_error(ws_buffer *err) {
  if (!err->size) fail(err, "out of memory");
  return text_take(err);
}

struct sandbox *sandbox_start(const char *options, size_t len,
                              char **error) {
  struct sandbox *s = ws_calloc(1, sizeof *s);
  ws_buffer err = { 0 };
  if (s) {
    pthread_mutex_init(&s->lock, NULL);
    if (open_all(s, options, len, &err)) {
      ws_buffer_free(&err);
      return s;
    }
    sandbox_stop(s);
  }
  *error = take_error(&err);
  return NULL;
}

void sandbox_stop(struct sandbox *s) {
  server_stop(s);
  free_all(s);
}

int sandbox_port(const struct sandbox *s) {
  return s->port;
}

static void write_faults(struct sandbox *s, ws_buffer *b) {
  struct fault_batch *batch;
  size_t i, written = 0;
  ws_buffer_add_text(b, ",\"faults\":{");
  for (batch = s->faults.first; batch; batch = batch->next)
    for (i = 0; i < batch->count; i++) {
      if (written++) ws_buffer_add_text(b, ",");
      text_quote_bytes(b, batch->faults[i].name, strlen(batch->faults[i].name));
      text_format(b, ":%lld", (long long)batch->faults[i].fired);
    }
  ws_buffer_add_text(b, "}");
}

char *sandbox_stats(struct sandbox *s) {
  ws_buffer b = { 0 };
  pthread_mutex_lock(&s->lock);
  ws_buffer_add_text(&b, "{");
  stats_write(&s->stats, &b);
  text_format(&b, ",\"peak\":%zu,\"peak_second\":%zu", s->windows.peak,
              s->windows.peak_second);
  write_faults(s, &b);
  ws_buffer_add_text(&b, "}");
  pthread_mutex_unlock(&s->lock);
  return text_take(&b);
}

char *sandbox_requests(struct sandbox *s, uint64_t from) {
  ws_buffer b = { 0 };
  pthread_mutex_lock(&s->lock);
  log_write(&s->log, from, &b);
  pthread_mutex_unlock(&s->lock);
  return text_take(&b);
}

bool sandbox_inject(struct sandbox *s, const char *faults, size_t len,
                    char **error) {
  ws_buffer err = { 0 };
  bool ok;
  pthread_mutex_lock(&s->lock);
  ok = faults_add(&s->faults, faults, len, s->config.random_seed, &err);
  pthread_mutex_unlock(&s->lock);
  if (!ok) *error = take_error(&err);
  else ws_buffer_free(&err);
  return ok;
}

void sandbox_clear_faults(struct sandbox *s) {
  pthread_mutex_lock(&s->lock);
  faults_clear(&s->faults);
  pthread_mutex_unlock(&s->lock);
}

/* Replaces the whole state; an invalid snapshot changes nothing. */
bool sandbox_load(struct sandbox *s, const char *text, size_t len,
                  char **error) {
  struct arena arena = { 0 };
  ws_buffer err = { 0 };
  const struct json *snapshot = json_parse(&arena, text, len, &err);
  bool ok = snapshot != NULL;
  if (ok) {
    pthread_mutex_lock(&s->lock);
    ok = snapshot_load(s, snapshot, &err);
    pthread_mutex_unlock(&s->lock);
  }
  arena_free(&arena);
  if (!ok) *error = take_error(&err);
  else ws_buffer_free(&err);
  return ok;
}

char *sandbox_dump(struct sandbox *s) {
  ws_buffer b = { 0 };
  pthread_mutex_lock(&s->lock);
  snapshot_dump(s, &b);
  pthread_mutex_unlock(&s->lock);
  return text_take(&b);
}
