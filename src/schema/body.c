/*
** From a host's table to a request's body. See body.h.
**
** The host's table comes in any order and can be walked once at little
** cost, the body goes out in the schema's order. So each member is written
** when it is met, behind what the buffer holds; the object is then put
** together from these parts, behind them, and moved to their start.
*/

#include "schema/body.h"

#include <string.h>

#include "json/writer.h"
#include "schema/validate.h"

#define MAX_LEVELS 100

typedef struct writer {
  ws_buffer *buffer;
  const ws_source *source;
  const ws_schema *const *schemas;  /* to tell empty arrays, or NULL */
  ws_validation_error *error;
  ws_purpose purpose;
  bool strict;
  int levels;                       /* tables that we are in */
} writer;

static bool write_any(writer *w, const ws_path *at, const ws_value *value);

static bool enter(writer *w, const ws_path *at) {
  if (w->levels++ < MAX_LEVELS) return true;
  while (at && at->up) at = at->up;
  return ws_report_error(w->error, at, "has more than %d levels of tables; "
                     "does it contain itself?", MAX_LEVELS);
}

/* Members and items have a comma behind them: the last one's gives way to the
** bracket. */
static void close_with(writer *w, char bracket) {
  ws_buffer *buffer = w->buffer;
  if (!buffer->failed && buffer->bytes[buffer->size - 1] == ',')
    buffer->size--;
  ws_buffer_add_char(buffer, bracket);
}

static bool write_text(writer *w, const ws_path *at, const ws_value *value) {
  const char *bytes = value->as.text.bytes;
  size_t size = value->as.text.size;
  if (ws_json_plain_string(w->buffer, bytes, size)) return true;
  bool nul = size && memchr(bytes, '\0', size);
  if (!nul && ws_json_string(w->buffer, bytes, size)) return true;
  return ws_check_text(w->error, at, value);
}

/* ------------------------------------------------------------------------
** Without a schema.
*/

static bool write_sequence(writer *w, const ws_path *up, int table) {
  ws_items items = ws_items_of(w->source, table);
  ws_value value;
  int more;
  ws_buffer_add_char(w->buffer, '[');
  while ((more = ws_items_next(&items, up, w->error, &value)) > 0) {
    ws_path at = ws_path_item(up, items.index);
    if (!write_any(w, &at, &value)) return false;
    ws_buffer_add_char(w->buffer, ',');
  }
  close_with(w, ']');
  return more == 0;
}

static bool write_name(writer *w, const ws_path *at, const ws_value *key) {
  if (ws_json_name(w->buffer, key->as.text.bytes, key->as.text.size))
    return true;
  if (!write_text(w, at, key)) return false;
  ws_buffer_add_char(w->buffer, ':');
  return true;
}

/* The first pair has been read, to tell what the table is. */
static bool write_map(writer *w, const ws_path *up, int table, ws_value *key,
                      ws_value *value) {
  const ws_source *source = w->source;
  ws_buffer_add_char(w->buffer, '{');
  do {
    if (key->type != WS_VALUE_TEXT) return ws_report_bad_key(w->error, up, key);
    ws_path at = ws_path_key(up, key);
    if (!write_name(w, &at, key) || !write_any(w, &at, value)) return false;
    ws_buffer_add_char(w->buffer, ',');
  } while (source->next(source->host, table, false, key, value));
  close_with(w, '}');
  return true;
}

static bool write_empty(writer *w, const ws_path *at) {
  bool array = at && at->name
    && ws_schema_is_array(w->schemas, at->name, at->size);
  ws_buffer_add(w->buffer, array ? "[]" : "{}", 2);
  return true;
}

/* The first key tells which kind of table it is. */
static bool write_table(writer *w, const ws_path *at, int table) {
  ws_value key, value;
  bool done;
  if (!enter(w, at)) return false;
  if (!w->source->next(w->source->host, table, true, &key, &value))
    done = write_empty(w, at);
  else if (key.type == WS_VALUE_INTEGER)
    done = write_sequence(w, at, table);
  else
    done = write_map(w, at, table, &key, &value);
  w->levels--;
  return done;
}

static bool write_any(writer *w, const ws_path *at, const ws_value *value) {
  switch (value->type) {
    case WS_VALUE_NULL:
      ws_buffer_add(w->buffer, "null", 4);
      return true;
    case WS_VALUE_BOOLEAN:
      if (value->as.boolean)
        ws_buffer_add(w->buffer, "true", 4);
      else
        ws_buffer_add(w->buffer, "false", 5);
      return true;
    case WS_VALUE_INTEGER:
      ws_json_integer(w->buffer, value->as.integer);
      return true;
    case WS_VALUE_NUMBER:
      if (ws_json_number(w->buffer, value->as.number)) return true;
      break;
    case WS_VALUE_TEXT: return write_text(w, at, value);
    case WS_VALUE_TABLE: return write_table(w, at, value->as.table);
    case WS_VALUE_NONE: case WS_VALUE_OTHER: break;
  }
  return ws_report_expected(w->error, at, "a value that JSON can hold", value);
}

/* ------------------------------------------------------------------------
** By a schema: the parts of an object, each with a comma behind it.
*/

typedef struct part {
  size_t start;
  size_t size;
} part;

typedef struct object {
  const ws_schema *schema;
  const ws_path *at;
  int table;
  size_t start;              /* of the first part */
  bool unknown;              /* it has members that the schema lacks */
  uint64_t given;            /* a bit for each field that has a part */
  uint64_t beside;           /* those of them that stand beside the root */
  part parts[WS_MAX_FIELDS];
} object;

static bool write_field(writer *w, const ws_field *field, const ws_path *at,
                        const ws_value *value);

static void begin(writer *w, object *o, const ws_schema *schema,
                  const ws_path *at, int table) {
  o->schema = schema;
  o->at = at;
  o->table = table;
  o->start = w->buffer->size;
  o->unknown = false;
  o->given = o->beside = 0;
}

static bool collect_field(writer *w, object *o, const ws_field *field,
                         const ws_path *at, const ws_value *value) {
  size_t number = (size_t)(field - o->schema->fields);
  part *mine = &o->parts[number];
  if (field->flags & (WS_IN_QUERY | WS_LOCAL)) return true;
  if (field->flags & WS_READ_ONLY && w->strict)
    return ws_report_read_only(w->error, at);
  mine->start = w->buffer->size;
  ws_buffer_add_blocks(w->buffer, field->key, field->size + 3);
  if (!write_field(w, field, at, value)) return false;
  ws_buffer_add_char(w->buffer, ',');
  mine->size = w->buffer->size - mine->start;
  o->given |= UINT64_C(1) << number;
  if (field->flags & WS_BESIDE) o->beside |= UINT64_C(1) << number;
  return true;
}

static bool collect_member(writer *w, object *o, const ws_value *key,
                          const ws_value *value) {
  if (key->type != WS_VALUE_TEXT) return ws_report_bad_key(w->error, o->at,
                                                           key);
  ws_path at = ws_path_key(o->at, key);
  const ws_field *field = ws_schema_find_field(o->schema, at.name, at.size);
  if (field) return collect_field(w, o, field, &at, value);
  o->unknown = true;
  return !w->strict || ws_report_unknown_field(w->error, &at, o->schema);
}

static bool collect(writer *w, object *o) {
  ws_value key, value;
  const ws_source *source = w->source;
  for (bool first = true;
       source->next(source->host, o->table, first, &key, &value);
       first = false) {
    if (!collect_member(w, o, &key, &value)) return false;
  }
  return true;
}

static bool is_complete(writer *w, object *o) {
  for (size_t i = 0; i < o->schema->count; i++) {
    const ws_field *field = &o->schema->fields[i];
    if (!(field->flags & WS_REQUIRED) || field->flags & WS_IN_QUERY
        || o->given >> i & 1)
      continue;
    ws_path at = ws_path_field(o->at, field);
    return ws_report_error(w->error, &at, "is required");
  }
  return true;
}

static bool has_any(writer *w, object *o) {
  if (o->unknown || o->given) return true;
  return ws_report_error(w->error, NULL,
                     "nothing to update: give at least one field");
}

/* Some of the parts, in the schema's order. */
static void put_parts(writer *w, const object *o, uint64_t left) {
  ws_buffer *buffer = w->buffer;
  if (!ws_buffer_reserve(buffer, buffer->size - o->start + 16)) return;
  for (; left; left &= left - 1) {
    const part *each = &o->parts[__builtin_ctzll(left)];
    ws_buffer_put_blocks(buffer, buffer->bytes + each->start, each->size);
  }
}

/* What the schema does not know, as the host gives it. */
static bool put_unknown(writer *w, object *o) {
  ws_value key, value;
  const ws_source *source = w->source;
  for (bool first = true; o->unknown; first = false) {
    if (!source->next(source->host, o->table, first, &key, &value)) break;
    if (key.type != WS_VALUE_TEXT) return ws_report_bad_key(w->error, o->at,
                                                            &key);
    ws_path at = ws_path_key(o->at, &key);
    if (ws_schema_find_field(o->schema, at.name, at.size)) continue;
    if (!write_name(w, &at, &key) || !write_any(w, &at, &value)) return false;
    ws_buffer_add_char(w->buffer, ',');
  }
  return true;
}

static bool put_object(writer *w, object *o) {
  ws_buffer_add_char(w->buffer, '{');
  put_parts(w, o, o->given & ~o->beside);
  if (!put_unknown(w, o)) return false;
  close_with(w, '}');
  return true;
}

static bool write_object(writer *w, const ws_schema *schema,
                         const ws_path *at, int table) {
  object o;
  begin(w, &o, schema, at, table);
  if (!collect(w, &o) || !is_complete(w, &o)) return false;
  size_t end = w->buffer->size;
  if (!put_object(w, &o)) return false;
  ws_buffer_remove_range(w->buffer, o.start, end);
  return true;
}

/* ------------------------------------------------------------------------
** By a schema: the values.
*/

/* An item is judged as a field of its own would be; `made` is for one that
** has to be made. */
static const ws_field *item_field(const ws_field *field, ws_field *made) {
  static const ws_field id = WS_FIELD("", ID, 0, "");
  static const ws_field text = WS_FIELD("", TEXT, 0, "");
  if (field->type == WS_FIELD_IDS) return &id;
  if (field->type == WS_FIELD_TEXTS) return &text;
  *made = *field;
  made->flags = 0;
  made->type = WS_FIELD_OBJECT;
  return made;
}

static bool write_items(writer *w, const ws_field *field, const ws_path *up,
                        int table) {
  ws_field made;
  const ws_field *item = item_field(field, &made);
  ws_items items = ws_items_of(w->source, table);
  ws_value value;
  int more;
  ws_buffer_add_char(w->buffer, '[');
  while ((more = ws_items_next(&items, up, w->error, &value)) > 0) {
    ws_path at = ws_path_item(up, items.index);
    if (!write_field(w, item, &at, &value)) return false;
    ws_buffer_add_char(w->buffer, ',');
  }
  close_with(w, ']');
  return more == 0;
}

static bool write_integer(writer *w, const ws_field *field,
                          const ws_path *at, const ws_value *value) {
  int64_t integer;
  if (!ws_value_to_field_integer(field, value, &integer))
    return ws_report_wrong_type(w->error, at, field, value);
  ws_json_integer(w->buffer, integer);
  return true;
}

/* A string in place of an object stands for its one field that matters. */
static bool write_shorthand(writer *w, const ws_field *field,
                            const ws_path *at, const ws_value *value) {
  const char *name = field->shorthand;
  const ws_field *inner = ws_schema_find_field(field->object, name,
                                               strlen(name));
  ws_buffer_add_char(w->buffer, '{');
  ws_buffer_add_blocks(w->buffer, inner->key, inner->size + 3);
  if (!write_text(w, at, value)) return false;
  ws_buffer_add_char(w->buffer, '}');
  return true;
}

static bool write_field(writer *w, const ws_field *field, const ws_path *at,
                        const ws_value *value) {
  ws_value_type type = value->type;
  if (type == WS_VALUE_NULL && field->flags & WS_NULLABLE)
    return write_any(w, at, value);
  switch (field->type) {
    case WS_FIELD_ID: case WS_FIELD_INTEGER:
      return write_integer(w, field, at, value);
    case WS_FIELD_NUMBER:
      if (type != WS_VALUE_INTEGER && type != WS_VALUE_NUMBER) break;
      return write_any(w, at, value);
    case WS_FIELD_BOOLEAN:
      if (type != WS_VALUE_BOOLEAN) break;
      return write_any(w, at, value);
    case WS_FIELD_TEXT:
      if (type != WS_VALUE_TEXT) break;
      return write_text(w, at, value);
    case WS_FIELD_TIME:
      if (!ws_value_is_time(value)) break;
      return write_text(w, at, value);
    case WS_FIELD_IDS: case WS_FIELD_TEXTS: case WS_FIELD_OBJECTS:
      if (type != WS_VALUE_TABLE) break;
      return write_items(w, field, at, value->as.table);
    case WS_FIELD_OBJECT:
      if (type == WS_VALUE_TEXT && field->shorthand)
        return write_shorthand(w, field, at, value);
      if (type != WS_VALUE_TABLE) break;
      return write_object(w, field->object, at, value->as.table);
    case WS_FIELD_ANY:
      return write_any(w, at, value);
  }
  return ws_report_wrong_type(w->error, at, field, value);
}

/* ------------------------------------------------------------------------
** Whole bodies.
*/

/* Nothing is left of a body that did not come to its end. */
static bool finish(writer *w, size_t start, bool done) {
  if (done && w->buffer->failed) done = ws_report_no_memory(w->error);
  if (!done) w->buffer->size = start;
  return done;
}

/* {"root":{fields},"beside":..}; without a root just the fields. */
static bool put_root(writer *w, object *o) {
  const char *root = o->schema->root;
  if (!root) return put_object(w, o);
  ws_buffer_add(w->buffer, "{\"", 2);
  ws_buffer_add_text(w->buffer, root);
  ws_buffer_add(w->buffer, "\":", 2);
  if (!put_object(w, o)) return false;
  if (o->beside) ws_buffer_add_char(w->buffer, ',');
  put_parts(w, o, o->beside);
  close_with(w, '}');
  return true;
}

static bool write_root(writer *w, const ws_schema *schema, int table) {
  object o;
  begin(w, &o, schema, NULL, table);
  if (!collect(w, &o)) return false;
  if (w->purpose == WS_FOR_CREATE ? !is_complete(w, &o) : !has_any(w, &o))
    return false;
  size_t end = w->buffer->size;
  if (!put_root(w, &o)) return false;
  ws_buffer_remove_range(w->buffer, o.start, end);
  return true;
}

bool ws_body_write(ws_buffer *buffer, const ws_schema *schema,
                   ws_purpose purpose, bool strict, const ws_source *source,
                   int table, ws_validation_error *error) {
  writer w = {.buffer = buffer, .source = source, .error = error,
              .purpose = purpose, .strict = strict};
  size_t start = buffer->size;
  if (!strict) w.schemas = ws_schema_siblings(schema);
  return finish(&w, start, write_root(&w, schema, table));
}

bool ws_body_write_any(ws_buffer *buffer, const ws_schema *const schemas[],
                       const ws_source *source, int table,
                         ws_validation_error *error) {
  writer w = {.buffer = buffer, .source = source, .schemas = schemas,
              .error = error};
  size_t start = buffer->size;
  return finish(&w, start, write_table(&w, NULL, table));
}
