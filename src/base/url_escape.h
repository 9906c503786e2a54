/*
** Percent-encoding for URLs.
*/

#ifndef WS_URL_ESCAPE_H
#define WS_URL_ESCAPE_H

#include <stddef.h>

#include "base/buffer.h"

/* Appends the bytes with all but A-Z a-z 0-9 - . _ ~ percent-encoded. */
void ws_url_escape(ws_buffer *buffer, const char *bytes, size_t size);

#endif
