/*
** A pull parser for JSON: the caller asks for one value after another. Accepts
** exactly the syntax of RFC 8259 and valid UTF-8. Allocates memory only for
** strings with escapes, in the caller's buffer.
**
**   ws_reader_init(&reader, bytes, size, &buffer);
**   switch (ws_reader_next(&reader)) {
**     case WS_JSON_OBJECT:
**       while (ws_reader_member(&reader, &name, &length)) ...one value...
**     case WS_JSON_ARRAY:
**       while (ws_reader_item(&reader)) ...one value...
**     case WS_JSON_STRING:           reader.text, reader.size
**     case WS_JSON_INTEGER:          reader.integer
**     ...
**   }
**   good = ws_reader_finish(&reader);
**
** After an error every function returns WS_JSON_ERROR or false at once, so it
** is enough to check for errors at the end.
*/

#ifndef WS_READER_H
#define WS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Most arrays and objects that are open at once, so that callers may read
** nested values by recursion. */
enum { WS_READER_MAX_DEPTH = 1000 };

typedef enum ws_json_type {
  WS_JSON_ERROR,
  WS_JSON_NULL,
  WS_JSON_TRUE,
  WS_JSON_FALSE,
  WS_JSON_INTEGER,   /* without fraction and exponent, and fits 64 bits */
  WS_JSON_NUMBER,
  WS_JSON_STRING,
  WS_JSON_ARRAY,
  WS_JSON_OBJECT
} ws_json_type;

typedef struct ws_reader {
  const char *start, *at, *end;
  int depth;               /* of arrays and objects that are open */
  bool is_first;           /* no comma is due: a bracket was just opened */
  const char *error;       /* what was expected; NULL: no error */
  bool no_memory;
  int64_t integer;         /* of WS_JSON_INTEGER */
  double number;           /* of WS_JSON_NUMBER */
  const char *text;        /* of WS_JSON_STRING: UTF-8 without a NUL at its
                           ** end; valid until the next string is read */
  size_t size;             /* bytes of `text` */
  ws_buffer *unescaped;    /* the caller's, for strings with escapes */
} ws_reader;

/* Begins to read. The bytes and the buffer belong to the caller, and must stay
** valid while the reader is used. */
void ws_reader_init(ws_reader *reader, const char *bytes, size_t size,
                    ws_buffer *unescaped);

/* Reads the next value; of an array or object only its opening bracket. */
ws_json_type ws_reader_next(ws_reader *reader);

/* Goes to the next member of an object: its name is read, its value is not.
** False at the end. The name is valid until the next string is read. */
bool ws_reader_member(ws_reader *reader, const char **name, size_t *size);

/* Goes to the next item of an array. False at the end. */
bool ws_reader_item(ws_reader *reader);

/* Skips the next value, including all of an array or object; its syntax is
** still checked. */
void ws_reader_skip(ws_reader *reader);

/* True if there was no error and nothing follows the value. */
bool ws_reader_finish(ws_reader *reader);

/* Describes the error, which there must be: "expected a value at byte 7, found
** 'x'". `size` is the size of `text`. */
void ws_reader_describe(const ws_reader *reader, char *text, size_t size);

#endif
