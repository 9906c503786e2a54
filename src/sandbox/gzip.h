/* The gzip format, without compression. */
#ifndef SANDBOX_GZIP_H
#define SANDBOX_GZIP_H

#include "text.h"

/* Adds `data` as a gzip file of stored blocks. */
void gzip_store(ws_buffer *b, const char *data, size_t len);

#endif
