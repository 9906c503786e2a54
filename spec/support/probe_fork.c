/*
** fork, for specs: in_child(f) runs f in a child process and returns what it
** returned: a string. linger() starts a child that does nothing, and returns a
** function that ends it.
*/

#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

__attribute__((noreturn))
static void be_child(lua_State *L, int out) {
  const char *text;
  size_t size;
  lua_pcall(L, 0, 1, 0);
  text = luaL_tolstring(L, -1, &size);
  _exit(write(out, text, size) == (ssize_t)size ? 0 : 1);
}

static int in_child(lua_State *L) {
  luaL_Buffer text;
  char part[1024];
  int ends[2], status = 0;
  ssize_t got;
  pid_t child;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (pipe(ends)) return luaL_error(L, "no pipe");
  child = fork();
  if (child < 0) return luaL_error(L, "no fork");
  if (child == 0) be_child(L, ends[1]);
  close(ends[1]);
  luaL_buffinit(L, &text);
  while ((got = read(ends[0], part, sizeof part)) > 0)
    luaL_addlstring(&text, part, (size_t)got);
  luaL_pushresult(&text);
  close(ends[0]);
  waitpid(child, &status, 0);
  if (status) return luaL_error(L, "the child ended with %d", status);
  return 1;
}

static int end_child(lua_State *L) {
  pid_t child = (pid_t)lua_tointeger(L, lua_upvalueindex(1));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}

static int linger(lua_State *L) {
  pid_t child = fork();
  if (child < 0) return luaL_error(L, "no fork");
  while (child == 0) pause();
  lua_pushinteger(L, child);
  lua_pushcclosure(L, end_child, 1);
  return 1;
}

__attribute__((visibility("default")))
int luaopen_probe_fork(lua_State *L);

int luaopen_probe_fork(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, in_child);
  lua_setfield(L, -2, "in_child");
  lua_pushcfunction(L, linger);
  lua_setfield(L, -2, "linger");
  return 1;
}
