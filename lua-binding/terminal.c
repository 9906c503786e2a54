/*
** workstage.terminal: what the command line tool asks of the system and Lua
** does not offer. The library itself never loads it: signals are the
** business of the program.
*/

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#if defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

static const int stopping[] = { SIGINT, SIGTERM, SIGHUP };
#define STOPPING (sizeof stopping / sizeof stopping[0])

static volatile sig_atomic_t taken = 0;
static char farewell[8192];
static volatile sig_atomic_t farewell_length = 0;

static void set_handler(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

/* The first signal is noted; the next one ends the process as it would have
** without us, after a last word. */
static void take(int number) {
  int saved = errno;
  if (taken) {
    if (farewell_length > 0 &&
        write(STDERR_FILENO, farewell, (size_t)farewell_length) < 0)
      farewell_length = 0;
    set_handler(number, SIG_DFL);
    raise(number);
  }
  taken = number;
  errno = saved;
}

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

/* install([farewell]): Ctrl-C and its like are noted from now on, and a
** closed pipe is an error of the one who writes. What is ignored (nohup)
** stays ignored. */
static int terminal_install(lua_State *L) {
  size_t length;
  const char *text = luaL_optlstring(L, 1, "", &length);
  if (length > sizeof farewell) length = 0;
  farewell_length = 0;
  memcpy(farewell, text, length);
  farewell_length = (sig_atomic_t)length;
  taken = 0;
  for (size_t i = 0; i < STOPPING; i++)
    if (!is_ignored(stopping[i])) set_handler(stopping[i], take);
  set_handler(SIGPIPE, SIG_IGN);
  return 0;
}

/* taken(): the name of the signal that came, or nil. */
static int terminal_taken(lua_State *L) {
  switch (taken) {
    case 0: lua_pushnil(L); break;
    case SIGINT: lua_pushliteral(L, "SIGINT"); break;
    case SIGTERM: lua_pushliteral(L, "SIGTERM"); break;
    default: lua_pushliteral(L, "SIGHUP"); break;
  }
  return 1;
}

/* restore(): each signal ends the process again, at once and in silence. The
** interpreter's own answer to Ctrl-C would be a traceback. */
static int terminal_restore(lua_State *L) {
  (void)L;
  for (size_t i = 0; i < STOPPING; i++)
    if (!is_ignored(stopping[i])) set_handler(stopping[i], SIG_DFL);
  set_handler(SIGPIPE, SIG_DFL);
  return 0;
}

/* is_terminal(descriptor) */
static int terminal_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* width(descriptor): columns, or nil where nobody knows. */
static int terminal_width(lua_State *L) {
  struct winsize size;
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) == 0 &&
      size.ws_col > 0)
    lua_pushinteger(L, size.ws_col);
  else
    lua_pushnil(L);
  return 1;
}

/* take_variable(name): its value, or nil; it is gone from the environment,
** where children and /proc show it. */
static int terminal_take_variable(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  char *value = getenv(name);
  lua_pushstring(L, value);
  if (value) explicit_bzero(value, strlen(value));
  unsetenv(name);
  return 1;
}

/* no_core(): no core dump from now on. A limit of one byte keeps Linux from
** handing it to a program as well. */
static int terminal_no_core(lua_State *L) {
  struct rlimit limit;
  (void)L;
  if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 1) {
    limit.rlim_cur = 1;
    setrlimit(RLIMIT_CORE, &limit);
  }
  return 0;
}

EXPORT int luaopen_workstage_terminal(lua_State *L);

EXPORT int luaopen_workstage_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {
    { "install", terminal_install },
    { "taken", terminal_taken },
    { "restore", terminal_restore },
    { "is_terminal", terminal_is_terminal },
    { "width", terminal_width },
    { "take_variable", terminal_take_variable },
    { "no_core", terminal_no_core },
    { NULL, NULL },
  };
  luaL_newlib(L, functions);
  return 1;
}
