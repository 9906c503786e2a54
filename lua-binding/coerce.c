/*
** Coerces values that lua-cjson has parsed, in place: integral numbers become
** integers, null becomes nil, and fields that a schema knows are checked
** against their types. An id out of range is an error, never a wrong number.
**
** A table is only written to where a value changes: most do not.
*/

#include <stdio.h>
#include <string.h>

#include "binding.h"

#include "json/number.h"
#include "schema/schema.h"

enum { MAX_DEPTH = 1000 };

/* The result of coercing one value. */
typedef enum verdict {
  UNFIT,       /* does not fit: see the message */
  AS_IS,
  AN_INTEGER,  /* ws_coercion.integer takes its place */
  NOTHING      /* nil takes its place */
} verdict;

/* A position in the response, for messages. */
typedef struct step {
  const struct step *up;
  const char *key;
  lua_Integer index;    /* in the array of that name; 0: no array */
} step;

typedef struct ws_coercion {
  lua_State *L;
  lua_Integer integer;
  int depth;
  char message[320];    /* why a value did not fit */
} ws_coercion;

/* "stories[3].stage": cut where it is long. */
typedef struct path {
  char text[160];
  size_t size;
} path;

static verdict coerce_object(ws_coercion *state, const ws_schema *schema,
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

/* A number on the stack, as an integer if it is one below 2^53; those that
** lua-cjson has read as integers are exact. */
static bool to_integer(lua_State *L, lua_Integer *value) {
  int integral;
  *value = lua_tointegerx(L, -1, &integral);
  if (!integral) return false;
  return (*value >= -WS_MAX_ID && *value <= WS_MAX_ID) ||
         lua_isinteger(L, -1);
}

/* Describes the number on top of the stack, which stays a number. */
static void describe_number(lua_State *L, char *to, size_t size) {
  char digits[WS_NUMBER_SIZE];
  lua_Integer integer;
  if (to_integer(L, &integer)) {
    snprintf(to, size, "the number %lld", (long long)integer);
    return;
  }
  ws_number_format(digits, lua_tonumber(L, -1));
  snprintf(to, size, "the number %s", digits);
}

/* Describes the value on top of the stack, as in "the answer holds ...". */
static void describe(lua_State *L, char *to, size_t size) {
  const char *words = "null";
  switch (lua_type(L, -1)) {
    case LUA_TNUMBER: describe_number(L, to, size); return;
    case LUA_TSTRING: words = "a string"; break;
    case LUA_TBOOLEAN:
      words = lua_toboolean(L, -1) ? "true" : "false";
      break;
    case LUA_TTABLE:
      words = lua_rawlen(L, -1) ? "an array" : "an object";
      break;
    default: break;
  }
  snprintf(to, size, "%s", words);
}

/* Records that the value on top of the stack does not fit. */
static verdict mismatch(ws_coercion *state, const step *at,
                        const char *expected) {
  lua_State *L = state->L;
  path where = {{0}, 0};
  char found[64];
  put_path(&where, at);
  describe(L, found, sizeof found);
  snprintf(state->message, sizeof state->message,
           "%s: expected %s, the answer holds %s",
           where.size ? where.text : "answer", expected, found);
  return UNFIT;
}

static bool is_null(lua_State *L, int type) {
  return type == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == NULL;
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

static bool read_integer(ws_coercion *state, const ws_field *field,
                         int type) {
  if (type == LUA_TNUMBER) return to_integer(state->L, &state->integer);
  return type == LUA_TSTRING && field->flags & WS_DIGITS &&
         digits_to_integer(state->L, &state->integer);
}

static verdict coerce_id(ws_coercion *state, const ws_field *field,
                        const step *at, int type) {
  if (read_integer(state, field, type) && state->integer >= 1 &&
      state->integer <= WS_MAX_ID)
    return AN_INTEGER;
  return mismatch(state, at, "an id from 1 to 9007199254740991");
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

static verdict coerce_text(ws_coercion *state, const ws_field *field,
                          const step *at, int type) {
  (void)field;
  return type == LUA_TSTRING ? AS_IS : mismatch(state, at, "a string");
}

static verdict coerce_one_object(ws_coercion *state, const ws_field *field,
                                const step *at, int type) {
  if (type != LUA_TTABLE || lua_rawlen(state->L, -1))
    return mismatch(state, at, "an object");
  return coerce_object(state, field->object, at);
}

/* An array's items, each by `one`, which makes integers at most. */
static verdict coerce_items(ws_coercion *state, const ws_field *field,
                           const step *at, int type,
                           verdict (*one)(ws_coercion *, const ws_field *,
                                          const step *, int)) {
  lua_State *L = state->L;
  lua_Integer count;
  if (type != LUA_TTABLE || is_object(L))
    return mismatch(state, at, "an array");
  count = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    int item = lua_rawgeti(L, -1, i);
    verdict found = one(state, field, at, item);
    if (found == UNFIT) return UNFIT;
    lua_pop(L, 1);
    if (found != AN_INTEGER) continue;
    lua_pushinteger(L, state->integer);
    lua_rawseti(L, -2, i);
  }
  return AS_IS;
}

/* What no schema describes: numbers and nulls, all the way down. */
static verdict coerce_any(ws_coercion *state, const step *at, int type) {
  lua_State *L = state->L;
  if (type == LUA_TTABLE) return coerce_object(state, NULL, at);
  if (type == LUA_TNUMBER && to_integer(L, &state->integer))
    return AN_INTEGER;
  return is_null(L, type) ? NOTHING : AS_IS;
}

static verdict coerce_field(ws_coercion *state, const ws_field *field,
                           const step *at, int type) {
  if (is_null(state->L, type)) return NOTHING;
  switch (field->type) {
    case WS_FIELD_ID:
      return coerce_id(state, field, at, type);
    case WS_FIELD_INTEGER:
      if (read_integer(state, field, type)) return AN_INTEGER;
      return mismatch(state, at, "an integer");
    case WS_FIELD_NUMBER:
      if (type != LUA_TNUMBER) return mismatch(state, at, "a number");
      return coerce_any(state, at, type);
    case WS_FIELD_BOOLEAN:
      return type == LUA_TBOOLEAN ? AS_IS : mismatch(state, at, "a boolean");
    case WS_FIELD_TEXT: case WS_FIELD_TIME:
      return coerce_text(state, field, at, type);
    case WS_FIELD_IDS:
      return coerce_items(state, field, at, type, coerce_id);
    case WS_FIELD_TEXTS:
      return coerce_items(state, field, at, type, coerce_text);
    case WS_FIELD_OBJECT:
      return coerce_one_object(state, field, at, type);
    case WS_FIELD_OBJECTS:
      return coerce_items(state, field, at, type, coerce_one_object);
    default:
      return coerce_any(state, at, type);
  }
}

/* One pair of a table, the value above its key. A null in an array of no
** schema stays, so that the array has no holes. */
static verdict coerce_pair(ws_coercion *state, const ws_schema *schema,
                          const step *up) {
  lua_State *L = state->L;
  int type = lua_type(L, -1);
  if (!schema && (type == LUA_TSTRING || type == LUA_TBOOLEAN)) return AS_IS;
  if (lua_type(L, -2) == LUA_TSTRING) {
    size_t size;
    const char *key = schema ? lua_tolstring(L, -2, &size) : NULL;
    const ws_field *field = key ? ws_schema_find_field(schema, key,
                                                       size) : NULL;
    if (field)
      return coerce_field(state, field, &(step){up, key, 0}, type);
  }
  else if (is_null(L, type))
    return AS_IS;
  return coerce_any(state, up, type);
}

/* Another value for the pair on top of the stack, of which the key stays. */
static void put_back(ws_coercion *state, int table, verdict found) {
  lua_State *L = state->L;
  if (found == AN_INTEGER) lua_pushinteger(L, state->integer);
  else lua_pushnil(L);
  lua_copy(L, table + 1, table + 2);
  lua_rawset(L, table);
}

static verdict coerce_object(ws_coercion *state, const ws_schema *schema,
                            const step *at) {
  lua_State *L = state->L;
  int table = lua_gettop(L);
  if (++state->depth > MAX_DEPTH || !lua_checkstack(L, 6))
    return mismatch(state, at, "fewer levels");
  lua_pushnil(L);
  while (lua_next(L, table)) {
    verdict found = coerce_pair(state, schema, at);
    if (found == UNFIT) return UNFIT;
    if (found == AS_IS)
      lua_pop(L, 1);
    else
      put_back(state, table, found);
  }
  state->depth--;
  return AS_IS;
}

static int finish(lua_State *L, const ws_coercion *state, verdict found) {
  if (found == AN_INTEGER) lua_pushinteger(L, state->integer);
  else if (found == NOTHING) lua_pushnil(L);
  if (found != UNFIT) return 1;
  lua_pushnil(L);
  lua_pushstring(L, state->message);
  return 2;
}

static verdict coerce_root(ws_coercion *state, const ws_schema *schema,
                          const step *at) {
  int type = lua_type(state->L, -1);
  if (!schema && is_null(state->L, type)) return AS_IS;
  if (!schema) return coerce_any(state, at, type);
  if (type != LUA_TTABLE || lua_rawlen(state->L, -1))
    return mismatch(state, at, "an object");
  return coerce_object(state, schema, at);
}

/*
** coerce(value, schema, name): the same value, coerced; or nil and a sentence
** that says what did not fit. schema may be nil; name begins the sentence.
*/
static int coerce(lua_State *L) {
  ws_coercion state;
  const ws_schema *schema = lua_touserdata(L, 2);
  step root = {NULL, luaL_optstring(L, 3, ""), 0};
  state.L = L;
  state.depth = 0;
  lua_settop(L, 3);
  lua_pushvalue(L, 1);
  return finish(L, &state, coerce_root(&state, schema,
                                      *root.key ? &root : NULL));
}

/*
** coerce_all(list, schema, name): the same for each item of an array; name is
** that of the array. Returns the array.
*/
static int coerce_all(lua_State *L) {
  ws_coercion state;
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
    found = coerce_root(&state, schema, &root);
  }
  if (found != UNFIT) lua_settop(L, 1);
  return finish(L, &state, found);
}

static const luaL_Reg functions[] = {
  {"coerce", coerce},
  {"coerce_all", coerce_all},
  {NULL, NULL}
};

void wsl_open_coerce(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
