/*
** Writes the query of a URL from a host's table, checked by a schema.
*/

#ifndef WS_QUERY_H
#define WS_QUERY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/source.h"
#include "schema/schema.h"
#include "schema/validate.h"

/*
** Writes "a=1&b=2%2C3" (percent-encoded). Arrays become comma-separated lists,
** an empty array an empty value; tables of WS_FIELD_ANY nest in brackets
** (filter_query[x][in]=y). With `only_query`, body fields and unknown members
** are omitted, so that one table can provide both body and query. `strict`
** refuses unknown members. Without a schema (NULL) every name is allowed, and
** both flags have no effect. False with `error` filled in, and nothing written.
*/
bool ws_query_write(ws_buffer *buffer, const ws_schema *schema,
                    bool only_query, bool strict, const ws_source *source,
                    int table, ws_validation_error *error);

#endif
