#include "log.h"

#include <stdlib.h>
#include <string.h>

static bool grow(struct log *log) {
  size_t capacity = log->capacity ? log->capacity * 2 : 256, i;
  struct entry *entries;
  if (capacity > log->limit) capacity = log->limit;
  entries = ws_realloc(log->entries, capacity * sizeof *entries);
  if (!entries) return false;
  for (i = log->capacity; i < capacity; i++)
    memset(&entries[i], 0, sizeof *entries);
  log->entries = entries;
  log->capacity = capacity;
  return true;
}

static char *describe(const struct message *m) {
  ws_buffer b = { 0 };
  text_format(&b, "\"method\":\"%s\",\"path\":", m->method);
  text_quote_bytes(&b, m->path, strlen(m->path));
  if (m->query) {
    ws_buffer_add_text(&b, ",\"query\":");
    text_quote_bytes(&b, m->query, strlen(m->query));
  }
  text_format(&b, ",\"headers\":%s", *m->headers ? m->headers : "{}");
  if (m->body.size) {
    ws_buffer_add_text(&b, ",\"body\":");
    text_quote_bytes(&b, m->body.bytes, m->body.size);
  }
  return text_take(&b);
}

/* Adds a request and returns its number. Replaces the oldest entry when the
** log is full. */
uint64_t log_add(struct log *log, const struct message *m, double at) {
  uint64_t number = ++log->next;
  struct entry *e;
  if (!log->limit) return number;
  if (number > log->capacity && log->capacity < log->limit && !grow(log)) {
    log->limit = log->capacity;
    if (!log->limit) return number;
  }
  e = &log->entries[(number - 1) % log->capacity];
  ws_free(e->text);
  memset(e, 0, sizeof *e);
  e->at = at;
  e->text = describe(m);
  return number;
}

/* Returns the entry of a request; NULL if it was replaced. */
struct entry *log_entry(struct log *log, uint64_t number) {
  if (!log->capacity || number == 0 || number > log->next ||
      log->next - number >= log->capacity)
    return NULL;
  return &log->entries[(number - 1) % log->capacity];
}

static void write_entry(ws_buffer *b, const struct entry *e,
                        uint64_t number) {
  text_format(b, "{\"number\":%llu,\"at\":", (unsigned long long)number);
  text_number(b, e->at);
  text_format(b, ",%s,\"effect\":%s", e->text ? e->text : "",
                  e->effect ? "true" : "false");
  if (e->status) text_format(b, ",\"status\":%d", e->status);
  if (e->fault) {
    ws_buffer_add_text(b, ",\"fault\":");
    text_quote_bytes(b, e->fault, strlen(e->fault));
  }
  ws_buffer_add_text(b, "}");
}

/* Writes the entries from a number on as a JSON array. */
void log_write(struct log *log, uint64_t from, ws_buffer *b) {
  uint64_t n = log->next > log->capacity ? log->next - log->capacity + 1 : 1;
  bool first = true;
  if (n < from) n = from;
  ws_buffer_add_text(b, "[");
  for (; n <= log->next && log->capacity; n++) {
    const struct entry *e = log_entry(log, n);
    if (!e || !e->text) continue;
    if (!first) ws_buffer_add_text(b, ",");
    write_entry(b, e, n);
    first = false;
  }
  ws_buffer_add_text(b, "]");
}

void log_free(struct log *log) {
  size_t i;
  for (i = 0; i < log->capacity; i++) ws_free(log->entries[i].text);
  ws_free(log->entries);
}
