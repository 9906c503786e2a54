/*
** The part of the C library's heap that is in use: the rest of a process's heap
** is free, but fragmented.
*/

#include <malloc.h>

#include <lauxlib.h>

/* used(): bytes. */
static int used(lua_State *L) {
  struct mallinfo2 info = mallinfo2();
  lua_pushinteger(L, (lua_Integer)(info.uordblks + info.hblkhd));
  return 1;
}

__attribute__((visibility("default"))) int luaopen_probe_heap(lua_State *L);

int luaopen_probe_heap(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, used);
  lua_setfield(L, -2, "used");
  return 1;
}
