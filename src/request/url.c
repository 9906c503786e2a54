#include "request/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"

/* True for a character that a path or query may contain unescaped. */
static bool is_plain(char c) {
  static const bool special[0x80] = {
    ['"'] = true, ['#'] = true, ['<'] = true, ['>'] = true, ['\\'] = true,
    ['^'] = true, ['`'] = true, ['{'] = true, ['|'] = true, ['}'] = true,
  };
  return c > 0x20 && c < 0x7f && !special[(unsigned char)c];
}

static size_t count_plain(const char *text) {
  size_t size = 0;
  while (is_plain(text[size])) size++;
  return size;
}

/* -------------------------------------------------------------- base URLs */

static bool has_part(CURLU *url, CURLUPart part) {
  char *text = NULL;
  bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return found;
}

static const char *parse_error(CURLUcode code) {
  switch (code) {
    case CURLUE_OK: return NULL;
    case CURLUE_OUT_OF_MEMORY: return "cannot be checked: not enough memory";
    case CURLUE_BAD_PORT_NUMBER: return "has a port that is not 1 to 65535";
    case CURLUE_NO_HOST: return "has no host";
    default: return "is not a valid URL";
  }
}

/* libcurl accepts port 0, to which nothing can be sent. */
static bool has_port_zero(CURLU *url) {
  char *port = NULL;
  bool is_zero = curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK &&
                 strspn(port, "0") == strlen(port);
  curl_free(port);
  return is_zero;
}

static const char *unwanted_part(CURLU *url) {
  if (has_port_zero(url)) return parse_error(CURLUE_BAD_PORT_NUMBER);
  if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
    return "has a user, which a base URL must not have";
  if (has_part(url, CURLUPART_QUERY))
    return "has a query, which a base URL must not have";
  return NULL;
}

/* libcurl would take "https:///v1" for the host "v1". */
static const char *check_base(const char *text) {
  CURLU *url;
  const char *why;
  if (!ws_ascii_starts_with(text, "http://") &&
      !ws_ascii_starts_with(text, "https://"))
    return "does not start with http:// or https://";
  if (strchr(text, '/')[2] == '/') return parse_error(CURLUE_NO_HOST);
  if (text[count_plain(text)] == '#')
    return "has a fragment, which a base URL must not have";
  if (text[count_plain(text)])
    return "has a character that must be percent-encoded";
  url = curl_url();
  if (!url) return parse_error(CURLUE_OUT_OF_MEMORY);
  why = parse_error(curl_url_set(url, CURLUPART_URL, text,
                                 CURLU_PATH_AS_IS));
  if (!why) why = unwanted_part(url);
  curl_url_cleanup(url);
  return why;
}

bool ws_url_is_base(const char *url, const char **why) {
  *why = check_base(url);
  return !*why;
}

/* -------------------------------------------------------- paths and queries */

bool ws_url_check(const char *path, const char *query, ws_error *error) {
  size_t plain;
  if (!path || *path != '/') {
    ws_fail(error, WS_INVALID, "path: '%.60s' does not begin with a slash",
            path ? path : "");
    return false;
  }
  plain = count_plain(path);
  if (path[plain]) {
    ws_fail(error, WS_INVALID, "path: the character at byte %zu must be "
            "percent-encoded", plain + 1);
    return false;
  }
  plain = query ? count_plain(query) : 0;
  if (query && query[plain]) {
    ws_fail(error, WS_INVALID, "query: the character at byte %zu must be "
            "percent-encoded", plain + 1);
    return false;
  }
  return true;
}

void ws_url_join(ws_buffer *url, const char *base, const char *path,
                 const char *query) {
  ws_buffer_add_text(url, base);
  ws_buffer_add_text(url, path);
  if (!query || !*query) return;
  ws_buffer_add_char(url, strchr(path, '?') ? '&' : '?');
  ws_buffer_add_text(url, query);
}

/* ---------------------------------------------------------------- proxies */

static bool is_proxy_scheme(const char *scheme) {
  static const char *const known[] = {"http", "https", "socks4", "socks4a",
                                      "socks5", "socks5h"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strlen(scheme) == strlen(known[i]) &&
        ws_ascii_starts_with(scheme, known[i]))
      return true;
  return false;
}

/* If memory runs out, returns true and leaves the check to libcurl. */
bool ws_url_is_proxy(const char *proxy) {
  CURLU *url = curl_url();
  char *scheme = NULL;
  bool good = true;
  if (!url) return true;
  CURLUcode code = curl_url_set(url, CURLUPART_URL, proxy,
                                CURLU_NON_SUPPORT_SCHEME |
                                CURLU_GUESS_SCHEME);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
  if (code != CURLUE_OUT_OF_MEMORY)
    good = code == CURLUE_OK && is_proxy_scheme(scheme);
  curl_free(scheme);
  curl_url_cleanup(url);
  return good;
}

static const char *first_set(const char *const names[]) {
  for (; *names; names++) {
    const char *value = getenv(*names);
    if (value && *value) return *names;
  }
  return NULL;
}

const char *ws_url_proxy_variable(const char *base) {
  static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY",
                                     NULL};
  static const char *const https[] = {"https_proxy", "HTTPS_PROXY",
                                      "all_proxy", "ALL_PROXY", NULL};
  return first_set(ws_ascii_starts_with(base, "https:") ? https : http);
}

/* -------------------------------------------------------------- redaction */

/* The start of the user in front of an "@": after the first "//", or else
** after the first quote, or else after the last space. Passwords may contain
** any of them; this redacts too much rather than too little. */
static char *user_start(char *message, char *at) {
  char *slashes = strstr(message, "//"), *quote = strchr(message, '\'');
  if (slashes && slashes < at) return slashes + 2;
  if (quote && quote < at) return quote + 1;
  while (at > message && at[-1] != ' ') at--;
  return at;
}

/* May make the message longer, up to `size` bytes. */
void ws_url_redact(char *message, size_t size) {
  static const char mark[] = "[redacted]";
  char *at = strrchr(message, '@'), *start;
  size_t space, length;
  if (!at) return;
  start = user_start(message, at);
  space = size - (size_t)(start - message);
  length = strlen(at) + 1;
  if (space <= sizeof mark) {
    *start = '\0';
    return;
  }
  if (length > space - (sizeof mark - 1)) length = space - (sizeof mark - 1);
  memmove(start + sizeof mark - 1, at, length);
  memcpy(start, mark, sizeof mark - 1);
  message[size - 1] = '\0';
}
