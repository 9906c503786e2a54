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

/* Appends a copy of the line, and creates the list if it is NULL; false if
** memory runs out, with the list unchanged. */
bool ws_headers_add(struct curl_slist **list, const char *line);

/* Appends to *result the lines of `list` that have no line of the same name in
** `headers`, then the lines of `headers`. False if memory runs out; *result may
** then have some of them. */
bool ws_headers_merge(struct curl_slist **result,
                      const struct curl_slist *list,
                      const char *const *headers);

/* Overwrites and frees a list, which may hold the token. */
void ws_headers_free(struct curl_slist *list);

/* ------------------------------------------------------------- of responses */

/* Reads the next header in a buffer of complete lines; see
** ws_call_next_header. */
bool ws_headers_next(const ws_buffer *lines, size_t *at, const char **name,
                     size_t *name_size, const char **value,
                     size_t *value_size);

/* The value of a header, without a NUL at its end, and its size; NULL if there
** is none. The case of the name does not matter. */
const char *ws_headers_find(const ws_buffer *lines, const char *name,
                            size_t *size);

/* Copies a header's value as a C string; false if there is none or it is too
** long. */
bool ws_headers_copy(const ws_buffer *lines, const char *name, char *text,
                     size_t size);

/* The Date header: seconds since 1970; negative if there is none. */
double ws_headers_date(const ws_buffer *lines);

#endif
