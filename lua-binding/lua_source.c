/*
** Lua tables as a source of values for the core. See lua_source.h.
*/

#include "lua_source.h"

/* Reads nil, null and values that JSON does not have. */
static void read_rare(lua_State *L, int index, int type, ws_value *value) {
  if (type == LUA_TNIL || type == LUA_TNONE) {
    value->type = WS_VALUE_NONE;
  } else if (type == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index)) {
    value->type = WS_VALUE_NULL;
  } else {
    value->type = WS_VALUE_OTHER;
    value->as.other = lua_typename(L, type);
  }
}

/* Reads a value. Does not call lua_tolstring for a number, as that would
** convert a key in place and break lua_next. */
static inline void read_value(lua_State *L, int index, ws_value *value) {
  int type = lua_type(L, index);
  switch (type) {
    case LUA_TSTRING:
      value->type = WS_VALUE_TEXT;
      value->as.text.bytes = lua_tolstring(L, index, &value->as.text.size);
      return;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) {
        value->type = WS_VALUE_INTEGER;
        value->as.integer = lua_tointegerx(L, index, NULL);
      } else {
        value->type = WS_VALUE_NUMBER;
        value->as.number = lua_tonumberx(L, index, NULL);
      }
      return;
    case LUA_TBOOLEAN:
      value->type = WS_VALUE_BOOLEAN;
      value->as.boolean = lua_toboolean(L, index);
      return;
    case LUA_TTABLE:
      value->type = WS_VALUE_TABLE;
      value->as.table = index;
      return;
    default:
      read_rare(L, index, type, value);
  }
}

/* Keeps the key just above its table, for the next call. */
static bool next_pair(void *host, int table, bool first, ws_value *key,
                      ws_value *value) {
  lua_State *L = host;
  lua_settop(L, first ? table : table + 1);
  if (first) {
    if (!lua_checkstack(L, 4)) {
      key->type = value->type = WS_VALUE_NONE;
      return true;
    }
    lua_pushnil(L);
  }
  if (!lua_next(L, table)) return false;
  read_value(L, table + 1, key);
  read_value(L, table + 2, value);
  return true;
}

static void item_at(void *host, int table, int64_t index, ws_value *value) {
  lua_State *L = host;
  lua_settop(L, table);
  if (!lua_checkstack(L, 2)) {
    value->type = WS_VALUE_OTHER;
    value->as.other = "value for which memory ran out";
    return;
  }
  lua_rawgeti(L, table, index);
  read_value(L, table + 1, value);
}

void wsl_source(lua_State *L, ws_source *source) {
  source->host = L;
  source->next = next_pair;
  source->at = item_at;
}
