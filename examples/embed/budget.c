/*
** Counted and limited memory. See budget.h.
*/

#include "budget.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <workstage.h>

/* ---------------------------------------------------------------- states */

/* For a new block `old` is not a size: Lua passes the kind of the object. What
** shrinks is never refused, which Lua relies on. */
void *budget_alloc(void *data, void *block, size_t old, size_t size) {
  budget *self = data;
  size_t held = block ? old : 0;
  void *moved;
  if (size == 0) {
    free(block);
    self->used -= held;
    return NULL;
  }
  if (size > held && self->limit && size - held > self->limit - self->used) {
    self->refused++;
    return NULL;
  }
  moved = realloc(block, size);
  if (!moved) return NULL;
  self->used += size - held;
  if (self->used > self->most) self->most = self->used;
  return moved;
}

/* ------------------------------------------------------------------ core */

/* In front of each block: how large it is. */
typedef union header {
  size_t size;
  max_align_t alignment;
} header;

static atomic_size_t bytes, blocks;

static void *count(header *head, size_t size) {
  if (!head) return NULL;
  head->size = size;
  atomic_fetch_add(&bytes, size);
  atomic_fetch_add(&blocks, 1);
  return head + 1;
}

static void *core_alloc(size_t size) {
  if (size > SIZE_MAX - sizeof(header)) return NULL;
  return count(malloc(sizeof(header) + size), size);
}

static void *core_calloc(size_t number, size_t size) {
  void *block;
  if (size && number > SIZE_MAX / size) return NULL;
  block = core_alloc(number * size);
  return block ? memset(block, 0, number * size) : NULL;
}

static void core_free(void *block) {
  header *head = block;
  if (!head) return;
  atomic_fetch_sub(&bytes, head[-1].size);
  atomic_fetch_sub(&blocks, 1);
  free(head - 1);
}

static void *core_realloc(void *block, size_t size) {
  header *head = block;
  size_t old = head ? head[-1].size : 0;
  if (size > SIZE_MAX - sizeof(header)) return NULL;
  if (head) head--;
  head = realloc(head, sizeof(header) + size);
  if (!head) return NULL;
  atomic_fetch_sub(&bytes, old);
  if (block) atomic_fetch_sub(&blocks, 1);
  return count(head, size);
}

bool core_memory_init(void) {
  const ws_memory functions = {core_alloc, core_calloc, core_realloc,
                               core_free};
  return ws_init(&functions);
}

size_t core_memory_used(void) {
  return atomic_load(&bytes);
}

size_t core_memory_blocks(void) {
  return atomic_load(&blocks);
}
