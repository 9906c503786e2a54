/*
** ASCII characters. The functions of <ctype.h> and <strings.h> depend on the
** locale that the host has set (in a Turkish one "I" is not a capital "i"),
** so the core uses these.
*/

#ifndef WS_ASCII_H
#define WS_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline bool ws_ascii_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static inline char ws_ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ws_ascii_is_letter(char c) {
  return ws_ascii_lower(c) >= 'a' && ws_ascii_lower(c) <= 'z';
}

/* True if both are equal, ignoring case. */
static inline bool ws_ascii_equal(const char *a, const char *b, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (ws_ascii_lower(a[i]) != ws_ascii_lower(b[i])) return false;
  return true;
}

/* True if the text begins with `prefix`, ignoring case. */
static inline bool ws_ascii_starts_with(const char *text,
                                        const char *prefix) {
  for (; *prefix; text++, prefix++)
    if (ws_ascii_lower(*text) != ws_ascii_lower(*prefix)) return false;
  return true;
}

#endif
