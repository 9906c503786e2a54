/*
** Files in the Lua module: paths, errors, writing and syncing.
*/

#ifndef WSL_FILES_H
#define WSL_FILES_H

#include <lua.h>

#include "record_file.h"

/* Returns the path that is the first argument; NULL if it contains a NUL byte,
** then return wsl_path_failure. Raises if it is not a string. */
const char *wsl_check_path(lua_State *L);
int wsl_path_failure(lua_State *L);

/* Pushes the name of the `i`th temporary file for a path, in its folder. */
const char *wsl_push_temporary(lua_State *L, const char *path, int i);

enum { WSL_TEMPORARIES = 100 };

/* Each pushes nil, a kind, and a message that begins with the path. `what` may
** be a string on the stack. */
int wsl_invalid(lua_State *L, const char *message);
int wsl_file_failure(lua_State *L, const char *kind, const char *path,
                     const char *what);
int wsl_io_failure(lua_State *L, const char *path, const char *what,
                   int number);

/* After wsl_open_plain returned `fd`. */
int wsl_open_failure(lua_State *L, const char *path, int fd);

/* Pushes the error of a line that the reader found torn or damaged. */
const char *wsl_push_damage(lua_State *L, const char *path,
                           const wsl_reader *reader, wsl_found found);

/* Pushes nil, kind and message for any result but WSL_LINE and WSL_END. */
int wsl_found_failure(lua_State *L, const char *path,
                      const wsl_reader *reader, wsl_found found);

/* Syncs the folder in which a file was created or renamed; `file` is a
** descriptor of a file in it. False with errno. */
bool wsl_sync_folder(const char *folder, int file);

/* Pushes the folder of a path. */
const char *wsl_push_folder(lua_State *L, const char *path);

/* Writes all bytes; false with errno. Sets `done` to the number written. */
bool wsl_write_all(int fd, const char *bytes, size_t size, size_t *done);

/* Syncs a file's content; false with errno. */
bool wsl_sync(int fd);

#endif
