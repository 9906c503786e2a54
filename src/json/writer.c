#include "json/writer.h"

#include <math.h>
#include <string.h>

#include "json/number.h"
#include "json/utf8.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS    EACH_BYTE(0x80)

/* True for ASCII characters that need no escape in a JSON string. */
static bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Sets the high bit of at least one byte if any of the eight is not plain. */
static uint64_t escape_mask(uint64_t word) {
  uint64_t quote = word ^ EACH_BYTE('"'), slash = word ^ EACH_BYTE('\\');
  return ((word - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1))
          | (slash - EACH_BYTE(1)) | word) & HIGH_BITS;
}

static bool are_eight_plain(const char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return !escape_mask(word);
}

/* Counts the plain bytes at the start of `bytes`, eight at a time. */
static size_t count_plain(const char *bytes, size_t size) {
  size_t at = 0;
  while (size - at >= 8 && are_eight_plain(bytes + at)) at += 8;
  while (at < size && is_plain((unsigned char)bytes[at])) at++;
  return at;
}

bool ws_json_plain_string(ws_buffer *buffer, const char *bytes, size_t size) {
  char *to;
  if (count_plain(bytes, size) < size) return false;
  if (!ws_buffer_reserve(buffer, size + 2)) return false;
  to = buffer->bytes + buffer->size;
  to[0] = '"';
  if (size) memcpy(to + 1, bytes, size);
  to[size + 1] = '"';
  buffer->size += size + 2;
  return true;
}

static void add_escape(ws_buffer *buffer, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  char text[] = "\\u0000";
  for (size_t i = 0; i + 1 < sizeof names; i += 2) {
    if ((unsigned char)names[i] != c) continue;
    text[1] = names[i + 1];
    ws_buffer_add(buffer, text, 2);
    return;
  }
  text[4] = hex[c >> 4];
  text[5] = hex[c & 15];
  ws_buffer_add(buffer, text, 6);
}

/* Adds one character that is not plain: as an escape, or unchanged if it is
** not ASCII. Returns its length in the source; 0 if it is not UTF-8. */
static size_t add_special(ws_buffer *buffer, const char *bytes, size_t size) {
  size_t length = ws_utf8_length(bytes, size);
  if (length == 1) add_escape(buffer, (unsigned char)bytes[0]);
  else ws_buffer_add(buffer, bytes, length);
  return length;
}

static bool add_escaped(ws_buffer *buffer, const char *bytes, size_t size) {
  size_t at = 0;
  while (at < size) {
    size_t run = count_plain(bytes + at, size - at), length;
    ws_buffer_add(buffer, bytes + at, run);
    at += run;
    if (at == size) break;
    length = add_special(buffer, bytes + at, size - at);
    if (!length) return false;
    at += length;
  }
  return true;
}

bool ws_json_string(ws_buffer *buffer, const char *bytes, size_t size) {
  size_t start = buffer->size;
  if (ws_json_plain_string(buffer, bytes, size)) return true;
  ws_buffer_add_char(buffer, '"');
  if (!add_escaped(buffer, bytes, size)) {
    buffer->size = start;
    return false;
  }
  ws_buffer_add_char(buffer, '"');
  return true;
}

void ws_json_integer(ws_buffer *buffer, int64_t value) {
  ws_buffer_add_integer(buffer, value);
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
