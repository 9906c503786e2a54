/*
** Lua's tables as a source of values for the core.
*/

#ifndef WSL_LUA_SOURCE_H
#define WSL_LUA_SOURCE_H

#include <lua.h>

#include "base/source.h"

/*
** Makes a source over the stack of `L`. A table's handle is its absolute
** index; the root has to be on top of the stack, for what lies above it is
** the source's own: lua_settop(L, root) when done with it.
**
** Access is raw, nothing is created, no finalizer runs, and nothing raises,
** so that a caller may hold memory of its own meanwhile. lua-cjson's null
** (a light userdata of NULL) is null.
*/
void wsl_source(lua_State *L, ws_source *source);

#endif
