/*
** Shaping what lua-cjson read, in place: integral numbers become integers,
** null becomes nil, and what a schema knows is held to its type. An id that
** came out of range is a fault, never a wrong number.
**
** Most values stay as they are, so that a table is written to only where one
** does not.
*/

#include <stdio.h>
#include <string.h>

#include "binding.h"

#include "schema/schema.h"
#include "base/source.h"

enum { MAX_DEPTH = 1000 };

/* What becomes of a value. */
typedef enum verdict {
  UNFIT,       /* a fault has been noted */
  AS_IS,
  AN_INTEGER,  /* the one in ws_shape */
  NOTHING      /* nil takes its place */
} verdict;

/* Where in the answer we are; written out when there is a fault. */
typedef struct step {
  const struct step *up;
  const char *key;
  lua_Integer index;    /* in the array of that name; 0: no array */
} step;

typedef struct ws_shape {
  lua_State *L;
  lua_Integer integer;
  int depth;
  char fault[320];      /* what did not fit */
} ws_shape;

/* "stories[3].stage": cut where it is long. */
typedef struct path {
  char text[160];
  size_t size;
} path;

static verdict shape_object(ws_shape *shape, const ws_schema *schema,
                            const step *at);

static void put_path(path *to, const step *at) {
  char index[24] = "";
  size_t room, added;
  if (!at) return;
  put_path(to, at->up);
  if (at->index) snprintf(index, sizeof index, "[%lld]", at->index);
  room = sizeof to->text - to->size;
  added = (size_t)snprintf(to->text + to->size, room, "%s%.40s%s",
                           to->size ? "." : "", at->key, index);
  to->size += added < room ? added : room - 1;
}

/* The value at fault is on top of the stack. */
static verdict fault(ws_shape *shape, const step *at, const char *expected) {
  lua_State *L = shape->L;
  path where = {{0}, 0};
  put_path(&where, at);
  snprintf(shape->fault, sizeof shape->fault,
           "%s: expected %s, the answer holds %s %.40s",
           where.size ? where.text : "answer", expected,
           luaL_typename(L, -1),
           lua_type(L, -1) == LUA_TNUMBER ? lua_tostring(L, -1) : "");
  return UNFIT;
}

static bool is_null(lua_State *L, int type) {
  return type == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == NULL;
}

/* A number on the stack, as an integer if it is one below 2^53; those that
** lua-cjson has read as integers are exact. */
static bool to_integer(lua_State *L, lua_Integer *value) {
  int integral;
  *value = lua_tointegerx(L, -1, &integral);
  if (!integral) return false;
  return (*value >= -WS_MAX_ID && *value <= WS_MAX_ID) ||
         lua_isinteger(L, -1);
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

static bool read_integer(ws_shape *shape, const ws_field *field, int type) {
  if (type == LUA_TNUMBER) return to_integer(shape->L, &shape->integer);
  return type == LUA_TSTRING && field->flags & WS_DIGITS &&
         digits_to_integer(shape->L, &shape->integer);
}

static verdict shape_id(ws_shape *shape, const ws_field *field,
                        const step *at, int type) {
  if (read_integer(shape, field, type) && shape->integer >= 1 &&
      shape->integer <= WS_MAX_ID)
    return AN_INTEGER;
  return fault(shape, at, "an id from 1 to 9007199254740991");
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

static verdict shape_text(ws_shape *shape, const ws_field *field,
                          const step *at, int type) {
  (void)field;
  return type == LUA_TSTRING ? AS_IS : fault(shape, at, "a string");
}

static verdict shape_one_object(ws_shape *shape, const ws_field *field,
                                const step *at, int type) {
  if (type != LUA_TTABLE || lua_rawlen(shape->L, -1))
    return fault(shape, at, "an object");
  return shape_object(shape, field->object, at);
}

/* An array's items, each by `one`, which makes integers at most. */
static verdict shape_items(ws_shape *shape, const ws_field *field,
                           const step *at, int type,
                           verdict (*one)(ws_shape *, const ws_field *,
                                          const step *, int)) {
  lua_State *L = shape->L;
  lua_Integer count;
  if (type != LUA_TTABLE || is_object(L))
    return fault(shape, at, "an array");
  count = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    int item = lua_rawgeti(L, -1, i);
    verdict found = one(shape, field, at, item);
    if (found == UNFIT) return UNFIT;
    lua_pop(L, 1);
    if (found != AN_INTEGER) continue;
    lua_pushinteger(L, shape->integer);
    lua_rawseti(L, -2, i);
  }
  return AS_IS;
}

/* What no schema describes: numbers and nulls, all the way down. */
static verdict shape_any(ws_shape *shape, const step *at, int type) {
  lua_State *L = shape->L;
  if (type == LUA_TTABLE) return shape_object(shape, NULL, at);
  if (type == LUA_TNUMBER && to_integer(L, &shape->integer))
    return AN_INTEGER;
  return is_null(L, type) ? NOTHING : AS_IS;
}

static verdict shape_field(ws_shape *shape, const ws_field *field,
                           const step *at, int type) {
  if (is_null(shape->L, type)) return NOTHING;
  switch (field->type) {
    case WS_FIELD_ID:
      return shape_id(shape, field, at, type);
    case WS_FIELD_INTEGER:
      if (read_integer(shape, field, type)) return AN_INTEGER;
      return fault(shape, at, "an integer");
    case WS_FIELD_NUMBER:
      if (type != LUA_TNUMBER) return fault(shape, at, "a number");
      return shape_any(shape, at, type);
    case WS_FIELD_BOOLEAN:
      return type == LUA_TBOOLEAN ? AS_IS : fault(shape, at, "a boolean");
    case WS_FIELD_TEXT: case WS_FIELD_TIME:
      return shape_text(shape, field, at, type);
    case WS_FIELD_IDS:
      return shape_items(shape, field, at, type, shape_id);
    case WS_FIELD_TEXTS:
      return shape_items(shape, field, at, type, shape_text);
    case WS_FIELD_OBJECT:
      return shape_one_object(shape, field, at, type);
    case WS_FIELD_OBJECTS:
      return shape_items(shape, field, at, type, shape_one_object);
    default:
      return shape_any(shape, at, type);
  }
}

/* One pair of a table, the value above its key. A null in an array of no
** schema stays, so that the array has no holes. */
static verdict shape_pair(ws_shape *shape, const ws_schema *schema,
                          const step *up) {
  lua_State *L = shape->L;
  int type = lua_type(L, -1);
  if (!schema && (type == LUA_TSTRING || type == LUA_TBOOLEAN)) return AS_IS;
  if (lua_type(L, -2) == LUA_TSTRING) {
    size_t size;
    const char *key = schema ? lua_tolstring(L, -2, &size) : NULL;
    const ws_field *field = key ? ws_schema_field(schema, key, size) : NULL;
    if (field)
      return shape_field(shape, field, &(step){up, key, 0}, type);
  }
  else if (is_null(L, type))
    return AS_IS;
  return shape_any(shape, up, type);
}

/* Another value for the pair on top of the stack, of which the key stays. */
static void put_back(ws_shape *shape, int table, verdict found) {
  lua_State *L = shape->L;
  if (found == AN_INTEGER) lua_pushinteger(L, shape->integer);
  else lua_pushnil(L);
  lua_copy(L, table + 1, table + 2);
  lua_rawset(L, table);
}

static verdict shape_object(ws_shape *shape, const ws_schema *schema,
                            const step *at) {
  lua_State *L = shape->L;
  int table = lua_gettop(L);
  if (++shape->depth > MAX_DEPTH || !lua_checkstack(L, 6))
    return fault(shape, at, "fewer levels");
  lua_pushnil(L);
  while (lua_next(L, table)) {
    verdict found = shape_pair(shape, schema, at);
    if (found == UNFIT) return UNFIT;
    if (found == AS_IS)
      lua_pop(L, 1);
    else
      put_back(shape, table, found);
  }
  shape->depth--;
  return AS_IS;
}

static int finish(lua_State *L, const ws_shape *shape, verdict found) {
  if (found == AN_INTEGER) lua_pushinteger(L, shape->integer);
  else if (found == NOTHING) lua_pushnil(L);
  if (found != UNFIT) return 1;
  lua_pushnil(L);
  lua_pushstring(L, shape->fault);
  return 2;
}

static verdict shape_root(ws_shape *shape, const ws_schema *schema,
                          const step *at) {
  int type = lua_type(shape->L, -1);
  if (!schema && is_null(shape->L, type)) return AS_IS;
  if (!schema) return shape_any(shape, at, type);
  if (type != LUA_TTABLE || lua_rawlen(shape->L, -1))
    return fault(shape, at, "an object");
  return shape_object(shape, schema, at);
}

/*
** shape(value, schema, name): the same value, shaped; or nil and a sentence
** that says what did not fit. schema may be nil; name begins the sentence.
*/
static int shape(lua_State *L) {
  ws_shape state;
  const ws_schema *schema = lua_touserdata(L, 2);
  step root = {NULL, luaL_optstring(L, 3, ""), 0};
  state.L = L;
  state.depth = 0;
  lua_settop(L, 3);
  lua_pushvalue(L, 1);
  return finish(L, &state, shape_root(&state, schema,
                                      *root.key ? &root : NULL));
}

/*
** shape_all(list, schema, name): the same for each item of an array; name is
** that of the array. Returns the array.
*/
static int shape_all(lua_State *L) {
  ws_shape state;
  const ws_schema *schema = lua_touserdata(L, 2);
  const char *name = luaL_checkstring(L, 3);
  verdict found = AS_IS;
  lua_Integer count;
  luaL_checktype(L, 1, LUA_TTABLE);
  count = (lua_Integer)lua_rawlen(L, 1);
  state.L = L;
  state.depth = 0;
  for (lua_Integer i = 1; i <= count && found != UNFIT; i++) {
    step root = {NULL, name, i};
    lua_settop(L, 3);
    lua_rawgeti(L, 1, i);
    found = shape_root(&state, schema, &root);
  }
  if (found != UNFIT) lua_settop(L, 1);
  return finish(L, &state, found);
}

static const luaL_Reg functions[] = {
  {"shape", shape},
  {"shape_all", shape_all},
  {NULL, NULL}
};

void wsl_open_shape(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
