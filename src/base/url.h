/*
** The pieces of a URL.
*/

#ifndef WS_URL_H
#define WS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends the bytes percent-encoded but for A-Z a-z 0-9 - . _ ~ and the
** characters of `keep` (such as "," in a comma list). */
void ws_url_escape(ws_buffer *buffer, const char *bytes, size_t size,
                   const char *keep);

/* Whether it is an http or https URL with a host, without user, query and
** fragment. `why` (or NULL) gets what is wrong, to follow the URL in a
** sentence ("names no host"), or NULL. */
bool ws_url_is_base(const char *url, const char **why);

#endif
