/*
** What a value must be, and the sentence for people when it is not. Shared
** by the writers of bodies and of queries.
*/

#ifndef WS_VALIDATE_H
#define WS_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "schema/body.h"
#include "schema/schema.h"

/* Where in the table we are: members and items, the innermost first. */
typedef struct ws_path {
  const struct ws_path *up;  /* NULL at the top */
  const char *name;          /* of a member; NULL: an item */
  size_t size;
  int64_t index;             /* of an item, from 1 */
} ws_path;

/* The steps to a member, by its key or its field, and to an item. */
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

/* Fills in the fault with the path in front; false, for the caller to
** return. */
bool ws_report_error(ws_validation_error *error, const ws_path *at,
                     const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* "color: expected a string, got the number 5". */
bool ws_report_expected(ws_validation_error *error, const ws_path *at,
                        const char *what,
                       const ws_value *got);
bool ws_report_wrong_type(ws_validation_error *error, const ws_path *at,
                          const ws_field *field,
                   const ws_value *got);

/* "unknown field 'colour', did you mean 'color'?" */
bool ws_report_unknown_field(ws_validation_error *error, const ws_path *at,
                      const ws_schema *schema);

/* "id is set by the service and cannot be given" */
bool ws_report_read_only(ws_validation_error *error, const ws_path *at);

/* A key that is no name, where an object belongs. */
bool ws_report_bad_key(ws_validation_error *error, const ws_path *up,
                       const ws_value *key);
bool ws_report_no_memory(ws_validation_error *error);

/* Whether it is an integer, also as an integral number; `integer` gets it. */
bool ws_value_to_integer(const ws_value *value, int64_t *integer);

/* Whether it is an integer of the field's kind: an id, a positive one. */
bool ws_value_to_field_integer(const ws_field *field, const ws_value *value,
                            int64_t *integer);

/* Whether the text starts as ISO 8601 times do: with a year. */
bool ws_value_is_time(const ws_value *value);

/* Whether the text is UTF-8 without NULs; else fills in the fault. */
bool ws_check_text(ws_validation_error *error, const ws_path *at,
                   const ws_value *text);

/*
** A walk over the items of an array in order, whatever order the host's
** walk has. Holes and keys that are no positions are faults.
*/
typedef struct ws_items {
  const ws_source *source;
  int table;
  int64_t index;             /* of the last item */
  int64_t count;             /* known once the host's order failed; else 0 */
} ws_items;

static inline ws_items ws_items_of(const ws_source *source, int table) {
  return (ws_items){source, table, 0, 0};
}

/* 1 with the next item in `value`, 0 at the end, -1 with a fault. */
int ws_items_next(ws_items *items, const ws_path *up,
                  ws_validation_error *error,
                  ws_value *value);

#endif
