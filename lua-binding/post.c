/*
** A POST in one function: validates and writes the body, sends it, waits, and
** decodes the object that was created. Anything but success is left to the Lua
** half, which continues with the same call: failures, interrupts by signals,
** responses that are not as they must be.
*/

#include <string.h>

#include "binding.h"
#include "decode.h"
#include "lua_source.h"

#include "base/clock.h"
#include "schema/body.h"

#define POST "workstage.core.post"

enum { MOST_POOLED = 16 };

/* What all POSTs of a resource have in common. */
typedef struct post {
  const ws_schema *schema;
  const ws_schema *envelope;   /* its first member is the object */
  wsl_memory *memory;
  const char *path;
  int kind;                    /* of the objects that are created */
  int item_kind;               /* of what is changed; -1: nothing */
  int pooled;                  /* calls in the pool */
  ws_buffer body;
} post;

/* Upvalues. The strings are names of fields. */
enum {
  AT_POST = 1, AT_CLIENT, AT_POOL, AT_STATE, AT_CONTINUE, AT_LEARN,
  AT_UNKNOWN, AT_ITEM, AT_TARGET, AT_RELEASE, AT_CREATED, AT_ID,
  AT_CO, AT_CALL, AT_FINISH
};

/* The stack: the arguments and the call; `finish` has it at 1. */
enum {
  SELF = 1, ATTRIBUTES, TASK, OPTIONS, PATH, BODY, REQUEST, CALL
};

static post *post_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(AT_POST));
}

/* Pushes the field of a table whose name is an upvalue. */
static int get_field(lua_State *L, int table, int name) {
  lua_pushvalue(L, lua_upvalueindex(name));
  return lua_rawget(L, table);
}

/* ------------------------------------------------------------------ success */

/* Reads an integer as math.tointeger does. */
static bool integer_field(lua_State *L, int table, int name,
                          int64_t *value) {
  int is_integer = 0;
  if (get_field(L, table, name) == LUA_TNUMBER)
    *value = lua_tointegerx(L, -1, &is_integer);
  lua_pop(L, 1);
  return is_integer;
}

/* Remembers the item's new stage, and learns about the service's clock. */
static void remember_change(lua_State *L, const wsl_call *call, int object) {
  post *p = post_of(L);
  double now = ws_to_seconds(ws_now());
  wsl_item item = {.at = now, .is_own = true};
  size_t size = 0;
  const char *date = "";
  item.has_stage = integer_field(L, object, AT_TARGET, &item.stage);
  if (get_field(L, object, AT_CREATED) == LUA_TSTRING)
    date = lua_tolstring(L, -1, &size);
  wsl_item_set_date(&item, date, size);
  if (!call->has_release &&
      !wsl_memory_read_item(p->memory, p->item_kind, call->flight.item,
                            &item))
    wsl_no_memory(L);
  if (wsl_memory_wants_offset(p->memory, now)) {
    lua_pushvalue(L, lua_upvalueindex(AT_LEARN));
    lua_insert(L, -2);
    lua_pushnumber(L, call->began);
    lua_pushnumber(L, now);
    lua_call(L, 3, 0);
  }
  else
    lua_pop(L, 1);
}

/* Pushes the object of the response; false if it is not as it must be. */
static bool push_object(lua_State *L, ws_call *call) {
  size_t size;
  const char *body = ws_call_body(call, &size);
  return wsl_decode_member(L, lua_upvalueindex(AT_STATE), body, size,
                           post_of(L)->envelope) &&
         lua_istable(L, -1);
}

/* finish(call): the object that was created, which is remembered as ours; or
** nothing if the response is not as it must be. The claim comes last: if memory
** runs out before it, the object is looked for and must not count as another
** request's. */
static int finish(lua_State *L) {
  post *p = post_of(L);
  const wsl_call *call = lua_touserdata(L, 1);
  int64_t id;
  int object;
  if (!push_object(L, call->call)) return 0;
  object = lua_gettop(L);
  if (!integer_field(L, object, AT_ID, &id)) return 0;
  if (p->item_kind >= 0) remember_change(L, call, object);
  if (!wsl_memory_claim(p->memory, p->kind, id)) wsl_no_memory(L);
  lua_settop(L, object);
  return 1;
}

/* ----------------------------------------------------------- anything else */

/* After the Lua half has continued. A call that it could not bring to its end
** must not be sent later, unnoticed. */
static int after_continue(lua_State *L, int status, lua_KContext context) {
  wsl_call *call = lua_touserdata(L, CALL);
  (void)context;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - CALL;
  if (call->call) ws_call_cancel(call->call);
  if (lua_type(L, -1) != LUA_TSTRING ||
      strcmp(lua_tostring(L, -1), "not enough memory") != 0 ||
      !wsl_call_worked(call))
    return lua_error(L);
  lua_pushnil(L);
  lua_pushvalue(L, lua_upvalueindex(AT_UNKNOWN));
  return 2;
}

/* Lets the Lua half continue with the call, which is its own from now on. The
** value at `raised` is the error that `finish` raised, or nil. */
static int hand_over(lua_State *L, int raised) {
  static const int arguments[] = {SELF, OPTIONS, PATH, REQUEST, CALL};
  enum { COUNT = sizeof arguments / sizeof arguments[0] };
  lua_pushvalue(L, lua_upvalueindex(AT_CONTINUE));
  for (int i = 0; i < COUNT; i++) lua_pushvalue(L, arguments[i]);
  lua_pushvalue(L, raised);
  lua_remove(L, raised);
  return after_continue(L, lua_pcallk(L, COUNT + 1, LUA_MULTRET, 0, 0,
                                      after_continue), 0);
}

/* -------------------------------------------------------------------- calls */

/* Pushes a call that is yet to be started, from the pool if it has one. */
static wsl_call *push_call(lua_State *L) {
  post *p = post_of(L);
  if (!p->pooled) {
    lua_pushvalue(L, lua_upvalueindex(AT_CLIENT));
    wsl_new_call(L, lua_gettop(L));
    lua_replace(L, -2);
    return lua_touserdata(L, -1);
  }
  lua_rawgeti(L, lua_upvalueindex(AT_POOL), p->pooled);
  lua_pushnil(L);
  lua_rawseti(L, lua_upvalueindex(AT_POOL), p->pooled--);
  return lua_touserdata(L, -1);
}

/* Puts a call back into the pool. Allocates nothing: the result of a request
** must not be lost here. */
static void pool_call(lua_State *L, wsl_call *call) {
  post *p = post_of(L);
  wsl_free_call(call);
  if (p->pooled >= MOST_POOLED) return;
  lua_pushvalue(L, CALL);
  lua_rawseti(L, lua_upvalueindex(AT_POOL), ++p->pooled);
}

/* Ends a call that has been waited for. */
static int end_call(lua_State *L) {
  wsl_call *call = lua_touserdata(L, CALL);
  if (!call->call || ws_call_kind(call->call) != WS_OK) {
    lua_pushnil(L);
    return hand_over(L, lua_gettop(L));
  }
  lua_pushvalue(L, lua_upvalueindex(AT_FINISH));
  lua_pushvalue(L, CALL);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK || lua_isnil(L, -1))
    return hand_over(L, lua_gettop(L));
  pool_call(L, call);
  return 1;
}

/* ------------------------------------------------------------------ waiting */

static int after_yield(lua_State *L, int status, lua_KContext context);

static int wait_in_task(lua_State *L) {
  return lua_yieldk(L, 0, 0, after_yield);
}

/* A task may be resumed for other reasons than its call's end. */
static int after_yield(lua_State *L, int status, lua_KContext context) {
  const wsl_call *call = lua_touserdata(L, CALL);
  (void)status;
  (void)context;
  if (call->call && !ws_call_is_done(call->call)) return wait_in_task(L);
  lua_settop(L, CALL);
  return end_call(L);
}

/* Outside tasks. If a hook was set meanwhile (Ctrl-C in the standalone
** interpreter), it runs in the Lua half. */
static int wait_here(lua_State *L, const wsl_call *call, lua_Hook hook) {
  if (lua_gethook(L) == hook) ws_call_wait(call->call);
  return end_call(L);
}

/* -------------------------------------------------------------------- start */

/* Returns nil, the kind, the message and the field: nothing was sent. Raises
** if memory has run out. */
static int refuse(lua_State *L, const char *kind, const char *message,
                  const char *field) {
  if (strcmp(message, "not enough memory") == 0) return wsl_no_memory(L);
  lua_pushnil(L);
  lua_pushstring(L, kind);
  lua_pushstring(L, message);
  lua_pushstring(L, field);
  return 4;
}

/* Sets the body: the one that is given, or the attributes by the schema.
** Nothing may run Lua until the request is started: it might use the buffer. */
static bool set_body(lua_State *L, ws_request *request, bool is_strict,
                     ws_validation_error *error) {
  post *p = post_of(L);
  ws_source from;
  error->field[0] = error->message[0] = '\0';
  request->body = lua_tolstring(L, BODY, &request->body_size);
  if (request->body) return true;
  lua_pushvalue(L, ATTRIBUTES);
  wsl_source(L, &from);
  if (!ws_body_write(wsl_empty_buffer(&p->body), p->schema, WS_FOR_CREATE,
                     is_strict, &from, lua_gettop(L), error))
    return false;
  if (p->body.failed) {
    strcpy(error->message, "not enough memory");
    return false;
  }
  request->body = p->body.bytes;
  request->body_size = p->body.size;
  return true;
}

static double seconds_option(lua_State *L, const char *name) {
  double value = 0;
  if (lua_getfield(L, OPTIONS, name) == LUA_TNUMBER)
    value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static bool is_off(lua_State *L, const char *name) {
  bool value = lua_getfield(L, OPTIONS, name) == LUA_TBOOLEAN &&
               !lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Reads the call options, which the Lua half has checked. */
static void set_options(lua_State *L, ws_request *request, bool *is_strict) {
  *is_strict = true;
  if (lua_isnil(L, OPTIONS)) return;
  request->timeout = seconds_option(L, "timeout");
  request->deadline = seconds_option(L, "deadline");
  request->start_within = seconds_option(L, "start_within");
  if (is_off(L, "retry")) request->attempts = 1;
  *is_strict = !is_off(L, "strict");
}

/* Copies what reconciling needs of a change's attributes, as the caller may
** reuse the table. */
static void note_change(lua_State *L, post *p, wsl_call *call) {
  const wsl_item *known;
  wsl_flight *flight = &call->flight;
  int64_t item = 0, target = 0;
  call->is_known = call->has_release = false;
  flight->item = 0;
  if (p->item_kind < 0) return;
  if (!integer_field(L, ATTRIBUTES, AT_ITEM, &item)) return;
  integer_field(L, ATTRIBUTES, AT_TARGET, &target);
  call->has_release =
    integer_field(L, ATTRIBUTES, AT_RELEASE, &call->release);
  flight->item = item;
  flight->target = target;
  flight->kind = p->kind;
  known = wsl_memory_item(p->memory, p->item_kind, item);
  call->is_known = known != NULL;
  if (known) call->known = *known;
}

/* Pushes the client's loop. */
static int push_loop(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(AT_CLIENT));
  lua_getiuservalue(L, -1, 1);
  return lua_gettop(L);
}

/* True if the call may suspend the running coroutine: it is the task's own. A
** yield in any other one would reach its caller. */
static bool may_suspend(lua_State *L) {
  bool is_own;
  if (!lua_istable(L, TASK) || !lua_isyieldable(L)) return false;
  get_field(L, TASK, AT_CO);
  is_own = lua_tothread(L, -1) == L;
  lua_pop(L, 1);
  return is_own;
}

/* Parks the task before the request is sent, as that may allocate. */
static void *park(lua_State *L) {
  int loop;
  if (!may_suspend(L)) return NULL;
  loop = push_loop(L);
  lua_pushvalue(L, TASK);
  return wsl_park(L, loop);
}

/* Puts the call back, and takes the task out, as nothing was sent. */
static void give_back(lua_State *L, wsl_call *call, void *parked) {
  pool_call(L, call);
  if (parked) wsl_unpark(L, push_loop(L), parked);
}

/* Sets the task's call; the field exists, so this allocates nothing. */
static void set_task_call(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(AT_CALL));
  lua_pushvalue(L, CALL);
  lua_rawset(L, TASK);
}

/* Starts the call; false with `error` if it cannot be. */
static bool start(lua_State *L, wsl_call *call, ws_request *request,
                  ws_error *error) {
  post *p = post_of(L);
  ws_client *client =
    *(ws_client **)lua_touserdata(L, lua_upvalueindex(AT_CLIENT));
  note_change(L, p, call);
  call->began = ws_to_seconds(ws_now());
  error->kind = WS_INVALID;
  strcpy(error->message, "the client is closed");
  if (client) call->call = ws_call_start(client, request, error);
  if (!call->call) return false;
  if (call->flight.item) wsl_memory_enter(p->memory, &call->flight);
  if (request->data) set_task_call(L);
  return true;
}

/*
** post(self, attributes, task, options, path, body, request): the
** object that was created; or nil and the error; or nil, kind, message and
** field if nothing was sent. All but the first two may be nil: `task` is the
** running task; `path` and `body` replace those of the resource; `request` is
** for the Lua half. Returns nothing if the attributes are not a table.
*/
static int create(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  ws_request request = {.method = WS_POST, .path = post_of(L)->path};
  ws_validation_error invalid;
  ws_error error;
  wsl_call *call;
  bool is_strict;
  lua_settop(L, REQUEST);
  if (!lua_istable(L, ATTRIBUTES)) return 0;
  set_options(L, &request, &is_strict);
  call = push_call(L);
  request.data = park(L);
  if (!lua_isnil(L, PATH)) request.path = lua_tostring(L, PATH);
  if (!set_body(L, &request, is_strict, &invalid)) {
    give_back(L, call, request.data);
    return refuse(L, "invalid", invalid.message, invalid.field);
  }
  if (!start(L, call, &request, &error)) {
    give_back(L, call, request.data);
    if (error.kind == WS_MEMORY) return wsl_no_memory(L);
    return refuse(L, ws_kind_name(error.kind), error.message, "");
  }
  lua_settop(L, CALL);
  return request.data ? wait_in_task(L) : wait_here(L, call, hook);
}

/* --------------------------------------------------------------------- open */

static int free_post(lua_State *L) {
  post *p = luaL_checkudata(L, 1, POST);
  ws_buffer_free(&p->body);
  return 0;
}

static void *pointer_option(lua_State *L, const char *name) {
  void *pointer;
  lua_getfield(L, 1, name);
  pointer = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return pointer;
}

/* Reads a string of the options, which keep it alive; NULL if absent. */
static const char *text_option(lua_State *L, const char *name) {
  const char *text;
  lua_getfield(L, 1, name);
  text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

/* Pushes what all POSTs of a resource have in common; its user value keeps the
** options. */
static void push_post(lua_State *L) {
  post *p = lua_newuserdatauv(L, sizeof *p, 1);
  const char *item_kind = text_option(L, "item_kind");
  *p = (post){.item_kind = -1};
  luaL_setmetatable(L, POST);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  p->schema = pointer_option(L, "schema");
  p->envelope = pointer_option(L, "envelope");
  p->path = text_option(L, "path");
  lua_getfield(L, 1, "memory");
  p->memory = wsl_check_memory(L, -1);
  lua_pop(L, 1);
  p->kind = wsl_memory_kind(L, p->memory, text_option(L, "name"));
  if (item_kind)
    p->item_kind = wsl_memory_kind(L, p->memory, item_kind);
}

/* Pushes the upvalues up to AT_CALL. */
static void push_upvalues(lua_State *L, int shared) {
  static const char *const options[] = {
    "continue", "learn", "unknown", "item", "target", NULL
  };
  lua_pushvalue(L, shared);
  lua_getfield(L, 1, "client");
  lua_pushvalue(L, shared + 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  for (int i = 0; options[i]; i++) lua_getfield(L, 1, options[i]);
  lua_pushliteral(L, "release_id");
  lua_pushliteral(L, "created_at");
  lua_pushliteral(L, "id");
  lua_pushliteral(L, "co");
  lua_pushliteral(L, "call");
}

/*
** post(options): the function above for a resource. Options: `client`,
** `memory`, `schema`, `envelope`, `path`, `name` (of the resource),
** `item_kind`, `item` and `target` (of changes), `unknown` (the error of a
** POST whose outcome is unknown because memory ran out), `continue(self,
** options, path, request, call, raised)`, `learn(created_at, sent, answered)`.
*/
static int new_post(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  push_post(L);
  lua_createtable(L, MOST_POOLED, 0);
  push_upvalues(L, 2);
  push_upvalues(L, 2);
  lua_pushcclosure(L, finish, AT_CALL);
  lua_pushcclosure(L, create, AT_FINISH);
  return 1;
}

void wsl_open_post(lua_State *L) {
  const luaL_Reg none[] = {{NULL, NULL}};
  const luaL_Reg meta[] = {{"__gc", free_post}, {NULL, NULL}};
  wsl_new_type(L, POST, none, meta);
  lua_pop(L, 1);
  lua_pushcclosure(L, new_post, 1);
  lua_setfield(L, -2, "post");
}
