/*
** The pieces of a URL. See url.h.
*/

#include "base/url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Not isalnum: that depends on the host's locale. */
static bool is_unreserved(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
    || c == '-' || c == '.' || c == '_' || c == '~';
}

static bool must_keep(char c, const char *keep) {
  return is_unreserved(c) || (c && keep && strchr(keep, c));
}

static void add_percent(ws_buffer *buffer, unsigned char c) {
  static const char hex[] = "0123456789ABCDEF";
  char text[3] = {'%', hex[c >> 4], hex[c & 15]};
  ws_buffer_add(buffer, text, sizeof text);
}

void ws_url_escape(ws_buffer *buffer, const char *bytes, size_t size,
                   const char *keep) {
  size_t at = 0;
  while (at < size) {
    size_t run = 0;
    while (at + run < size && must_keep(bytes[at + run], keep)) run++;
    ws_buffer_add(buffer, bytes + at, run);
    at += run;
    if (at < size) add_percent(buffer, (unsigned char)bytes[at++]);
  }
}

static const char *after_scheme(const char *url) {
  if (!strncasecmp(url, "http://", 7)) return url + 7;
  if (!strncasecmp(url, "https://", 8)) return url + 8;
  return NULL;
}

/* The end of an IPv6 address and its bracket; NULL when it is none. */
static const char *after_address(const char *address) {
  char text[INET6_ADDRSTRLEN];
  unsigned char bytes[16];
  size_t size = strcspn(address, "]");
  if (!address[size] || size >= sizeof text) return NULL;
  memcpy(text, address, size);
  text[size] = '\0';
  return inet_pton(AF_INET6, text, bytes) == 1 ? address + size + 1 : NULL;
}

/* The end of the host's name, with an IPv6 address in its brackets; NULL
** when there is no name. */
static const char *after_host(const char *host) {
  size_t size;
  if (*host == '[') return after_address(host + 1);
  for (size = 0; is_unreserved(host[size]); size++)
    ;
  return size ? host + size : NULL;
}

/* The end of an optional ":port"; NULL when it is no port. */
static const char *after_port(const char *rest) {
  long port = 0;
  size_t size = 1;
  if (*rest != ':') return rest;
  for (; size <= 5 && is_digit(rest[size]); size++)
    port = port * 10 + (rest[size] - '0');
  return port >= 1 && port <= 65535 && !is_digit(rest[size])
    ? rest + size : NULL;
}

static const char *path_error(const char *path) {
  for (; *path; path++) {
    if (*path <= ' ' || *path > '~' || strchr("\"<>\\^`{|}", *path))
      return "has a character that no URL may hold";
  }
  return NULL;
}

static const char *base_error(const char *url) {
  const char *rest = after_scheme(url);
  if (!rest) return "does not start with http:// or https://";
  if (memchr(rest, '@', strcspn(rest, "/?#")))
    return "names a user, which has no place in it";
  if (strchr(rest, '?')) return "has a query, which has no place in it";
  if (strchr(rest, '#')) return "has a fragment, which has no place in it";
  rest = after_host(rest);
  if (!rest) return "names no host";
  rest = after_port(rest);
  if (!rest) return "has a port that is no number from 1 to 65535";
  if (*rest && *rest != '/')
    return "has a character that no host's name may hold";
  return path_error(rest);
}

bool ws_url_is_base(const char *url, const char **why) {
  const char *problem = base_error(url);
  if (why) *why = problem;
  return !problem;
}
