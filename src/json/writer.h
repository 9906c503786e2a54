/*
** Writing JSON: the plain pieces. Integers are exact, numbers the shortest
** digits that read back the same, text is checked to be UTF-8.
*/

#ifndef WS_WRITER_H
#define WS_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/source.h"

#define WS_NUMBER_SIZE 48  /* for any number in digits, with a NUL */

/* The offset of the first byte that is not UTF-8, or -1 when all is well.
** Surrogates, overlong forms and code points above U+10FFFF are refused. */
ptrdiff_t ws_utf8_find_invalid(const char *bytes, size_t size);

/* Writes a quoted string; false (and nothing) when the bytes are not
** UTF-8. */
bool ws_json_string(ws_buffer *buffer, const char *bytes, size_t size);

/* The same for text that needs no escape and is ASCII, as nearly all is;
** false (and nothing) for other text, and without memory. */
bool ws_json_plain_string(ws_buffer *buffer, const char *bytes, size_t size);

/* The same with a colon behind it. */
bool ws_json_name(ws_buffer *buffer, const char *bytes, size_t size);

void ws_json_integer(ws_buffer *buffer, int64_t value);

/* Writes a number; false (and nothing) for an infinity or a NaN. */
bool ws_json_number(ws_buffer *buffer, double value);

/* The digits of a number that is not integral, or too large to be exact;
** "inf" and "nan" for what JSON cannot hold. Returns their count. */
size_t ws_number_format(char text[WS_NUMBER_SIZE], double value);

#endif
