/*
** Writes the body of a request from a host's table, checked by a schema.
** Nothing is written for a table that does not fit; the error says which
** field, what was expected and what was given.
*/

#ifndef WS_BODY_H
#define WS_BODY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/source.h"
#include "schema/schema.h"
#include "schema/validate.h"
#include "workstage.h"

/*
** Writes {"root":{fields},"outside":..} in the schema's order, where "root" is
** the schema's and "outside" a field with WS_OUTSIDE_ROOT. Unknown fields and
** read-only ones are an error if `strict`, else written. Null is written for
** nullable fields only. False with `error` filled in, and nothing written; if
** memory ran out the buffer is `failed` as well. Nested objects must have their
** required fields even in an update, as the service replaces them whole.
*/
bool ws_body_write(ws_buffer *buffer, const ws_schema *schema,
                   ws_purpose purpose, bool strict, const ws_source *source,
                   int table, ws_validation_error *error);

/*
** Writes any table, without a schema: sequences as arrays, others as objects;
** an empty one as an array if `schemas` has an array of that name, else as an
** object. Refuses holes, keys of mixed kinds, more than 100 levels (a table
** that contains itself) and values that JSON does not have.
*/
bool ws_body_write_any(ws_buffer *buffer, const ws_schema *const schemas[],
                       const ws_source *source, int table,
                       ws_validation_error *error);

#endif
