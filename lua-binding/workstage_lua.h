/*
** workstage inside a program that embeds Lua 5.4:
**
**   lua_State *L = luaL_newstate();
**   luaL_openlibs(L);
**   workstage_preload(L);     -- now `require "workstage"` needs no file
**
** The archive libworkstage_lua.a contains everything but the command line tool
** and the sandbox; `pkg-config --libs workstage-lua` prints what else to link.
** The module needs lua-cjson, which the host must provide: in package.preload
** (Debian's lua-cjson-dev has an archive with luaopen_cjson), or on
** package.cpath.
**
** A state belongs to one thread at a time; any number of states may be used
** in any number of threads. If the state's allocator runs out of memory during
** a request that has changed nothing, Lua raises an error; if it may have
** changed something, it returns an error with `ambiguous`. The module remains
** usable.
*/

#ifndef WORKSTAGE_LUA_H
#define WORKSTAGE_LUA_H

#include <lua.h>

#include "workstage.h"

#if defined(__GNUC__)
#define WORKSTAGE_API extern __attribute__((visibility("default")))
#else
#define WORKSTAGE_API extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
** Adds "workstage", "workstage.migration", "workstage.log" and all modules that
** they load to package.preload. Raises if memory runs out. The modules need
** Lua's standard libraries, except debug; without io and os they cannot use
** files for blueprints, plans and journals.
*/
WORKSTAGE_API void workstage_preload(lua_State *L);

/* Calls workstage_preload, and pushes the module as `require "workstage"`
** returns it. For luaL_requiref, after opening Lua's own libraries. */
WORKSTAGE_API int luaopen_workstage(lua_State *L);

/*
** The event loop of a state, which is `workstage.loop` in Lua, for hosts with
** an event loop of their own: wait until the descriptor is readable or the
** timeout has passed, then step. `workstage.loop:spawn` and `workstage.run`
** create tasks. The three functions never raise, and need five free stack
** slots. In a state that has not loaded "workstage" they return -1, -1 and
** LUA_OK.
*/

/* The descriptor to poll for reading; -1 if there is none. */
WORKSTAGE_API int workstage_fileno(lua_State *L);

/* The timeout for poll: the milliseconds until a step is needed even if the
** descriptor is not readable; -1 if it need not be called. */
WORKSTAGE_API int workstage_timeout(lua_State *L);

/* Does all work that is due, without waiting. Returns as lua_pcall does:
** LUA_OK, or an error status with the message on top of the stack. */
WORKSTAGE_API int workstage_step(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
