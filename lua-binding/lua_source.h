/*
** Lua tables as a source of values for the core.
*/

#ifndef WSL_LUA_SOURCE_H
#define WSL_LUA_SOURCE_H

#include <lua.h>

#include "base/source.h"

/*
** Makes a source that reads tables on the stack of `L`. A table's number is its
** absolute index. The root must be on top of the stack: the source uses what
** is above it, and lua_settop(L, root) removes it in the end.
**
** Access is raw, nothing is allocated, no finalizer runs and nothing raises, so
** the caller may hold memory of its own meanwhile. lua-cjson's null
** (a light userdata of NULL) is null.
*/
void wsl_source(lua_State *L, ws_source *source);

#endif
