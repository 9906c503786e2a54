/*
** Writes records as JSON, always the same text for the same record: members in
** order, integers exact, UTF-8 only, an empty table as [].
**
** Members are first written in lua_next's order, then copied behind that in
** the right order. The first value that cannot be written is an error, with the
** path of its keys.
*/

#include "binding.h"

#include <lauxlib.h>
#include <string.h>

#include "json/number.h"
#include "json/utf8.h"
#include "json/writer.h"

enum { MAX_LEVELS = 100, USUAL_MEMBERS = 48 };

typedef struct member {
  const char *name;
  size_t length;
  int rank;
  size_t start, size;    /* of "name":value, */
} member;

/* A name, or without one an index. */
typedef struct key {
  const char *name;
  lua_Integer index;
} key;

typedef struct writer {
  lua_State *L;
  ws_buffer *buffer;
  const char *why;       /* the error; on the stack or static */
  int depth;             /* the number of keys that lead to the value */
  key keys[MAX_LEVELS + 1];
} writer;

static bool put_value(writer *w);

static bool refuse(writer *w, const char *why) {
  w->why = why;
  return false;
}

/* Puts the members that readers need first at the front; the rest are ordered
** by name. */
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

/* Pushes a text with each byte that is not UTF-8 replaced with U+FFFD. */
static const char *push_repaired(lua_State *L, const char *text, size_t *size) {
  luaL_Buffer repaired;
  size_t at = 0;
  luaL_buffinit(L, &repaired);
  while (at < *size) {
    ptrdiff_t bad = ws_utf8_find_invalid(text + at, *size - at);
    luaL_addlstring(&repaired, text + at,
                    bad < 0 ? *size - at : (size_t)bad);
    if (bad < 0) break;
    luaL_addstring(&repaired, "\xEF\xBF\xBD");
    at += (size_t)bad + 1;
  }
  luaL_pushresult(&repaired);
  return lua_tolstring(L, -1, size);
}

/* Writes the string at an index, repaired if it is not UTF-8, as errors of
** services and systems may be. */
static void put_text(writer *w, int index) {
  size_t size;
  const char *text = lua_tolstring(w->L, index, &size);
  if (ws_json_string(w->buffer, text, size)) return;
  text = push_repaired(w->L, text, &size);
  ws_json_string(w->buffer, text, size);
  lua_pop(w->L, 1);
}

static bool put_number(writer *w) {
  lua_State *L = w->L;
  if (lua_isinteger(L, -1)) {
    lua_Integer value = lua_tointeger(L, -1);
    if (value < -WS_MAX_ID || value > WS_MAX_ID)
      return refuse(w, lua_pushfstring(L, "the integer %I is beyond 2^53, so "
                                       "JSON readers would change it",
                                       (LUAI_UACINT)value));
    ws_json_integer(w->buffer, value);
    return true;
  }
  if (ws_json_number(w->buffer, lua_tonumber(L, -1))) return true;
  return refuse(w, lua_pushfstring(L, "expected a value that JSON can hold, "
                                   "got the number %s",
                                   luaL_tolstring(L, -1, NULL)));
}

static bool put_child(writer *w, const char *name, lua_Integer index) {
  w->keys[w->depth++] = (key){name, index};
  if (!put_value(w)) return false;
  w->depth--;
  return true;
}

static void close_with(ws_buffer *buffer, char bracket) {
  if (!buffer->failed && buffer->bytes[buffer->size - 1] == ',')
    buffer->size--;
  ws_buffer_add_char(buffer, bracket);
}

static lua_Integer count_keys(lua_State *L) {
  lua_Integer count = 0;
  lua_pushnil(L);
  for (; lua_next(L, -2); lua_pop(L, 1)) count++;
  return count;
}

static const char neither[] =
  "is neither an array without holes nor a table with names";

/* Writes the table on top of the stack, which must have no other keys than the
** positions. */
static bool put_array(writer *w, lua_Integer count) {
  lua_Integer length = (lua_Integer)lua_rawlen(w->L, -1);
  if (count != length) return refuse(w, neither);
  ws_buffer_add_char(w->buffer, '[');
  for (lua_Integer i = 1; i <= length; i++) {
    lua_rawgeti(w->L, -1, i);
    if (!put_child(w, NULL, i)) return false;
    lua_pop(w->L, 1);
    ws_buffer_add_char(w->buffer, ',');
  }
  close_with(w->buffer, ']');
  return true;
}

/* Writes one member, whose name is below its value. */
static bool put_member(writer *w, member *new) {
  if (lua_type(w->L, -2) != LUA_TSTRING) return refuse(w, neither);
  new->name = lua_tolstring(w->L, -2, &new->length);
  new->rank = rank_of(new->name);
  new->start = w->buffer->size;
  put_text(w, -2);
  ws_buffer_add_char(w->buffer, ':');
  if (!put_child(w, new->name, 0)) return false;
  ws_buffer_add_char(w->buffer, ',');
  new->size = w->buffer->size - new->start;
  return true;
}

static void put_in_order(ws_buffer *buffer, size_t start,
                         const member *members, int count) {
  size_t end = buffer->size;
  ws_buffer_add_char(buffer, '{');
  for (int i = 0; i < count; i++)
    ws_buffer_add_own(buffer, members[i].start, members[i].size);
  close_with(buffer, '}');
  ws_buffer_remove_range(buffer, start, end);
}

/* Writes the table on top of the stack. */
static bool put_members(writer *w, member *members) {
  member new;
  int count = 0;
  size_t start = w->buffer->size;
  lua_pushnil(w->L);
  for (; lua_next(w->L, -2); lua_pop(w->L, 1)) {
    if (!put_member(w, &new)) return false;
    insert(members, count++, &new);
  }
  put_in_order(w->buffer, start, members, count);
  return true;
}

static bool put_object(writer *w, lua_Integer count) {
  member usual[USUAL_MEMBERS], *members;
  bool done;
  if (count <= USUAL_MEMBERS) return put_members(w, usual);
  members = lua_newuserdatauv(w->L, (size_t)count * sizeof *members, 0);
  lua_insert(w->L, -2);
  done = put_members(w, members);
  if (done) lua_remove(w->L, -2);
  return done;
}

static bool put_table(writer *w) {
  lua_Integer count;
  bool is_array;
  if (w->depth >= MAX_LEVELS) {
    w->depth = 1;
    return refuse(w, "has more than 100 levels of tables; does it contain "
                  "itself?");
  }
  luaL_checkstack(w->L, 10, NULL);
  count = count_keys(w->L);
  if (count == 0) {
    ws_buffer_add(w->buffer, "[]", 2);
    return true;
  }
  is_array = lua_rawgeti(w->L, -1, 1) != LUA_TNIL;
  lua_pop(w->L, 1);
  return is_array ? put_array(w, count) : put_object(w, count);
}

/* Writes the value on top. */
static bool put_value(writer *w) {
  lua_State *L = w->L;
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: put_text(w, -1); return true;
    case LUA_TNUMBER: return put_number(w);
    case LUA_TTABLE: return put_table(w);
    case LUA_TBOOLEAN:
      ws_buffer_add(w->buffer, lua_toboolean(L, -1) ? "true" : "false",
                    lua_toboolean(L, -1) ? 4 : 5);
      return true;
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, -1)) break;
      ws_buffer_add(w->buffer, "null", 4);
      return true;
    default: break;
  }
  return refuse(w, lua_pushfstring(L, "expected a value that JSON can hold, "
                                   "got a %s", luaL_typename(L, -1)));
}

/* Pushes the path to the value that cannot be written, such as a[2].b. */
static void push_path(const writer *w) {
  luaL_Buffer path;
  luaL_buffinit(w->L, &path);
  for (int i = 0; i < w->depth; i++) {
    const key *each = &w->keys[i];
    if (each->name && i > 0) luaL_addchar(&path, '.');
    if (each->name) luaL_addstring(&path, each->name);
    else {
      lua_pushfstring(w->L, "[%I]", (LUAI_UACINT)each->index);
      luaL_addvalue(&path);
    }
  }
  luaL_pushresult(&path);
}

/* record(table): its text; or nil, the error, and the path to the value. */
static int record(lua_State *L) {
  writer w = {.L = L, .buffer = wsl_scratch(L)};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (put_value(&w) && !w.buffer->failed) {
    lua_pushlstring(L, w.buffer->bytes, w.buffer->size);
    return 1;
  }
  if (w.buffer->failed) return wsl_no_memory(L);
  lua_pushnil(L);
  lua_pushstring(L, w.why);
  push_path(&w);
  return 3;
}

void wsl_open_record(lua_State *L) {
  wsl_new_buffer(L);
  lua_pushcclosure(L, record, 1);
  lua_setfield(L, -2, "record");
}
