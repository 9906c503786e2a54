/*
** Decodes one object of a response, for functions that are not in decode.c.
*/

#ifndef WSL_DECODE_H
#define WSL_DECODE_H

#include <stdbool.h>

#include <lua.h>

#include "schema/schema.h"

/*
** Pushes the first member of the envelope, and leaves a second value below it.
** False if the bytes are not JSON that matches the envelope, or have another
** member of it; then decode the whole response, for the reason. Raises if
** memory runs out. `state` is the stack index of the decoders' state.
*/
bool wsl_decode_member(lua_State *L, int state, const char *bytes,
                       size_t size, const ws_schema *envelope);

#endif
