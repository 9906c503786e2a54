/*
** The sandbox's Lua interface: converts tables to JSON text and back, and has a
** userdata that owns one running server.
*/
#include "json/writer.h"
#include "sandbox/json.h"
#include "sandbox/sandbox.h"

#include <lauxlib.h>
#include <lua.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define SANDBOX "workstage.sandbox"
#define HELD "workstage.sandbox.held"

#define EXPORT __attribute__((visibility("default")))

EXPORT int luaopen_workstage_sandbox(lua_State *L);

/*
** The C memory of a call. It is a userdata, so that a Lua error leaks nothing.
*/
struct held {
  ws_buffer text;
  struct arena arena;
  char *result;
};

static struct held *hold(lua_State *L) {
  struct held *held = lua_newuserdatauv(L, sizeof *held, 0);
  memset(held, 0, sizeof *held);
  luaL_setmetatable(L, HELD);
  return held;
}

static void held_free(struct held *held) {
  ws_buffer_free(&held->text);
  arena_free(&held->arena);
  ws_free(held->result);
  memset(held, 0, sizeof *held);
}

static int held_gc(lua_State *L) {
  held_free(luaL_checkudata(L, 1, HELD));
  return 0;
}

/* --- Lua to JSON ------------------------------------------------------ */

static void encode(lua_State *L, ws_buffer *b, int index, int depth);

static void encode_number(lua_State *L, ws_buffer *b, int index) {
  int whole;
  lua_Integer integer = lua_tointegerx(L, index, &whole);
  lua_Number number = lua_tonumber(L, index);
  if (whole) ws_json_integer(b, (int64_t)integer);
  else if (!ws_json_number(b, (double)number) && !b->failed)
    luaL_error(L, "a number that is not finite");
}

static void encode_string(lua_State *L, ws_buffer *b, const char *text,
                          size_t len) {
  if (!ws_json_string(b, text, len) && !b->failed)
    luaL_error(L, "a string that is not UTF-8");
}

static void encode_array(lua_State *L, ws_buffer *b, int index, int depth) {
  lua_Unsigned i, count = lua_rawlen(L, index);
  ws_buffer_add_text(b, "[");
  for (i = 1; i <= count; i++) {
    if (i > 1) ws_buffer_add_text(b, ",");
    lua_rawgeti(L, index, (lua_Integer)i);
    encode(L, b, -1, depth);
    lua_pop(L, 1);
  }
  ws_buffer_add_text(b, "]");
}

static void encode_object(lua_State *L, ws_buffer *b, int index,
                          int depth) {
  const char *comma = "";
  size_t len;
  ws_buffer_add_text(b, "{");
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *key;
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "a table with both names and numbers as keys");
    key = lua_tolstring(L, -2, &len);
    ws_buffer_add_text(b, comma);
    encode_string(L, b, key, len);
    ws_buffer_add_text(b, ":");
    encode(L, b, -1, depth);
    comma = ",";
  }
  ws_buffer_add_text(b, "}");
}

/* A table with anything at 1, or with nothing at all, is an array. */
static void encode_table(lua_State *L, ws_buffer *b, int index,
                         int depth) {
  bool array;
  luaL_checkstack(L, 8, NULL);
  if (depth > 60) luaL_error(L, "tables nested too deeply");
  index = lua_absindex(L, index);
  array = lua_rawgeti(L, index, 1) != LUA_TNIL;
  lua_pop(L, 1);
  if (!array) {
    lua_pushnil(L);
    if (lua_next(L, index)) lua_pop(L, 2);
    else array = true;
  }
  if (array) encode_array(L, b, index, depth + 1);
  else encode_object(L, b, index, depth + 1);
}

static void encode(lua_State *L, ws_buffer *b, int index, int depth) {
  const char *text;
  size_t len;
  switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA:
      ws_buffer_add_text(b, "null");
      break;
    case LUA_TBOOLEAN:
      ws_buffer_add_text(b, lua_toboolean(L, index) ? "true" : "false");
      break;
    case LUA_TNUMBER:
      encode_number(L, b, index);
      break;
    case LUA_TSTRING:
      text = lua_tolstring(L, index, &len);
      encode_string(L, b, text, len);
      break;
    case LUA_TTABLE:
      encode_table(L, b, index, depth);
      break;
    default:
      luaL_error(L, "a %s cannot be given to the sandbox",
                 luaL_typename(L, index));
  }
  if (b->failed) luaL_error(L, "out of memory");
}

/* Runs encode() for the value at 1; its errors become results. */
static int protected_encode(lua_State *L) {
  struct held *held = lua_touserdata(L, 2);
  encode(L, &held->text, 1, 0);
  return 0;
}

/* Pushes what holds the text; an error message instead, and NULL, if bad. */
static struct held *encoded(lua_State *L, int index) {
  struct held *held = hold(L);
  lua_pushcfunction(L, protected_encode);
  lua_pushvalue(L, index);
  lua_pushlightuserdata(L, held);
  return lua_pcall(L, 2, 0, 0) == LUA_OK ? held : NULL;
}

/* --- JSON to Lua ------------------------------------------------------ */

static void push(lua_State *L, const struct json *v);

/* Members that are null are left out. A number in quotes stays a string. */
static void push_members(lua_State *L, const struct json *whole) {
  bool array = whole->type == JSON_ARRAY;
  const struct json *v;
  lua_Integer i = 0;
  luaL_checkstack(L, 4, NULL);
  lua_createtable(L, array ? (int)whole->len : 0,
                  array ? 0 : (int)whole->len);
  for (v = whole->child; v; v = v->next) {
    push(L, v);
    if (array) lua_rawseti(L, -2, ++i);
    else lua_setfield(L, -2, v->key);
  }
}

static char hex_value(char digit) {
  return (char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Pushes bytes that are not UTF-8, as text_quote_bytes() wrote them. */
static void push_bytes(lua_State *L, const struct json *digits) {
  luaL_Buffer bytes;
  size_t i;
  luaL_buffinit(L, &bytes);
  for (i = 0; i + 1 < digits->len; i += 2)
    luaL_addchar(&bytes, (char)(hex_value(digits->text[i]) << 4 |
                                hex_value(digits->text[i + 1])));
  luaL_pushresult(&bytes);
}

static bool is_bytes(const struct json *v) {
  return v->type == JSON_OBJECT && v->len == 1 &&
         strcmp(v->child->key, TEXT_BYTES) == 0;
}

static void push(lua_State *L, const struct json *v) {
  if (is_bytes(v)) {
    push_bytes(L, v->child);
    return;
  }
  switch (v->type) {
    case JSON_NULL: lua_pushnil(L); break;
    case JSON_BOOL: lua_pushboolean(L, v->boolean); break;
    case JSON_INT: lua_pushinteger(L, (lua_Integer)v->integer); break;
    case JSON_REAL: lua_pushnumber(L, (lua_Number)v->real); break;
    case JSON_TEXT: lua_pushlstring(L, v->text, v->len); break;
    case JSON_ARRAY:
    case JSON_OBJECT: push_members(L, v); break;
  }
}

/* Pushes the value of a JSON text, which `held` owns. */
static int push_result(lua_State *L, struct held *held) {
  const struct json *value;
  if (!held->result) return luaL_error(L, "out of memory");
  value = json_parse_result(&held->arena, held->result,
                            strlen(held->result), &held->text);
  if (!value)
    return luaL_error(L, "sandbox: %s", ws_buffer_cstring(&held->text));
  push(L, value);
  held_free(held);
  return 1;
}

static int push_error(lua_State *L, char *error) {
  lua_pushnil(L);
  lua_pushfstring(L, "sandbox: %s", error ? error : "out of memory");
  ws_free(error);
  return 2;
}

/* --- the object ------------------------------------------------------- */

struct box {
  struct sandbox *sandbox;
};

static struct box *check_box(lua_State *L) {
  return luaL_checkudata(L, 1, SANDBOX);
}

/*
** The running sandbox of the userdata at 1, or NULL. To be asked for after
** the last allocation in Lua: any of them may run a finalizer that stops it.
*/
static struct sandbox *running(lua_State *L) {
  return ((struct box *)lua_touserdata(L, 1))->sandbox;
}

/* nil and a message, once the sandbox is stopped. */
static int stopped(lua_State *L) {
  lua_pushnil(L);
  lua_pushliteral(L, "sandbox: it is stopped");
  return 2;
}

/***
** Ends the server at once, also while requests wait, and frees everything;
** a second call does nothing.
** @treturn boolean true
*/
static int sandbox_m_stop(lua_State *L) {
  struct box *box = check_box(L);
  struct sandbox *sandbox = box->sandbox;
  box->sandbox = NULL;
  if (sandbox) sandbox_stop(sandbox);
  lua_pushboolean(L, 1);
  return 1;
}

/***
** Returns the statistics.
** @treturn[1] table
** @treturn[2] nil
** @treturn[2] string what is wrong
*/
static int sandbox_m_stats(lua_State *L) {
  struct held *held;
  check_box(L);
  held = hold(L);
  if (!running(L)) return stopped(L);
  held->result = sandbox_stats(running(L));
  return push_result(L, held);
}

/***
** The log of the requests, in the order of arrival.
** @tparam[opt=1] integer from the number of the first one
** @treturn[1] table[] one table for each
** @treturn[2] nil
** @treturn[2] string what is wrong
*/
static int sandbox_m_requests(lua_State *L) {
  lua_Integer from = luaL_optinteger(L, 2, 1);
  struct held *held;
  check_box(L);
  held = hold(L);
  if (!running(L)) return stopped(L);
  held->result = sandbox_requests(running(L), from > 0 ? (uint64_t)from : 1);
  return push_result(L, held);
}

/***
** The whole state as a snapshot.
** @treturn[1] table
** @treturn[2] nil
** @treturn[2] string what is wrong
*/
static int sandbox_m_dump(lua_State *L) {
  struct held *held;
  check_box(L);
  held = hold(L);
  if (!running(L)) return stopped(L);
  held->result = sandbox_dump(running(L));
  return push_result(L, held);
}

/* nil, and the error that encoded() left on top. */
static int bad_value(lua_State *L) {
  lua_pushnil(L);
  lua_pushfstring(L, "sandbox: %s", lua_tostring(L, -2));
  return 2;
}

/* Gives the table at 2 to a function of the sandbox's; true, or nil and what
** is wrong. */
static int give(lua_State *L, bool (*take)(struct sandbox *s,
                                           const char *text, size_t len,
                                           char **error)) {
  struct held *held;
  char *error = NULL;
  luaL_checktype(L, 2, LUA_TTABLE);
  held = encoded(L, 2);
  if (!running(L)) return stopped(L);
  if (!held) return bad_value(L);
  if (!take(running(L), held->text.bytes, held->text.size, &error))
    return push_error(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

/***
** Adds faults to those that are there; false ends all of them.
** @tparam table[]|false faults
** @treturn[1] boolean true
** @treturn[2] nil
** @treturn[2] string what is wrong
*/
static int sandbox_m_inject(lua_State *L) {
  struct box *box = check_box(L);
  if (!box->sandbox) return stopped(L);
  if (!lua_isboolean(L, 2) || lua_toboolean(L, 2))
    return give(L, sandbox_inject);
  sandbox_clear_faults(box->sandbox);
  lua_pushboolean(L, 1);
  return 1;
}

/***
** Replaces the whole state; a snapshot that is not right changes nothing.
** @tparam table snapshot
** @treturn[1] boolean true
** @treturn[2] nil
** @treturn[2] string what is wrong
*/
static int sandbox_m_load(lua_State *L) {
  if (!check_box(L)->sandbox) return stopped(L);
  return give(L, sandbox_load);
}

/* The fields url, kantata_url and port, and the methods. */
static int sandbox_m_index(lua_State *L) {
  struct box *box = check_box(L);
  const char *name = lua_tostring(L, 2);
  if (name && box->sandbox) {
    int port = sandbox_port(box->sandbox);
    if (strcmp(name, "port") == 0) return lua_pushinteger(L, port), 1;
    if (strcmp(name, "url") == 0)
      return lua_pushfstring(L, "http://127.0.0.1:%d", port), 1;
    if (strcmp(name, "kantata_url") == 0)
      return lua_pushfstring(L, "http://127.0.0.1:%d/api/v1", port), 1;
  }
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

static int sandbox_m_tostring(lua_State *L) {
  struct box *box = check_box(L);
  if (box->sandbox)
    lua_pushfstring(L, "sandbox at http://127.0.0.1:%d",
                    sandbox_port(box->sandbox));
  else
    lua_pushliteral(L, "sandbox (stopped)");
  return 1;
}

/* --- the module ------------------------------------------------------- */

/***
** Starts a server on 127.0.0.1.
** @tparam[opt] table options
** @treturn[1] userdata the server
** @treturn[2] nil
** @treturn[2] string what is wrong
*/
static int module_start(lua_State *L) {
  struct box *box;
  struct held *held;
  char *error = NULL;
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  box = lua_newuserdatauv(L, sizeof *box, 0);
  box->sandbox = NULL;
  luaL_setmetatable(L, SANDBOX);
  held = encoded(L, 1);
  if (!held) return bad_value(L);
  box->sandbox = sandbox_start(held->text.bytes, held->text.size, &error);
  if (!box->sandbox) return push_error(L, error);
  lua_pushvalue(L, 2);
  return 1;
}

static void stop_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGHUP);
}

/* Only for the tool: blocks the signals that end it, ... */
static int module_hold_signals(lua_State *L) {
  sigset_t set;
  (void)L;
  stop_signals(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return 0;
}

/* ... and waits for one of them. */
static int module_wait_signal(lua_State *L) {
  sigset_t set;
  int number = 0;
  stop_signals(&set);
  sigwait(&set, &number);
  lua_pushinteger(L, number);
  return 1;
}

static void make_class(lua_State *L) {
  static const luaL_Reg methods[] = {
    { "stop", sandbox_m_stop }, { "stats", sandbox_m_stats },
    { "requests", sandbox_m_requests }, { "inject", sandbox_m_inject },
    { "load", sandbox_m_load }, { "dump", sandbox_m_dump },
    { NULL, NULL },
  };
  static const luaL_Reg meta[] = {
    { "__gc", sandbox_m_stop }, { "__close", sandbox_m_stop },
    { "__tostring", sandbox_m_tostring }, { NULL, NULL },
  };
  luaL_newmetatable(L, SANDBOX);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, sandbox_m_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newmetatable(L, HELD);
  lua_pushcfunction(L, held_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

EXPORT int luaopen_workstage_sandbox(lua_State *L) {
  static const luaL_Reg functions[] = {
    { "start", module_start },
    { "hold_signals", module_hold_signals },
    { "wait_signal", module_wait_signal },
    { NULL, NULL },
  };
  make_class(L);
  luaL_newlib(L, functions);
  return 1;
}
