#include "schema/query.h"

#include <string.h>

#include "base/url_escape.h"
#include "json/writer.h"
#include "schema/items.h"
#include "schema/members.h"

enum { MAX_LEVELS = 100 };

typedef struct writer {
  ws_buffer *buffer;
  const ws_source *source;
  const ws_schema *schema;   /* or NULL */
  ws_validation_error *error;
  int levels;                /* of tables that are open */
} writer;

/* ------------------------------------------------------------------ pairs */

/* Writes a path as name[member][], where an item has empty brackets. */
static void write_name(writer *w, const ws_path *at) {
  if (at->up) {
    write_name(w, at->up);
    ws_buffer_add_text(w->buffer, "%5B");
  }
  ws_url_escape(w->buffer, at->name, at->size);
  if (at->up) ws_buffer_add_text(w->buffer, "%5D");
}

static void begin_pair(writer *w, const ws_path *at) {
  write_name(w, at);
  ws_buffer_add_char(w->buffer, '=');
}

/* Every pair ends with "&"; the last one is removed at the end. */
static bool end_pair(writer *w, bool done) {
  ws_buffer_add_char(w->buffer, '&');
  return done;
}

static bool write_text(writer *w, const ws_path *at, const ws_value *value) {
  if (!ws_check_text(w->error, at, value)) return false;
  ws_url_escape(w->buffer, value->as.text.bytes, value->as.text.size);
  return true;
}

static bool write_scalar(writer *w, const ws_path *at,
                         const ws_value *value) {
  switch (value->type) {
    case WS_VALUE_TEXT: return write_text(w, at, value);
    case WS_VALUE_INTEGER:
      ws_json_integer(w->buffer, value->as.integer);
      return true;
    case WS_VALUE_NUMBER:
      if (ws_json_number(w->buffer, value->as.number)) return true;
      break;
    case WS_VALUE_BOOLEAN:
      ws_buffer_add_text(w->buffer, value->as.boolean ? "true" : "false");
      return true;
    default: break;
  }
  return ws_report_expected(w->error, at,
                            "a string, a number, true or false", value);
}

/* ------------------------------------------------------------ comma lists */

static bool holds_comma(const ws_value *value) {
  return value->type == WS_VALUE_TEXT && value->as.text.size &&
         memchr(value->as.text.bytes, ',', value->as.text.size);
}

static bool write_one(writer *w, const ws_field *field, const ws_path *at,
                      const ws_value *value) {
  if (!ws_value_fits(field, value))
    return ws_report_wrong_type(w->error, at, field, value);
  return write_scalar(w, at, value);
}

static bool write_list(writer *w, const ws_field *field, const ws_path *up,
                       int table) {
  ws_field made;
  const ws_field *item = ws_item_field(field, &made);
  ws_items items = ws_items_of(w->source, table);
  ws_value value;
  int more;
  while ((more = ws_items_next(&items, up, w->error, &value)) > 0) {
    ws_path at = ws_path_item(up, items.index);
    if (items.index > 1) ws_buffer_add_char(w->buffer, ',');
    if (holds_comma(&value))
      return ws_report_error(w->error, &at,
                             "holds a comma, which separates items");
    if (!write_one(w, item, &at, &value)) return false;
  }
  return more == 0;
}

/* --------------------------------------------------------- tables of names */

static bool write_any(writer *w, const ws_path *at, const ws_value *value);

static bool write_member(void *writer_, const ws_path *at,
                         const ws_value *key, const ws_value *value) {
  writer *w = writer_;
  return ws_check_text(w->error, at, key) && write_any(w, at, value);
}

static bool write_map(writer *w, const ws_path *up, int table) {
  ws_value key, value;
  const ws_source *source = w->source;
  for (bool first = true;
       source->next(source->host, table, first, &key, &value);
       first = false) {
    if (key.type != WS_VALUE_TEXT)
      return ws_report_bad_key(w->error, up, &key);
    ws_path at = ws_path_key(up, &key);
    if (!write_member(w, &at, &key, &value)) return false;
  }
  return true;
}

static bool is_named(const ws_path *at, const char *name) {
  return at->size == strlen(name) && at->size &&
         memcmp(at->name, name, at->size) == 0;
}

/* Lists that the service takes with a pair for each item, as in `name[]=a`;
** all others are comma lists. */
static bool takes_brackets(const ws_path *at) {
  return is_named(at, "__or") || is_named(at, "in_array") ||
         is_named(at, "all_in_array");
}

/* Checks a table of one member, and returns the member's value. */
static bool check_single(writer *w, const ws_path *at, const ws_value *value,
                         ws_value *member) {
  const ws_source *source = w->source;
  ws_value key, other;
  int table;
  if (value->type != WS_VALUE_TABLE)
    return ws_report_expected(w->error, at, "a table", value);
  table = value->as.table;
  if (!source->next(source->host, table, true, &key, member))
    return ws_report_error(w->error, at, "has no condition");
  if (key.type != WS_VALUE_TEXT)
    return ws_report_bad_key(w->error, at, &key);
  if (source->next(source->host, table, false, &key, &other))
    return key.type == WS_VALUE_NONE
           ? ws_report_no_memory(w->error)
           : ws_report_error(w->error, at, "has several conditions: give each "
                           "alternative a table of its own");
  source->next(source->host, table, true, &key, member);
  return key.type == WS_VALUE_TEXT ||
         ws_report_bad_key(w->error, at, &key);
}

/* One alternative: { field = { operation = value } }. Several conditions in
** one could not be distinguished from several alternatives. */
static bool check_alternative(writer *w, const ws_path *at,
                              const ws_value *value) {
  ws_value field = {.type = WS_VALUE_NONE}, operation;
  return check_single(w, at, value, &field) &&
         check_single(w, at, &field, &operation);
}

static bool write_bracketed(writer *w, const ws_path *up, int table) {
  ws_items items = ws_items_of(w->source, table);
  ws_value value;
  int more;
  while ((more = ws_items_next(&items, up, w->error, &value)) > 0) {
    ws_path at = ws_path_item(up, items.index);
    if (is_named(up, "__or") && !check_alternative(w, &at, &value))
      return false;
    if (!write_any(w, &at, &value)) return false;
  }
  return more == 0;
}

static bool write_comma_list(writer *w, const ws_path *at, int table) {
  static const ws_field anything = WS_FIELD("", ANY, 0, "");
  begin_pair(w, at);
  return end_pair(w, write_list(w, &anything, at, table));
}

/* A table whose first key is an integer is a list. An empty table is a list
** only where a list is allowed: at the top, without a schema. */
static bool write_table(writer *w, const ws_path *at, int table) {
  ws_value key, value;
  if (w->levels++ >= MAX_LEVELS)
    return ws_report_error(w->error, at, "has more than %d levels of tables; "
                           "does it contain itself?", MAX_LEVELS);
  bool empty = !w->source->next(w->source->host, table, true, &key, &value);
  bool done = true;
  if (empty ? !w->schema && !at->up : key.type == WS_VALUE_INTEGER) {
    done = takes_brackets(at) ? write_bracketed(w, at, table)
                              : write_comma_list(w, at, table);
  } else if (!empty) {
    done = write_map(w, at, table);
  }
  w->levels--;
  return done;
}

static bool write_any(writer *w, const ws_path *at, const ws_value *value) {
  if (value->type == WS_VALUE_TABLE)
    return write_table(w, at, value->as.table);
  begin_pair(w, at);
  return end_pair(w, write_scalar(w, at, value));
}

/* ------------------------------------------------------------ by a schema */

/* A list of one item may also be given as the item alone. */
static bool write_list_field(writer *w, const ws_field *field,
                             const ws_path *at, const ws_value *value) {
  ws_field made;
  if (value->type == WS_VALUE_TABLE)
    return write_list(w, field, at, value->as.table);
  if (!ws_value_fits(ws_item_field(field, &made), value))
    return ws_report_wrong_type(w->error, at, field, value);
  return write_scalar(w, at, value);
}

static bool write_field(void *writer_, const ws_field *field,
                        const ws_path *at, const ws_value *value) {
  writer *w = writer_;
  bool is_list = field->type == WS_FIELD_IDS || field->type == WS_FIELD_TEXTS;
  if (field->type >= WS_FIELD_OBJECT) return write_any(w, at, value);
  begin_pair(w, at);
  return end_pair(w, is_list ? write_list_field(w, field, at, value)
                             : write_one(w, field, at, value));
}

static bool write_by_schema(writer *w, bool only_query, bool strict,
                            int table) {
  ws_members m = {
    .buffer = w->buffer, .source = w->source, .table = table,
    .schema = w->schema, .error = w->error, .skip = WS_LOCAL,
    .only = only_query ? WS_IN_QUERY : 0, .strict = strict, .writer = w,
    .write_field = write_field, .write_unknown = write_member,
  };
  if (!ws_members_collect(&m) || !ws_members_check_required(&m))
    return false;
  size_t end = w->buffer->size;
  ws_members_arrange(&m, m.present);
  if (!ws_members_write_unknown(&m)) return false;
  ws_buffer_remove_range(w->buffer, m.start, end);
  return true;
}

bool ws_query_write(ws_buffer *buffer, const ws_schema *schema,
                    bool only_query, bool strict, const ws_source *source,
                    int table, ws_validation_error *error) {
  size_t start = buffer->size;
  writer w = {.buffer = buffer, .source = source, .schema = schema,
              .error = error};
  bool done = schema ? write_by_schema(&w, only_query, strict, table)
                     : write_map(&w, NULL, table);
  if (done && buffer->failed) done = ws_report_no_memory(error);
  if (!done) buffer->size = start;
  else if (buffer->size > start) buffer->size--;
  return done;
}
