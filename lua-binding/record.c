/*
** Records as JSON: the common ones, which are integers, plain text, booleans
** and tables of them. For all else, what cannot be written included, there
** is lines.lua, which writes the same, and says what is wrong.
**
** As in body.c members are written as Lua's walk meets them, behind what the
** buffer holds, and put in order behind that.
*/

#include "binding.h"

#include <string.h>

#include "json/number.h"
#include "json/writer.h"

enum { MOST_LEVELS = 20, MOST_MEMBERS = 48 };

typedef struct member {
  const char *name;
  size_t length;
  int rank;
  size_t start, size;    /* of "name":value, */
} member;

static bool put_value(lua_State *L, ws_buffer *buffer, int level);

/* What a reader looks for first comes first, the rest by name. */
static int rank_of(const char *name) {
  static const char *const first[] = {"workstage", "version", "type"};
  int rank = 0;
  while (rank < 3 && strcmp(name, first[rank]) != 0) rank++;
  return rank;
}

static bool comes_before(const member *a, const member *b) {
  size_t shorter = a->length < b->length ? a->length : b->length;
  int order = a->rank != b->rank ? a->rank - b->rank
                                 : memcmp(a->name, b->name, shorter);
  return order ? order < 0 : a->length < b->length;
}

static void insert(member *members, int count, const member *new) {
  int at = count;
  for (; at > 0 && comes_before(new, &members[at - 1]); at--)
    members[at] = members[at - 1];
  members[at] = *new;
}

static bool put_text(lua_State *L, ws_buffer *buffer, int index) {
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  return !memchr(text, 127, size) && ws_json_plain_string(buffer, text, size);
}

static bool put_integer(lua_State *L, ws_buffer *buffer) {
  int integral;
  lua_Integer value = lua_tointegerx(L, -1, &integral);
  if (!integral || value < -WS_MAX_ID || value > WS_MAX_ID) return false;
  ws_buffer_add_integer(buffer, value);
  return true;
}

static void close_with(ws_buffer *buffer, char bracket) {
  if (!buffer->failed && buffer->bytes[buffer->size - 1] == ',')
    buffer->size--;
  ws_buffer_add_char(buffer, bracket);
}

/* The items of the table on top; it has to have no other keys. */
static bool put_array(lua_State *L, ws_buffer *buffer, int level) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1), found = 0;
  lua_pushnil(L);
  for (; lua_next(L, -2); lua_pop(L, 1)) found++;
  if (found != count) return false;
  ws_buffer_add_char(buffer, '[');
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    if (!put_value(L, buffer, level)) return false;
    lua_pop(L, 1);
    ws_buffer_add_char(buffer, ',');
  }
  close_with(buffer, ']');
  return true;
}

/* One member, whose name is below its value. */
static bool put_member(lua_State *L, ws_buffer *buffer, int level,
                       member *new) {
  if (lua_type(L, -2) != LUA_TSTRING) return false;
  new->name = lua_tolstring(L, -2, &new->length);
  new->rank = rank_of(new->name);
  new->start = buffer->size;
  if (!put_text(L, buffer, -2)) return false;
  ws_buffer_add_char(buffer, ':');
  if (!put_value(L, buffer, level)) return false;
  ws_buffer_add_char(buffer, ',');
  new->size = buffer->size - new->start;
  return true;
}

static bool put_object(lua_State *L, ws_buffer *buffer, int level) {
  member members[MOST_MEMBERS], new;
  int count = 0;
  size_t start = buffer->size, end;
  lua_pushnil(L);
  for (; lua_next(L, -2); lua_pop(L, 1)) {
    if (count == MOST_MEMBERS || !put_member(L, buffer, level, &new))
      return false;
    insert(members, count++, &new);
  }
  end = buffer->size;
  ws_buffer_add_char(buffer, '{');
  for (int i = 0; i < count; i++)
    ws_buffer_add_own(buffer, members[i].start, members[i].size);
  close_with(buffer, '}');
  ws_buffer_remove_range(buffer, start, end);
  return true;
}

static bool put_table(lua_State *L, ws_buffer *buffer, int level) {
  if (level > MOST_LEVELS || !lua_checkstack(L, 6)) return false;
  lua_pushnil(L);
  if (!lua_next(L, -2)) {
    ws_buffer_add(buffer, "[]", 2);
    return true;
  }
  lua_pop(L, 2);
  if (lua_rawgeti(L, -1, 1) != LUA_TNIL) {
    lua_pop(L, 1);
    return put_array(L, buffer, level + 1);
  }
  lua_pop(L, 1);
  return put_object(L, buffer, level + 1);
}

/* The value on top; false for one that is left to others. */
static bool put_value(lua_State *L, ws_buffer *buffer, int level) {
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: return put_text(L, buffer, -1);
    case LUA_TNUMBER: return put_integer(L, buffer);
    case LUA_TTABLE: return put_table(L, buffer, level);
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, -1))
        ws_buffer_add(buffer, "true", 4);
      else
        ws_buffer_add(buffer, "false", 5);
      return true;
    default: return false;
  }
}

/* record(table): its text, or nil when it is not one of the common ones. */
static int record(lua_State *L) {
  ws_buffer *buffer = wsl_scratch(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (!put_value(L, buffer, 1) || buffer->failed) return 0;
  lua_pushlstring(L, buffer->bytes, buffer->size);
  return 1;
}

void wsl_open_record(lua_State *L) {
  wsl_new_buffer(L);
  lua_pushcclosure(L, record, 1);
  lua_setfield(L, -2, "record");
}
