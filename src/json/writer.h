/*
** Writes the scalar values of JSON: exact integers, the shortest digits of
** other numbers, and strings that are checked to be UTF-8.
*/

#ifndef WS_WRITER_H
#define WS_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Writes a quoted string; false, with nothing written, if the bytes are not
** UTF-8. */
bool ws_json_string(ws_buffer *buffer, const char *bytes, size_t size);

/* Writes a quoted string that is ASCII and needs no escapes, as nearly all
** are; false, with nothing written, for any other and if memory runs out. */
bool ws_json_plain_string(ws_buffer *buffer, const char *bytes, size_t size);

void ws_json_integer(ws_buffer *buffer, int64_t value);

/* Writes a number; false, with nothing written, for infinities and NaN. */
bool ws_json_number(ws_buffer *buffer, double value);

#endif
