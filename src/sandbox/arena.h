/* Memory that is freed all at once. */
#ifndef SANDBOX_ARENA_H
#define SANDBOX_ARENA_H

#include "base/buffer.h"

struct arena {
  struct arena_block *blocks;
};

/* Returns zeroed memory that lives as long as the arena; NULL if memory runs
** out. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_copy(struct arena *a, const char *text, size_t len);

/* Returns a copy of a buffer's content as a C string, and frees the buffer;
** NULL if memory ran out in either. */
char *arena_keep(struct arena *a, ws_buffer *buffer);
void arena_free(struct arena *a);

#endif
