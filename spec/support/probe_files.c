/*
** System functions for specs of files that Lua does not have: replacing the
** file of an open descriptor, and fork.
*/

#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((visibility("default"))) int luaopen_probe_files(lua_State *L);

/* The descriptor that a file is open under, or -1. */
static int find(const char *path) {
  struct stat file, other;
  if (stat(path, &file) != 0) return -1;
  for (int fd = 3; fd < 256; fd++)
    if (fstat(fd, &other) == 0 && other.st_dev == file.st_dev &&
        other.st_ino == file.st_ino)
      return fd;
  return -1;
}

/* swap(path, other): makes the descriptor of `path` refer to `other`. */
static int swap(lua_State *L) {
  int fd = find(luaL_checkstring(L, 1));
  int other = open(luaL_checkstring(L, 2), O_RDWR | O_CLOEXEC);
  if (fd < 0 || other < 0 || dup2(other, fd) < 0)
    return luaL_error(L, "no such descriptor");
  close(other);
  return 0;
}

static int is_open(lua_State *L) {
  lua_pushboolean(L, find(luaL_checkstring(L, 1)) >= 0);
  return 1;
}

/* in_child(f): the result of f (true or false) in a forked process. */
static int in_child(lua_State *L) {
  int status = -1;
  pid_t pid = fork();
  if (pid == 0) {
    lua_settop(L, 1);
    _exit(lua_pcall(L, 0, 1, 0) == LUA_OK && lua_toboolean(L, -1) ? 0 : 1);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    return luaL_error(L, "no child");
  lua_pushboolean(L, WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return 1;
}

int luaopen_probe_files(lua_State *L) {
  const luaL_Reg functions[] = {
    {"swap", swap},
    {"is_open", is_open},
    {"in_child", in_child},
    {NULL, NULL}
  };
  luaL_newlib(L, functions);
  return 1;
}
