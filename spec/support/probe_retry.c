/*
** The table of retries for specs: its functions one by one.
*/

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "base/random.h"
#include "request/retry.h"
#include "walled.h"


static ws_method check_method(lua_State *L, int arg) {
  static const char *const names[] = {"GET", "POST", "PUT", "DELETE",
                                      "PATCH",
                                      "GET with effect", NULL};
  static const ws_method methods[] = {WS_GET, WS_POST, WS_PUT, WS_DELETE,
                                      WS_PATCH, WS_GET_WITH_EFFECT};
  return methods[luaL_checkoption(L, arg, NULL, names)];
}


static ws_kind check_kind(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  for (int kind = WS_OK; kind <= WS_MEMORY; kind++)
    if (strcmp(ws_kind_name((ws_kind)kind), name) == 0) return (ws_kind)kind;
  return (ws_kind)luaL_argerror(L, arg, "no such kind");
}


/* kind(status) */
static int probe_kind(lua_State *L) {
  int status = (int)luaL_checkinteger(L, 1);
  lua_pushstring(L, ws_kind_name(ws_status_kind(status)));
  return 1;
}


/* decide(method, kind, sent): what is next, and if the outcome is unknown */
static int probe_decide(lua_State *L) {
  static const char *const names[] = {
    [WS_RETRY_NO] = "report", [WS_RETRY_AFTER_PAUSE] = "retry",
    [WS_RETRY_AFTER_HOLD_OFF] = "hold", [WS_RETRY_UNSAFE] = "unsafe"
  };
  ws_method method = check_method(L, 1);
  ws_outcome outcome = {.kind = check_kind(L, 2),
                        .sent = lua_toboolean(L, 3)};
  lua_pushstring(L, names[ws_retry_decide(method, &outcome)]);
  lua_pushboolean(L, ws_outcome_is_unknown(method, &outcome));
  return 2;
}


/* pause(next, base, cap, seed): the pause, and the random number in it */
static int probe_pause(lua_State *L) {
  uint64_t state = (uint64_t)luaL_checkinteger(L, 4), same = state;
  lua_pushnumber(L, ws_retry_pause((int)luaL_checkinteger(L, 1),
                                   luaL_checknumber(L, 2),
                                   luaL_checknumber(L, 3), &state));
  lua_pushnumber(L, ws_random(&same));
  return 2;
}


/* hold(retry_after, rejections, base, cap, seed): as `pause` */
static int probe_hold(lua_State *L) {
  uint64_t state = (uint64_t)luaL_checkinteger(L, 5), same = state;
  lua_pushnumber(L, ws_retry_hold_off(luaL_checknumber(L, 1),
                                  (int)luaL_checkinteger(L, 2),
                                  luaL_checknumber(L, 3),
                                  luaL_checknumber(L, 4), &state));
  lua_pushnumber(L, ws_random(&same));
  return 2;
}


/* after(value, now) */
static int probe_after(lua_State *L) {
  lua_pushnumber(L, ws_retry_after(luaL_checkstring(L, 1),
                                   luaL_checknumber(L, 2)));
  return 1;
}


/* attempts(attempts, unresolved, reached) */
static int probe_attempts(lua_State *L) {
  ws_outcome outcome = {.kind = WS_NETWORK,
                        .unresolved = lua_toboolean(L, 2)};
  lua_pushinteger(L, ws_retry_attempts((int)luaL_checkinteger(L, 1),
                                       &outcome, lua_toboolean(L, 3)));
  return 1;
}


/* named_rate(body) */
static int probe_named_rate(lua_State *L) {
  size_t size;
  const char *body = luaL_checklstring(L, 1, &size);
  lua_pushnumber(L, ws_retry_named_rate(ws_walled(body, size), size));
  return 1;
}


static const luaL_Reg functions[] = {
  {"kind", probe_kind},
  {"decide", probe_decide},
  {"pause", probe_pause},
  {"hold", probe_hold},
  {"after", probe_after},
  {"attempts", probe_attempts},
  {"named_rate", probe_named_rate},
  {NULL, NULL}
};

int luaopen_probe_retry(lua_State *L);

__attribute__((visibility("default")))
int luaopen_probe_retry(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
