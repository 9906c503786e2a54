/* The fields that an object may have, their types, and error messages. */
#ifndef SANDBOX_FIELDS_H
#define SANDBOX_FIELDS_H

#include "json.h"
#include "json/number.h"

enum {
  F_NULL = 1, F_BOOL = 2, F_INT = 4, F_ID = 8, F_TEXT = 16, F_IDS = 32,
  F_TEXTS = 64, F_OBJECT = 128, F_ARRAY = 256, F_DATE = 512,
  F_NUMBER = 1024, F_FALSE = 2048, F_REFS = 4096
};

struct field {
  const char *name;  /* NULL ends a table */
  unsigned types;
};

const struct field *field_find(const struct field *fields, const char *name);
bool field_fits(const struct field *field, const struct json *value);
const char *field_wants(const struct field *field);
bool fields_check(const struct field *fields, const struct json *object,
                  const char *what, ws_buffer *err);

#endif
