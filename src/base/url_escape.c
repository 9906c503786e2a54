#include "base/url_escape.h"

#include "base/ascii.h"

static bool is_unreserved(char c) {
  return ws_ascii_is_digit(c) || ws_ascii_is_letter(c) || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

static void add_percent(ws_buffer *buffer, unsigned char c) {
  static const char hex[] = "0123456789ABCDEF";
  char text[3] = {'%', hex[c >> 4], hex[c & 15]};
  ws_buffer_add(buffer, text, sizeof text);
}

void ws_url_escape(ws_buffer *buffer, const char *bytes, size_t size) {
  size_t at = 0;
  while (at < size) {
    size_t run = 0;
    while (at + run < size && is_unreserved(bytes[at + run])) run++;
    ws_buffer_add(buffer, bytes + at, run);
    at += run;
    if (at < size) add_percent(buffer, (unsigned char)bytes[at++]);
  }
}
