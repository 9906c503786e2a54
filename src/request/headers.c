#include "request/headers.h"

#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/wipe.h"

/* ------------------------------------------------------------- of requests */

/* True for the characters of a header name ("token" in RFC 9110). */
static bool is_token_char(char c) {
  return ws_ascii_is_letter(c) || ws_ascii_is_digit(c) ||
         (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t name_length(const char *line) {
  size_t size = 0;
  while (is_token_char(line[size])) size++;
  return size;
}

static bool has_name(const char *line, const char *name) {
  size_t size = strlen(name);
  return ws_ascii_starts_with(line, name) && line[size] == ':';
}

static bool check_name(const char *line, ws_error *error) {
  static const struct { const char *name, *advice; } reserved[] = {
    {"Authorization", "; give token or oauth_token"}, {"Content-Length", ""},
    {"Transfer-Encoding", ""}, {"Expect", ""},
  };
  for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
    if (has_name(line, reserved[i].name)) {
      ws_fail(error, WS_INVALID, "headers: %s is set by this module%s",
              reserved[i].name, reserved[i].advice);
      return false;
    }
  return true;
}

/* Accepts "Name: value" without line breaks, after which the rest of the value
** would be a second header, and without other control characters. */
static bool check_line(const char *line, ws_error *error) {
  size_t size = name_length(line);
  if (size == 0 || line[size] != ':') {
    ws_fail(error, WS_INVALID, "headers: '%.40s' is not a header line, such "
            "as \"Name: value\"", line);
    return false;
  }
  for (const char *at = line + size; *at; at++)
    if ((unsigned char)*at < 0x20 && *at != '\t') {
      ws_fail(error, WS_INVALID, "headers: the value of '%.*s' holds a line "
              "break or another control character", (int)size, line);
      return false;
    }
  return check_name(line, error);
}

bool ws_headers_check(const char *const *headers, ws_error *error) {
  for (; headers && *headers; headers++)
    if (!check_line(*headers, error)) return false;
  return true;
}

bool ws_headers_have(const char *const *headers, const char *name) {
  for (; headers && *headers; headers++)
    if (has_name(*headers, name)) return true;
  return false;
}

bool ws_headers_add(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer) *list = longer;
  return longer != NULL;
}

static bool overrides(const char *const *headers, const char *line) {
  size_t size = name_length(line) + 1;
  for (; *headers; headers++)
    if (name_length(*headers) + 1 == size &&
        ws_ascii_equal(*headers, line, size))
      return true;
  return false;
}

bool ws_headers_merge(struct curl_slist **result,
                      const struct curl_slist *list,
                      const char *const *headers) {
  for (; list; list = list->next)
    if (!overrides(headers, list->data) &&
        !ws_headers_add(result, list->data))
      return false;
  for (; *headers; headers++)
    if (!ws_headers_add(result, *headers)) return false;
  return true;
}

void ws_headers_free(struct curl_slist *list) {
  for (struct curl_slist *at = list; at; at = at->next)
    ws_wipe(at->data, strlen(at->data));
  curl_slist_free_all(list);
}

/* ------------------------------------------------------------- of responses */

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* Trims whitespace at both ends. */
static const char *trim(const char *value, const char *end, size_t *size) {
  while (value < end && is_blank(*value)) value++;
  while (end > value && is_blank(end[-1])) end--;
  *size = (size_t)(end - value);
  return value;
}

bool ws_headers_next(const ws_buffer *lines, size_t *at, const char **name,
                     size_t *name_size, const char **value,
                     size_t *value_size) {
  const char *line, *colon, *end;
  do {
    if (*at >= lines->size) return false;
    line = lines->bytes + *at;
    end = memchr(line, '\n', lines->size - *at);
    if (!end) end = lines->bytes + lines->size - 1;
    *at += (size_t)(end - line) + 1;
    colon = memchr(line, ':', (size_t)(end - line));
  } while (!colon);
  *name = line;
  *name_size = (size_t)(colon - line);
  *value = trim(colon + 1, end, value_size);
  return true;
}

const char *ws_headers_find(const ws_buffer *lines, const char *name,
                            size_t *size) {
  size_t at = 0, name_size;
  const char *found, *value;
  while (ws_headers_next(lines, &at, &found, &name_size, &value, size))
    if (strlen(name) == name_size && ws_ascii_equal(found, name, name_size))
      return value;
  return NULL;
}

bool ws_headers_copy(const ws_buffer *lines, const char *name, char *text,
                     size_t size) {
  size_t length;
  const char *value = ws_headers_find(lines, name, &length);
  if (!value || length >= size) return false;
  memcpy(text, value, length);
  text[length] = '\0';
  return true;
}

double ws_headers_date(const ws_buffer *lines) {
  char text[64];
  if (!ws_headers_copy(lines, "Date", text, sizeof text)) return -1;
  return (double)curl_getdate(text, NULL);
}
