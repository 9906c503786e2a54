/*
** A growing run of bytes. Running out of memory is remembered (`failed`)
** and asked for once at the end, so that writers need no checks between.
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
  bool failed;  /* memory ran out: the content is not to be used */
} ws_buffer;

#define WS_BUFFER_EMPTY {NULL, 0, 0, false}

/* The slow half of ws_buffer_reserve. */
bool ws_buffer_grow(ws_buffer *buffer, size_t more);

/* Makes sure that `more` bytes fit; false (and `failed`) without memory. */
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

/* The same for some bytes behind which more can be read, up to a multiple of
** 16: blocks cost less than an exact copy of a few bytes. They may stand in
** the buffer itself, which must have room for 16 bytes more than `size`. */
static inline void ws_buffer_put_blocks(ws_buffer *buffer, const char *bytes,
                                        size_t size) {
  char *to = buffer->bytes + buffer->size;
  for (size_t at = 0; at < size; at += 16) {
    char block[16];
    memcpy(block, bytes + at, 16);
    memcpy(to + at, block, 16);
  }
  buffer->size += size;
}

static inline void ws_buffer_add_blocks(ws_buffer *buffer, const char *bytes,
                                        size_t size) {
  if (ws_buffer_reserve(buffer, size + 16))
    ws_buffer_put_blocks(buffer, bytes, size);
}

/* Adds a copy of what stands in it from `start` on. */
static inline void ws_buffer_add_own(ws_buffer *buffer, size_t start,
                                    size_t size) {
  if (ws_buffer_reserve(buffer, size + 16))
    ws_buffer_put_blocks(buffer, buffer->bytes + start, size);
}

static inline void ws_buffer_add_char(ws_buffer *buffer, char c) {
  if (ws_buffer_reserve(buffer, 1)) buffer->bytes[buffer->size++] = c;
}

void ws_buffer_add_text(ws_buffer *buffer, const char *text);
void ws_buffer_add_integer(ws_buffer *buffer, long long value);

/* Takes out what stands from `start` up to `end`. */
void ws_buffer_remove_range(ws_buffer *buffer, size_t start, size_t end);

/* Ends the content with a NUL that `size` does not count; "" without
** memory. */
const char *ws_buffer_cstring(ws_buffer *buffer);

/* Empties it and keeps its room for the next use. */
void ws_buffer_reset(ws_buffer *buffer);
void ws_buffer_free(ws_buffer *buffer);

#endif
