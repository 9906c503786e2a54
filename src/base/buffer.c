/*
** A growable byte array. See buffer.h.
*/

#include "base/buffer.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

#define FIRST_CAPACITY 512

/* The capacity doubles, so that a large body is copied only a few times. */
bool ws_buffer_grow(ws_buffer *buffer, size_t more) {
  size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
  if (buffer->failed) return false;
  if (more > SIZE_MAX / 2 - buffer->size) return !(buffer->failed = true);
  while (capacity < buffer->size + more) capacity *= 2;
  if (capacity == buffer->capacity) return true;
  char *bytes = ws_realloc(buffer->bytes, capacity);
  if (!bytes) return !(buffer->failed = true);
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return true;
}

void ws_buffer_add_text(ws_buffer *buffer, const char *text) {
  ws_buffer_add(buffer, text, strlen(text));
}

static const char digit_pairs[] =
  "0001020304050607080910111213141516171819"
  "2021222324252627282930313233343536373839"
  "4041424344454647484950515253545556575859"
  "6061626364656667686970717273747576777879"
  "8081828384858687888990919293949596979899";

static void put_pair(char *to, uint32_t pair) {
  memcpy(to, digit_pairs + (size_t)pair * 2, 2);
}

/* Writes eight digits; the divisions are independent of each other, so a
** processor can run them at the same time. */
static void put_eight(char *to, uint32_t value) {
  uint32_t high = value / 10000, low = value % 10000;
  put_pair(to, high / 100);
  put_pair(to + 2, high % 100);
  put_pair(to + 4, low / 100);
  put_pair(to + 6, low % 100);
}

/* Writes the digits of `value` so that the last one is just before `end`. */
static void put_digits(char *end, uint64_t value) {
  for (; value >= 100000000; value /= 100000000)
    put_eight(end -= 8, (uint32_t)(value % 100000000));
  uint32_t rest = (uint32_t)value;
  for (; rest >= 100; rest /= 100) put_pair(end -= 2, rest % 100);
  if (rest >= 10)
    put_pair(end - 2, rest);
  else
    end[-1] = (char)('0' + rest);
}

/* Computes the number of decimal digits from the number of bits: 1233 / 4096
** approximates the decimal logarithm of 2. */
static size_t count_digits(uint64_t value) {
  static const uint64_t powers[] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
    1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
    100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
    1000000000000000000, 10000000000000000000u
  };
  int bits = 64 - __builtin_clzll(value | 1);
  size_t least = (size_t)bits * 1233 >> 12;
  return least + (value >= powers[least]);
}

void ws_buffer_add_integer(ws_buffer *buffer, long long value) {
  uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  size_t count = size ? count_digits(size) : 1;
  if (value < 0) ws_buffer_add_char(buffer, '-');
  if (!ws_buffer_reserve(buffer, count)) return;
  buffer->size += count;
  put_digits(buffer->bytes + buffer->size, size);
}

void ws_buffer_remove_range(ws_buffer *buffer, size_t start, size_t end) {
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
