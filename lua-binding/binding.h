/*
** Declarations that the files of the Lua module's C half share.
*/

#ifndef WSL_BINDING_H
#define WSL_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "base/buffer.h"
#include "memory.h"
#include "workstage.h"

#define WSL_LOOP "workstage.core.loop"
#define WSL_CLIENT "workstage.core.client"
#define WSL_CALL "workstage.core.call"

/* Each adds its functions to the table on top of the stack. */
void wsl_open_loop(lua_State *L);
void wsl_open_tasks(lua_State *L);
void wsl_open_client(lua_State *L);
void wsl_open_call(lua_State *L);
void wsl_open_write(lua_State *L);
void wsl_open_record(lua_State *L);
void wsl_open_schemas(lua_State *L);
void wsl_open_record_file(lua_State *L);
void wsl_open_journal(lua_State *L);
void wsl_open_atomic_file(lua_State *L);
void wsl_open_copy(lua_State *L);
void wsl_open_decode(lua_State *L);
void wsl_open_memory(lua_State *L);
void wsl_open_precompiled(lua_State *L);

/* Takes the state of decoders that is on top of the stack. */
void wsl_open_post(lua_State *L);

/* Returns the loop of the userdata at that index; raises if it is closed. */
ws_loop *wsl_check_loop(lua_State *L, int index);

/* Returns the client of the userdata at that index; NULL if it is closed. */
ws_client *wsl_check_client(lua_State *L, int index);

/*
** Pushes a userdata for a call that is yet to be started; it keeps the value
** at `owner` (a client or a loop) alive. It is created before the call, so
** that no call is left without a userdata if memory runs out.
*/
typedef struct wsl_call {
  ws_call *call;       /* NULL: closed */
  bool in_use;         /* between wsl_use_call and wsl_release_call */
  bool must_close;     /* it was closed while in use */

  /* what post.c notes of a change */
  wsl_flight flight;
  double began;        /* on the clock of now() */
  bool has_release;
  bool is_known;       /* the item was read before: `known` */
  int64_t release;
  wsl_item known;
} wsl_call;

wsl_call *wsl_new_call(lua_State *L, int owner);

/* Frees the core's call, if there is one. */
void wsl_free_call(wsl_call *self);

/* True if a call took effect or may have. A closed one may. */
bool wsl_call_worked(const wsl_call *self);

/* Returns the call of the userdata at index 1, and keeps its response valid
** until wsl_release_call, even if a finalizer closes the call. */
ws_call *wsl_use_call(lua_State *L);
void wsl_release_call(lua_State *L);

/* Pushes nil, the kind and the message, for a function that failed to return.
** Raises if memory ran out, as Lua itself does. */
int wsl_failure(lua_State *L, const ws_error *error);

/* Raises Lua's own error "not enough memory"; allocates nothing. */
int wsl_no_memory(lua_State *L);

/* Pushes a new metatable with these methods and metamethods. It is the first
** upvalue of each of them, for wsl_self. */
void wsl_new_type(lua_State *L, const char *name, const luaL_Reg *methods,
                  const luaL_Reg *meta);

/* Returns the userdata that a method was called on. Like luaL_checkudata, but
** without looking up the type by its name, which takes half the time of a
** short method. */
void *wsl_self(lua_State *L, const char *type);

/* Adds a method to a type: the function on top of the stack, which it pops. */
void wsl_add_method(lua_State *L, const char *type, const char *name);

/* Pops the value on top of the stack and keeps it in the loop's table of
** waiting tasks. Returns a key for wsl_unpark. */
void *wsl_park(lua_State *L, int loop);

/* Pushes the value of that key, and removes it from the table. */
void wsl_unpark(lua_State *L, int loop, void *parked);

/* Pushes a userdata with a ws_buffer that the collector frees. */
void wsl_new_buffer(lua_State *L);

/* Empties and returns a buffer. */
ws_buffer *wsl_empty_buffer(ws_buffer *buffer);

/* Empties and returns the buffer that is the running function's first
** upvalue. */
ws_buffer *wsl_scratch(lua_State *L);

#endif
