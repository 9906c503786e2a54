/*
** workstage inside a program that embeds Lua 5.4:
**
**   lua_State *L = luaL_newstate();
**   luaL_openlibs(L);
**   workstage_preload(L);     -- now `require "workstage"` needs no file
**
** The archive libworkstage_lua.a holds all of it but the command line tool
** and the sandbox; `pkg-config --libs workstage-lua` names what else to
** link. Answers are read by lua-cjson, which the host brings along: in
** package.preload (Debian's lua-cjson-dev has it as an archive, with
** luaopen_cjson as its entrance), or on package.cpath.
**
** A state belongs to one thread at a time; any number of states may be at
** work in any number of threads. Where a request runs out of the memory that
** the state's allocator grants, Lua raises if it has changed nothing; one that
** may have returns an error with `ambiguous`. All goes on with memory again.
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
** Puts "workstage", "workstage.migration", "workstage.log" and all that they
** are made of into package.preload. Raises when memory runs out. The modules
** need Lua's standard libraries; the sandboxes of hosts may leave out debug,
** and without io and os there are no blueprints, plans and journals in files.
*/
WORKSTAGE_API void workstage_preload(lua_State *L);

/* Does that, and pushes the module as `require "workstage"` returns it: for
** luaL_requiref, after Lua's own libraries. */
WORKSTAGE_API int luaopen_workstage(lua_State *L);

/*
** The event loop of a state, which is `workstage.loop` in Lua, for hosts that
** poll by themselves: wait until the descriptor is readable or the time is
** up, then step. Tasks come from `workstage.loop:spawn` or `workstage.run`.
** None of the three raises, and none wants more than five free slots of the
** stack. In a state that has not loaded "workstage" there is nothing to do:
** they return -1, -1 and LUA_OK.
*/

/* What to poll for reading; -1 where it cannot be had. */
WORKSTAGE_API int workstage_fileno(lua_State *L);

/* After how many milliseconds to step although the descriptor is still; -1
** where there is no such moment. In poll's own form. */
WORKSTAGE_API int workstage_timeout(lua_State *L);

/* Does what there is to do, without waiting. As lua_pcall: LUA_OK, or the
** kind of an error whose message is on top of the stack. */
WORKSTAGE_API int workstage_step(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
