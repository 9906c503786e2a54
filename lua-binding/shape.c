/*
** Shaping what lua-cjson read, in place: integral numbers become integers,
** null becomes nil, and what a schema knows is held to its type. An id that
** came out of range is a fault, never a wrong number.
*/

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"

#include "schema.h"
#include "source.h"

enum { MAX_DEPTH = 1000 };

typedef struct ws_shape {
  lua_State *L;
  char path[160];       /* of the value at hand: "stories[3].stage" */
  size_t size;
  int depth;
  char fault[320];      /* what did not fit; "" while all is well */
} ws_shape;

static bool shape_value(ws_shape *shape, const ws_field *field);
static bool shape_object(ws_shape *shape, const ws_schema *schema);

/* The path grows by a key and shrinks back; it is cut when it is long. */
static size_t enter(ws_shape *shape, const char *key) {
  size_t before = shape->size;
  int added = snprintf(shape->path + before, sizeof shape->path - before,
                       "%s%.40s", before ? "." : "", key);
  shape->size += (size_t)added;
  if (shape->size >= sizeof shape->path)
    shape->size = sizeof shape->path - 1;
  return before;
}

static void leave(ws_shape *shape, size_t before) {
  shape->size = before;
  shape->path[before] = '\0';
}

static bool fault(ws_shape *shape, const char *expected) {
  lua_State *L = shape->L;
  snprintf(shape->fault, sizeof shape->fault,
           "%s: expected %s, the answer holds %s %.40s",
           shape->size ? shape->path : "answer", expected,
           luaL_typename(L, -1),
           lua_type(L, -1) == LUA_TNUMBER ? lua_tostring(L, -1) : "");
  return false;
}

static bool is_null(lua_State *L) {
  return lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == NULL;
}

/* A number on the stack, as an integer if it is one below 2^53. */
static bool to_integer(lua_State *L, lua_Integer *value) {
  lua_Number number;
  if (lua_isinteger(L, -1)) {
    *value = lua_tointeger(L, -1);
    return true;
  }
  number = lua_tonumber(L, -1);
  if (!(fabs(number) < 9007199254740992.0) || number != floor(number))
    return false;
  *value = (lua_Integer)number;
  return true;
}

/* Kantata's numbers come as strings of digits. */
static bool digits_to_integer(lua_State *L, lua_Integer *value) {
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  lua_Integer number = 0;
  if (size == 0 || size > 16) return false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    number = number * 10 + (text[i] - '0');
  }
  *value = number;
  return true;
}

static bool read_integer(lua_State *L, const ws_field *field,
                         lua_Integer *value) {
  switch (lua_type(L, -1)) {
    case LUA_TNUMBER:
      return to_integer(L, value);
    case LUA_TSTRING:
      return field->flags & WS_DIGITS && digits_to_integer(L, value);
    default:
      return false;
  }
}

static void replace_integer(lua_State *L, lua_Integer value) {
  lua_pop(L, 1);
  lua_pushinteger(L, value);
}

static bool shape_integer(ws_shape *shape, const ws_field *field) {
  lua_Integer value;
  if (!read_integer(shape->L, field, &value))
    return fault(shape, "an integer");
  replace_integer(shape->L, value);
  return true;
}

static bool shape_id(ws_shape *shape, const ws_field *field) {
  lua_Integer value;
  if (!read_integer(shape->L, field, &value) || value < 1 ||
      value > WS_MAX_ID)
    return fault(shape, "an id from 1 to 9007199254740991");
  replace_integer(shape->L, value);
  return true;
}

/* Whether a table has names but no items: no array then. An empty one can
** be either. */
static bool is_object(lua_State *L) {
  if (lua_rawlen(L, -1)) return false;
  lua_pushnil(L);
  if (!lua_next(L, -2)) return false;
  lua_pop(L, 2);
  return true;
}

/* An array's items, each by `one`. */
static bool shape_items(ws_shape *shape, const ws_field *field,
                        bool (*one)(ws_shape *, const ws_field *)) {
  lua_State *L = shape->L;
  lua_Integer count;
  if (!lua_istable(L, -1) || is_object(L)) return fault(shape, "an array");
  count = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    if (!one(shape, field)) return false;
    lua_rawseti(L, -2, i);
  }
  return true;
}

static bool shape_text(ws_shape *shape, const ws_field *field) {
  (void)field;
  return lua_type(shape->L, -1) == LUA_TSTRING || fault(shape, "a string");
}

static bool shape_one_object(ws_shape *shape, const ws_field *field) {
  if (!lua_istable(shape->L, -1) || lua_rawlen(shape->L, -1))
    return fault(shape, "an object");
  return shape_object(shape, field->object);
}

/* What no schema describes: numbers and nulls, all the way down. */
static bool shape_any(ws_shape *shape) {
  lua_State *L = shape->L;
  lua_Integer value;
  if (lua_istable(L, -1)) return shape_object(shape, NULL);
  if (lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1) &&
      to_integer(L, &value))
    replace_integer(L, value);
  return true;
}

static bool shape_typed(ws_shape *shape, const ws_field *field) {
  lua_State *L = shape->L;
  switch (field->type) {
    case WS_FIELD_ID:
      return shape_id(shape, field);
    case WS_FIELD_INTEGER:
      return shape_integer(shape, field);
    case WS_FIELD_NUMBER:
      if (lua_type(L, -1) != LUA_TNUMBER) return fault(shape, "a number");
      return shape_any(shape);
    case WS_FIELD_BOOLEAN:
      return lua_isboolean(L, -1) || fault(shape, "a boolean");
    case WS_FIELD_TEXT: case WS_FIELD_TIME:
      return shape_text(shape, field);
    case WS_FIELD_IDS:
      return shape_items(shape, field, shape_id);
    case WS_FIELD_TEXTS:
      return shape_items(shape, field, shape_text);
    case WS_FIELD_OBJECT:
      return shape_one_object(shape, field);
    case WS_FIELD_OBJECTS:
      return shape_items(shape, field, shape_one_object);
    default:
      return shape_any(shape);
  }
}

/* Replaces the value on top of the stack by its shaped form. */
static bool shape_value(ws_shape *shape, const ws_field *field) {
  lua_State *L = shape->L;
  if (is_null(L)) {
    lua_pop(L, 1);
    lua_pushnil(L);
    return true;
  }
  return field ? shape_typed(shape, field) : shape_any(shape);
}

/* One pair of a table: the key is below the value. A null in an array of
** no schema stays, so that the array has no holes. */
static bool shape_pair(ws_shape *shape, const ws_schema *schema) {
  lua_State *L = shape->L;
  const ws_field *field = NULL;
  const char *key = "";
  size_t size = 0, before = shape->size;
  if (lua_type(L, -2) == LUA_TSTRING) {
    key = lua_tolstring(L, -2, &size);
    if (schema) field = ws_schema_field(schema, key, size);
  }
  else if (is_null(L))
    return true;
  if (field) before = enter(shape, key);
  if (!shape_value(shape, field)) return false;
  if (field) leave(shape, before);
  return true;
}

/* Whether shaping can leave the value as it is, which most are. */
static bool is_settled(lua_State *L) {
  int type = lua_type(L, -1);
  return type == LUA_TSTRING || type == LUA_TBOOLEAN;
}

static bool shape_object(ws_shape *shape, const ws_schema *schema) {
  lua_State *L = shape->L;
  int table = lua_gettop(L);
  if (++shape->depth > MAX_DEPTH || !lua_checkstack(L, 6))
    return fault(shape, "fewer levels");
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (!schema && is_settled(L)) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    if (!shape_pair(shape, schema)) return false;
    lua_rawset(L, table);
  }
  shape->depth--;
  return true;
}

/*
** shape(value, schema, name): the same value, shaped; or nil and a sentence
** that says what did not fit. schema may be nil; name begins the sentence.
*/
static int shape(lua_State *L) {
  ws_shape state = {.L = L};
  const ws_schema *schema = lua_touserdata(L, 2);
  bool well;
  enter(&state, luaL_optstring(L, 3, ""));
  lua_settop(L, 2);
  lua_insert(L, 1);
  if (schema && (!lua_istable(L, 2) || lua_rawlen(L, 2)))
    well = fault(&state, "an object");
  else if (lua_istable(L, 2)) well = shape_object(&state, schema);
  else well = shape_any(&state);
  if (well) return 1;
  lua_pushnil(L);
  lua_pushstring(L, state.fault);
  return 2;
}

void wsl_open_shape(lua_State *L) {
  lua_pushcfunction(L, shape);
  lua_setfield(L, -2, "shape");
}
