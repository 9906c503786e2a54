#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* A copy without %-escapes. In a query '+' stands for a blank. */
static const char *decode(struct arena *a, const char *text, size_t len,
                          bool query) {
  char *copy = arena_copy(a, text, len), *out = copy;
  size_t i;
  if (!copy) return "";
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

static size_t count_params(const char *query) {
  size_t count = 1;
  for (; *query; query++) count += *query == '&';
  return count;
}

static void split_query(struct message *m) {
  const char *at = m->query;
  size_t room = count_params(at);
  m->params = arena_alloc(&m->arena, room * sizeof *m->params);
  while (m->params && *at) {
    size_t len = strcspn(at, "&"), name = strcspn(at, "=&");
    struct param *p = &m->params[m->param_count];
    if (len) {
      p->name = decode(&m->arena, at, name, true);
      p->value = name < len
                 ? decode(&m->arena, at + name + 1, len - name - 1, true)
                 : "";
      m->param_count++;
    }
    at += len + (at[len] == '&');
  }
}

/* The message for a request's address; the rest is filled in later. */
struct message *message_new(const char *uri) {
  struct message *m = calloc(1, sizeof *m);
  size_t len = strcspn(uri, "?");
  const char *query = uri[len] ? uri + len + 1 : NULL;
  if (!m) return NULL;
  while (len > 1 && uri[len - 1] == '/') len--;
  m->path = decode(&m->arena, uri, len, false);
  m->method = m->headers = "";
  if (query) m->query = arena_copy(&m->arena, query, strlen(query));
  if (m->query) split_query(m);
  return m;
}

void message_free(struct message *m) {
  if (!m) return;
  arena_free(&m->arena);
  buf_free(&m->body);
  free(m);
}

/* Of a parameter that is there more than once the last one counts. */
const char *message_param(const struct message *m, const char *name) {
  size_t i;
  for (i = m->param_count; i > 0; i--)
    if (strcmp(m->params[i - 1].name, name) == 0)
      return m->params[i - 1].value;
  return NULL;
}

/* The token, and whether it came with the scheme "Bearer". */
const char *message_token(const struct message *m, bool *bearer) {
  const char *text = m->authorization ? m->authorization : "";
  *bearer = strncasecmp(text, "Bearer", 6) == 0 &&
            (text[6] == ' ' || text[6] == '\0');
  if (*bearer) text += 6;
  while (*text == ' ') text++;
  return text;
}

bool message_is_kantata(const struct message *m) {
  return strncmp(m->path, "/api/v1", 7) == 0;
}
