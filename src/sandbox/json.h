/* Parses JSON text into a tree. Integers are exact, strings are valid UTF-8. */
#ifndef SANDBOX_JSON_H
#define SANDBOX_JSON_H

#include "text.h"

enum json_type {
  JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_TEXT, JSON_ARRAY,
  JSON_OBJECT
};

struct json {
  enum json_type type;
  const char *key;    /* within an object */
  size_t len;         /* bytes of a text, members of an array or object */
  bool boolean;
  int64_t integer;
  double real;        /* of an integer too */
  const char *text;
  struct json *child; /* the first member */
  struct json *next;  /* the next member of the same array or object */
};

const struct json *json_parse(struct arena *arena, const char *text,
                              size_t len, ws_buffer *err);
const struct json *json_parse_result(struct arena *arena, const char *text,
                                     size_t len, ws_buffer *err);
const struct json *json_get(const struct json *object, const char *key);
void json_write(ws_buffer *b, const struct json *value);

#endif
