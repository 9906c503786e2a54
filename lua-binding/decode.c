/*
** Decodes a response's JSON to Lua tables, and checks the types of the fields
** that the schema has, in one pass. Integers are exact, null becomes nil, and
** members that the schema does not have are kept.
*/

#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "decode.h"

#include "base/nearest.h"
#include "json/number.h"
#include "json/reader.h"
#include "schema/schema.h"

/* The number of members of the last object of each schema. The next one will
** have about as many; allocating all at once is faster than growing. */
enum { MEMO_SIZE = 64 };

#define PROJECTION "workstage.core.projection"
#define STATE "workstage.core.decoder"

/* What lasts from one response to the next. Its user value is a table of
** tables: schema -> the names of its fields, as Lua has interned them. */
typedef struct state {
  ws_buffer unescaped;
  struct { const ws_schema *schema; int members; } last[MEMO_SIZE];
} state;

/* The name of all schemas of envelopes, by its address. */
static const char envelope_name[] = "envelope";

/* The path to a value in the response, for messages. */
typedef struct path {
  const struct path *up;
  const char *name;          /* of a member; NULL: an item */
  size_t size;
  lua_Integer index;         /* of an item, from 1 */
} path;

/* The fields that are wanted of the objects of one schema. */
typedef struct projection {
  const ws_schema *schema;
  uint64_t fields;
} projection;

typedef struct decoder {
  lua_State *L;
  ws_reader reader;
  const projection *only;    /* NULL: all fields are wanted */
  state *state;
  int names;                 /* the stack index of the state's user value */
  char mismatch[320];        /* why the JSON does not match the schema */
} decoder;

static bool decode_object(decoder *d, const ws_schema *schema,
                          const path *at);
static bool decode_any(decoder *d, const path *at);
static bool push_any(decoder *d, const path *at, ws_json_type type);

/* --------------------------------------------------------------- messages */

typedef struct text {
  char bytes[160];
  size_t size;
} text;

static void print_path(text *to, const path *at) {
  size_t capacity, added;
  if (!at) return;
  print_path(to, at->up);
  capacity = sizeof to->bytes - to->size;
  if (at->name)
    added = (size_t)snprintf(to->bytes + to->size, capacity, "%s%.*s",
                             to->size ? "." : "",
                             at->size < 40 ? (int)at->size : 40, at->name);
  else
    added = (size_t)snprintf(to->bytes + to->size, capacity, "[%lld]",
                             (long long)at->index);
  to->size += added < capacity ? added : capacity - 1;
}

static void describe(const decoder *d, ws_json_type type, char *to,
                     size_t size) {
  static const char *const words[] = {
    [WS_JSON_NULL] = "null", [WS_JSON_TRUE] = "true",
    [WS_JSON_FALSE] = "false", [WS_JSON_STRING] = "a string",
    [WS_JSON_ARRAY] = "an array", [WS_JSON_OBJECT] = "an object",
  };
  char digits[WS_NUMBER_SIZE];
  if (type == WS_JSON_INTEGER)
    snprintf(to, size, "the number %lld", (long long)d->reader.integer);
  else if (type == WS_JSON_NUMBER) {
    ws_number_format(digits, d->reader.number);
    snprintf(to, size, "the number %s", digits);
  }
  else
    snprintf(to, size, "%s", words[type]);
}

/* Records that a value of `type` does not match the schema. Returns false, for
** the caller to return. */
static bool mismatch(decoder *d, const path *at, const char *expected,
                     ws_json_type type) {
  text where = {{0}, 0};
  char found[80];
  if (type == WS_JSON_ERROR || d->mismatch[0]) return false;
  print_path(&where, at);
  describe(d, type, found, sizeof found);
  snprintf(d->mismatch, sizeof d->mismatch,
           "%s: expected %s, the response has %s",
           where.size ? where.bytes : "response", expected, found);
  return false;
}

/* ---------------------------------------------------------------- scalars */

/* Converts a number without a fraction; false for all other values. */
static bool to_integer(const decoder *d, ws_json_type type,
                       lua_Integer *value) {
  double number = d->reader.number;
  if (type == WS_JSON_INTEGER) *value = d->reader.integer;
  else if (type != WS_JSON_NUMBER || number < -(double)WS_MAX_ID ||
           number > (double)WS_MAX_ID)
    return false;
  else *value = (lua_Integer)number;
  return type == WS_JSON_INTEGER || (double)*value == number;
}

/* Reads an integer, or with WS_DIGITS (Kantata) a string of digits. */
static bool read_integer(const decoder *d, const ws_field *field,
                         ws_json_type type, lua_Integer *value) {
  int64_t integer;
  const ws_reader *r = &d->reader;
  if (type != WS_JSON_STRING) return to_integer(d, type, value);
  if (!(field->flags & WS_DIGITS) || !r->size || r->size > 16 ||
      r->text[0] == '-' ||
      !ws_number_parse_integer(r->text, r->size, &integer))
    return false;
  *value = integer;
  return true;
}

static bool push_number(decoder *d, ws_json_type type) {
  lua_Integer integer;
  if (to_integer(d, type, &integer)) lua_pushinteger(d->L, integer);
  else lua_pushnumber(d->L, d->reader.number);
  return true;
}

static bool push_string(decoder *d) {
  lua_pushlstring(d->L, d->reader.text, d->reader.size);
  return true;
}

static bool push_id(decoder *d, const ws_field *field, const path *at,
                    ws_json_type type) {
  lua_Integer value;
  if (!read_integer(d, field, type, &value) || value < 1 ||
      value > WS_MAX_ID)
    return mismatch(d, at, "an id from 1 to 9007199254740991", type);
  lua_pushinteger(d->L, value);
  return true;
}

/* ----------------------------------------------------------------- arrays */

/* Pushes one item of an array, whose type has been read. */
typedef bool push_item(decoder *d, const ws_field *field, const path *at,
                       ws_json_type type);

/* True if an object that was opened is empty. It is accepted as an empty
** array, as some services confuse the two. */
static bool is_empty_object(decoder *d) {
  const char *name;
  size_t size;
  return !ws_reader_member(&d->reader, &name, &size) && !d->reader.error;
}

static bool push_array(decoder *d, const ws_field *field, const path *at,
                       ws_json_type type, push_item *push) {
  lua_State *L = d->L;
  path item = {at, NULL, 0, 0};
  lua_createtable(L, 0, 0);
  if (type == WS_JSON_OBJECT && is_empty_object(d)) return true;
  if (type != WS_JSON_ARRAY) return mismatch(d, at, "an array", type);
  while (ws_reader_item(&d->reader)) {
    item.index++;
    if (!push(d, field, &item, ws_reader_next(&d->reader))) return false;
    lua_rawseti(L, -2, item.index);
  }
  return !d->reader.error;
}

static bool push_text(decoder *d, const ws_field *field, const path *at,
                      ws_json_type type) {
  (void)field;
  return type == WS_JSON_STRING ? push_string(d)
                                : mismatch(d, at, "a string", type);
}

/* ---------------------------------------------------------------- objects */

/* Opens an object; an empty array is accepted as an empty object. */
static bool open_object(decoder *d, const path *at, ws_json_type type,
                        bool *is_empty) {
  *is_empty = type == WS_JSON_ARRAY;
  if (type == WS_JSON_OBJECT) return true;
  if (type == WS_JSON_ARRAY && !ws_reader_item(&d->reader))
    return !d->reader.error;
  return mismatch(d, at, "an object", type);
}

static bool push_object(decoder *d, const ws_field *field, const path *at,
                        ws_json_type type) {
  bool is_empty;
  if (!open_object(d, at, type, &is_empty)) return false;
  if (!is_empty) return decode_object(d, field->object, at);
  lua_createtable(d->L, 0, 0);
  return true;
}

static bool push_map(decoder *d, const ws_field *field, const path *at,
                     ws_json_type type) {
  lua_State *L = d->L;
  path member = {at, NULL, 0, 0};
  bool is_empty;
  if (!open_object(d, at, type, &is_empty)) return false;
  lua_createtable(L, 0, 0);
  while (!is_empty &&
         ws_reader_member(&d->reader, &member.name, &member.size)) {
    lua_pushlstring(L, member.name, member.size);
    member.name = lua_tostring(L, -1);
    if (!push_object(d, field, &member, ws_reader_next(&d->reader)))
      return false;
    lua_rawset(L, -3);
  }
  return !d->reader.error;
}

static bool push_field(decoder *d, const ws_field *field, const path *at) {
  ws_json_type type = ws_reader_next(&d->reader);
  lua_Integer integer;
  if (type == WS_JSON_NULL) return lua_pushnil(d->L), true;
  switch (field->type) {
    case WS_FIELD_ID: return push_id(d, field, at, type);
    case WS_FIELD_INTEGER:
      if (!read_integer(d, field, type, &integer))
        return mismatch(d, at, "an integer", type);
      return lua_pushinteger(d->L, integer), true;
    case WS_FIELD_NUMBER:
      if (type != WS_JSON_INTEGER && type != WS_JSON_NUMBER)
        return mismatch(d, at, "a number", type);
      return push_number(d, type);
    case WS_FIELD_BOOLEAN:
      if (type != WS_JSON_TRUE && type != WS_JSON_FALSE)
        return mismatch(d, at, "a boolean", type);
      return lua_pushboolean(d->L, type == WS_JSON_TRUE), true;
    case WS_FIELD_TEXT: case WS_FIELD_TIME:
      return push_text(d, field, at, type);
    case WS_FIELD_IDS: return push_array(d, field, at, type, push_id);
    case WS_FIELD_TEXTS: return push_array(d, field, at, type, push_text);
    case WS_FIELD_OBJECT: return push_object(d, field, at, type);
    case WS_FIELD_OBJECTS:
      return push_array(d, field, at, type, push_object);
    case WS_FIELD_MAP: return push_map(d, field, at, type);
    case WS_FIELD_ANY: break;
  }
  return push_any(d, at, type);
}

/* Tries the field after the last one first, as services usually send fields in
** the same order. */
static const ws_field *find_field(const ws_schema *schema, size_t *expected,
                                  const char *name, size_t size) {
  const ws_field *field;
  if (*expected < schema->count) {
    field = &schema->fields[*expected];
    if (field->size == size && memcmp(field->name, name, size) == 0) {
      ++*expected;
      return field;
    }
  }
  field = ws_schema_find_field(schema, name, size);
  if (field) *expected = (size_t)(field - schema->fields) + 1;
  return field;
}

static bool is_wanted(const projection *only, const ws_field *field) {
  return field && only->fields >> (field - only->schema->fields) & 1;
}

/* The schema's entry in the memo; two schemas that share one waste space, but
** do no harm. */
static int *members_of(decoder *d, const ws_schema *schema) {
  size_t at = ((uintptr_t)schema >> 4) % MEMO_SIZE;
  if (d->state->last[at].schema != schema) {
    d->state->last[at].schema = schema;
    d->state->last[at].members = 8;
  }
  return &d->state->last[at].members;
}

/* Pushes the array of the names of a schema's fields. Envelopes have none, as
** their addresses may be used again. */
static void push_names(decoder *d, const ws_schema *schema) {
  lua_State *L = d->L;
  if (schema->name == envelope_name) {
    lua_pushnil(L);
    return;
  }
  if (lua_rawgetp(L, d->names, schema) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, (int)schema->count, 0);
  for (size_t i = 0; i < schema->count; i++) {
    lua_pushlstring(L, schema->fields[i].name, schema->fields[i].size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, d->names, schema);
}

/* Pushes the name of a member, and keeps it in the path for messages. */
static void push_name(decoder *d, const ws_schema *schema,
                      const ws_field *field, path *at) {
  lua_State *L = d->L;
  if (field && schema->name != envelope_name) {
    lua_rawgeti(L, -1, field - schema->fields + 1);
    at->name = field->name;
    return;
  }
  lua_pushlstring(L, at->name, at->size);
  at->name = lua_tostring(L, -1);
}

/* Reads the members of an object that has been opened. Sets nulls as well, as
** they remove an earlier member of the same name. */
static bool decode_object(decoder *d, const ws_schema *schema,
                          const path *up) {
  lua_State *L = d->L;
  const projection *only =
    d->only && d->only->schema == schema ? d->only : NULL;
  size_t expected = 0;
  int count = 0;
  path at = {up, NULL, 0, 0};
  if (!lua_checkstack(L, 8)) return wsl_no_memory(L), false;
  lua_createtable(L, 0, *members_of(d, schema));
  push_names(d, schema);
  while (ws_reader_member(&d->reader, &at.name, &at.size)) {
    const ws_field *field = find_field(schema, &expected, at.name, at.size);
    if (only && !is_wanted(only, field)) {
      ws_reader_skip(&d->reader);
      continue;
    }
    push_name(d, schema, field, &at);
    if (!(field ? push_field(d, field, &at) : decode_any(d, &at)))
      return false;
    if (!lua_isnil(L, -1)) count++;
    lua_rawset(L, -4);
  }
  lua_pop(L, 1);
  *members_of(d, schema) = count;
  return !d->reader.error;
}

/* -------------------------------------------------------- without a schema */

static bool push_any_object(decoder *d, const path *up) {
  lua_State *L = d->L;
  path at = {up, NULL, 0, 0};
  lua_createtable(L, 0, 0);
  while (ws_reader_member(&d->reader, &at.name, &at.size)) {
    lua_pushlstring(L, at.name, at.size);
    at.name = lua_tostring(L, -1);
    if (!decode_any(d, &at)) return false;
    lua_rawset(L, -3);
  }
  return !d->reader.error;
}

/* A null in an array becomes workstage.null, to avoid holes. */
static bool push_any_array(decoder *d, const path *up) {
  lua_State *L = d->L;
  path at = {up, NULL, 0, 0};
  lua_createtable(L, 0, 0);
  while (ws_reader_item(&d->reader)) {
    ws_json_type type = ws_reader_next(&d->reader);
    at.index++;
    if (type == WS_JSON_NULL) lua_pushlightuserdata(L, NULL);
    else if (!push_any(d, &at, type)) return false;
    lua_rawseti(L, -2, at.index);
  }
  return !d->reader.error;
}

static bool push_any(decoder *d, const path *at, ws_json_type type) {
  switch (type) {
    case WS_JSON_NULL: lua_pushnil(d->L); return true;
    case WS_JSON_TRUE: case WS_JSON_FALSE:
      lua_pushboolean(d->L, type == WS_JSON_TRUE);
      return true;
    case WS_JSON_INTEGER: case WS_JSON_NUMBER: return push_number(d, type);
    case WS_JSON_STRING: return push_string(d);
    case WS_JSON_ERROR: return false;
    case WS_JSON_ARRAY: case WS_JSON_OBJECT: break;
  }
  if (!lua_checkstack(d->L, 8)) return wsl_no_memory(d->L), false;
  return type == WS_JSON_ARRAY ? push_any_array(d, at)
                               : push_any_object(d, at);
}

static bool decode_any(decoder *d, const path *at) {
  return push_any(d, at, ws_reader_next(&d->reader));
}

/* ----------------------------------------------------------------- decode */

static bool decode_root(decoder *d, const ws_schema *schema) {
  ws_json_type type = ws_reader_next(&d->reader);
  if (!schema && type == WS_JSON_NULL) lua_pushlightuserdata(d->L, NULL);
  else if (!schema) return push_any(d, NULL, type);
  else if (type == WS_JSON_ERROR)
    return false;
  else if (type != WS_JSON_OBJECT) {
    strcpy(d->mismatch, "the response is not a JSON object");
    return false;
  }
  else
    return decode_object(d, schema, NULL);
  return true;
}

/* True if the whole text is JSON; otherwise the reader has the error. */
static bool is_json(decoder *d, const char *bytes, size_t size) {
  ws_reader_init(&d->reader, bytes, size, d->reader.unescaped);
  ws_reader_skip(&d->reader);
  return ws_reader_finish(&d->reader);
}

/* Starts to decode, with the state at that index. Leaves a value on the
** stack. */
static void begin(decoder *d, lua_State *L, int state_, const char *bytes,
                  size_t size) {
  d->L = L;
  d->state = lua_touserdata(L, state_);
  lua_getiuservalue(L, state_, 1);
  d->names = lua_gettop(L);
  ws_reader_init(&d->reader, bytes, size,
                 wsl_empty_buffer(&d->state->unescaped));
}

/* Pushes the value; or nil, the reason, and true if the bytes are JSON that
** does not match the schema. Schema and projection are at 2 and 3. */
static int push_decoded(lua_State *L, const char *bytes, size_t size) {
  decoder d = {.L = L};
  const ws_schema *schema = lua_touserdata(L, 2);
  char message[160];
  bool well_formed;
  d.only = lua_isnil(L, 3) ? NULL : luaL_checkudata(L, 3, PROJECTION);
  begin(&d, L, lua_upvalueindex(1), bytes, size);
  if (decode_root(&d, schema) && ws_reader_finish(&d.reader)) return 1;
  well_formed = is_json(&d, bytes, size);
  if (d.reader.no_memory) return wsl_no_memory(L);
  if (!well_formed) ws_reader_describe(&d.reader, message, sizeof message);
  lua_pushnil(L);
  lua_pushstring(L, well_formed ? d.mismatch : message);
  lua_pushboolean(L, well_formed);
  return 3;
}

/* Decodes the members of the outer object; the value that is wanted replaces
** the one on top of the stack. */
static bool decode_member(decoder *d, const ws_schema *envelope) {
  path at = {NULL, NULL, 0, 0};
  if (ws_reader_next(&d->reader) != WS_JSON_OBJECT) return false;
  while (ws_reader_member(&d->reader, &at.name, &at.size)) {
    const ws_field *field = ws_schema_find_field(envelope, at.name, at.size);
    if (field && field != envelope->fields) return false;
    if (!field)
      ws_reader_skip(&d->reader);
    else if (!push_field(d, field, &at))
      return false;
    else
      lua_replace(d->L, -2);
  }
  return ws_reader_finish(&d->reader);
}

bool wsl_decode_member(lua_State *L, int state_, const char *bytes,
                       size_t size, const ws_schema *envelope) {
  decoder d = {.L = L};
  begin(&d, L, state_, bytes, size);
  lua_pushnil(L);
  if (decode_member(&d, envelope)) return true;
  if (d.reader.no_memory) wsl_no_memory(L);
  return false;
}

/*
** decode(text[, schema[, only]]): the value; or nil, the reason, and true if
** the text is JSON that does not match the schema, else false. `only`, a
** projection, omits all other fields of the objects of its schema.
*/
static int decode(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  lua_settop(L, 3);
  return push_decoded(L, bytes, size);
}

/* call:decode([schema[, only]]): the same for the body of the response. */
static int call_decode(lua_State *L) {
  ws_response response;
  int results;
  lua_settop(L, 3);
  ws_call_response(wsl_use_call(L), &response);
  results = push_decoded(L, response.body, response.body_size);
  wsl_release_call(L);
  return results;
}

/* -------------------------------------------------------------- envelopes */

/* A schema for the outer object of a response. */
typedef struct envelope {
  ws_schema schema;
  ws_field fields[WS_MAX_FIELDS];
} envelope;

static ws_field_type member_type(lua_State *L, int index) {
  static const char *const names[] = {"one", "many", "map", NULL};
  static const ws_field_type types[] = {WS_FIELD_OBJECT, WS_FIELD_OBJECTS,
                                        WS_FIELD_MAP};
  return types[luaL_checkoption(L, index, NULL, names)];
}

/*
** envelope(name, kind, schema, ...): a schema for an object with these
** members, each "one" object, "many" in an array, or a "map" of objects by
** their ids. User values keep the names alive.
*/
static int new_envelope(lua_State *L) {
  int count = lua_gettop(L) / 3;
  envelope *made = lua_newuserdatauv(L, sizeof *made, WS_MAX_FIELDS);
  luaL_argcheck(L, count >= 1 && count < WS_MAX_FIELDS, 1, "wrong number");
  *made = (envelope){.schema = {envelope_name, NULL, NULL, "", made->fields,
                                (size_t)count}};
  for (int i = 0; i < count; i++) {
    ws_field *field = &made->fields[i];
    field->name = luaL_checklstring(L, 3 * i + 1, &field->size);
    field->type = member_type(L, 3 * i + 2);
    field->object = lua_touserdata(L, 3 * i + 3);
    lua_pushvalue(L, 3 * i + 1);
    lua_setiuservalue(L, -2, i + 1);
  }
  return 1;
}

/* Pushes nil and an error for the name on top of the stack. */
static int unknown_field(lua_State *L, const ws_schema *schema) {
  const char *names[WS_MAX_FIELDS], *name;
  size_t size, count = 0;
  int near;
  for (; count < schema->count && count < WS_MAX_FIELDS; count++)
    names[count] = schema->fields[count].name;
  name = lua_tolstring(L, -1, &size);
  near = ws_nearest_name(names, count, name, size);
  lua_pushnil(L);
  lua_pushfstring(L, near < 0 ? "unknown field '%s'"
                              : "unknown field '%s', did you mean '%s'?",
                  name, near < 0 ? "" : names[near]);
  return 2;
}

/* projection(schema, names): the projection to these fields, for decode; or nil
** and an error. */
static int new_projection(lua_State *L) {
  projection *made;
  lua_Integer count;
  luaL_checktype(L, 2, LUA_TTABLE);
  made = lua_newuserdatauv(L, sizeof *made, 0);
  *made = (projection){lua_touserdata(L, 1), 0};
  luaL_setmetatable(L, PROJECTION);
  count = (lua_Integer)lua_rawlen(L, 2);
  for (lua_Integer i = 1; i <= count; i++) {
    size_t size;
    const ws_field *field;
    const char *name = lua_rawgeti(L, 2, i) == LUA_TSTRING
                         ? lua_tolstring(L, -1, &size) : NULL;
    if (!name)
      return lua_pushnil(L), lua_pushliteral(L, "expected an array of names"),
             2;
    field = ws_schema_find_field(made->schema, name, size);
    if (!field) return unknown_field(L, made->schema);
    made->fields |= UINT64_C(1) << (field - made->schema->fields);
    lua_pop(L, 1);
  }
  return 1;
}

static int free_state(lua_State *L) {
  state *it = wsl_self(L, STATE);
  ws_buffer_free(&it->unescaped);
  return 0;
}

/* Pushes the state, whose type is new. */
static void push_state(lua_State *L) {
  const luaL_Reg none[] = {{NULL, NULL}};
  const luaL_Reg meta[] = {{"__gc", free_state}, {NULL, NULL}};
  wsl_new_type(L, STATE, none, meta);
  memset(lua_newuserdatauv(L, sizeof(state), 1), 0, sizeof(state));
  luaL_setmetatable(L, STATE);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  lua_replace(L, -2);
}

void wsl_open_decode(lua_State *L) {
  const luaL_Reg functions[] = {
    {"envelope", new_envelope},
    {"projection", new_projection},
    {NULL, NULL}
  };
  const luaL_Reg none[] = {{NULL, NULL}};
  wsl_new_type(L, PROJECTION, none, none);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
  push_state(L);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, decode, 1);
  lua_setfield(L, -3, "decode");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, call_decode, 1);
  wsl_add_method(L, WSL_CALL, "decode");
  wsl_open_post(L);
}
