/*
** URLs of requests and proxies, checked by libcurl's own parser.
*/

#ifndef WS_URL_H
#define WS_URL_H

#include <stdbool.h>

#include "base/buffer.h"
#include "workstage.h"

/*
** True if it can be a base URL: http or https with a host, without user,
** query and fragment. Otherwise *why is a phrase, a constant, to put after the
** option's name ("has no host").
*/
bool ws_url_is_base(const char *url, const char **why);

/* False, with `error`, if a path does not begin with a slash, or if it or the
** query (NULL: none) has characters that must be percent-encoded. */
bool ws_url_check(const char *path, const char *query, ws_error *error);

/* Appends base, path and query (NULL: none). A path may have a query too. */
void ws_url_join(ws_buffer *url, const char *base, const char *path,
                 const char *query);

/* True if it can be a proxy: a host with an optional scheme, user and port. */
bool ws_url_is_proxy(const char *proxy);

/* The name of the environment variable from which libcurl takes the proxy for
** this base URL; NULL if none is set. */
const char *ws_url_proxy_variable(const char *base);

/* Replaces the user and password of a URL in a message, an array of `size`
** bytes, with "[redacted]"; does nothing if there is no "@". libcurl's messages
** about a malformed proxy contain them. */
void ws_url_redact(char *message, size_t size);

#endif
