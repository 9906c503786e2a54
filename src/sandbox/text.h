/* Text in the core's buffers: formatted, read from files, of errors. */
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
** Adds bytes as JSON: a string or, if they are not UTF-8 or hold a zero, an
** object with their hexadecimal digits as its one member, TEXT_BYTES.
*/
#define TEXT_BYTES "$bytes"
void text_quote_bytes(ws_buffer *b, const char *bytes, size_t size);

/* Hands the content to the caller as a C string, to be freed by ws_free(); the
** buffer is empty then. NULL if memory ran out. */
char *text_take(ws_buffer *b);

/* Puts a message into `err`, and is false, to be returned at once. */
bool fail(ws_buffer *err, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

/* Adds the content of a file; false with the reason in `err`. */
bool text_read_file(ws_buffer *b, const char *path, ws_buffer *err);

#endif
