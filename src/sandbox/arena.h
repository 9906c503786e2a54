/* Memory that is freed all at once. */
#ifndef SANDBOX_ARENA_H
#define SANDBOX_ARENA_H

#include "base/buffer.h"

struct arena {
  struct arena_block *blocks;
};

/* Zeroed memory that lives as long as the arena; NULL if there is none. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_copy(struct arena *a, const char *text, size_t len);

/* A copy of a buffer's content as a C string, and the end of the buffer; NULL
** if memory ran out before or now. */
char *arena_keep(struct arena *a, ws_buffer *buffer);
void arena_free(struct arena *a);

#endif
