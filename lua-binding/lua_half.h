/*
** The Lua half of the module as text in C arrays, which script/embed-lua
** generates when the archive is built.
*/

#ifndef WSL_LUA_HALF_H
#define WSL_LUA_HALF_H

#include <stddef.h>

typedef struct wsl_file {
  const char *name;           /* of the module; NULL after the last */
  const char *place;          /* the chunk's name in error messages */
  const unsigned char *text;
  size_t size;
} wsl_file;

extern const wsl_file wsl_lua_half[];

#endif
