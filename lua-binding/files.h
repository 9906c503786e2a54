/*
** Files in the Lua module: paths that were given, and errors.
*/

#ifndef WSL_FILES_H
#define WSL_FILES_H

#include <lua.h>

#include "lines.h"

/* The path that is the first argument; NULL when it holds a NUL byte, which
** wsl_path_failure tells. Raises when it is no string. */
const char *wsl_check_path(lua_State *L);
int wsl_path_failure(lua_State *L);

/* A name beside a path, for a file on its way there; i tells several apart.
** Left on the stack. */
const char *wsl_push_temporary(lua_State *L, const char *path, int i);

enum { WSL_TEMPORARIES = 100 };

/* Each pushes nil, a kind, and a sentence that begins with the path. `what`
** may lie on the stack. */
int wsl_invalid(lua_State *L, const char *message);
int wsl_file_failure(lua_State *L, const char *kind, const char *path,
                     const char *what);
int wsl_io_failure(lua_State *L, const char *path, const char *what,
                   int number);

/* After wsl_open_plain returned `fd`. */
int wsl_open_failure(lua_State *L, const char *path, int fd);

/* Pushes what is wrong with the line that a reader found torn or damaged. */
const char *wsl_push_fault(lua_State *L, const char *path,
                           const wsl_reader *reader, wsl_found found);

/* For a line that was found torn or damaged, or not at all. */
int wsl_found_failure(lua_State *L, const char *path,
                      const wsl_reader *reader, wsl_found found);

/* Syncs the folder of a file that was made or renamed in it; `file` is
** open in it. False with errno. */
bool wsl_sync_folder(const char *folder, int file);

/* Pushes the folder of a path. */
const char *wsl_push_folder(lua_State *L, const char *path);

/* Writes all of it; false with errno. `done` counts what was written. */
bool wsl_write_all(int fd, const char *bytes, size_t size, size_t *done);

/* Syncs a file's content; false with errno. */
bool wsl_sync(int fd);

#endif
