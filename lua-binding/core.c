/*
** workstage.core: the C half of the module. Only the Lua half uses it.
*/

#include "binding.h"

#if defined(__APPLE__)
#include <dlfcn.h>
#endif

#if defined(__GNUC__)
#define WSL_EXPORT __attribute__((visibility("default")))
#else
#define WSL_EXPORT
#endif

int wsl_no_memory(lua_State *L) {
  lua_pushliteral(L, "not enough memory");
  return lua_error(L);
}

int wsl_failure(lua_State *L, const ws_error *error) {
  if (error->kind == WS_MEMORY) return wsl_no_memory(L);
  lua_pushnil(L);
  lua_pushstring(L, ws_kind_name(error->kind));
  lua_pushstring(L, error->message);
  return 3;
}

/* Adds functions to the table on top of the stack, each with the metatable as
** upvalue. */
static void add_functions(lua_State *L, int metatable,
                          const luaL_Reg *functions) {
  lua_pushvalue(L, metatable);
  luaL_setfuncs(L, functions, 1);
}

void wsl_new_type(lua_State *L, const char *name, const luaL_Reg *methods,
                  const luaL_Reg *meta) {
  int metatable;
  luaL_newmetatable(L, name);
  metatable = lua_gettop(L);
  add_functions(L, metatable, meta);
  lua_newtable(L);
  add_functions(L, metatable, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
}

void *wsl_self(lua_State *L, const char *type) {
  void *self = lua_touserdata(L, 1);
  if (self && lua_getmetatable(L, 1)) {
    bool is_one = lua_rawequal(L, -1, lua_upvalueindex(1));
    lua_pop(L, 1);
    if (is_one) return self;
  }
  return luaL_checkudata(L, 1, type);
}

void wsl_add_method(lua_State *L, const char *type, const char *name) {
  luaL_getmetatable(L, type);
  lua_getfield(L, -1, "__index");
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, name);
  lua_pop(L, 3);
}

/*
** Creates the metatable that Lua's buffers (luaL_Buffer) use for long strings.
** Lua creates it with the first such buffer; if memory runs out halfway, the
** metatable stays without methods, and the state can never build a long string
** again (Lua 5.4.4). So this creates it in advance, and repairs it.
*/
static void prepare_buffers(lua_State *L) {
  static const char box[] = "_UBOX*";
  int top = lua_gettop(L);
  luaL_Buffer buffer;
  if (lua_getfield(L, LUA_REGISTRYINDEX, box) == LUA_TTABLE &&
      lua_getfield(L, -1, "__close") == LUA_TNIL) {
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, box);
  }
  luaL_buffinitsize(L, &buffer, LUAL_BUFFERSIZE + 1);
  luaL_pushresultsize(&buffer, 0);
  lua_settop(L, top);
}

/*
** Keeps the module loaded after its state was closed, as a thread of libcurl's
** resolver may still run then. Other systems than macOS have -z nodelete of
** the linker for this.
*/
static void stay_loaded(void) {
#if defined(__APPLE__)
  static const char anything = 0;
  Dl_info module;
  if (dladdr(&anything, &module)) dlopen(module.dli_fname, RTLD_NOW);
#endif
}

WSL_EXPORT int luaopen_workstage_core(lua_State *L);

WSL_EXPORT int luaopen_workstage_core(lua_State *L) {
  luaL_checkversion(L);
  stay_loaded();
  prepare_buffers(L);
  lua_newtable(L);
  wsl_open_loop(L);
  wsl_open_tasks(L);
  wsl_open_client(L);
  wsl_open_call(L);
  wsl_open_write(L);
  wsl_open_record(L);
  wsl_open_schemas(L);
  wsl_open_record_file(L);
  wsl_open_journal(L);
  wsl_open_atomic_file(L);
  wsl_open_copy(L);
  wsl_open_memory(L);
  wsl_open_decode(L);
  wsl_open_precompiled(L);
  lua_pushstring(L, WS_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, ws_libcurl_version());
  lua_setfield(L, -2, "libcurl_version");
  return 1;
}
