/*
** From a host's table to a URL's query. See body.h; the parts are put in
** the schema's order in the same way as in body.c.
*/

#include <string.h>

#include "base/url.h"
#include "json/writer.h"
#include "schema/body.h"
#include "schema/validate.h"

#define MAX_LEVELS 100

typedef struct part {
  size_t start;
  size_t size;
} part;

typedef struct query {
  ws_buffer *buffer;
  const ws_source *source;
  const ws_schema *schema;   /* or NULL */
  ws_validation_error *error;
  bool only_query;
  bool strict;
  bool unknown;              /* names were met that the schema lacks */
  size_t start;              /* of this run of pairs: no "&" before it */
  int levels;
} query;

static const char *const scalars = "a string, a number, true or false";

/* ------------------------------------------------------------------------
** Pairs.
*/

static void put_name(query *q, const ws_path *at) {
  if (at->up) {
    put_name(q, at->up);
    ws_buffer_add_text(q->buffer, "%5B");
  }
  ws_url_escape(q->buffer, at->name, at->size, NULL);
  if (at->up) ws_buffer_add_text(q->buffer, "%5D");
}

static void begin_pair(query *q, const ws_path *at) {
  if (q->buffer->size > q->start) ws_buffer_add_char(q->buffer, '&');
  put_name(q, at);
  ws_buffer_add_char(q->buffer, '=');
}

static bool put_text(query *q, const ws_path *at, const ws_value *value) {
  if (!ws_check_text(q->error, at, value)) return false;
  ws_url_escape(q->buffer, value->as.text.bytes, value->as.text.size, NULL);
  return true;
}

static bool put_scalar(query *q, const ws_path *at, const ws_value *value) {
  switch (value->type) {
    case WS_VALUE_TEXT: return put_text(q, at, value);
    case WS_VALUE_INTEGER:
      ws_json_integer(q->buffer, value->as.integer);
      return true;
    case WS_VALUE_NUMBER:
      if (ws_json_number(q->buffer, value->as.number)) return true;
      break;
    case WS_VALUE_BOOLEAN:
      ws_buffer_add_text(q->buffer, value->as.boolean ? "true" : "false");
      return true;
    default: break;
  }
  return ws_report_expected(q->error, at, scalars, value);
}

/* ------------------------------------------------------------------------
** Values of a field.
*/

static bool fits(const ws_field *field, const ws_value *value) {
  ws_value_type type = value->type;
  int64_t integer;
  switch (field->type) {
    case WS_FIELD_ID: case WS_FIELD_IDS: case WS_FIELD_INTEGER:
      return ws_value_to_field_integer(field, value, &integer);
    case WS_FIELD_NUMBER:
      return type == WS_VALUE_INTEGER || type == WS_VALUE_NUMBER;
    case WS_FIELD_BOOLEAN: return type == WS_VALUE_BOOLEAN;
    case WS_FIELD_TEXT: case WS_FIELD_TEXTS: return type == WS_VALUE_TEXT;
    case WS_FIELD_TIME: return ws_value_is_time(value);
    default: return true;
  }
}

/* One value, or one of a list. */
static bool put_one(query *q, const ws_field *field, const ws_path *at,
                    const ws_value *value) {
  if (!fits(field, value)) return ws_report_wrong_type(q->error, at, field,
                                                       value);
  return put_scalar(q, at, value);
}

/* Items are told apart by commas, so that none may hold one. */
static bool put_item(query *q, const ws_field *item, const ws_path *at,
                     const ws_value *value) {
  if (value->type == WS_VALUE_TEXT && value->as.text.size
      && memchr(value->as.text.bytes, ',', value->as.text.size))
    return ws_report_error(q->error, at,
                       "holds a comma, which separates items");
  return put_one(q, item, at, value);
}

static ws_field item_field(const ws_field *field) {
  ws_field item = *field;
  item.flags = 0;
  if (item.type == WS_FIELD_IDS) item.type = WS_FIELD_ID;
  if (item.type == WS_FIELD_TEXTS) item.type = WS_FIELD_TEXT;
  return item;
}

static bool put_list(query *q, const ws_field *field, const ws_path *up,
                     int table) {
  ws_field item = item_field(field);
  ws_items items = ws_items_of(q->source, table);
  ws_value value;
  int more;
  while ((more = ws_items_next(&items, up, q->error, &value)) > 0) {
    ws_path at = ws_path_item(up, items.index);
    if (items.index > 1) ws_buffer_add_char(q->buffer, ',');
    if (!put_item(q, &item, &at, &value)) return false;
  }
  return more == 0;
}

/* ------------------------------------------------------------------------
** Tables of any names: they nest in brackets.
*/

static const ws_field anything = WS_FIELD("", ANY, 0, "");

static bool put_any(query *q, const ws_path *at, const ws_value *value);

static bool put_named(query *q, const ws_path *up, const ws_value *key,
                      const ws_value *value) {
  if (key->type != WS_VALUE_TEXT) return ws_report_bad_key(q->error, up, key);
  ws_path at = ws_path_key(up, key);
  return ws_check_text(q->error, &at, key) && put_any(q, &at, value);
}

static bool put_map(query *q, const ws_path *up, int table) {
  ws_value key, value;
  const ws_source *source = q->source;
  for (bool first = true;
       source->next(source->host, table, first, &key, &value);
       first = false) {
    if (!put_named(q, up, &key, &value)) return false;
  }
  return true;
}

/* The first key tells which kind of table it is. An empty one is taken for
** a list where a list may be meant: at the top, without a schema. */
static bool put_table(query *q, const ws_path *at, int table) {
  ws_value key, value;
  if (q->levels++ >= MAX_LEVELS)
    return ws_report_error(q->error, at, "has more than %d levels of tables; "
                       "does it contain itself?", MAX_LEVELS);
  bool empty = !q->source->next(q->source->host, table, true, &key, &value);
  bool done = true;
  if (empty ? !q->schema && !at->up : key.type == WS_VALUE_INTEGER) {
    begin_pair(q, at);
    done = put_list(q, &anything, at, table);
  } else if (!empty) {
    done = put_map(q, at, table);
  }
  q->levels--;
  return done;
}

static bool put_any(query *q, const ws_path *at, const ws_value *value) {
  if (value->type == WS_VALUE_TABLE)
    return put_table(q, at, value->as.table);
  begin_pair(q, at);
  return put_scalar(q, at, value);
}

/* ------------------------------------------------------------------------
** By a schema.
*/

static bool put_field(query *q, const ws_field *field, const ws_path *at,
                      const ws_value *value) {
  bool list = field->type == WS_FIELD_IDS || field->type == WS_FIELD_TEXTS;
  if (field->type >= WS_FIELD_OBJECT) return put_any(q, at, value);
  begin_pair(q, at);
  if (list && value->type == WS_VALUE_TABLE)
    return put_list(q, field, at, value->as.table);
  return put_one(q, field, at, value);
}

static bool is_skipped(const query *q, const ws_field *field) {
  return field->flags & WS_LOCAL
    || (q->only_query && !(field->flags & WS_IN_QUERY));
}

static bool collect_member(query *q, const ws_value *key, const ws_value *value,
                       part parts[]) {
  if (key->type != WS_VALUE_TEXT) return ws_report_bad_key(q->error, NULL, key);
  ws_path at = ws_path_key(NULL, key);
  const ws_field *field = ws_schema_find_field(q->schema, at.name, at.size);
  if (!field && !q->only_query) q->unknown = true;
  if (!field)
    return !q->unknown || !q->strict
      || ws_report_unknown_field(q->error, &at, q->schema);
  if (is_skipped(q, field)) return true;
  part *mine = &parts[field - q->schema->fields];
  q->start = mine->start = q->buffer->size;
  if (!put_field(q, field, &at, value)) return false;
  mine->size = q->buffer->size - mine->start;
  return true;
}

static bool collect(query *q, int table, part parts[]) {
  ws_value key, value;
  const ws_source *source = q->source;
  for (bool first = true;
       source->next(source->host, table, first, &key, &value);
       first = false) {
    if (!collect_member(q, &key, &value, parts)) return false;
  }
  return !q->buffer->failed || ws_report_no_memory(q->error);
}

static bool is_complete(query *q, const part parts[]) {
  for (size_t i = 0; i < q->schema->count; i++) {
    const ws_field *field = &q->schema->fields[i];
    if (parts[i].size || is_skipped(q, field)
        || !(field->flags & WS_REQUIRED))
      continue;
    ws_path at = ws_path_field(NULL, field);
    return ws_report_error(q->error, &at, "is required");
  }
  return true;
}

static void put_parts(query *q, const part parts[]) {
  q->start = q->buffer->size;
  for (size_t i = 0; i < q->schema->count; i++) {
    if (!parts[i].size) continue;
    if (q->buffer->size > q->start) ws_buffer_add_char(q->buffer, '&');
    ws_buffer_add_own(q->buffer, parts[i].start, parts[i].size);
  }
}

static bool put_unknown(query *q, int table) {
  ws_value key, value;
  const ws_source *source = q->source;
  for (bool first = true; q->unknown; first = false) {
    if (!source->next(source->host, table, first, &key, &value)) break;
    if (key.type == WS_VALUE_TEXT
        && ws_schema_find_field(q->schema, key.as.text.bytes, key.as.text.size))
      continue;
    if (!put_named(q, NULL, &key, &value)) return false;
  }
  return true;
}

static bool put_by_schema(query *q, int table) {
  part parts[WS_MAX_FIELDS] = {{0, 0}};
  size_t start = q->buffer->size;
  if (!collect(q, table, parts) || !is_complete(q, parts)) return false;
  size_t end = q->buffer->size;
  put_parts(q, parts);
  if (!put_unknown(q, table)) return false;
  ws_buffer_remove_range(q->buffer, start, end);
  return true;
}

bool ws_query_write(ws_buffer *buffer, const ws_schema *schema,
                    bool only_query, bool strict, const ws_source *source,
                    int table, ws_validation_error *error) {
  size_t start = buffer->size;
  query q = {.buffer = buffer, .source = source, .schema = schema,
             .error = error, .only_query = only_query, .strict = strict,
             .start = start};
  bool done = schema ? put_by_schema(&q, table) : put_map(&q, NULL, table);
  if (done && buffer->failed) done = ws_report_no_memory(error);
  if (!done) buffer->size = start;
  return done;
}
