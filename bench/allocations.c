/*
** Counts allocations of a process: preloaded, it replaces malloc; as a Lua
** module it returns the count. Lua allocates its own memory with realloc.
*/

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static long long count;

#define SEEN __attribute__((visibility("default")))

SEEN void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}

SEEN void *calloc(size_t number, size_t size) {
  count++;
  return __libc_calloc(number, size);
}

SEEN void *realloc(void *block, size_t size) {
  count += size > 0;
  return __libc_realloc(block, size);
}

static int get_count(lua_State *L) {
  lua_pushinteger(L, count);
  return 1;
}

SEEN int luaopen_allocations(lua_State *L);

SEEN int luaopen_allocations(lua_State *L) {
  lua_pushcfunction(L, get_count);
  return 1;
}
