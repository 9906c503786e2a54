/*
** Writing JSON: the plain pieces. See json.h.
*/

#include "json/writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS    EACH_BYTE(0x80)

static bool is_continuation(byte c) {
  return (c & 0xC0) == 0x80;
}

static bool is_between(byte c, byte low, byte high) {
  return c >= low && c <= high;
}

static size_t three_bytes(const byte *s, size_t size) {
  if (size < 3 || !is_continuation(s[2])) return 0;
  return is_between(s[1], s[0] == 0xE0 ? 0xA0 : 0x80,
                    s[0] == 0xED ? 0x9F : 0xBF)
    ? 3 : 0;
}

static size_t four_bytes(const byte *s, size_t size) {
  if (size < 4 || !is_continuation(s[2]) || !is_continuation(s[3])) return 0;
  return is_between(s[1], s[0] == 0xF0 ? 0x90 : 0x80,
                    s[0] == 0xF4 ? 0x8F : 0xBF)
    ? 4 : 0;
}

/* The length of the character that starts here, 0 when none does. */
static size_t sequence_length(const byte *s, size_t size) {
  if (s[0] < 0x80) return 1;
  if (s[0] < 0xC2) return 0;
  if (s[0] < 0xE0) return size >= 2 && is_continuation(s[1]) ? 2 : 0;
  if (s[0] < 0xF0) return three_bytes(s, size);
  if (s[0] < 0xF5) return four_bytes(s, size);
  return 0;
}

ptrdiff_t ws_utf8_find_invalid(const char *bytes, size_t size) {
  const byte *s = (const byte *)bytes;
  size_t at = 0;
  while (at < size) {
    size_t length = sequence_length(s + at, size - at);
    if (!length) return (ptrdiff_t)at;
    at += length;
  }
  return -1;
}

static bool is_plain(byte c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The high bit of some byte is set when one of the eight is not plain. Most
** text is nothing else, and one test for many bytes is what makes it cheap. */
static uint64_t escape_mask(uint64_t word) {
  uint64_t quote = word ^ EACH_BYTE('"'), slash = word ^ EACH_BYTE('\\');
  return ((word - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1))
          | (slash - EACH_BYTE(1)) | word) & HIGH_BITS;
}

static bool eight_plain(const byte *s) {
  uint64_t word;
  memcpy(&word, s, sizeof word);
  return !escape_mask(word);
}

/* How many bytes from here may stand in a JSON string as they are. */
static size_t plain_run(const byte *s, size_t size) {
  size_t at = 0;
  while (at < size) {
    if (size - at >= 8 && eight_plain(s + at))
      at += 8;
    else if (is_plain(s[at]))
      at++;
    else if (s[at] < 0x80 || !sequence_length(s + at, size - at))
      break;
    else
      at += sequence_length(s + at, size - at);
  }
  return at;
}

static void add_escape(ws_buffer *buffer, byte c) {
  static const char hex[] = "0123456789abcdef";
  static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  char text[] = "\\u0000";
  for (size_t i = 0; i + 1 < sizeof names; i += 2) {
    if ((byte)names[i] != c) continue;
    text[1] = names[i + 1];
    ws_buffer_add(buffer, text, 2);
    return;
  }
  text[4] = hex[c >> 4];
  text[5] = hex[c & 15];
  ws_buffer_add(buffer, text, 6);
}

static bool add_escaped(ws_buffer *buffer, const byte *s, size_t size) {
  size_t at = 0;
  for (;;) {
    size_t run = plain_run(s + at, size - at);
    ws_buffer_add(buffer, (const char *)s + at, run);
    at += run;
    if (at == size) return true;
    if (s[at] >= 0x80) return false;
    add_escape(buffer, s[at++]);
  }
}

/* ------------------------------------------------------------------------
** Text that is plain throughout is judged while it is copied. The last block
** of a text overlaps the one before it, so that none goes past the end.
*/

typedef signed char block __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

static block copy_block(char *to, const byte *from) {
  block bytes;
  memcpy(&bytes, from, sizeof bytes);
  memcpy(to, &bytes, sizeof bytes);
  return (block)((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
}

static bool copy_long(char *to, const byte *from, size_t size) {
  size_t last = size - sizeof(block);
  block odd = copy_block(to + last, from + last);
  for (size_t at = 0; at < last; at += sizeof(block))
    odd |= copy_block(to + at, from + at);
  halves both = (halves)odd;
  return !(both[0] | both[1]);
}

static bool copy_words(char *to, const byte *from, size_t size) {
  uint64_t first, last;
  memcpy(&first, from, 8);
  memcpy(&last, from + size - 8, 8);
  memcpy(to, &first, 8);
  memcpy(to + size - 8, &last, 8);
  return !(escape_mask(first) | escape_mask(last));
}

static bool copy_halves(char *to, const byte *from, size_t size) {
  uint32_t first, last;
  memcpy(&first, from, 4);
  memcpy(&last, from + size - 4, 4);
  memcpy(to, &first, 4);
  memcpy(to + size - 4, &last, 4);
  return !escape_mask((uint64_t)first << 32 | last);
}

/* Whether all of it is plain; what was copied of other text is no use. */
static bool copy_plain(char *to, const byte *from, size_t size) {
  if (size >= 16) return copy_long(to, from, size);
  if (size >= 8) return copy_words(to, from, size);
  if (size >= 4) return copy_halves(to, from, size);
  for (size_t i = 0; i < size; i++) {
    if (!is_plain(from[i])) return false;
    to[i] = (char)from[i];
  }
  return true;
}

static inline bool put_plain(ws_buffer *buffer, const char *bytes,
                             size_t size, const char end[2], size_t length) {
  if (!ws_buffer_reserve(buffer, size + 3)) return false;
  char *to = buffer->bytes + buffer->size;
  if (!copy_plain(to + 1, (const byte *)bytes, size)) return false;
  to[0] = '"';
  memcpy(to + size + 1, end, 2);
  buffer->size += size + 1 + length;
  return true;
}

bool ws_json_plain_string(ws_buffer *buffer, const char *bytes, size_t size) {
  return put_plain(buffer, bytes, size, "\"", 1);
}

bool ws_json_name(ws_buffer *buffer, const char *bytes, size_t size) {
  return put_plain(buffer, bytes, size, "\":", 2);
}

bool ws_json_string(ws_buffer *buffer, const char *bytes, size_t size) {
  size_t start = buffer->size;
  if (ws_json_plain_string(buffer, bytes, size)) return true;
  ws_buffer_add_char(buffer, '"');
  if (!add_escaped(buffer, (const byte *)bytes, size)) {
    buffer->size = start;
    return false;
  }
  ws_buffer_add_char(buffer, '"');
  return true;
}

void ws_json_integer(ws_buffer *buffer, int64_t value) {
  ws_buffer_add_integer(buffer, value);
}

/* A host may have set a locale whose decimal point is a comma, or more than
** one byte: whatever is neither a digit nor part of an exponent is it. */
static size_t fix_decimal_point(char *text) {
  char *to = text;
  bool seen = false;
  for (const char *from = text; *from; from++) {
    if (strchr("0123456789+-eE", *from))
      *to++ = *from;
    else if (!seen)
      seen = true, *to++ = '.';
  }
  *to = '\0';
  return (size_t)(to - text);
}

size_t ws_number_format(char text[WS_NUMBER_SIZE], double value) {
  if (!isfinite(value))
    return (size_t)snprintf(text, WS_NUMBER_SIZE, "%s", isnan(value) ? "nan"
                            : value < 0 ? "-inf" : "inf");
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, WS_NUMBER_SIZE, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  return fix_decimal_point(text);
}

bool ws_json_number(ws_buffer *buffer, double value) {
  char text[WS_NUMBER_SIZE];
  if (!isfinite(value)) return false;
  if (fabs(value) <= (double)WS_MAX_ID && value == (double)(int64_t)value)
    ws_json_integer(buffer, (int64_t)value);
  else
    ws_buffer_add(buffer, text, ws_number_format(text, value));
  return true;
}
