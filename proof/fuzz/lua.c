/*
** Fuzzes the function that lua/FUZZ_TARGET.lua returns (the name is set at
** compile time). It gets the bytes; an error that it raises is a finding.
*/

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "workstage_lua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *state;

/* How often each line of Lua has run: libFuzzer looks for new ones, as it
** does in C. */
enum { LINES = 1 << 14 };
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t lines[LINES];

static void on_line(lua_State *L, lua_Debug *info) {
  size_t place;
  lua_getinfo(L, "S", info);
  place = (size_t)(uintptr_t)info->source / 16 * 31;
  place += (size_t)info->currentline * 7;
  if (++lines[place % LINES] == 0) lines[place % LINES] = 255;
}

static lua_State *opened(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  workstage_preload(L);
  if (luaL_dostring(L, "package.path = 'proof/fuzz/lua/?.lua;' .. "
                       "package.path return require '" FUZZ_TARGET "'") !=
      LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_settop(L, 1);
  lua_sethook(L, on_line, LUA_MASKLINE, 0);
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
