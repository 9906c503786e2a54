#include "json/utf8.h"

#include <stdbool.h>

typedef unsigned char byte;

static bool is_continuation(byte c) {
  return (c & 0xC0) == 0x80;
}

static bool is_between(byte c, byte low, byte high) {
  return c >= low && c <= high;
}

static size_t three_bytes(const byte *s, size_t size) {
  byte low = s[0] == 0xE0 ? 0xA0 : 0x80, high = s[0] == 0xED ? 0x9F : 0xBF;
  if (size < 3 || !is_continuation(s[2])) return 0;
  return is_between(s[1], low, high) ? 3 : 0;
}

static size_t four_bytes(const byte *s, size_t size) {
  byte low = s[0] == 0xF0 ? 0x90 : 0x80, high = s[0] == 0xF4 ? 0x8F : 0xBF;
  if (size < 4 || !is_continuation(s[2]) || !is_continuation(s[3])) return 0;
  return is_between(s[1], low, high) ? 4 : 0;
}

size_t ws_utf8_length(const char *bytes, size_t size) {
  const byte *s = (const byte *)bytes;
  if (s[0] < 0x80) return 1;
  if (s[0] < 0xC2) return 0;
  if (s[0] < 0xE0) return size >= 2 && is_continuation(s[1]) ? 2 : 0;
  if (s[0] < 0xF0) return three_bytes(s, size);
  if (s[0] < 0xF5) return four_bytes(s, size);
  return 0;
}

ptrdiff_t ws_utf8_find_invalid(const char *bytes, size_t size) {
  size_t at = 0;
  while (at < size) {
    size_t length = ws_utf8_length(bytes + at, size - at);
    if (!length) return (ptrdiff_t)at;
    at += length;
  }
  return -1;
}
