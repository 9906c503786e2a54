/*
** workstage.terminal: system functions for the command line tool that Lua does
** not have: signals, the terminal, display widths, secrets in the environment.
** The library never loads it, because signals belong to the program.
*/

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/thread_locale.h"
#include "base/wipe.h"

#if defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

/* ---------------------------------------------------------------- signals */

static const int stopping[] = { SIGINT, SIGTERM, SIGHUP };
#define STOPPING (sizeof stopping / sizeof stopping[0])

static volatile sig_atomic_t pending_signal = 0;
static char exit_message[8192];
static volatile sig_atomic_t exit_message_length = 0;

static void set_handler(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

/* Stores the first signal. The second one prints the exit message and ends the
** process by the signal's default action. */
static void on_signal(int number) {
  int saved = errno;
  if (pending_signal) {
    if (exit_message_length > 0 &&
        write(STDERR_FILENO, exit_message, (size_t)exit_message_length) < 0)
      exit_message_length = 0;
    set_handler(number, SIG_DFL);
    raise(number);
  }
  pending_signal = number;
  errno = saved;
}

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

/* install([exit_message]): the first SIGINT, SIGTERM or SIGHUP is stored for
** pending_signal and does not end the process; writing to a closed pipe is an
** error, not a signal. Ignored signals (nohup) stay ignored. */
static int terminal_install(lua_State *L) {
  size_t length;
  const char *text = luaL_optlstring(L, 1, "", &length);
  if (length > sizeof exit_message) length = 0;
  exit_message_length = 0;
  memcpy(exit_message, text, length);
  exit_message_length = (sig_atomic_t)length;
  pending_signal = 0;
  for (size_t i = 0; i < STOPPING; i++)
    if (!is_ignored(stopping[i])) set_handler(stopping[i], on_signal);
  set_handler(SIGPIPE, SIG_IGN);
  return 0;
}

/* pending_signal(): the name of the signal that was received, or nil. */
static int terminal_pending_signal(lua_State *L) {
  switch (pending_signal) {
    case 0: lua_pushnil(L); break;
    case SIGINT: lua_pushliteral(L, "SIGINT"); break;
    case SIGTERM: lua_pushliteral(L, "SIGTERM"); break;
    default: lua_pushliteral(L, "SIGHUP"); break;
  }
  return 1;
}

/* restore(): every signal ends the process at once and silently, whereas the
** interpreter's own handler would print a traceback on Ctrl-C. */
static int terminal_restore(lua_State *L) {
  (void)L;
  for (size_t i = 0; i < STOPPING; i++)
    if (!is_ignored(stopping[i])) set_handler(stopping[i], SIG_DFL);
  set_handler(SIGPIPE, SIG_DFL);
  return 0;
}

/* ------------------------------------------------------------ the terminal */

/* is_terminal(descriptor) */
static int terminal_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* width(descriptor): the number of columns, or nil if it is unknown. */
static int terminal_width(lua_State *L) {
  struct winsize size;
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) == 0 &&
      size.ws_col > 0)
    lua_pushinteger(L, size.ws_col);
  else
    lua_pushnil(L);
  return 1;
}

/* discard_input(descriptor): drops typed input that was not read yet, so that
** it does not answer a question before that is shown. */
static int terminal_discard_input(lua_State *L) {
  tcflush((int)luaL_checkinteger(L, 1), TCIFLUSH);
  return 0;
}

/* A UTF-8 locale for wcwidth only; the process's own locale is unchanged. NULL
** if the system has none: each character then counts as one cell. */
static locale_t utf8_locale(void) {
  static locale_t locale = (locale_t)0;
  if (!locale) locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (!locale) locale = newlocale(LC_CTYPE_MASK, "en_US.UTF-8", (locale_t)0);
  return locale;
}

/* cells(codepoint): the number of cells of a character on a terminal: 0, 1 or
** 2. */
static int terminal_cells(lua_State *L) {
  wchar_t character = (wchar_t)luaL_checkinteger(L, 1);
  locale_t locale = utf8_locale(), before;
  int cells = 1;
  if (locale) {
    before = uselocale(locale);
    cells = wcwidth(character);
    uselocale(before);
  }
  lua_pushinteger(L, cells < 0 ? 1 : cells);
  return 1;
}

/* ----------------------------------------------------------------- secrets */

/* take_variable(name): returns the variable's value, or nil, and removes it
** from the environment, where child processes and /proc would show it. */
static int terminal_take_variable(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  char *value = getenv(name);
  lua_pushstring(L, value);
  if (value) ws_wipe(value, strlen(value));
  unsetenv(name);
  return 1;
}

/* no_core(): turns core dumps off. A limit of one byte, unlike zero, also
** keeps Linux from piping the dump to a program. */
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
    { "pending_signal", terminal_pending_signal },
    { "restore", terminal_restore },
    { "is_terminal", terminal_is_terminal },
    { "width", terminal_width },
    { "discard_input", terminal_discard_input },
    { "cells", terminal_cells },
    { "take_variable", terminal_take_variable },
    { "no_core", terminal_no_core },
    { NULL, NULL },
  };
  luaL_newlib(L, functions);
  return 1;
}
