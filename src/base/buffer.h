/*
** A growable byte array. An allocation failure sets `failed`, and everything
** added later is ignored, so writers check once, at the end.
*/

#ifndef WS_BUFFER_H
#define WS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct ws_buffer {
  char *bytes;
  size_t size;
  size_t capacity;
  bool failed;  /* an allocation failed: the content is incomplete */
} ws_buffer;

#define WS_BUFFER_EMPTY {NULL, 0, 0, false}

/* The part of ws_buffer_reserve that allocates. */
bool ws_buffer_grow(ws_buffer *buffer, size_t more);

/* Makes space for `more` bytes; sets `failed` and returns false if memory
** runs out. */
static inline bool ws_buffer_reserve(ws_buffer *buffer, size_t more) {
  if (!buffer->failed && more <= buffer->capacity - buffer->size) return true;
  return ws_buffer_grow(buffer, more);
}

static inline void ws_buffer_add(ws_buffer *buffer, const char *bytes,
                                 size_t size) {
  if (!size || !ws_buffer_reserve(buffer, size)) return;
  memcpy(buffer->bytes + buffer->size, bytes, size);
  buffer->size += size;
}

/* Adds a copy of `size` of the buffer's own bytes, from `start` on. */
static inline void ws_buffer_add_own(ws_buffer *buffer, size_t start,
                                     size_t size) {
  if (!size || !ws_buffer_reserve(buffer, size)) return;
  memcpy(buffer->bytes + buffer->size, buffer->bytes + start, size);
  buffer->size += size;
}

static inline void ws_buffer_add_char(ws_buffer *buffer, char c) {
  if (ws_buffer_reserve(buffer, 1)) buffer->bytes[buffer->size++] = c;
}

void ws_buffer_add_text(ws_buffer *buffer, const char *text);
void ws_buffer_add_integer(ws_buffer *buffer, long long value);

/* Removes the bytes from `start` up to, but not including, `end`. */
void ws_buffer_remove_range(ws_buffer *buffer, size_t start, size_t end);

/* Adds a NUL that `size` does not count, and returns the content as a C string,
** which is valid until the buffer changes; "" if memory runs out. */
const char *ws_buffer_cstring(ws_buffer *buffer);

/* Empties the buffer and keeps its memory for the next use. */
void ws_buffer_reset(ws_buffer *buffer);
void ws_buffer_free(ws_buffer *buffer);

#endif
