/* Text in the core's buffers: formatted, read from files, error messages. */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include "arena.h"
#include "base/buffer.h"
#include "base/memory.h"

#include <stdint.h>

/* Adds formatted text. No %f, %e or %g: they follow the host's locale. */
void text_format(ws_buffer *b, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

/* Adds a number with as many digits as it needs, whatever the locale. */
void text_number(ws_buffer *b, double value);

/*
** Adds bytes as JSON: a string or, if they are not UTF-8 or contain a NUL, an
** object with their hexadecimal digits as its only member, TEXT_BYTES.
*/
#define TEXT_BYTES "$bytes"
void text_quote_bytes(ws_buffer *b, const char *bytes, size_t size);

/* Returns the content as a C string, which the caller frees with ws_free(), and
** empties the buffer. NULL if memory ran out. */
char *text_take(ws_buffer *b);

/* Writes a message to `err` and returns false, for the caller to return. */
bool fail(ws_buffer *err, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

/* Adds the content of a file; false with the reason in `err`. */
bool text_read_file(ws_buffer *b, const char *path, ws_buffer *err);

#endif
