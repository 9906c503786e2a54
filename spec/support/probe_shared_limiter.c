/*
** Shares in allowances for specs: the calls one by one, times in seconds.
** The core of this module is a copy of its own, so that no client takes part.
*/

#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "limit/shared_limiter.h"
#include "request/startup.h"
#include "failing_memory.h"

#define TYPE "workstage.probe.share"

typedef struct Share {
  ws_limiter_handle *share;
  int wake;
  bool owner;         /* of the descriptor */
} Share;


static ws_time check_time(lua_State *L, int arg) {
  return (ws_time)floor(luaL_checknumber(L, arg) * 1e6 + 0.5);
}


static void push_time(lua_State *L, ws_time time) {
  lua_pushnumber(L, time == WS_NEVER ? HUGE_VAL : (lua_Number)time / 1e6);
}


static Share *check_share(lua_State *L) {
  Share *share = luaL_checkudata(L, 1, TYPE);
  luaL_argcheck(L, share->share != NULL, 1, "closed");
  return share;
}


static ws_reservation check_ticket(lua_State *L) {
  return (ws_reservation)luaL_checkinteger(L, 2);
}


/* open(key, rate, path, other): a share, or nil and why; with the loop of
** another share where one is given. */
static int probe_open(lua_State *L) {
  ws_error error = {WS_OK, ""};
  const char *key = luaL_checkstring(L, 1);
  lua_Number rate = luaL_checknumber(L, 2);
  const char *path = luaL_optstring(L, 3, NULL);
  const Share *other = luaL_testudata(L, 4, TYPE);
  Share *share = lua_newuserdatauv(L, sizeof *share, 0);
  share->owner = other == NULL;
  share->wake = other ? other->wake : eventfd(0, EFD_NONBLOCK);
  share->share = ws_limit_open(key, rate, path, share->wake, &error);
  luaL_setmetatable(L, TYPE);
  if (share->share) return 1;
  lua_pushnil(L);
  lua_pushstring(L, error.message);
  return 2;
}


static int probe_close(lua_State *L) {
  Share *share = luaL_checkudata(L, 1, TYPE);
  if (share->share) ws_limit_close(share->share);
  if (share->owner) close(share->wake);
  share->share = NULL;
  share->owner = false;
  return 0;
}


/* start(now): the turn, and a ticket if it is there */
static int probe_start(lua_State *L) {
  const ws_reservation none = ~UINT64_C(0);
  ws_reservation ticket = none;
  push_time(L, ws_limit_start(check_share(L)->share, check_time(L, 2), 0,
                              &ticket));
  if (ticket == none) return 1;
  lua_pushinteger(L, (lua_Integer)ticket);
  return 2;
}


static int probe_answered(lua_State *L) {
  ws_limit_record_response(check_share(L)->share, check_ticket(L),
                    check_time(L, 3), check_time(L, 4));
  return 0;
}


static int probe_rejected(lua_State *L) {
  ws_limit_record_429(check_share(L)->share, check_ticket(L),
                    check_time(L, 3), check_time(L, 4),
                    luaL_checknumber(L, 5), check_time(L, 6));
  return 0;
}


static int probe_lost(lua_State *L) {
  ws_limit_record_lost(check_share(L)->share, check_ticket(L),
                       check_time(L, 3));
  return 0;
}


static int probe_unsent(lua_State *L) {
  ws_limit_record_unsent(check_share(L)->share, check_ticket(L));
  return 0;
}


/* What was written to the share's descriptor since the last look. */
static int probe_woken(lua_State *L) {
  uint64_t count = 0;
  if (read(check_share(L)->wake, &count, sizeof count) < 0) count = 0;
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}


static int probe_now(lua_State *L) {
  push_time(L, ws_now());
  return 1;
}


static const luaL_Reg methods[] = {
  {"close", probe_close},
  {"start", probe_start},
  {"answered", probe_answered},
  {"rejected", probe_rejected},
  {"lost", probe_lost},
  {"unsent", probe_unsent},
  {"woken", probe_woken},
  {NULL, NULL}
};

static const luaL_Reg functions[] = {
  {"open", probe_open},
  {"now", probe_now},
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
