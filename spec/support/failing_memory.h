/*
** Memory for the core that fails on demand, for specs. The size of each block
** is stored in front of it.
*/

#ifndef WS_SPEC_FAILING_MEMORY_H
#define WS_SPEC_FAILING_MEMORY_H

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { WS_FAILING_FRONT = 16 };

static struct {
  long long calls;    /* since the last `fail_at` */
  long long failing;  /* the call that fails; all after it do not */
  long long living;   /* blocks that are out */
} failing = {0, -1, 0};

static void *failing_alloc(size_t size) {
  char *block = NULL;
  if (++failing.calls != failing.failing)
    block = malloc(WS_FAILING_FRONT + size);
  if (!block) return NULL;
  memcpy(block, &size, sizeof size);
  failing.living++;
  return block + WS_FAILING_FRONT;
}

static void failing_free(void *block) {
  failing.living--;
  free((char *)block - WS_FAILING_FRONT);
}

static void *failing_calloc(size_t count, size_t size) {
  void *block = failing_alloc(count * size);
  return block ? memset(block, 0, count * size) : NULL;
}

/* Always moves the block, so that using an old pointer is detected. */
static void *failing_realloc(void *old, size_t size) {
  size_t had = 0;
  void *block = failing_alloc(size);
  if (!block || !old) return block;
  memcpy(&had, (char *)old - WS_FAILING_FRONT, sizeof had);
  memcpy(block, old, had < size ? had : size);
  memset(old, 0xDD, had);
  failing_free(old);
  return block;
}

/* fail_at(n): the n-th allocation from now on fails; nil: none. */
static int failing_fail_at(lua_State *L) {
  failing.calls = 0;
  failing.failing = luaL_optinteger(L, 1, -1);
  return 0;
}

/* Allocations since `fail_at`, and blocks that are out. */
static int failing_memory(lua_State *L) {
  lua_pushinteger(L, failing.calls);
  lua_pushinteger(L, failing.living);
  return 2;
}

/* Makes it the core's, and puts both functions into the table on top. */
static void failing_open(lua_State *L) {
  ws_set_memory(failing_alloc, failing_calloc, failing_realloc,
                failing_free);
  lua_pushcfunction(L, failing_fail_at);
  lua_setfield(L, -2, "fail_at");
  lua_pushcfunction(L, failing_memory);
  lua_setfield(L, -2, "memory");
}

#endif
