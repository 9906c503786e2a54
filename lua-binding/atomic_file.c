/*
** Replaces files atomically: writes a temporary file in the same folder, syncs
** it, and renames it.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"
#include "files.h"
#include "system_files.h"

#define ATOMIC_FILE "workstage.core.atomic_file"

/* User values: the paths. They are set before the file is created. */
enum { PATH = 1, TEMPORARY = 2, FOLDER = 3, VALUES = FOLDER };

typedef struct atomic_file {
  int fd;        /* -1: closed */
  bool exists;   /* the file of the temporary name */
  pid_t owner;   /* the process that made it */
  int failed;    /* errno of a failed write, which prevents the commit */
} atomic_file;

/* ------------------------------------------------------- files in general */

const char *wsl_push_folder(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return lua_pushliteral(L, ".");
  return lua_pushlstring(L, path, slash == path ? 1 : (size_t)(slash - path));
}

const char *wsl_push_temporary(lua_State *L, const char *path, int i) {
  return lua_pushfstring(L, "%s.%I-%d.new", path, (LUAI_UACINT)getpid(), i);
}

bool wsl_write_all(int fd, const char *bytes, size_t size, size_t *done) {
  *done = 0;
  while (*done < size) {
    ssize_t wrote = write(fd, bytes + *done, size - *done);
    if (wrote > 0)
      *done += (size_t)wrote;
    else if (wrote == 0)
      return errno = ENOSPC, false;
    else if (errno != EINTR)
      return false;
  }
  return true;
}

bool wsl_sync(int fd) {
  bool done;
  do
    done = wsl_sync_once(fd);
  while (!done && errno == EINTR);
  return done;
}

/* Syncs the whole file system if the folder may not be opened or cannot be
** synced alone. */
bool wsl_sync_folder(const char *folder, int file) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), number;
  bool done = false;
  if (fd < 0) return wsl_sync_file_system(file);
  do
    done = fsync(fd) == 0;
  while (!done && errno == EINTR);
  if (!done && errno == EINVAL) done = wsl_sync_file_system(file);
  number = errno;
  close(fd);
  errno = number;
  return done;
}

/* -------------------------------------------------------------- replacing */

static const char *push_path(lua_State *L, int which) {
  lua_getiuservalue(L, 1, which);
  return lua_tostring(L, -1);
}

/* Removes the temporary file, except in a forked child of the process that
** created it. */
static void drop(lua_State *L, atomic_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
  if (file->exists && file->owner == getpid())
    unlink(push_path(L, TEMPORARY));
  file->exists = false;
}

static int close_atomic_file(lua_State *L) {
  atomic_file *file = luaL_checkudata(L, 1, ATOMIC_FILE);
  lua_settop(L, 1);
  drop(L, file);
  return 0;
}

/* Pushes the path of the file to replace: for a symbolic link its target, so
** that the link is kept. Pushes nil for a dangling link. */
static void push_target(lua_State *L, const char *path) {
  char *real = realpath(path, NULL), kept[4096];
  struct stat link;
  if (real) {
    snprintf(kept, sizeof kept, "%s", real);
    free(real);
    lua_pushstring(L, kept);
  } else if (lstat(path, &link) == 0 && S_ISLNK(link.st_mode))
    lua_pushnil(L);
  else
    lua_pushstring(L, path);
}

/* The reason why the target may not be replaced; NULL if it may. A rename needs
** no permission on the file, but a write-protected file is respected. Sets
** `there` if the target exists. */
static const char *obstacle(const char *path, struct stat *before,
                            bool *there) {
  *there = path && stat(path, before) == 0;
  if (!path) return "is a symbolic link to a file that does not exist";
  if (*there && !S_ISREG(before->st_mode)) return "is not a regular file";
  if (*there && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
    return "is write-protected";
  return NULL;
}

static bool create(lua_State *L, atomic_file *file, mode_t mode) {
  const char *name = push_path(L, TEMPORARY);
  file->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  mode);
  file->exists = file->fd >= 0;
  lua_pop(L, 1);
  return file->exists;
}

/* Creates the temporary file; skips names left by an earlier process. */
static bool create_any(lua_State *L, atomic_file *file, const char *path,
                       mode_t mode) {
  for (int i = 1; i <= WSL_TEMPORARIES; i++) {
    wsl_push_temporary(L, path, i);
    lua_setiuservalue(L, 1, TEMPORARY);
    if (create(L, file, mode)) return true;
    if (errno != EEXIST) return false;
  }
  return false;
}

/* replace(path, mode): a temporary file that :commit() renames to `path`. An
** existing file's mode is kept unless one is given. */
static int new_atomic_file(lua_State *L) {
  struct stat before;
  const char *path, *why;
  bool given = !lua_isnoneornil(L, 2), there;
  mode_t mode = (mode_t)luaL_optinteger(L, 2, 0666) & 0777;
  atomic_file *file;
  if (!wsl_check_path(L)) return wsl_path_failure(L);
  lua_settop(L, 1);
  file = lua_newuserdatauv(L, sizeof *file, VALUES);
  *file = (atomic_file){.fd = -1, .owner = getpid()};
  luaL_setmetatable(L, ATOMIC_FILE);
  lua_insert(L, 1);
  push_target(L, lua_tostring(L, 2));
  path = lua_tostring(L, 3);
  why = obstacle(path, &before, &there);
  if (why)
    return wsl_file_failure(L, "io", path ? path : lua_tostring(L, 2), why);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 1, PATH);
  wsl_push_folder(L, path);
  lua_setiuservalue(L, 1, FOLDER);
  if (!create_any(L, file, path, mode))
    return wsl_io_failure(L, path, "cannot be written", errno);
  if (there && !given) (void)!fchmod(file->fd, before.st_mode & 0777);
  lua_settop(L, 1);
  return 1;
}

/* Removes a file that cannot be written, and returns the error. */
static int fail(lua_State *L, atomic_file *file, int number) {
  file->failed = number;
  drop(L, file);
  return wsl_io_failure(L, push_path(L, PATH), "cannot be written", number);
}

static atomic_file *check(lua_State *L) {
  atomic_file *file = luaL_checkudata(L, 1, ATOMIC_FILE);
  if (file->fd < 0 && !file->failed) luaL_error(L, "the file is closed");
  return file;
}

static int write_text(lua_State *L) {
  size_t size, done;
  const char *text = luaL_checklstring(L, 2, &size);
  atomic_file *file = check(L);
  if (file->failed) return fail(L, file, file->failed);
  if (!wsl_write_all(file->fd, text, size, &done))
    return fail(L, file, errno);
  lua_pushboolean(L, 1);
  return 1;
}

static int commit(lua_State *L) {
  atomic_file *file = check(L);
  const char *from, *to, *folder;
  lua_settop(L, 1);
  from = push_path(L, TEMPORARY);
  to = push_path(L, PATH);
  folder = push_path(L, FOLDER);
  if (file->failed) return fail(L, file, file->failed);
  if (!wsl_sync(file->fd) || rename(from, to) != 0)
    return fail(L, file, errno);
  file->exists = false;
  if (!wsl_sync_folder(folder, file->fd)) return fail(L, file, errno);
  drop(L, file);
  lua_pushboolean(L, 1);
  return 1;
}

/* write_file(path, text, mode) */
static int write_file(lua_State *L) {
  luaL_checkstring(L, 2);
  lua_settop(L, 3);
  lua_pushcfunction(L, new_atomic_file);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  lua_call(L, 2, 3);
  if (lua_isnil(L, -3)) return 3;
  lua_settop(L, 4);
  lua_pushcfunction(L, write_text);
  lua_pushvalue(L, 4);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 3);
  if (lua_isnil(L, -3)) return 3;
  lua_settop(L, 4);
  lua_pushcfunction(L, commit);
  lua_pushvalue(L, 4);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L) - 4;
}

/* file_exists(path): also true for a file that may not be read and for a
** dangling symbolic link. */
static int file_exists(lua_State *L) {
  struct stat found;
  const char *path = wsl_check_path(L);
  lua_pushboolean(L, path && lstat(path, &found) == 0);
  return 1;
}

/* file_mode(path): the permission bits, and true if it is a regular file; nil
** if the file does not exist. */
static int file_mode(lua_State *L) {
  struct stat found;
  const char *path = wsl_check_path(L);
  if (!path || stat(path, &found) != 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, found.st_mode & 07777);
  lua_pushboolean(L, S_ISREG(found.st_mode));
  return 2;
}

static const luaL_Reg methods[] = {
  {"write", write_text},
  {"commit", commit},
  {"close", close_atomic_file},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", close_atomic_file},
  {"__close", close_atomic_file},
  {NULL, NULL}
};

void wsl_open_atomic_file(lua_State *L) {
  const luaL_Reg functions[] = {
    {"atomic_file", new_atomic_file},
    {"write_file", write_file},
    {"file_exists", file_exists},
    {"file_mode", file_mode},
    {NULL, NULL}
  };
  wsl_new_type(L, ATOMIC_FILE, methods, meta);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
