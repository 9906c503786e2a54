/* The gzip format, without compression. */
#ifndef SANDBOX_GZIP_H
#define SANDBOX_GZIP_H

#include "buf.h"

/* Adds `data` as a gzip file of stored blocks. */
void gzip_store(struct buf *b, const char *data, size_t len);

#endif
