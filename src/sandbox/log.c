#include "log.h"

#include <stdlib.h>
#include <string.h>

static bool grow(struct log *log) {
  size_t room = log->room ? log->room * 2 : 256, i;
  struct entry *entries;
  if (room > log->limit) room = log->limit;
  entries = realloc(log->entries, room * sizeof *entries);
  if (!entries) return false;
  for (i = log->room; i < room; i++) memset(&entries[i], 0, sizeof *entries);
  log->entries = entries;
  log->room = room;
  return true;
}

static char *describe(const struct message *m) {
  struct buf b = { 0 };
  buf_fmt(&b, "\"method\":\"%s\",\"path\":", m->method);
  buf_quote(&b, m->path, strlen(m->path));
  if (m->query) {
    buf_str(&b, ",\"query\":");
    buf_quote(&b, m->query, strlen(m->query));
  }
  buf_fmt(&b, ",\"headers\":%s", *m->headers ? m->headers : "{}");
  if (m->body.len) {
    buf_str(&b, ",\"body\":");
    buf_quote(&b, m->body.data, m->body.len);
  }
  return buf_take(&b);
}

/* Notes a request, and gives its number. The oldest one makes room. */
uint64_t log_add(struct log *log, const struct message *m, double at) {
  uint64_t number = ++log->next;
  struct entry *e;
  if (!log->limit) return number;
  if (number > log->room && log->room < log->limit && !grow(log)) {
    log->limit = log->room;
    if (!log->limit) return number;
  }
  e = &log->entries[(number - 1) % log->room];
  free(e->text);
  memset(e, 0, sizeof *e);
  e->at = at;
  e->text = describe(m);
  return number;
}

/* The entry of a request, or NULL when it is not kept any more. */
struct entry *log_entry(struct log *log, uint64_t number) {
  if (!log->room || number == 0 || number > log->next ||
      log->next - number >= log->room)
    return NULL;
  return &log->entries[(number - 1) % log->room];
}

static void write_entry(struct buf *b, const struct entry *e,
                        uint64_t number) {
  buf_fmt(b, "{\"number\":%llu,\"at\":%.9f,%s,\"effect\":%s",
          (unsigned long long)number, e->at, e->text ? e->text : "",
          e->effect ? "true" : "false");
  if (e->status) buf_fmt(b, ",\"status\":%d", e->status);
  if (e->fault) {
    buf_str(b, ",\"fault\":");
    buf_quote(b, e->fault, strlen(e->fault));
  }
  buf_str(b, "}");
}

/* The entries from a number on, as a JSON array. */
void log_write(struct log *log, uint64_t from, struct buf *b) {
  uint64_t n = log->next > log->room ? log->next - log->room + 1 : 1;
  bool first = true;
  if (n < from) n = from;
  buf_str(b, "[");
  for (; n <= log->next && log->room; n++) {
    const struct entry *e = log_entry(log, n);
    if (!e || !e->text) continue;
    if (!first) buf_str(b, ",");
    write_entry(b, e, n);
    first = false;
  }
  buf_str(b, "]");
}

void log_free(struct log *log) {
  size_t i;
  for (i = 0; i < log->room; i++) free(log->entries[i].text);
  free(log->entries);
}
