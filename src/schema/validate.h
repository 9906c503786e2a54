/*
** What a value must be, and the sentence for people when it is not. Shared
** by the writers of bodies and of queries.
*/

#ifndef WS_JUDGE_H
#define WS_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "schema/body.h"
#include "schema/schema.h"

/* Where in the table we are: members and items, the innermost first. */
typedef struct ws_step {
  const struct ws_step *up;  /* NULL at the top */
  const char *name;          /* of a member; NULL: an item */
  size_t size;
  int64_t index;             /* of an item, from 1 */
} ws_step;

/* The steps to a member, by its key or its field, and to an item. */
static inline ws_step ws_step_key(const ws_step *up, const ws_value *key) {
  return (ws_step){up, key->as.text.bytes, key->as.text.size, 0};
}

static inline ws_step ws_step_field(const ws_step *up,
                                    const ws_field *field) {
  return (ws_step){up, field->name, field->size, 0};
}

static inline ws_step ws_step_item(const ws_step *up, int64_t index) {
  return (ws_step){up, NULL, 0, index};
}

/* Fills in the fault with the path in front; false, for the caller to
** return. */
bool ws_fault_at(ws_fault *fault, const ws_step *at, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* "color: expected a string, got the number 5". */
bool ws_fault_expected(ws_fault *fault, const ws_step *at, const char *what,
                       const ws_value *got);
bool ws_fault_type(ws_fault *fault, const ws_step *at, const ws_field *field,
                   const ws_value *got);

/* "unknown field 'colour', did you mean 'color'?" */
bool ws_fault_unknown(ws_fault *fault, const ws_step *at,
                      const ws_schema *schema);

/* "id is set by the service and cannot be given" */
bool ws_fault_read_only(ws_fault *fault, const ws_step *at);

/* A key that is no name, where an object belongs. */
bool ws_fault_key(ws_fault *fault, const ws_step *up, const ws_value *key);
bool ws_fault_memory(ws_fault *fault);

/* Whether it is an integer, also as an integral number; `integer` gets it. */
bool ws_judge_integer(const ws_value *value, int64_t *integer);

/* Whether it is an integer of the field's kind: an id, a positive one. */
bool ws_judge_field_integer(const ws_field *field, const ws_value *value,
                            int64_t *integer);

/* Whether the text starts as ISO 8601 times do: with a year. */
bool ws_judge_time(const ws_value *value);

/* Whether the text is UTF-8 without NULs; else fills in the fault. */
bool ws_judge_text(ws_fault *fault, const ws_step *at, const ws_value *text);

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
int ws_items_next(ws_items *items, const ws_step *up, ws_fault *fault,
                  ws_value *value);

#endif
