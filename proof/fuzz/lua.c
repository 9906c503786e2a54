/*
** Fuzzes a function of lua.lua, named by FUZZ_TARGET when this is compiled:
** it gets the bytes, and what it raises is a finding.
*/

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "workstage_lua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *state;

static lua_State *opened(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  workstage_preload(L);
  if (luaL_loadfile(L, "proof/fuzz/lua.lua") != LUA_OK ||
      lua_pcall(L, 0, 1, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_getfield(L, -1, FUZZ_TARGET);
  lua_replace(L, 1);
  lua_settop(L, 1);
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!state) state = opened();
  lua_pushvalue(state, 1);
  lua_pushlstring(state, (const char *)data, size);
  if (lua_pcall(state, 1, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(state, -1));
    abort();
  }
  lua_settop(state, 1);
  return 0;
}
