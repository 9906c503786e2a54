/*
** Writes bodies and queries from Lua tables, in a buffer that a userdata owns,
** so that no error leaks it.
*/

#include <string.h>

#include "binding.h"

#include "schema/body.h"
#include "schema/query.h"
#include "lua_source.h"

#define BUFFER "workstage.core.buffer"

enum { KEEP = 1 << 20 };

ws_buffer *wsl_empty_buffer(ws_buffer *buffer) {
  if (buffer->capacity > KEEP || buffer->failed) ws_buffer_free(buffer);
  ws_buffer_reset(buffer);
  return buffer;
}

ws_buffer *wsl_scratch(lua_State *L) {
  return wsl_empty_buffer(lua_touserdata(L, lua_upvalueindex(1)));
}

static int free_buffer(lua_State *L) {
  ws_buffer_free(luaL_checkudata(L, 1, BUFFER));
  return 0;
}

/* A body or query that is being written. */
typedef struct writing {
  ws_buffer *to;
  ws_source from;
  ws_validation_error error;
} writing;

/* Begins to write the table at that index, the last argument. */
static void begin(lua_State *L, writing *it, int table) {
  it->to = wsl_scratch(L);
  it->error.field[0] = it->error.message[0] = '\0';
  luaL_checktype(L, table, LUA_TTABLE);
  lua_settop(L, table);
  wsl_source(L, &it->from);
}

/* Returns the text; or nil, the message, and the field. */
static int finish(lua_State *L, const writing *it, bool well) {
  const ws_buffer *text = it->to;
  if (text->failed || strcmp(it->error.message, "not enough memory") == 0)
    return wsl_no_memory(L);
  if (well) {
    lua_pushlstring(L, text->bytes ? text->bytes : "", text->size);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, it->error.message);
  lua_pushstring(L, it->error.field);
  return 3;
}

static const ws_schema *schema_at(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return NULL;
  luaL_checktype(L, index, LUA_TLIGHTUSERDATA);
  return lua_touserdata(L, index);
}

/* body(schema, update, strict, table) */
static int write_body(lua_State *L) {
  writing it;
  const ws_schema *schema = schema_at(L, 1);
  ws_purpose purpose = lua_toboolean(L, 2) ? WS_FOR_UPDATE : WS_FOR_CREATE;
  begin(L, &it, 4);
  return finish(L, &it, ws_body_write(it.to, schema, purpose,
                                      lua_toboolean(L, 3), &it.from, 4,
                                      &it.error));
}

/* query(schema, only_query, strict, table); without a schema, any names. */
static int write_query(lua_State *L) {
  writing it;
  const ws_schema *schema = schema_at(L, 1);
  begin(L, &it, 4);
  return finish(L, &it, ws_query_write(it.to, schema, lua_toboolean(L, 2),
                                       lua_toboolean(L, 3), &it.from, 4,
                                       &it.error));
}

/* any(is_kantata, table): a body without a schema. */
static int write_any(lua_State *L) {
  writing it;
  const ws_schema *const *schemas =
    lua_toboolean(L, 1) ? ws_kantata_schemas : ws_storyblok_schemas;
  begin(L, &it, 2);
  return finish(L, &it, ws_body_write_any(it.to, schemas, &it.from, 2,
                                          &it.error));
}

static const luaL_Reg functions[] = {
  {"body", write_body},
  {"query", write_query},
  {"any", write_any},
  {NULL, NULL}
};

void wsl_new_buffer(lua_State *L) {
  ws_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  *buffer = (ws_buffer)WS_BUFFER_EMPTY;
  luaL_setmetatable(L, BUFFER);
}

void wsl_open_write(lua_State *L) {
  const luaL_Reg none[] = {{NULL, NULL}};
  const luaL_Reg meta[] = {{"__gc", free_buffer}, {NULL, NULL}};
  wsl_new_type(L, BUFFER, none, meta);
  lua_pop(L, 1);
  wsl_new_buffer(L);
  luaL_setfuncs(L, functions, 1);
}
