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

/* Adds bytes that need not be UTF-8 as a JSON string, for readers that take
** such strings: json_parse_lax(). */
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
