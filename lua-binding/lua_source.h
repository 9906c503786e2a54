/*
** Lua tables as a source of values for the core.
*/

#ifndef WSL_LUA_SOURCE_H
#define WSL_LUA_SOURCE_H

#include <lua.h>

#include "base/source.h"

/*
** Initializes a source that reads tables on the stack of `L`. A table's number
** is its absolute index. The root must be on top of the stack: the source uses
** the stack above it, and the caller ends with lua_settop(L, root).
**
** Access is raw, allocates nothing, runs no finalizers and never raises, so the
** caller may hold memory of its own. lua-cjson's null (a light userdata of
** NULL) is null.
*/
void wsl_source(lua_State *L, ws_source *source);

#endif
