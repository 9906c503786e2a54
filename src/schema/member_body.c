/*
** Writes bodies from arrays of ws_member, for hosts written in C; see
** workstage.h.
*/

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "schema/body.h"

enum { MAX_LEVELS = 102 };  /* one more than a body may have, and the root */

/* An array that is being read; its table number is its level. Only one array
** of each level is open at a time, as the core reads a member's members before
** it continues. */
typedef struct level {
  const ws_member *members;
  size_t count;
  size_t at;
  bool is_array;
} level;

typedef struct host {
  level levels[MAX_LEVELS];
} host;

static void open_level(host *h, int table, const ws_member *member,
                       ws_value *value) {
  if (table >= MAX_LEVELS) {
    value->type = WS_VALUE_OTHER;
    value->as.other = "value with too many levels";
    return;
  }
  h->levels[table] = (level){member->members, member->count, 0,
                             member->type == WS_MEMBER_ARRAY};
  value->type = WS_VALUE_TABLE;
  value->as.table = table;
}

static void read_text(const char *text, ws_value *value) {
  value->type = text ? WS_VALUE_TEXT : WS_VALUE_NULL;
  value->as.text.bytes = text;
  value->as.text.size = text ? strlen(text) : 0;
}

static void read_member(host *h, int table, const ws_member *member,
                        ws_value *value) {
  switch (member->type) {
    case WS_MEMBER_NULL: value->type = WS_VALUE_NULL; break;
    case WS_MEMBER_BOOLEAN:
      value->type = WS_VALUE_BOOLEAN;
      value->as.boolean = member->boolean;
      break;
    case WS_MEMBER_INTEGER:
      value->type = WS_VALUE_INTEGER;
      value->as.integer = member->integer;
      break;
    case WS_MEMBER_NUMBER:
      value->type = WS_VALUE_NUMBER;
      value->as.number = member->number;
      break;
    case WS_MEMBER_TEXT: read_text(member->text, value); break;
    case WS_MEMBER_ARRAY: case WS_MEMBER_OBJECT:
      open_level(h, table + 1, member, value);
      break;
    default:
      value->type = WS_VALUE_OTHER;
      value->as.other = "member of an unknown type";
  }
}

static bool next_member(void *data, int table, bool first, ws_value *key,
                        ws_value *value) {
  host *h = data;
  level *l = &h->levels[table];
  const ws_member *member;
  if (first) l->at = 0;
  if (l->at == l->count) return false;
  member = &l->members[l->at++];
  if (l->is_array) {
    key->type = WS_VALUE_INTEGER;
    key->as.integer = (int64_t)l->at;
  }
  else
    read_text(member->name ? member->name : "", key);
  read_member(h, table, member, value);
  return true;
}

static void member_at(void *data, int table, int64_t index,
                      ws_value *value) {
  host *h = data;
  const level *l = &h->levels[table];
  value->type = WS_VALUE_NONE;
  if (index >= 1 && (uint64_t)index <= l->count)
    read_member(h, table, &l->members[index - 1], value);
}

static char *write_body(const ws_schema *schema, ws_purpose purpose,
                        const ws_source *source, size_t *size,
                        ws_error *error) {
  ws_buffer buffer = WS_BUFFER_EMPTY;
  ws_validation_error problem;
  bool done = ws_body_write(&buffer, schema, purpose, true, source, 0,
                            &problem);
  ws_buffer_cstring(&buffer);
  if (done && !buffer.failed) {
    *size = buffer.size;
    return buffer.bytes;
  }
  ws_fail(error, buffer.failed ? WS_MEMORY : WS_INVALID, "%s",
          buffer.failed ? "not enough memory" : problem.message);
  ws_buffer_free(&buffer);
  return NULL;
}

char *ws_body_create(const char *schema, ws_purpose purpose,
                     const ws_member *members, size_t count, size_t *size,
                     ws_error *error) {
  const ws_schema *found = ws_schema_find(schema);
  host h;
  ws_source source = {&h, next_member, member_at};
  if (!found) {
    ws_fail(error, WS_INVALID, "schema: there is none named '%.60s'",
            schema);
    return NULL;
  }
  h.levels[0] = (level){members, count, 0, false};
  return write_body(found, purpose, &source, size, error);
}

void ws_body_free(char *body) {
  ws_free(body);
}
