/*
** The core's memory functions. See memory.h.
*/

#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *(*allocate_fn)(size_t size) = malloc;
static void *(*zeroed_fn)(size_t count, size_t size) = calloc;
static void *(*resize_fn)(void *block, size_t size) = realloc;
static void (*release_fn)(void *block) = free;
static atomic_bool in_use;
static atomic_uint alloc_failures;

void ws_set_memory(void *(*allocate)(size_t size),
                   void *(*zeroed)(size_t count, size_t size),
                   void *(*resize)(void *block, size_t size),
                   void (*release)(void *block)) {
  allocate_fn = allocate ? allocate : malloc;
  zeroed_fn = zeroed ? zeroed : calloc;
  resize_fn = resize ? resize : realloc;
  release_fn = release ? release : free;
}

/* Relaxed: no other memory is published through this flag. */
static void mark_used(void) {
  if (!atomic_load_explicit(&in_use, memory_order_relaxed))
    atomic_store_explicit(&in_use, true, memory_order_relaxed);
}

bool ws_memory_was_used(void) {
  return atomic_load(&in_use);
}

unsigned ws_memory_failures(void) {
  return atomic_load(&alloc_failures);
}

static void *count_failure(void *block, size_t size) {
  if (!block && size) atomic_fetch_add(&alloc_failures, 1);
  return block;
}

void *ws_alloc(size_t size) {
  mark_used();
  return count_failure(allocate_fn(size), size);
}

void *ws_calloc(size_t count, size_t size) {
  mark_used();
  return count_failure(zeroed_fn(count, size), count && size);
}

void *ws_realloc(void *block, size_t size) {
  mark_used();
  return count_failure(resize_fn(block, size), size);
}

void ws_free(void *block) {
  if (block) release_fn(block);
}

char *ws_copy(const char *bytes, size_t size) {
  char *copy = size < SIZE_MAX ? ws_alloc(size + 1) : NULL;
  if (!copy) return NULL;
  if (size) memcpy(copy, bytes, size);
  copy[size] = '\0';
  return copy;
}
