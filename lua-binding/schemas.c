/*
** Makes the core's schemas available to Lua: as handles for writing and
** reading, and as tables for the reference and the type annotations.
*/

#include "binding.h"

#include "base/nearest.h"
#include "schema/schema.h"

/* schema(name): the handle of a schema. */
static int schema(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const ws_schema *found = ws_schema_find(name);
  if (!found) return luaL_error(L, "no schema '%s'", name);
  lua_pushlightuserdata(L, (void *)(uintptr_t)found);
  return 1;
}

static void set_text(lua_State *L, const char *name, const char *value) {
  if (!value) return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, unsigned flag) {
  if (!flag) return;
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, name);
}

static void push_field(lua_State *L, const ws_field *field) {
  lua_createtable(L, 0, 8);
  set_text(L, "name", field->name);
  set_text(L, "type", ws_field_type_name(field->type));
  set_text(L, "doc", field->doc);
  set_text(L, "object", field->object ? field->object->name : NULL);
  set_text(L, "shorthand", field->shorthand);
  set_flag(L, "nullable", field->flags & WS_NULLABLE);
  set_flag(L, "required", field->flags & WS_REQUIRED);
  set_flag(L, "read_only", field->flags & WS_READ_ONLY);
  set_flag(L, "write_only", field->flags & WS_WRITE_ONLY);
  set_flag(L, "outside_root", field->flags & WS_OUTSIDE_ROOT);
  set_flag(L, "in_query", field->flags & WS_IN_QUERY);
}

static void push_schema(lua_State *L, const ws_schema *described) {
  lua_createtable(L, 0, 5);
  set_text(L, "name", described->name);
  set_text(L, "root", described->root);
  set_text(L, "plural", described->plural);
  set_text(L, "doc", described->doc);
  lua_createtable(L, (int)described->count, 0);
  for (size_t i = 0; i < described->count; i++) {
    push_field(L, &described->fields[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "fields");
}

static lua_Integer add_all(lua_State *L, const ws_schema *const list[],
                           lua_Integer count) {
  for (; *list; list++) {
    push_schema(L, *list);
    lua_rawseti(L, -2, ++count);
  }
  return count;
}

/* schemas(): descriptions of all schemas. */
static int schemas(lua_State *L) {
  lua_newtable(L);
  add_all(L, ws_kantata_schemas, add_all(L, ws_storyblok_schemas, 0));
  return 1;
}

/* nearest(names, name): the name of the array that a mistyped one most likely
** means, or nil. */
static int nearest(lua_State *L) {
  size_t size;
  const char *name = luaL_checklstring(L, 2, &size);
  size_t count;
  const char **names;
  int found;
  luaL_checktype(L, 1, LUA_TTABLE);
  count = (size_t)lua_rawlen(L, 1);
  names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    names[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  found = ws_nearest_name(names, count, name, size);
  if (found < 0) return 0;
  lua_rawgeti(L, 1, found + 1);
  return 1;
}

static const luaL_Reg functions[] = {
  {"schema", schema},
  {"schemas", schemas},
  {"nearest", nearest},
  {NULL, NULL}
};

void wsl_open_schemas(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
