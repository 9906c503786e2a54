/*
** For programs that embed Lua: loads the module without files on disk, and lets
** the host drive its event loop. See workstage_lua.h.
*/

#include "workstage_lua.h"

#include <math.h>
#include <stdint.h>

#include <lauxlib.h>

#include "lua_half.h"

extern int luaopen_workstage_core(lua_State *L);

enum { LONGEST = 86400000 };  /* the longest timeout, in milliseconds */

/* A module's loader: runs its text with the arguments of `require`. */
static int load_module(lua_State *L) {
  const wsl_file *file = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbufferx(L, (const char *)file->text, file->size, file->place,
                       "t") != LUA_OK)
    return lua_error(L);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

void workstage_preload(lua_State *L) {
  luaL_checkversion(L);
  luaL_checkstack(L, 4, "workstage");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const wsl_file *file = wsl_lua_half; file->name; file++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)file);
    lua_pushcclosure(L, load_module, 1);
    lua_setfield(L, -2, file->name);
  }
  lua_pushcfunction(L, luaopen_workstage_core);
  lua_setfield(L, -2, "workstage.core");
  lua_pop(L, 1);
}

int luaopen_workstage(lua_State *L) {
  workstage_preload(L);
  if (lua_getglobal(L, "require") != LUA_TFUNCTION)
    return luaL_error(L, "workstage needs 'require', which does not exist: "
                         "open Lua's library 'package' first");
  lua_pushliteral(L, "workstage");
  lua_call(L, 1, 1);
  return 1;
}

/* ----------------------------------------------------------------- loop */

/* Calls the method of workstage.loop that its argument names, and returns its
** result; nothing if the module is not loaded. */
static int call_loop(lua_State *L) {
  const char *method = lua_touserdata(L, 1);
  lua_settop(L, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, 1, "workstage") != LUA_TTABLE) return 0;
  lua_getfield(L, 2, "loop");
  lua_getfield(L, 3, method);
  lua_insert(L, 3);
  lua_call(L, 1, 1);
  return 1;
}

static int protected_call(lua_State *L, const char *method) {
  lua_pushcfunction(L, call_loop);
  lua_pushlightuserdata(L, (void *)(uintptr_t)method);
  return lua_pcall(L, 1, 1, 0);
}

int workstage_fileno(lua_State *L) {
  int fd = -1;
  if (protected_call(L, "fileno") == LUA_OK && lua_isinteger(L, -1))
    fd = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return fd;
}

/* Rounds up, because waking too early would only add another wait. After an
** error returns 0, so that workstage_step reports it at once. */
int workstage_timeout(lua_State *L) {
  int status = protected_call(L, "timeout"), milliseconds = -1;
  if (status != LUA_OK)
    milliseconds = 0;
  else if (lua_type(L, -1) == LUA_TNUMBER)
    milliseconds = (int)fmin(ceil(lua_tonumber(L, -1) * 1e3), LONGEST);
  lua_pop(L, 1);
  return milliseconds;
}

int workstage_step(lua_State *L) {
  int status = protected_call(L, "step");
  if (status == LUA_OK) lua_pop(L, 1);
  return status;
}
