/*
** The C half of the Lua module: what its files share.
*/

#ifndef WSL_BINDING_H
#define WSL_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "base/buffer.h"
#include "workstage.h"

#define WSL_LOOP "workstage.core.loop"
#define WSL_CLIENT "workstage.core.client"
#define WSL_CALL "workstage.core.call"

/* Each adds its functions to the table on top of the stack. */
void wsl_open_loop(lua_State *L);
void wsl_open_client(lua_State *L);
void wsl_open_call(lua_State *L);
void wsl_open_write(lua_State *L);
void wsl_open_record(lua_State *L);
void wsl_open_schemas(lua_State *L);
void wsl_open_lines(lua_State *L);
void wsl_open_journal(lua_State *L);
void wsl_open_replace(lua_State *L);
void wsl_open_copy(lua_State *L);
void wsl_open_decode(lua_State *L);

/* The loop of a userdata at that index; raises when it is closed. */
ws_loop *wsl_check_loop(lua_State *L, int index);

/* The client of a userdata at that index, or NULL when it is closed. */
ws_client *wsl_check_client(lua_State *L, int index);

/*
** Pushes a call userdata that keeps the value at `owner` (a client or a
** loop) alive, with no call in it yet: room first, so that a call, once
** started, has an owner.
*/
ws_call **wsl_new_call(lua_State *L, int owner);

/* Pushes nil, the kind and the message: the way out of a failed function.
** Memory that ran out is raised, as Lua itself does. */
int wsl_failure(lua_State *L, const ws_error *error);

/* Raises what Lua raises where it has no memory, without needing any. */
int wsl_no_memory(lua_State *L);

/* A new metatable with these methods and metamethods, left on the stack. It
** is the first upvalue of each, for wsl_self. */
void wsl_new_type(lua_State *L, const char *name, const luaL_Reg *methods,
                  const luaL_Reg *meta);

/* What a method was called on. As luaL_checkudata does, but without looking
** the type up by its name, which would be half the cost of a short method. */
void *wsl_self(lua_State *L, const char *type);

/* Anchors the value on top of the stack in a loop's table of what is parked,
** and pops it; the way back to it, for wsl_unpark. */
void *wsl_park(lua_State *L, int loop);

/* Pushes what was parked, and forgets it. */
void wsl_unpark(lua_State *L, int loop, void *parked);

/* Pushes a buffer that Lua frees. */
void wsl_new_buffer(lua_State *L);

/* The buffer that is the running function's first upvalue, empty. */
ws_buffer *wsl_scratch(lua_State *L);

#endif
