/*
** A growing run of bytes. See buffer.h.
*/

#include "buffer.h"

#include <stdint.h>
#include <string.h>

#include "memory.h"

#define FIRST_ROOM 512

/* Doubles, so that a body of any size costs few moves. A failure sticks:
** what came after it would leave a gap. */
bool ws_buffer_grow(ws_buffer *buffer, size_t more) {
  size_t room = buffer->room ? buffer->room : FIRST_ROOM;
  if (buffer->failed) return false;
  if (more > SIZE_MAX / 2 - buffer->size) return !(buffer->failed = true);
  while (room < buffer->size + more) room *= 2;
  if (room == buffer->room) return true;
  char *bytes = ws_realloc(buffer->bytes, room);
  if (!bytes) return !(buffer->failed = true);
  buffer->bytes = bytes;
  buffer->room = room;
  return true;
}

void ws_buffer_text(ws_buffer *buffer, const char *text) {
  ws_buffer_add(buffer, text, strlen(text));
}

static const char digit_pairs[] =
  "0001020304050607080910111213141516171819"
  "2021222324252627282930313233343536373839"
  "4041424344454647484950515253545556575859"
  "6061626364656667686970717273747576777879"
  "8081828384858687888990919293949596979899";

/* Two digits a division, written backwards from `end`. */
static char *digits_before(char *end, unsigned long long value) {
  for (; value >= 100; value /= 100)
    memcpy(end -= 2, digit_pairs + value % 100 * 2, 2);
  if (value >= 10)
    memcpy(end -= 2, digit_pairs + value * 2, 2);
  else
    *--end = (char)('0' + value);
  return end;
}

void ws_buffer_integer(ws_buffer *buffer, long long value) {
  char text[24], *end = text + sizeof text;
  unsigned long long size = (unsigned long long)value;
  char *start = digits_before(end, value < 0 ? 0 - size : size);
  if (value < 0) *--start = '-';
  ws_buffer_add(buffer, start, (size_t)(end - start));
}

void ws_buffer_repeat(ws_buffer *buffer, size_t start, size_t size) {
  if (!ws_buffer_reserve(buffer, size)) return;
  memcpy(buffer->bytes + buffer->size, buffer->bytes + start, size);
  buffer->size += size;
}

void ws_buffer_cut(ws_buffer *buffer, size_t start, size_t end) {
  if (buffer->failed || start == end) return;
  memmove(buffer->bytes + start, buffer->bytes + end, buffer->size - end);
  buffer->size -= end - start;
}

const char *ws_buffer_cstring(ws_buffer *buffer) {
  if (!ws_buffer_reserve(buffer, 1)) return "";
  buffer->bytes[buffer->size] = '\0';
  return buffer->bytes;
}

void ws_buffer_reset(ws_buffer *buffer) {
  buffer->size = 0;
  buffer->failed = false;
}

void ws_buffer_free(ws_buffer *buffer) {
  ws_free(buffer->bytes);
  *buffer = (ws_buffer)WS_BUFFER_EMPTY;
}
