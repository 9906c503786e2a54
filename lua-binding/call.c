/*
** A call as a userdata; its user value is what it needs alive: the client,
** or the loop that it sleeps on.
*/

#include "binding.h"

ws_call **wsl_new_call(lua_State *L, int owner) {
  ws_call **call = lua_newuserdatauv(L, sizeof *call, 1);
  *call = NULL;
  luaL_setmetatable(L, WSL_CALL);
  lua_pushvalue(L, owner);
  lua_setiuservalue(L, -2, 1);
  return call;
}

static ws_call *check(lua_State *L) {
  ws_call **call = wsl_self(L, WSL_CALL);
  if (!*call) luaL_error(L, "the call is closed");
  return *call;
}

static int close_call(lua_State *L) {
  ws_call **call = wsl_self(L, WSL_CALL);
  ws_call *open = *call;
  *call = NULL;
  if (open) ws_call_free(open);
  return 0;
}

/* call:wait(): drives the loop until the call has ended; false when a
** signal or an event came first, so that Lua can see to it. */
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

/* call:park(loop, task): once it ends, loop:finished() gives the task out. */
static int call_park(lua_State *L) {
  ws_call *call = check(L);
  wsl_check_loop(L, 2);
  lua_settop(L, 3);
  ws_call_set_data(call, wsl_park(L, 2));
  return 0;
}

/* call:unpark(loop): it is not waited for any more. */
static int call_unpark(lua_State *L) {
  ws_call *call = check(L);
  void *parked = ws_call_data(call);
  wsl_check_loop(L, 2);
  ws_call_set_data(call, NULL);
  if (parked) wsl_unpark(L, 2, parked);
  return 0;
}

/* call:result(): nil (well) or the kind of the failure; status; body. */
static int call_result(lua_State *L) {
  ws_response answer;
  ws_call_response(check(L), &answer);
  if (answer.kind == WS_MEMORY) return wsl_no_memory(L);
  if (answer.kind == WS_OK) lua_pushnil(L);
  else lua_pushstring(L, ws_kind_name(answer.kind));
  lua_pushinteger(L, answer.status);
  lua_pushlstring(L, answer.body, answer.body_size);
  return 3;
}

/*
** call:worked(): whether it took effect, or may have; and how many seconds
** ago it was first sent, or nil. Of a closed call nothing is known. Needs no
** memory: it is asked where there is none.
*/
static int call_worked(lua_State *L) {
  ws_call **call = wsl_self(L, WSL_CALL);
  ws_response answer = {.unsure = true, .first_sent = -1};
  if (*call) ws_call_response(*call, &answer);
  lua_pushboolean(L, answer.unsure || answer.kind == WS_OK);
  if (answer.first_sent < 0) lua_pushnil(L);
  else lua_pushnumber(L, answer.first_sent);
  return 2;
}

static void set_seconds(lua_State *L, const char *name, double seconds) {
  if (seconds < 0) return;
  lua_pushnumber(L, seconds);
  lua_setfield(L, -2, name);
}

/* call:info(): what else is known of it, as a table. */
static int call_info(lua_State *L) {
  ws_response answer;
  ws_call *call = check(L);
  ws_call_response(call, &answer);
  lua_createtable(L, 0, 9);
  lua_pushstring(L, answer.method);
  lua_setfield(L, -2, "method");
  lua_pushstring(L, answer.url);
  lua_setfield(L, -2, "url");
  lua_pushstring(L, answer.message);
  lua_setfield(L, -2, "message");
  lua_pushinteger(L, answer.attempts);
  lua_setfield(L, -2, "attempts");
  lua_pushboolean(L, answer.ambiguous);
  lua_setfield(L, -2, "ambiguous");
  lua_pushboolean(L, answer.unsure);
  lua_setfield(L, -2, "unsure");
  set_seconds(L, "first_sent", answer.first_sent);
  set_seconds(L, "answered", answer.answered);
  set_seconds(L, "date", ws_call_date(call));
  return 1;
}

static int call_header(lua_State *L) {
  size_t size;
  ws_call *call = check(L);
  const char *value = ws_call_header(call, luaL_checkstring(L, 2), &size);
  if (value) lua_pushlstring(L, value, size);
  else lua_pushnil(L);
  return 1;
}

/* Pushes a header's name in lower case, as HTTP compares them. */
static void push_lower(lua_State *L, const char *name, size_t size) {
  luaL_Buffer buffer;
  char *room = luaL_buffinitsize(L, &buffer, size);
  for (size_t i = 0; i < size; i++) {
    room[i] = name[i];
    if (name[i] >= 'A' && name[i] <= 'Z') room[i] = (char)(name[i] + 32);
  }
  luaL_pushresultsize(&buffer, size);
}

/* call:headers(): name in lower case -> value; repeated ones joined with
** ", ". */
static int call_headers(lua_State *L) {
  ws_call *call = check(L);
  const char *name, *value;
  size_t at = 0, name_size, value_size;
  lua_newtable(L);
  while (ws_call_next_header(call, &at, &name, &name_size, &value,
                             &value_size)) {
    push_lower(L, name, name_size);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TSTRING) {
      lua_pushliteral(L, ", ");
      lua_pushlstring(L, value, value_size);
      lua_concat(L, 3);
    }
    else {
      lua_pop(L, 1);
      lua_pushlstring(L, value, value_size);
    }
    lua_rawset(L, -3);
  }
  return 1;
}

static const luaL_Reg methods[] = {
  {"wait", call_wait},
  {"done", call_done},
  {"cancel", call_cancel},
  {"park", call_park},
  {"unpark", call_unpark},
  {"result", call_result},
  {"worked", call_worked},
  {"info", call_info},
  {"header", call_header},
  {"headers", call_headers},
  {"close", close_call},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", close_call},
  {"__close", close_call},
  {NULL, NULL}
};

void wsl_open_call(lua_State *L) {
  wsl_new_type(L, WSL_CALL, methods, meta);
  lua_pop(L, 1);
}
