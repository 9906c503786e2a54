/*
** Checks values against fields, and formats the error messages. Used by the
** writers of bodies and queries.
*/

#ifndef WS_VALIDATE_H
#define WS_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "schema/schema.h"

typedef struct ws_validation_error {
  char field[128];     /* "assign.user_ids[2]"; "" for the whole */
  char message[384];   /* "color: expected a string, got the number 5" */
} ws_validation_error;

/* The path to a value: a member or an item, and the path of its parent. */
typedef struct ws_path {
  const struct ws_path *up;  /* NULL at the top */
  const char *name;          /* name of a member; NULL: an item */
  size_t size;
  int64_t index;             /* of an item, from 1 */
} ws_path;

static inline ws_path ws_path_key(const ws_path *up, const ws_value *key) {
  return (ws_path){up, key->as.text.bytes, key->as.text.size, 0};
}

static inline ws_path ws_path_field(const ws_path *up,
                                    const ws_field *field) {
  return (ws_path){up, field->name, field->size, 0};
}

static inline ws_path ws_path_item(const ws_path *up, int64_t index) {
  return (ws_path){up, NULL, 0, index};
}

/* ---------------------------------------------------------------- checks */

/* True if it is an integer, or a number without a fraction; sets `integer`. */
bool ws_value_to_integer(const ws_value *value, int64_t *integer);

/* True if a value that is not a table fits the field's type. */
bool ws_value_fits(const ws_field *field, const ws_value *value);

/* The field that describes the items of an array field; `made` is storage for
** it if it is not a constant. */
const ws_field *ws_item_field(const ws_field *field, ws_field *made);

/* ---------------------------------------------------------------- errors */

/* Each of these fills in the error and returns false, for the caller to
** return. */

/* "color: ", then the formatted sentence. */
bool ws_report_error(ws_validation_error *error, const ws_path *at,
                     const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* "color: expected a string, got the number 5". */
bool ws_report_expected(ws_validation_error *error, const ws_path *at,
                        const char *what, const ws_value *got);
bool ws_report_wrong_type(ws_validation_error *error, const ws_path *at,
                          const ws_field *field, const ws_value *got);

/* "unknown field 'colour', did you mean 'color'?" */
bool ws_report_unknown_field(ws_validation_error *error, const ws_path *at,
                             const ws_schema *schema);

/* "id is set by the service and cannot be given" */
bool ws_report_read_only(ws_validation_error *error, const ws_path *at);

/* A key that is not a name, in a table that must be an object. */
bool ws_report_bad_key(ws_validation_error *error, const ws_path *up,
                       const ws_value *key);

/* A key that is not a position, in a table that must be an array. */
bool ws_report_bad_index(ws_validation_error *error, const ws_path *up,
                         const ws_value *key);

bool ws_report_no_memory(ws_validation_error *error);

/* False, with an error, if a text contains a NUL or is not UTF-8. */
bool ws_check_text(ws_validation_error *error, const ws_path *at,
                   const ws_value *text);

#endif
