/*
** Memory that fails on demand, and counts blocks that are not freed.
*/

#include "oom.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "workstage.h"

fault oom_fault;
held oom_core, oom_cjson;
bool oom_is_ending;
static bool inside_curl;

void oom_arm(void) {
  oom_fault.count = oom_fault.failed = 0;
  oom_fault.armed = true;
}

/* After a full garbage collection Lua asks a second time: ONCE refuses that as
** well. */
static bool is_refused(source from) {
  const fault *f = &oom_fault;
  switch (f->way) {
    case COLLECT: return f->count == f->at;
    case ONCE: return f->count == f->at ||
                      (from == FROM_LUA && f->count == f->at + 1);
    default: return f->count >= f->at;
  }
}

static bool fails(source from) {
  fault *f = &oom_fault;
  if (!f->armed || (f->source != from && f->source != FROM_ALL))
    return false;
  f->count++;
  if (!is_refused(from)) return false;
  f->failed++;
  return true;
}

/* A state that is closed when its process ends only says what it gives back:
** to really do it would cost a copy of all that the processes share. */
static void give_back(void *block) {
#ifndef __SANITIZE_ADDRESS__
  if (oom_is_ending) return;
#endif
  free(block);
}

/* Shrinking a block must not fail: Lua relies on it. */
void *oom_lua_memory(void *data, void *block, size_t old, size_t size) {
  long *used = data;
  size_t before = block ? old : 0;
  void *moved;
  if (size == 0) {
    give_back(block);
    *used -= (long)before;
    return NULL;
  }
  if (size > before && fails(FROM_LUA)) return NULL;
  moved = realloc(block, size);
  if (moved) *used += (long)size - (long)before;
  return moved;
}

/* The size of each block of C, stored in front of it. */
typedef union header {
  size_t size;
  max_align_t alignment;
} header;

static void *counted(void *block, size_t size, held *all) {
  header *head = block;
  if (!head) return NULL;
  head->size = size;
  all->bytes += (long)size;
  all->blocks++;
  return head + 1;
}

static void uncounted(void *block, held *all) {
  all->bytes -= (long)((header *)block)[-1].size;
  all->blocks--;
}

static void *core_alloc(size_t size) {
  if (fails(inside_curl ? FROM_CURL : FROM_CORE)) return NULL;
  return counted(malloc(sizeof(header) + size), size, &oom_core);
}

static void *core_calloc(size_t number, size_t size) {
  void *block = core_alloc(number * size);
  return block ? memset(block, 0, number * size) : NULL;
}

static void core_free(void *block) {
  if (!block) return;
  uncounted(block, &oom_core);
  free((header *)block - 1);
}

/* Always moves the block, so that use of the old address is detected. */
static void *core_realloc(void *block, size_t size) {
  void *moved = core_alloc(size);
  size_t before;
  if (!moved || !block) return moved;
  before = ((header *)block)[-1].size;
  memcpy(moved, block, before < size ? before : size);
  core_free(block);
  return moved;
}

void oom_leak(void) {
  core_alloc(1);
}

bool oom_begin(void) {
  const ws_memory functions = {core_alloc, core_calloc, core_realloc,
                               core_free};
  return ws_init(&functions);
}

/* ---------------------------------------------------------------- libcurl
** The linker puts these in front of libcurl's own (--wrap): what comes
** through the functions that it was given is libcurl's. */

static curl_malloc_callback given_malloc;
static curl_realloc_callback given_realloc;
static curl_strdup_callback given_strdup;
static curl_calloc_callback given_calloc;

static void *curl_alloc(size_t size) {
  void *block;
  inside_curl = true;
  block = given_malloc(size);
  inside_curl = false;
  return block;
}

static void *curl_resize(void *old, size_t size) {
  void *block;
  inside_curl = true;
  block = given_realloc(old, size);
  inside_curl = false;
  return block;
}

static void *curl_zeroed(size_t number, size_t size) {
  void *block;
  inside_curl = true;
  block = given_calloc(number, size);
  inside_curl = false;
  return block;
}

static char *curl_copy(const char *text) {
  char *copy;
  inside_curl = true;
  copy = given_strdup(text);
  inside_curl = false;
  return copy;
}

CURLcode __real_curl_global_init_mem(long flags, curl_malloc_callback m,
                                     curl_free_callback f,
                                     curl_realloc_callback r,
                                     curl_strdup_callback s,
                                     curl_calloc_callback c);
CURLcode __wrap_curl_global_init_mem(long flags, curl_malloc_callback m,
                                     curl_free_callback f,
                                     curl_realloc_callback r,
                                     curl_strdup_callback s,
                                     curl_calloc_callback c);

/* A failure of libcurl's setup counts as a failed allocation. */
CURLcode __wrap_curl_global_init_mem(long flags, curl_malloc_callback m,
                                     curl_free_callback f,
                                     curl_realloc_callback r,
                                     curl_strdup_callback s,
                                     curl_calloc_callback c) {
  if (fails(FROM_CURL)) return CURLE_FAILED_INIT;
  given_malloc = m;
  given_realloc = r;
  given_strdup = s;
  given_calloc = c;
  return __real_curl_global_init_mem(flags, curl_alloc, f, curl_resize,
                                     curl_copy, curl_zeroed);
}

/* -------------------------------------------------------------- lua-cjson
** Its own, where it is linked from an archive with these instead of the C
** library's: counted, and never refused, for it does not look. */

void *cjson_malloc(size_t size);
void *cjson_realloc(void *block, size_t size);
void cjson_free(void *block);

void *cjson_malloc(size_t size) {
  return counted(malloc(sizeof(header) + size), size, &oom_cjson);
}

void *cjson_realloc(void *block, size_t size) {
  header *head = block;
  if (!head) return cjson_malloc(size);
  uncounted(block, &oom_cjson);
  return counted(realloc(head - 1, sizeof(header) + size), size,
                 &oom_cjson);
}

void cjson_free(void *block) {
  if (!block) return;
  uncounted(block, &oom_cjson);
  free((header *)block - 1);
}
