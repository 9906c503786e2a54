/*
** The client as a userdata; its user value is its loop.
*/

#include <limits.h>
#include <string.h>

#include "binding.h"

static ws_client **check(lua_State *L) {
  return wsl_self(L, WSL_CLIENT);
}

ws_client *wsl_check_client(lua_State *L, int index) {
  return *(ws_client **)luaL_checkudata(L, index, WSL_CLIENT);
}

/* Reads options from a table that the Lua half has checked; absent ones keep
** their defaults. Strings stay on the stack while they are needed. */
static const char *text_of(lua_State *L, const char *name) {
  return lua_getfield(L, 2, name) == LUA_TSTRING ? lua_tostring(L, -1)
                                                 : NULL;
}

static double number_of(lua_State *L, const char *name, double absent) {
  double value = absent;
  if (lua_getfield(L, 2, name) == LUA_TNUMBER) value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static lua_Integer integer_of(lua_State *L, const char *name,
                              lua_Integer absent) {
  lua_Integer value = absent;
  if (lua_getfield(L, 2, name) == LUA_TNUMBER)
    value = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value;
}

/* A value that does not fit becomes the largest or smallest. */
static int to_int(lua_Integer value) {
  return value > INT_MAX ? INT_MAX : value < INT_MIN ? INT_MIN : (int)value;
}

static int small_of(lua_State *L, const char *name, int absent) {
  return to_int(integer_of(L, name, absent));
}

static bool flag_of(lua_State *L, const char *name) {
  bool value;
  lua_getfield(L, 2, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Converts an array of strings to a C array, owned by a userdata that this
** leaves on the stack. */
static const char *const *lines_of(lua_State *L, int index) {
  size_t count = (size_t)lua_rawlen(L, index);
  const char **lines =
    lua_newuserdatauv(L, (count + 1) * sizeof *lines, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    lines[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lines[count] = NULL;
  return lines;
}

static void read_options(lua_State *L, ws_options *options) {
  luaL_checkstack(L, 20, NULL);
  options->token = text_of(L, "token");
  options->oauth_token = text_of(L, "oauth_token");
  options->region = text_of(L, "region");
  options->base_url = text_of(L, "base_url");
  options->shared = text_of(L, "shared");
  options->ca_file = text_of(L, "ca_file");
  options->proxy = text_of(L, "proxy");
  options->user_agent = text_of(L, "user_agent");
  options->space_id = integer_of(L, "space_id", 0);
  options->rate_limit = number_of(L, "rate_limit", options->rate_limit);
  options->max_requests = integer_of(L, "max_requests", 0);
  options->concurrency = small_of(L, "concurrency", options->concurrency);
  options->timeout = number_of(L, "timeout", options->timeout);
  options->connect_timeout =
    number_of(L, "connect_timeout", options->connect_timeout);
  options->attempts = small_of(L, "attempts", options->attempts);
  options->retry_base = number_of(L, "retry_base", options->retry_base);
  options->retry_cap = number_of(L, "retry_cap", options->retry_cap);
  options->max_response = (size_t)integer_of(
    L, "max_response", (lua_Integer)options->max_response);
  options->events = flag_of(L, "events");
  if (lua_getfield(L, 2, "headers") == LUA_TTABLE)
    options->headers = lines_of(L, lua_gettop(L));
}

/* Pushes a userdata for a client that is yet to be opened; it keeps the loop
** alive. */
static ws_client **push_empty(lua_State *L) {
  ws_client **client = lua_newuserdatauv(L, sizeof *client, 1);
  *client = NULL;
  luaL_setmetatable(L, WSL_CLIENT);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return client;
}

/* client(loop, options): options.service is "storyblok" or "kantata". Checks
** the loop again after all allocations, as these may run finalizers that
** close it. */
static int new_client(lua_State *L) {
  ws_options options;
  ws_error error;
  ws_client **client;
  wsl_check_loop(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_getfield(L, 2, "service");
  ws_options_init(&options,
                  strcmp(luaL_checkstring(L, 3), "kantata") == 0
                    ? WS_KANTATA : WS_STORYBLOK);
  read_options(L, &options);
  client = push_empty(L);
  *client = ws_client_open(wsl_check_loop(L, 1), &options, &error);
  return *client ? 1 : wsl_failure(L, &error);
}

static int close_client(lua_State *L) {
  ws_client **client = check(L);
  ws_client *open = *client;
  *client = NULL;
  if (open) ws_client_close(open);
  return 0;
}

static int client_base(lua_State *L) {
  ws_client *client = *check(L);
  if (client) lua_pushstring(L, ws_client_base(client));
  else lua_pushnil(L);
  return 1;
}

static int client_requests(lua_State *L) {
  ws_client *client = *check(L);
  lua_pushinteger(L, client ? (lua_Integer)ws_client_requests(client) : 0);
  return 1;
}

/* client:retries(): how many followed a 429, a 5xx and no response; the
** seconds that 429s held all requests, and those of other pauses. */
static int client_retries(lua_State *L) {
  ws_client *client = *check(L);
  ws_retries retries = {0};
  if (client) ws_client_retries(client, &retries);
  lua_pushinteger(L, (lua_Integer)retries.rate_limited);
  lua_pushinteger(L, (lua_Integer)retries.server);
  lua_pushinteger(L, (lua_Integer)retries.network);
  lua_pushnumber(L, retries.held);
  lua_pushnumber(L, retries.paused);
  return 5;
}

/* client:address(): the light userdata that identifies the client in events. */
static int client_address(lua_State *L) {
  lua_pushlightuserdata(L, *check(L));
  return 1;
}

static int has_nul(const char *text, size_t size) {
  return text && memchr(text, '\0', size) != NULL;
}

static int refuse(lua_State *L, const char *message) {
  ws_error error = {.kind = WS_INVALID};
  strncat(error.message, message, sizeof error.message - 1);
  return wsl_failure(L, &error);
}

/*
** client:start(method, path, query, body, timeout, deadline, attempts,
** headers, start_within, has_effect): a call, or nil, kind and message. All but
** the first two may be nil; headers is an array of lines; has_effect is true
** for a GET that changes something. Checks the client after all allocations,
** as these may run finalizers that close it.
*/
static int client_start(lua_State *L) {
  size_t path_size, query_size = 0;
  ws_request request = {0};
  ws_client *client;
  ws_error error;
  wsl_call *call;
  lua_settop(L, 11);
  request.method = (ws_method)ws_method_from_name(luaL_checkstring(L, 2));
  if (request.method == WS_GET && lua_toboolean(L, 11))
    request.method = WS_GET_WITH_EFFECT;
  request.path = luaL_checklstring(L, 3, &path_size);
  request.query = luaL_optlstring(L, 4, NULL, &query_size);
  request.body = luaL_optlstring(L, 5, NULL, &request.body_size);
  request.timeout = luaL_optnumber(L, 6, 0);
  request.deadline = luaL_optnumber(L, 7, 0);
  request.attempts = to_int(luaL_optinteger(L, 8, 0));
  request.start_within = luaL_optnumber(L, 10, 0);
  if (has_nul(request.path, path_size))
    return refuse(L, "path: contains a NUL byte");
  if (has_nul(request.query, query_size))
    return refuse(L, "query: contains a NUL byte");
  if (lua_istable(L, 9)) request.headers = lines_of(L, 9);
  call = wsl_new_call(L, 1);
  client = *check(L);
  if (!client) return refuse(L, "the client is closed");
  call->call = ws_call_start(client, &request, &error);
  return call->call ? 1 : wsl_failure(L, &error);
}

static const luaL_Reg methods[] = {
  {"start", client_start},
  {"base", client_base},
  {"requests", client_requests},
  {"retries", client_retries},
  {"address", client_address},
  {"close", close_client},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", close_client},
  {"__close", close_client},
  {NULL, NULL}
};

void wsl_open_client(lua_State *L) {
  wsl_new_type(L, WSL_CLIENT, methods, meta);
  lua_pop(L, 1);
  lua_pushcfunction(L, new_client);
  lua_setfield(L, -2, "client");
}
