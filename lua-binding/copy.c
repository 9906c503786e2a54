/*
** Deep copies of tables, so that later changes by the caller have no effect.
*/

#include "binding.h"

enum { MAX_DEPTH = 200 };   /* more than any body may have */

static int count_pairs(lua_State *L) {
  int count = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    count++;
    lua_pop(L, 1);
  }
  return count;
}

/* Replaces the table on top of the stack with a copy. Allocates space for all
** pairs at once, as growing pair by pair takes several times as long. */
static void copy_table(lua_State *L, int depth) {
  int items = (int)lua_rawlen(L, -1), rest;
  if (depth > MAX_DEPTH) luaL_error(L, "too many levels");
  luaL_checkstack(L, 6, "too many levels");
  rest = count_pairs(L) - items;
  lua_createtable(L, items, rest > 0 ? rest : 0);
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    if (lua_istable(L, -1)) copy_table(L, depth + 1);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
}

/* copy(table): a deep copy. */
static int copy(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  copy_table(L, 1);
  return 1;
}

void wsl_open_copy(lua_State *L) {
  lua_pushcfunction(L, copy);
  lua_setfield(L, -2, "copy");
}
