/*
** A call as a userdata. Its user value keeps its owner alive: the client, or
** the loop of a call that sleeps.
*/

#include "binding.h"

#include "base/ascii.h"

wsl_call *wsl_new_call(lua_State *L, int owner) {
  wsl_call *call = lua_newuserdatauv(L, sizeof *call, 1);
  *call = (wsl_call){.call = NULL};
  luaL_setmetatable(L, WSL_CALL);
  lua_pushvalue(L, owner);
  lua_setiuservalue(L, -2, 1);
  return call;
}

static ws_call *check(lua_State *L) {
  wsl_call *self = wsl_self(L, WSL_CALL);
  if (!self->call || self->must_close) luaL_error(L, "the call is closed");
  return self->call;
}

void wsl_free_call(wsl_call *self) {
  ws_call *call = self->call;
  self->call = NULL;
  self->in_use = self->must_close = false;
  wsl_memory_leave(&self->flight);
  if (call) ws_call_free(call);
}

static int close_call(lua_State *L) {
  wsl_call *self = wsl_self(L, WSL_CALL);
  if (self->in_use) self->must_close = true;
  else wsl_free_call(self);
  return 0;
}

/* The collector frees it even if an error left it in use. */
static int collect_call(lua_State *L) {
  wsl_free_call(wsl_self(L, WSL_CALL));
  return 0;
}

ws_call *wsl_use_call(lua_State *L) {
  wsl_call *self = luaL_checkudata(L, 1, WSL_CALL);
  if (!self->call || self->must_close) luaL_error(L, "the call is closed");
  self->in_use = true;
  return self->call;
}

void wsl_release_call(lua_State *L) {
  wsl_call *self = lua_touserdata(L, 1);
  self->in_use = false;
  if (self->must_close) wsl_free_call(self);
}

/* call:wait(): drives the loop until the call has ended; false if a signal or
** an event came first, so that Lua can handle it. */
static int call_wait(lua_State *L) {
  lua_pushboolean(L, ws_call_wait(check(L)));
  return 1;
}

static int call_done(lua_State *L) {
  lua_pushboolean(L, ws_call_is_done(check(L)));
  return 1;
}

static int call_cancel(lua_State *L) {
  ws_call_cancel(check(L));
  return 0;
}

/* call:park(loop, task): resume_finished (task.c) resumes the task when the
** call has ended. */
static int call_park(lua_State *L) {
  ws_call *call = check(L);
  wsl_check_loop(L, 2);
  lua_settop(L, 3);
  ws_call_set_data(call, wsl_park(L, 2));
  return 0;
}

/* call:unpark(loop): undoes call:park. */
static int call_unpark(lua_State *L) {
  ws_call *call = check(L);
  void *parked = ws_call_data(call);
  wsl_check_loop(L, 2);
  ws_call_set_data(call, NULL);
  if (parked) wsl_unpark(L, 2, parked);
  return 0;
}

/* Reads the response. Must be called again after each push: that may start the
** collector, whose finalizers may close the call and free the response. */
static ws_response response_of(lua_State *L) {
  ws_response response;
  ws_call_response(check(L), &response);
  return response;
}

/* call:outcome(): nil (success) or the kind of the failure; the status; the
** size of the body in bytes. */
static int call_outcome(lua_State *L) {
  ws_response response = response_of(L);
  if (response.kind == WS_MEMORY) return wsl_no_memory(L);
  if (response.kind == WS_OK) lua_pushnil(L);
  else lua_pushstring(L, ws_kind_name(response.kind));
  lua_pushinteger(L, response.status);
  lua_pushinteger(L, (lua_Integer)response.body_size);
  return 3;
}

static int call_body(lua_State *L) {
  ws_response response = response_of(L);
  lua_pushlstring(L, response.body, response.body_size);
  return 1;
}

bool wsl_call_worked(const wsl_call *self) {
  ws_response response;
  if (!self->call) return true;
  ws_call_response(self->call, &response);
  return response.maybe_applied || response.kind == WS_OK;
}

/*
** call:worked(): true if it took effect or may have; and the seconds since it
** was first sent, or nil. A closed call may have taken effect. Allocates
** nothing, because it is called when memory has run out.
*/
static int call_worked(lua_State *L) {
  const wsl_call *self = wsl_self(L, WSL_CALL);
  ws_response response = {.since_sent = -1};
  if (self->call) ws_call_response(self->call, &response);
  lua_pushboolean(L, wsl_call_worked(self));
  if (response.since_sent < 0) lua_pushnil(L);
  else lua_pushnumber(L, response.since_sent);
  return 2;
}

static void set_seconds(lua_State *L, const char *name, double seconds) {
  if (seconds < 0) return;
  lua_pushnumber(L, seconds);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* call:info(): a table with everything about the response except the body. */
static int call_info(lua_State *L) {
  ws_response response;
  lua_settop(L, 1);
  lua_createtable(L, 0, 9);
  set_text(L, "url", response_of(L).url);
  set_text(L, "message", response_of(L).message);
  response = response_of(L);
  set_seconds(L, "date", ws_call_date(check(L)));
  if (response.method) set_text(L, "method", response.method);
  lua_pushinteger(L, response.attempts);
  lua_setfield(L, -2, "attempts");
  set_flag(L, "ambiguous", response.ambiguous);
  set_flag(L, "maybe_applied", response.maybe_applied);
  set_seconds(L, "first_sent", response.since_sent);
  set_seconds(L, "answered", response.since_answered);
  return 1;
}

/* call:sent_body(): the body of the request, or nil. */
static int call_sent_body(lua_State *L) {
  size_t size;
  const char *body = ws_call_sent_body(check(L), &size);
  if (body) lua_pushlstring(L, body, size);
  else lua_pushnil(L);
  return 1;
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

/* call:note(request): sets what post.c noted: when the request began; of a
** change, what is changed to what, and what was known of it. */
static int call_note(lua_State *L) {
  const wsl_call *self = wsl_self(L, WSL_CALL);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  set_seconds(L, "began", self->began);
  set_seconds(L, "sent_at", self->began);
  if (!self->flight.item) return 0;
  set_integer(L, "item", self->flight.item);
  set_integer(L, "target", self->flight.target);
  if (self->has_release) set_integer(L, "release", self->release);
  if (!self->is_known) return 0;
  wsl_push_item(L, &self->known);
  lua_setfield(L, 2, "known");
  return 0;
}

static int call_header(lua_State *L) {
  const char *name = luaL_checkstring(L, 2), *value;
  size_t size;
  value = ws_call_header(check(L), name, &size);
  if (value) lua_pushlstring(L, value, size);
  else lua_pushnil(L);
  return 1;
}

/* Pushes a header's name in lower case. */
static void push_lower(lua_State *L, const char *name, size_t size) {
  luaL_Buffer buffer;
  char *lower = luaL_buffinitsize(L, &buffer, size);
  for (size_t i = 0; i < size; i++) lower[i] = ws_ascii_lower(name[i]);
  luaL_pushresultsize(&buffer, size);
}

/* Adds the value on top of the stack under the name below it. Appends it to an
** earlier value of that name, separated by ", ". */
static void add_header(lua_State *L) {
  lua_pushvalue(L, -2);
  if (lua_rawget(L, -4) == LUA_TSTRING) {
    lua_pushliteral(L, ", ");
    lua_pushvalue(L, -3);
    lua_concat(L, 3);
    lua_replace(L, -2);
  }
  else
    lua_pop(L, 1);
  lua_rawset(L, -3);
}

/* call:headers(): a table from names in lower case to values. Fetches the
** value after pushing the name, see response_of. */
static int call_headers(lua_State *L) {
  const char *name, *value;
  size_t at = 0, next = 0, name_size, value_size;
  lua_settop(L, 1);
  lua_newtable(L);
  while (ws_call_next_header(check(L), &next, &name, &name_size, &value,
                             &value_size)) {
    push_lower(L, name, name_size);
    ws_call_next_header(check(L), &at, &name, &name_size, &value,
                        &value_size);
    lua_pushlstring(L, value, value_size);
    add_header(L);
  }
  return 1;
}

static const luaL_Reg methods[] = {
  {"wait", call_wait},
  {"done", call_done},
  {"cancel", call_cancel},
  {"park", call_park},
  {"unpark", call_unpark},
  {"outcome", call_outcome},
  {"body", call_body},
  {"worked", call_worked},
  {"info", call_info},
  {"sent_body", call_sent_body},
  {"note", call_note},
  {"header", call_header},
  {"headers", call_headers},
  {"close", close_call},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", collect_call},
  {"__close", close_call},
  {NULL, NULL}
};

void wsl_open_call(lua_State *L) {
  wsl_new_type(L, WSL_CALL, methods, meta);
  lua_pop(L, 1);
}
