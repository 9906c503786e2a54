/*
** The loop as a userdata. Its user value is a table of the tasks that wait for
** calls, with references (luaL_ref) as keys.
*/

#include "binding.h"

#include "base/clock.h"

static ws_loop **check(lua_State *L) {
  return wsl_self(L, WSL_LOOP);
}

static ws_loop *check_open(lua_State *L) {
  ws_loop **loop = check(L);
  if (!*loop) luaL_error(L, "the event loop is closed");
  return *loop;
}

ws_loop *wsl_check_loop(lua_State *L, int index) {
  ws_loop **loop = luaL_checkudata(L, index, WSL_LOOP);
  if (!*loop) luaL_error(L, "the event loop is closed");
  return *loop;
}

static int new_loop(lua_State *L) {
  ws_error error;
  ws_loop **loop = lua_newuserdatauv(L, sizeof *loop, 1);
  *loop = NULL;
  luaL_setmetatable(L, WSL_LOOP);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  *loop = ws_loop_open(&error);
  return *loop ? 1 : wsl_failure(L, &error);
}

static int close_loop(lua_State *L) {
  ws_loop **loop = check(L);
  ws_loop *open = *loop;
  *loop = NULL;
  if (open) ws_loop_close(open);
  return 0;
}

/* loop:forked(): true in the child of a fork, where it is unusable. */
static int loop_forked(lua_State *L) {
  lua_pushboolean(L, ws_loop_is_forked(check_open(L)));
  return 1;
}

static int loop_fileno(lua_State *L) {
  lua_pushinteger(L, ws_loop_fd(check_open(L)));
  return 1;
}

/* loop:timeout(): the seconds until it needs a step even if its descriptor is
** not readable, or nil. */
static int loop_timeout(lua_State *L) {
  double seconds = ws_loop_timeout(check_open(L));
  if (seconds < 0) lua_pushnil(L);
  else lua_pushnumber(L, seconds);
  return 1;
}

/* loop:step([seconds]): false if a signal interrupted the wait. */
static int loop_step(lua_State *L) {
  ws_loop *loop = check_open(L);
  lua_pushboolean(L, ws_loop_step(loop, luaL_optnumber(L, 2, -1)));
  return 1;
}

void *wsl_park(lua_State *L, int loop) {
  lua_getiuservalue(L, loop, 1);
  lua_insert(L, -2);
  int number = luaL_ref(L, -2);
  lua_pop(L, 1);
  return (void *)(intptr_t)number;
}

void wsl_unpark(lua_State *L, int loop, void *parked) {
  int number = (int)(intptr_t)parked;
  lua_getiuservalue(L, loop, 1);
  lua_rawgeti(L, -1, number);
  luaL_unref(L, -2, number);
  lua_remove(L, -2);
}

static int loop_wake(lua_State *L) {
  ws_loop_wake(check_open(L));
  return 0;
}

static int loop_pending(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ws_loop_pending(check_open(L)));
  return 1;
}

/* loop:sleep(seconds): a call that ends after that time; at once if negative.
** Checks the loop again after all allocations, as these may run finalizers
** that close it. */
static int loop_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 2);
  wsl_call *call;
  ws_error error;
  check_open(L);
  call = wsl_new_call(L, 1);
  call->call =
    ws_call_sleep(check_open(L), seconds > 0 ? seconds : 0, &error);
  return call->call ? 1 : wsl_failure(L, &error);
}

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void push_event(lua_State *L, const ws_event *event) {
  static const char *const types[] = {"request", "response", "retry",
                                      "wait"};
  bool ended = event->type == WS_EVENT_RESPONSE ||
               event->type == WS_EVENT_RETRY;
  lua_createtable(L, 0, 13);
  set_text(L, "type", types[event->type]);
  set_integer(L, "call", (lua_Integer)event->id);
  set_number(L, "time", event->time);
  set_text(L, "method", event->method);
  set_text(L, "url", event->url);
  set_integer(L, "attempt", event->attempt);
  set_integer(L, "sent", (lua_Integer)event->sent);
  if (event->pause > 0) set_number(L, "pause", event->pause);
  if (!ended) return;
  set_text(L, "kind", ws_kind_name(event->kind));
  if (event->message[0]) set_text(L, "message", event->message);
  if (event->status) set_integer(L, "status", event->status);
  set_number(L, "elapsed", event->elapsed);
  set_integer(L, "received", (lua_Integer)event->received);
}

/* loop:event(): the client's address and the event, or nil. */
static int loop_event(lua_State *L) {
  ws_event event;
  if (!ws_loop_event(check_open(L), &event)) return 0;
  lua_pushlightuserdata(L, event.client);
  push_event(L, &event);
  return 2;
}

static const luaL_Reg methods[] = {
  {"fileno", loop_fileno},
  {"timeout", loop_timeout},
  {"step", loop_step},
  {"forked", loop_forked},
  {"wake", loop_wake},
  {"pending", loop_pending},
  {"sleep", loop_sleep},
  {"event", loop_event},
  {"close", close_loop},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", close_loop},
  {"__close", close_loop},
  {NULL, NULL}
};

/* now(): seconds on a clock that is never set back. */
static int now(lua_State *L) {
  lua_pushnumber(L, (double)ws_now() / 1e6);
  return 1;
}

void wsl_open_loop(lua_State *L) {
  wsl_new_type(L, WSL_LOOP, methods, meta);
  lua_pop(L, 1);
  lua_pushcfunction(L, new_loop);
  lua_setfield(L, -2, "loop");
  lua_pushcfunction(L, now);
  lua_setfield(L, -2, "now");
}
