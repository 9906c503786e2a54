#include "arena.h"
#include "base/memory.h"

struct arena_block {
  struct arena_block *next;
  size_t used, size;
  max_align_t data[];
};

static struct arena_block *add_block(struct arena *a, size_t size) {
  struct arena_block *block;
  size_t capacity = size > 4000 ? size : 4000;
  block = ws_alloc(sizeof *block + capacity);
  if (!block) return NULL;
  block->next = a->blocks;
  block->used = 0;
  block->size = capacity;
  a->blocks = block;
  return block;
}

void *arena_alloc(struct arena *a, size_t size) {
  struct arena_block *block = a->blocks;
  void *memory;
  size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
  if (!block || block->size - block->used < size) block = add_block(a, size);
  if (!block) return NULL;
  memory = (char *)block->data + block->used;
  block->used += size;
  return memset(memory, 0, size);
}

char *arena_copy(struct arena *a, const char *text, size_t len) {
  char *copy = arena_alloc(a, len + 1);
  if (copy && len) memcpy(copy, text, len);
  return copy;
}

char *arena_keep(struct arena *a, ws_buffer *buffer) {
  char *copy = buffer->failed
               ? NULL : arena_copy(a, buffer->bytes, buffer->size);
  ws_buffer_free(buffer);
  return copy;
}

void arena_free(struct arena *a) {
  while (a->blocks) {
    struct arena_block *next = a->blocks->next;
    ws_free(a->blocks);
    a->blocks = next;
  }
}
