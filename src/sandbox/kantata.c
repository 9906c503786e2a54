#include "kantata.h"
#include "resources.h"

#include <string.h>

/* Reads limit and offset, which override page and per_page and must be given
** together. */
static bool read_offset(struct call *c, struct answer *a) {
  int64_t limit = 0;
  if (!param_given(c, "limit") && !param_given(c, "offset")) return true;
  if (!param_given(c, "limit") || !param_given(c, "offset")) {
    problem(c, param_given(c, "limit") ? "offset" : "limit", "is required");
    return no_problems(c, 400, SHAPE_STRING);
  }
  if (!param_number(c, "limit", 1, &limit) ||
      !param_number(c, "offset", 0, &a->offset))
    return false;
  a->per_page = limit < 200 ? limit : 200;
  a->page = a->offset / a->per_page + 1;
  return true;
}

/* Reads the requested page: 20 objects, at most 200. */
bool answer_page(struct call *c, struct answer *a, const char *kind) {
  memset(a, 0, sizeof *a);
  a->kind = kind;
  if (!param_page(c, &a->page, &a->per_page, 20, 200)) return false;
  a->offset = (a->page - 1) * a->per_page;
  return read_offset(c, a);
}

/* Adds one of the requested objects. */
void answer_add(struct answer *a, int64_t id, const char *json) {
  const char *comma = a->count++ ? "," : "";
  text_format(&a->results, "%s{\"key\":\"%s\",\"id\":\"%lld\"}", comma, a->kind,
              (long long)id);
  text_format(&a->objects, "%s\"%lld\":", comma, (long long)id);
  ws_buffer_add_text(&a->objects, json ? json : "{}");
}

static void add_objects(ws_buffer *out, const char *kind,
                        const char *objects) {
  text_format(out, ",\"%s\":{", kind);
  ws_buffer_add_text(out, objects);
  ws_buffer_add_text(out, "}");
}

/*
** Writes the response and frees its parts. `users` and `workspaces` are the
** included objects, as members of an object; NULL omits the key.
*/
void answer_write(struct call *c, struct answer *a, const char *users,
                  const char *workspaces) {
  int64_t pages = (a->total + a->per_page - 1) / a->per_page;
  text_format(&c->out, "{\"count\":%lld,\"meta\":{\"count\":%lld,"
              "\"page_count\":%lld,\"page_number\":%lld,\"page_size\":%lld},"
              "\"results\":[", (long long)a->total, (long long)a->total,
              (long long)pages, (long long)a->page, (long long)a->per_page);
  ws_buffer_add_text(&c->out, ws_buffer_cstring(&a->results));
  ws_buffer_add_text(&c->out, "]");
  add_objects(&c->out, a->kind, ws_buffer_cstring(&a->objects));
  if (users) add_objects(&c->out, "users", users);
  if (workspaces) add_objects(&c->out, "workspaces", workspaces);
  ws_buffer_add_text(&c->out, "}");
  c->out.failed |= a->results.failed || a->objects.failed;
  ws_buffer_free(&a->results);
  ws_buffer_free(&a->objects);
}

void kantata_missing(struct call *c) {
  answer_error(c, 404, SHAPE_STRING, "The record could not be found");
}

/* True if a parameter is a comma-separated list that contains a name. */
bool param_lists(const struct call *c, const char *param_name,
                 const char *name) {
  const char *list = param(c, param_name);
  while (list && *list) {
    size_t len = strcspn(list, ",");
    if (len == strlen(name) && strncmp(list, name, len) == 0) return true;
    list += len + (list[len] == ',');
  }
  return false;
}

/* Responds with the token's user, in the format of all responses. */
void k_users_me(struct call *c) {
  ws_buffer user = { 0 };
  struct answer a;
  if (!answer_page(c, &a, "users")) return;
  store_text(c->db, &user, "SELECT " K_USER " FROM k_users u WHERE u.id = ?",
             "i", c->user.id);
  a.total = 1;
  answer_add(&a, c->user.id, ws_buffer_cstring(&user));
  answer_write(c, &a, NULL, NULL);
  ws_buffer_free(&user);
}
