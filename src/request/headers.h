/*
** Header lines of requests ("Name: value") and the headers of a response.
*/

#ifndef WS_HEADERS_H
#define WS_HEADERS_H

#include <curl/curl.h>

#include "base/buffer.h"
#include "workstage.h"

/* ------------------------------------------------------------- of requests */

/* False, with `error`, if a line is not a valid header, or is one that this
** module sets. `headers` may be NULL. */
bool ws_headers_check(const char *const *headers, ws_error *error);

/* True if one of the lines has that header name. */
bool ws_headers_have(const char *const *headers, const char *name);

/* Appends a copy of the line; false if memory runs out. */
bool ws_headers_add(struct curl_slist **list, const char *line);

/* Appends the lines of `list` that `headers` does not override, then those of
** `headers`; false if memory runs out. */
bool ws_headers_merge(struct curl_slist **result,
                      const struct curl_slist *list,
                      const char *const *headers);

/* Overwrites and frees a list, which may hold the token. */
void ws_headers_free(struct curl_slist *list);

/* ------------------------------------------------------------- of responses */

/* Reads the next header in a buffer; see ws_call_next_header. */
bool ws_headers_next(const ws_buffer *lines, size_t *at, const char **name,
                     size_t *name_size, const char **value,
                     size_t *value_size);

/* The value of a header, or NULL. */
const char *ws_headers_find(const ws_buffer *lines, const char *name,
                            size_t *size);

/* Copies a header's value as a C string; false if there is none or it is too
** long. */
bool ws_headers_copy(const ws_buffer *lines, const char *name, char *text,
                     size_t size);

/* The Date header: seconds since 1970; negative if there is none. */
double ws_headers_date(const ws_buffer *lines);

#endif
