#include "message.h"
#include "base/ascii.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Returns a copy without %-escapes. In a query "+" is a blank. */
static char *decode(struct arena *a, const char *text, size_t len,
                    bool query) {
  static char nothing[1];
  char *copy = arena_copy(a, text, len), *out = copy;
  size_t i;
  if (!copy) return nothing;
  for (i = 0; i < len; i++) {
    int high = -1, low = -1;
    if (text[i] == '%' && i + 2 < len) {
      high = hex_digit(text[i + 1]);
      low = hex_digit(text[i + 2]);
    }
    if (high >= 0 && low >= 0 && high + low > 0) {
      *out++ = (char)(high * 16 + low);
      i += 2;
    } else {
      *out++ = (char)(query && text[i] == '+' ? ' ' : text[i]);
    }
  }
  *out = '\0';
  return copy;
}

/*
** Normalizes a path: official clients send "/v1//spaces", a trailing slash is
** accepted, and Kantata's paths may end in ".json".
*/
static void normalize_path(char *path) {
  size_t len;
  if (strncmp(path, "/v1//", 5) == 0)
    memmove(path + 3, path + 4, strlen(path + 4) + 1);
  len = strlen(path);
  while (len > 1 && path[len - 1] == '/') path[--len] = '\0';
  if (strncmp(path, "/api/v1/", 8) == 0 && len > 13 &&
      strcmp(path + len - 5, ".json") == 0)
    path[len - 5] = '\0';
}

static size_t count_params(const char *query) {
  size_t count = 1;
  for (; *query; query++) count += *query == '&';
  return count;
}

struct param *params_split(struct arena *arena, const char *text,
                           size_t *count) {
  struct param *params =
    arena_alloc(arena, count_params(text) * sizeof *params);
  *count = 0;
  while (params && *text) {
    size_t len = strcspn(text, "&"), name = strcspn(text, "=&");
    struct param *p = &params[*count];
    if (len) {
      p->name = decode(arena, text, name, true);
      p->value = name < len
                 ? decode(arena, text + name + 1, len - name - 1, true)
                 : "";
      ++*count;
    }
    text += len + (text[len] == '&');
  }
  return params;
}

/* Creates the message from a request's address; the rest is filled in later. */
struct message *message_new(const char *uri) {
  struct message *m = ws_calloc(1, sizeof *m);
  size_t len = strcspn(uri, "?");
  const char *query = uri[len] ? uri + len + 1 : NULL;
  if (!m) return NULL;
  m->path = decode(&m->arena, uri, len, false);
  normalize_path(m->path);
  m->method = m->headers = "";
  if (query) m->query = arena_copy(&m->arena, query, strlen(query));
  if (m->query)
    m->params = params_split(&m->arena, m->query, &m->param_count);
  return m;
}

void message_free(struct message *m) {
  if (!m) return;
  arena_free(&m->arena);
  ws_buffer_free(&m->body);
  ws_free(m);
}

/* Returns the value of a parameter (the last one if it is repeated), or
** NULL. */
const char *message_param(const struct message *m, const char *name) {
  size_t i;
  for (i = m->param_count; i > 0; i--)
    if (strcmp(m->params[i - 1].name, name) == 0)
      return m->params[i - 1].value;
  return NULL;
}

/* Replaces a parameter, or adds it. */
void message_set_param(struct message *m, const char *name,
                       const char *value) {
  struct param *params =
    arena_alloc(&m->arena, (m->param_count + 1) * sizeof *params);
  size_t i, count = 0;
  if (!params) return;
  for (i = 0; i < m->param_count; i++)
    if (strcmp(m->params[i].name, name) != 0) params[count++] = m->params[i];
  params[count].name = name;
  params[count++].value = value ? value : "";
  m->params = params;
  m->param_count = count;
}

/* Reads the token, and sets whether it has the scheme "Bearer". */
const char *message_token(const struct message *m, bool *bearer) {
  const char *text = m->authorization ? m->authorization : "";
  *bearer = ws_ascii_starts_with(text, "bearer") &&
            (text[6] == ' ' || text[6] == '\0');
  if (*bearer) text += 6;
  while (*text == ' ') text++;
  return text;
}

/* Returns the number in "/v1/spaces/17/...", or 0. */
int64_t message_space(const struct message *m) {
  static const char prefix[] = "/v1/spaces/";
  const char *at = m->path + sizeof prefix - 1;
  int64_t id = 0;
  if (strncmp(m->path, prefix, sizeof prefix - 1) != 0) return 0;
  for (; *at >= '0' && *at <= '9' && id < INT64_MAX / 10 - 9; at++)
    id = id * 10 + (*at - '0');
  return id;
}

bool message_is_kantata(const struct message *m) {
  return strncmp(m->path, "/api/v1", 7) == 0;
}
