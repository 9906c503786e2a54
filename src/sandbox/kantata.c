#include "kantata.h"

#include <string.h>

/* The page that is asked for: 20 objects, at most 200. */
bool answer_page(struct call *c, struct answer *a, const char *kind) {
  memset(a, 0, sizeof *a);
  a->kind = kind;
  return param_page(c, &a->page, &a->per_page, 20, 200);
}

/* Adds one of the objects that were asked for. */
void answer_add(struct answer *a, int64_t id, const char *json) {
  const char *comma = a->count++ ? "," : "";
  buf_fmt(&a->results, "%s{\"key\":\"%s\",\"id\":\"%lld\"}", comma, a->kind,
          (long long)id);
  buf_fmt(&a->objects, "%s\"%lld\":", comma, (long long)id);
  buf_str(&a->objects, json ? json : "{}");
}

static const char *data(const struct buf *b) {
  return b->data ? b->data : "";
}

static void add_objects(struct buf *out, const char *kind,
                        const char *objects) {
  buf_fmt(out, ",\"%s\":{", kind);
  buf_str(out, objects);
  buf_str(out, "}");
}

/*
** Writes the whole answer and frees its parts. `users` and `workspaces`
** are what is included, members of an object; NULL leaves the key out.
*/
void answer_write(struct call *c, struct answer *a, const char *users,
                  const char *workspaces) {
  int64_t pages = (a->total + a->per_page - 1) / a->per_page;
  buf_fmt(&c->out, "{\"count\":%lld,\"meta\":{\"count\":%lld,"
          "\"page_count\":%lld,\"page_number\":%lld,\"page_size\":%lld},"
          "\"results\":[", (long long)a->total, (long long)a->total,
          (long long)pages, (long long)a->page, (long long)a->per_page);
  buf_str(&c->out, data(&a->results));
  buf_str(&c->out, "]");
  add_objects(&c->out, a->kind, data(&a->objects));
  if (users) add_objects(&c->out, "users", users);
  if (workspaces) add_objects(&c->out, "workspaces", workspaces);
  buf_str(&c->out, "}");
  c->out.failed |= a->results.failed || a->objects.failed;
  buf_free(&a->results);
  buf_free(&a->objects);
}

void kantata_missing(struct call *c) {
  answer_error(c, 404, SHAPE_STRING, "The record could not be found");
}

/* Whether the query's include names an association. */
bool include_asks(const struct call *c, const char *what) {
  const char *list = param(c, "include");
  size_t len;
  while (list && *list) {
    len = strcspn(list, ",");
    if (len == strlen(what) && strncmp(list, what, len) == 0) return true;
    list += len + (list[len] == ',');
  }
  return false;
}
