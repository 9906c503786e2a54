/*
** The writers of JSON, bodies and queries for specs, with memory that fails on
** demand. This module has its own copy of the core, so that its memory
** functions do not affect clients.
*/

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "request/url.h"
#include "schema/body.h"
#include "schema/query.h"
#include "failing_memory.h"
#include "json/utf8.h"
#include "json/writer.h"
#include "lua_source.h"
#include "base/memory.h"
#include "schema/schema.h"
#include "base/nearest.h"
#include "base/url_escape.h"
#include "walled.h"

/* copy(bytes): with the NUL that ends it, or nothing without memory */
static int probe_copy(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  char *copy = ws_copy(bytes, size);
  if (!copy) return 0;
  lua_pushlstring(L, copy, size + 1);
  ws_free(copy);
  return 1;
}

/* ------------------------------------------------------------------------
** Writers.
*/

/* The text, or nil with the error; the buffer is freed either way. */
static int push_result(lua_State *L, bool done, ws_buffer *buffer,
                       const ws_validation_error *error) {
  bool failed = buffer->failed;
  size_t size = buffer->size;
  if (done) {
    lua_pushlstring(L, buffer->bytes ? buffer->bytes : "", size);
    ws_buffer_free(buffer);
    return 1;
  }
  ws_buffer_free(buffer);
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_pushstring(L, error->field);
  lua_pushboolean(L, failed);
  lua_pushinteger(L, (lua_Integer)size);
  return 5;
}

/* A schema with kinds of fields that the services' schemas do not have. The
** entry after its last field does not belong to it. */
static const ws_field inner_fields[] = {
  WS_FIELD("text", TEXT, WS_REQUIRED, ""),
  WS_FIELD("number", NUMBER, 0, "")
};

static const ws_schema inner = {"spec.inner", NULL, NULL, "", inner_fields,
                                2};

static const ws_field thing_fields[] = {
  WS_FIELD("number", NUMBER, 0, ""),
  WS_FIELD("names", TEXTS, WS_NULLABLE, ""),
  WS_FIELD("ids", IDS, WS_NULLABLE, ""),
  WS_FIELD_OF("inner", OBJECT, 0, "", &inner, "text"),
  WS_FIELD_OF("inners", OBJECTS, WS_NULLABLE, "", &inner, NULL),
  WS_FIELD("any", ANY, 0, ""),
  WS_FIELD("asked", TEXT, WS_REQUIRED | WS_IN_QUERY, ""),
  WS_FIELD("own", ANY, WS_LOCAL, ""),
  WS_FIELD("needed", TEXT, WS_REQUIRED, ""),
  WS_FIELD("beyond", TEXT, WS_REQUIRED, "")
};

static const ws_schema thing = {"spec.thing", NULL, NULL, "", thing_fields,
                                9};

static const ws_schema *check_schema(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  const ws_schema *schema = ws_schema_find(name);
  if (!strcmp(name, thing.name)) return &thing;
  if (!schema) luaL_argerror(L, arg, "no such schema");
  return schema;
}

/* Reading a table must start with its first pair. */
static ws_source lua_tables;

static bool next_pair(void *host, int table, bool first, ws_value *key,
                      ws_value *value) {
  if (!first && lua_gettop(host) <= table)
    luaL_error(host, "a walk without a beginning");
  return lua_tables.next(host, table, first, key, value);
}

static void to_table(lua_State *L, int arg, ws_source *source) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_settop(L, arg);
  wsl_source(L, &lua_tables);
  *source = lua_tables;
  source->next = next_pair;
}

/* body(schema, "create" or "update", strict, table) */
static int probe_body(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  ws_source source;
  const ws_schema *schema = check_schema(L, 1);
  bool update = !strcmp(luaL_checkstring(L, 2), "update");
  bool strict = lua_toboolean(L, 3);
  to_table(L, 4, &source);
  bool done = ws_body_write(&buffer, schema, update ? WS_FOR_UPDATE
                            : WS_FOR_CREATE, strict, &source, 4, &error);
  return push_result(L, done, &buffer, &error);
}

/* query(schema or nil, only_query, strict, table) */
static int probe_query(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  ws_source source;
  const ws_schema *schema = lua_isnil(L, 1) ? NULL : check_schema(L, 1);
  to_table(L, 4, &source);
  bool done = ws_query_write(&buffer, schema, lua_toboolean(L, 2),
                             lua_toboolean(L, 3), &source, 4, &error);
  return push_result(L, done, &buffer, &error);
}

/* any(table): with Storyblok's schemas */
static int probe_any(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  ws_source source;
  to_table(L, 1, &source);
  bool done = ws_body_write_any(&buffer, ws_storyblok_schemas, &source, 1,
                                &error);
  return push_result(L, done, &buffer, &error);
}

/* bench(schema, table, rounds): the same body again and again, no string */
static int probe_bench(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  ws_source source;
  const ws_schema *schema = check_schema(L, 1);
  lua_Integer rounds = luaL_checkinteger(L, 3);
  bool done = true;
  to_table(L, 2, &source);
  for (lua_Integer i = 0; i < rounds && done; i++) {
    ws_buffer_reset(&buffer);
    lua_settop(L, 2);
    done = ws_body_write(&buffer, schema, WS_FOR_CREATE, true, &source, 2,
                         &error);
  }
  return push_result(L, done, &buffer, &error);
}

/* ------------------------------------------------------------------------
** Pieces.
*/

static int probe_text(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  bool done = ws_json_string(&buffer, ws_walled(bytes, size), size);
  return push_result(L, done, &buffer, &error);
}

/* An integer is written as one, any other number as a number. */
static int probe_number(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  bool done = true;
  if (lua_isinteger(L, 1))
    ws_json_integer(&buffer, lua_tointeger(L, 1));
  else
    done = ws_json_number(&buffer, luaL_checknumber(L, 1));
  return push_result(L, done, &buffer, &error);
}

/* The offset of the first bad byte, or -1. */
static int probe_utf8(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  lua_pushinteger(L, ws_utf8_find_invalid(ws_walled(bytes, size), size));
  return 1;
}

static int probe_escape(lua_State *L) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error error = {"", ""};
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  ws_url_escape(&buffer, ws_walled(bytes, size), size);
  return push_result(L, true, &buffer, &error);
}

static int probe_is_base(lua_State *L) {
  const char *why;
  lua_pushboolean(L, ws_url_is_base(luaL_checkstring(L, 1), &why));
  lua_pushstring(L, why);
  return 2;
}

/* nearest(name, names...): the nearest of them, or nil */
static int probe_nearest(lua_State *L) {
  const char *names[16];
  size_t size;
  int count = lua_gettop(L) - 1;
  const char *name = luaL_checklstring(L, 1, &size);
  luaL_argcheck(L, count <= 16, 17, "too many");
  for (int i = 0; i < count; i++) names[i] = luaL_checkstring(L, i + 2);
  int nearest = ws_nearest_name(names, (size_t)count, name, size);
  lua_pushstring(L, nearest < 0 ? NULL : names[nearest]);
  return 1;
}

/* ------------------------------------------------------------------------
** Schemas.
*/

static void set_flag(lua_State *L, unsigned flags, unsigned flag,
                     const char *name) {
  lua_pushboolean(L, (flags & flag) != 0);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void push_field(lua_State *L, const ws_schema *schema,
                       const ws_field *field) {
  const ws_field *found = ws_schema_find_field(schema, field->name,
                                               strlen(field->name));
  lua_newtable(L);
  set_text(L, "name", field->name);
  set_text(L, "type", ws_field_type_name(field->type));
  set_text(L, "doc", field->doc);
  set_text(L, "object", field->object ? field->object->name : NULL);
  set_text(L, "shorthand", field->shorthand);
  set_flag(L, field->flags, WS_NULLABLE, "nullable");
  set_flag(L, field->flags, WS_REQUIRED, "required");
  set_flag(L, field->flags, WS_READ_ONLY, "read_only");
  set_flag(L, field->flags, WS_OUTSIDE_ROOT, "outside_root");
  set_flag(L, field->flags, WS_IN_QUERY, "in_query");
  set_flag(L, field->flags, WS_DIGITS, "digits");
  lua_pushboolean(L, found == field);
  lua_setfield(L, -2, "found");
}

static void push_schema(lua_State *L, const ws_schema *schema) {
  lua_newtable(L);
  set_text(L, "name", schema->name);
  set_text(L, "root", schema->root);
  set_text(L, "plural", schema->plural);
  set_text(L, "doc", schema->doc);
  for (size_t i = 0; i < schema->count; i++) {
    push_field(L, schema, &schema->fields[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* schemas(): all of them, by name; each an array of its fields */
static int probe_schemas(lua_State *L) {
  const ws_schema *const *lists[] = {ws_storyblok_schemas,
                                     ws_kantata_schemas};
  lua_newtable(L);
  for (int i = 0; i < 2; i++) {
    for (const ws_schema *const *at = lists[i]; *at; at++) {
      push_schema(L, *at);
      lua_setfield(L, -2, (*at)->name);
    }
  }
  return 1;
}

/* has_field(schema, name) */
static int probe_has_field(lua_State *L) {
  size_t size;
  const ws_schema *schema = check_schema(L, 1);
  const char *name = luaL_checklstring(L, 2, &size);
  lua_pushboolean(L, ws_schema_find_field(schema, name, size) != NULL);
  return 1;
}

static int probe_named(lua_State *L) {
  lua_pushboolean(L, ws_schema_find(luaL_checkstring(L, 1)) != NULL);
  return 1;
}

/* is_array(name): for Storyblok */
static int probe_is_array(lua_State *L) {
  size_t size;
  const char *name = luaL_checklstring(L, 1, &size);
  lua_pushboolean(L, ws_schema_is_array(ws_storyblok_schemas, name, size));
  return 1;
}

static const luaL_Reg functions[] = {
  {"copy", probe_copy},
  {"body", probe_body},
  {"query", probe_query},
  {"any", probe_any},
  {"bench", probe_bench},
  {"text", probe_text},
  {"number", probe_number},
  {"utf8", probe_utf8},
  {"escape", probe_escape},
  {"is_base", probe_is_base},
  {"nearest", probe_nearest},
  {"schemas", probe_schemas},
  {"has_field", probe_has_field},
  {"named", probe_named},
  {"is_array", probe_is_array},
  {NULL, NULL}
};

int luaopen_probe_writer(lua_State *L);

__attribute__((visibility("default")))
int luaopen_probe_writer(lua_State *L) {
  luaL_newlib(L, functions);
  failing_open(L);
  return 1;
}
