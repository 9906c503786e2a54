/*
** From a host's table to a request's body or query, judged by a schema.
** Nothing is written for a table that does not fit: the fault says which
** field, what was expected and what came, as one sentence for people.
*/

#ifndef WS_BODY_H
#define WS_BODY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/source.h"
#include "schema/schema.h"

typedef struct ws_validation_error {
  char field[128];     /* "assign.user_ids[2]"; "" for the whole */
  char message[384];   /* "color: expected a string, got the number 5" */
} ws_validation_error;

typedef enum ws_purpose {
  WS_FOR_CREATE,       /* required fields must be there */
  WS_FOR_UPDATE        /* any part will do, but not nothing */
} ws_purpose;

/*
** Writes {"root":{fields},"beside":..} in the schema's order. Unknown fields
** are refused with the nearest name, or written as they are when not
** `strict`. Read-only fields are refused unless not strict. NULL is written
** for nullable fields only. False with `fault` filled in, and nothing
** written; when memory ran out the buffer has `failed`, too. Objects within
** are judged whole for either purpose: they are replaced whole.
*/
bool ws_body_write(ws_buffer *buffer, const ws_schema *schema,
                   ws_purpose purpose, bool strict, const ws_source *source,
                   int table, ws_validation_error *error);

/*
** Writes any table, without a schema: sequences as arrays, the rest as
** objects; an empty one as an array where `schemas` knows the key as one,
** else as an object. Refuses holes, keys of mixed kinds, more than 100
** levels (a table that contains itself), and what JSON cannot hold.
*/
bool ws_body_write_any(ws_buffer *buffer, const ws_schema *const schemas[],
                       const ws_source *source, int table,
                         ws_validation_error *error);

/*
** Appends "a=1&b=2,3" (escaped) for a table of filters: arrays become comma
** lists, tables of WS_FIELD_ANY nest in brackets (filter_query[x][in]=y).
** With `only_query` fields of the schema that belong in a body are passed
** over, so that one table can feed both. An empty array filter is written
** as an empty value. schema NULL: any names (client:request).
*/
bool ws_query_write(ws_buffer *buffer, const ws_schema *schema,
                    bool only_query, bool strict, const ws_source *source,
                    int table, ws_validation_error *error);

#endif
