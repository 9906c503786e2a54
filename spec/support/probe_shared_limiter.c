/*
** Handles of shared limiters for specs: the single calls, with times in
** seconds. This module has its own copy of the core, so that no client takes
** part. Its fcntl and pwrite fail on demand.
*/

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/wakeup.h"
#include "limit/limit_record.h"
#include "limit/shared_limiter.h"
#include "request/startup.h"
#include "failing_memory.h"

#define TYPE "workstage.probe.handle"

typedef struct Handle {
  ws_limiter_handle *handle;
  int wake;
  bool owner;         /* of the wakeup */
} Handle;


/* Instead of the C library's for the core in this module. */
static int lock_errno, write_errno;

int fcntl(int fd, int command, ...) {
  va_list args;
  void *argument;
  va_start(args, command);
  argument = va_arg(args, void *);
  va_end(args);
  if (lock_errno && command != F_GETFL && command != F_SETFL) {
    errno = lock_errno;
    return -1;
  }
  return (int)syscall(SYS_fcntl, fd, command, argument);
}


ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  struct iovec part = {.iov_base = (char *)(uintptr_t)bytes,
                       .iov_len = size};
  if (!write_errno) return pwritev(fd, &part, 1, at);
  errno = write_errno;
  return -1;
}


static ws_time check_time(lua_State *L, int arg) {
  return (ws_time)floor(luaL_checknumber(L, arg) * 1e6 + 0.5);
}


static void push_time(lua_State *L, ws_time time) {
  lua_pushnumber(L, time == WS_NEVER ? HUGE_VAL : (lua_Number)time / 1e6);
}


static Handle *check_handle(lua_State *L) {
  Handle *handle = luaL_checkudata(L, 1, TYPE);
  luaL_argcheck(L, handle->handle != NULL, 1, "closed");
  return handle;
}


static ws_reservation check_reservation(lua_State *L) {
  return (ws_reservation)luaL_checkinteger(L, 2);
}


/* open(key, rate, path, other): a handle, or nil and why; with the loop of
** another handle where one is given. */
static int probe_open(lua_State *L) {
  ws_error error = {WS_OK, ""};
  const char *key = luaL_checkstring(L, 1);
  lua_Number rate = luaL_checknumber(L, 2);
  const char *path = luaL_optstring(L, 3, NULL);
  const Handle *other = luaL_testudata(L, 4, TYPE);
  Handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->owner = other == NULL;
  handle->wake = other ? other->wake : ws_wakeup_open();
  handle->handle = ws_limit_open(key, rate, path, handle->wake, &error);
  luaL_setmetatable(L, TYPE);
  if (handle->handle) return 1;
  lua_pushnil(L);
  lua_pushstring(L, error.message);
  return 2;
}


static int probe_close(lua_State *L) {
  Handle *handle = luaL_checkudata(L, 1, TYPE);
  if (handle->handle) ws_limit_close(handle->handle);
  if (handle->owner) ws_wakeup_close(handle->wake);
  handle->handle = NULL;
  handle->owner = false;
  return 0;
}


/* start(now, since, more, patience): the turn, and a reservation if it is
** there; nil and why if it cannot be. */
static int probe_start(lua_State *L) {
  ws_error error = {WS_OK, ""};
  ws_turn turn = {.now = check_time(L, 2), .patience = 60 * WS_SECOND};
  ws_reservation reservation;
  ws_time at;
  turn.since = lua_isnoneornil(L, 3) ? turn.now : check_time(L, 3);
  turn.more = lua_toboolean(L, 4);
  if (!lua_isnoneornil(L, 5)) turn.patience = check_time(L, 5);
  if (!ws_limit_start(check_handle(L)->handle, &turn, &reservation, &at,
                      &error)) {
    lua_pushnil(L);
    lua_pushstring(L, error.message);
    return 2;
  }
  push_time(L, at);
  if (reservation == 0) return 1;
  lua_pushinteger(L, (lua_Integer)reservation);
  return 2;
}


/* When to call start again. */
static int probe_stop_waiting(lua_State *L) {
  push_time(L, ws_limit_stop_waiting(check_handle(L)->handle,
                                     check_time(L, 2)));
  return 1;
}


static int probe_answered(lua_State *L) {
  ws_limit_report_response(check_handle(L)->handle, check_reservation(L),
                           check_time(L, 3), check_time(L, 4));
  return 0;
}


static int probe_rejected(lua_State *L) {
  ws_limit_report_429(check_handle(L)->handle, check_reservation(L),
                      check_time(L, 3), check_time(L, 4),
                      luaL_checknumber(L, 5), check_time(L, 6));
  return 0;
}


static int probe_lost(lua_State *L) {
  ws_limit_report_lost(check_handle(L)->handle, check_reservation(L),
                       check_time(L, 3));
  return 0;
}


static int probe_unsent(lua_State *L) {
  ws_limit_report_unsent(check_handle(L)->handle, check_reservation(L));
  return 0;
}


static int probe_is_locked(lua_State *L) {
  lua_pushboolean(L, ws_limit_is_locked(check_handle(L)->handle));
  return 1;
}


/* True if the handle's wakeup was signalled since the last call. */
static int probe_woken(lua_State *L) {
  int wake = check_handle(L)->wake;
  struct pollfd look = {.fd = wake, .events = POLLIN};
  lua_pushboolean(L, poll(&look, 1, 0) == 1);
  ws_wakeup_clear(wake);
  return 1;
}


static int probe_now(lua_State *L) {
  push_time(L, ws_now());
  return 1;
}


/* fail_locks(errno): all locks fail with it from now on; 0: none does. */
static int probe_fail_locks(lua_State *L) {
  lock_errno = (int)luaL_checkinteger(L, 1);
  return 0;
}


/* fail_writes(errno): the same for writes. */
static int probe_fail_writes(lua_State *L) {
  write_errno = (int)luaL_checkinteger(L, 1);
  return 0;
}


/* lock(path): takes the lock of a limit file's record and keeps it. */
static int probe_lock(lua_State *L) {
  int fd = open(luaL_checkstring(L, 1), O_RDWR | O_CLOEXEC);
  lua_pushboolean(L, fd >= 0 &&
                       ws_file_lock(fd, 1 << 30) == WS_LOCK_TAKEN);
  return 1;
}


static const char *const states[] = {"good", "empty", "other clock",
                                     "foreign", "damaged"};


/* read(bytes, now, clock): the state of the record and, if good, its bytes when
** written at that time. The input is at the end of a page, so that reading
** beyond it crashes. */
static int probe_read(lua_State *L) {
  size_t size, page = 16 * 65536;
  const char *bytes = luaL_checklstring(L, 1, &size);
  ws_time now = check_time(L, 2);
  uint64_t clock = (uint64_t)luaL_optinteger(L, 3, 0);
  ws_limit_record *record = lua_newuserdatauv(L, sizeof *record, 0);
  unsigned char *written = lua_newuserdatauv(L, WS_LIMIT_RECORD_SIZE, 0);
  char *pages = mmap(NULL, page + 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ws_record_state state;
  luaL_argcheck(L, size <= page && pages != MAP_FAILED, 1, "too long");
  mprotect(pages + page, 4096, PROT_NONE);
  memcpy(pages + page - size, bytes, size);
  state = ws_limit_record_read(record, now, clock,
                               (unsigned char *)pages + page - size, size);
  munmap(pages, page + 4096);
  lua_pushstring(L, states[state]);
  if (state != WS_RECORD_GOOD) return 1;
  size = ws_limit_record_write(record, now, clock, written);
  lua_pushlstring(L, (char *)written, size);
  return 2;
}


/* seal(bytes): with the checksum that a record of this content has. */
static int probe_seal(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  uint64_t sum = UINT64_C(14695981039346656037);
  luaL_Buffer sealed;
  char *copy = luaL_buffinitsize(L, &sealed, size);
  memcpy(copy, bytes, size);
  for (size_t i = 24; i < size; i++)
    sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
  if (size >= 24) memcpy(copy + 16, &sum, sizeof sum);
  luaL_pushresultsize(&sealed, size);
  return 1;
}


static const luaL_Reg methods[] = {
  {"close", probe_close},
  {"start", probe_start},
  {"stop_waiting", probe_stop_waiting},
  {"answered", probe_answered},
  {"rejected", probe_rejected},
  {"lost", probe_lost},
  {"unsent", probe_unsent},
  {"is_locked", probe_is_locked},
  {"woken", probe_woken},
  {NULL, NULL}
};

static const luaL_Reg functions[] = {
  {"open", probe_open},
  {"now", probe_now},
  {"fail_locks", probe_fail_locks},
  {"fail_writes", probe_fail_writes},
  {"lock", probe_lock},
  {"read", probe_read},
  {"seal", probe_seal},
  {NULL, NULL}
};

int luaopen_probe_shared_limiter(lua_State *L);

__attribute__((visibility("default")))
int luaopen_probe_shared_limiter(lua_State *L) {
  ws_error error = {WS_OK, ""};
  luaL_newmetatable(L, TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, probe_close);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  failing_open(L);
  if (!ws_startup(&error)) return luaL_error(L, "%s", error.message);
  return 1;
}
