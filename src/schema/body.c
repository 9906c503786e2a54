#include "schema/body.h"

#include <string.h>

#include "json/writer.h"
#include "schema/items.h"
#include "schema/members.h"

enum { MAX_LEVELS = 100 };

typedef struct writer {
  ws_buffer *buffer;
  const ws_source *source;
  const ws_schema *const *schemas;  /* where to find arrays; or NULL */
  ws_validation_error *error;
  ws_purpose purpose;
  bool strict;
  int levels;                       /* of tables that are open */
} writer;

static bool write_any(writer *w, const ws_path *at, const ws_value *value);

static bool enter_table(writer *w, const ws_path *at) {
  if (w->levels++ < MAX_LEVELS) return true;
  while (at && at->up) at = at->up;
  return ws_report_error(w->error, at, "has more than %d levels of tables; "
                         "does it contain itself?", MAX_LEVELS);
}

/* Every member and item ends with a comma; the bracket replaces the last. */
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

/* -------------------------------------------------------- without a schema */

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

static bool write_member(void *writer_, const ws_path *at,
                         const ws_value *key, const ws_value *value) {
  writer *w = writer_;
  if (!write_text(w, at, key)) return false;
  ws_buffer_add_char(w->buffer, ':');
  if (!write_any(w, at, value)) return false;
  ws_buffer_add_char(w->buffer, ',');
  return true;
}

/* Writes a table. `key` and `value` are its first member, which was read to
** distinguish arrays from objects. */
static bool write_map(writer *w, const ws_path *up, int table, ws_value *key,
                      ws_value *value) {
  const ws_source *source = w->source;
  ws_buffer_add_char(w->buffer, '{');
  do {
    if (key->type != WS_VALUE_TEXT)
      return ws_report_bad_key(w->error, up, key);
    ws_path at = ws_path_key(up, key);
    if (!write_member(w, &at, key, value)) return false;
  } while (source->next(source->host, table, false, key, value));
  close_with(w, '}');
  return true;
}

static bool write_empty(writer *w, const ws_path *at) {
  bool array = at && at->name &&
               ws_schema_is_array(w->schemas, at->name, at->size);
  ws_buffer_add(w->buffer, array ? "[]" : "{}", 2);
  return true;
}

static bool write_table(writer *w, const ws_path *at, int table) {
  ws_value key, value;
  bool done;
  if (!enter_table(w, at)) return false;
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
      ws_buffer_add_text(w->buffer, value->as.boolean ? "true" : "false");
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
  return ws_report_expected(w->error, at, "a value that JSON can hold",
                            value);
}

/* ------------------------------------------------------- values by a schema */

static bool write_value(writer *w, const ws_field *field, const ws_path *at,
                        const ws_value *value);
static bool write_object(writer *w, const ws_schema *schema,
                         const ws_path *at, int table);

static bool write_items(writer *w, const ws_field *field, const ws_path *up,
                        int table) {
  ws_field made;
  const ws_field *item = ws_item_field(field, &made);
  ws_items items = ws_items_of(w->source, table);
  ws_value value;
  int more;
  ws_buffer_add_char(w->buffer, '[');
  while ((more = ws_items_next(&items, up, w->error, &value)) > 0) {
    ws_path at = ws_path_item(up, items.index);
    if (!write_value(w, item, &at, &value)) return false;
    ws_buffer_add_char(w->buffer, ',');
  }
  close_with(w, ']');
  return more == 0;
}

/* Writes an object with one field, for a string that is given in its place. */
static bool write_shorthand(writer *w, const ws_field *field,
                            const ws_path *at, const ws_value *value) {
  const char *name = field->shorthand;
  const ws_field *inner =
    ws_schema_find_field(field->object, name, strlen(name));
  ws_buffer_add_char(w->buffer, '{');
  ws_buffer_add_text(w->buffer, inner->key);
  if (!write_text(w, at, value)) return false;
  ws_buffer_add_char(w->buffer, '}');
  return true;
}

static bool write_value(writer *w, const ws_field *field, const ws_path *at,
                        const ws_value *value) {
  bool is_table = value->type == WS_VALUE_TABLE;
  if (value->type == WS_VALUE_NULL && field->flags & WS_NULLABLE)
    return write_any(w, at, value);
  switch (field->type) {
    case WS_FIELD_IDS: case WS_FIELD_TEXTS: case WS_FIELD_OBJECTS:
      if (is_table) return write_items(w, field, at, value->as.table);
      break;
    case WS_FIELD_OBJECT:
      if (value->type == WS_VALUE_TEXT && field->shorthand)
        return write_shorthand(w, field, at, value);
      if (is_table)
        return write_object(w, field->object, at, value->as.table);
      break;
    default:
      if (ws_value_fits(field, value)) return write_any(w, at, value);
  }
  return ws_report_wrong_type(w->error, at, field, value);
}

/* ------------------------------------------------------ objects by a schema */

static bool write_field(void *writer_, const ws_field *field,
                        const ws_path *at, const ws_value *value) {
  writer *w = writer_;
  if (field->flags & WS_READ_ONLY && w->strict)
    return ws_report_read_only(w->error, at);
  ws_buffer_add(w->buffer, field->key, field->size + 3);
  if (!write_value(w, field, at, value)) return false;
  ws_buffer_add_char(w->buffer, ',');
  return true;
}

/* Sets up the collection; `m` is not zeroed first, as its parts are large. */
static void begin(writer *w, ws_members *m, const ws_schema *schema,
                  const ws_path *at, int table) {
  m->buffer = w->buffer;
  m->source = w->source;
  m->table = table;
  m->schema = schema;
  m->path = at;
  m->error = w->error;
  m->skip = WS_IN_QUERY | WS_LOCAL;
  m->only = 0;
  m->strict = w->strict;
  m->writer = w;
  m->write_field = write_field;
  m->write_unknown = write_member;
  m->has_unknown = false;
  m->present = 0;
}

static bool write_members(writer *w, const ws_members *m, uint64_t which) {
  ws_buffer_add_char(w->buffer, '{');
  ws_members_arrange(m, which);
  if (!ws_members_write_unknown(m)) return false;
  close_with(w, '}');
  return true;
}

static bool write_object(writer *w, const ws_schema *schema,
                         const ws_path *at, int table) {
  ws_members m;
  begin(w, &m, schema, at, table);
  if (!ws_members_collect(&m) || !ws_members_check_required(&m))
    return false;
  size_t end = w->buffer->size;
  if (!write_members(w, &m, m.present)) return false;
  ws_buffer_remove_range(w->buffer, m.start, end);
  return true;
}

/* ------------------------------------------------------------ whole bodies */

static uint64_t fields_outside_root(const ws_members *m) {
  uint64_t outside_root = 0;
  for (size_t i = 0; i < m->schema->count; i++)
    if (m->schema->fields[i].flags & WS_OUTSIDE_ROOT)
      outside_root |= UINT64_C(1) << i;
  return outside_root & m->present;
}

/* Writes {"root":{fields},"outside":..}; without a root just the fields. */
static bool write_document(writer *w, const ws_members *m) {
  const char *root = m->schema->root;
  uint64_t outside_root = fields_outside_root(m);
  if (!root) return write_members(w, m, m->present);
  ws_buffer_add(w->buffer, "{\"", 2);
  ws_buffer_add_text(w->buffer, root);
  ws_buffer_add(w->buffer, "\":", 2);
  if (!write_members(w, m, m->present & ~outside_root)) return false;
  if (outside_root) ws_buffer_add_char(w->buffer, ',');
  ws_members_arrange(m, outside_root);
  close_with(w, '}');
  return true;
}

static bool check_complete(const writer *w, const ws_members *m) {
  if (w->purpose == WS_FOR_CREATE) return ws_members_check_required(m);
  if (m->has_unknown || m->present) return true;
  return ws_report_error(w->error, NULL,
                         "nothing to update: give at least one field");
}

static bool write_root(writer *w, const ws_schema *schema, int table) {
  ws_members m;
  begin(w, &m, schema, NULL, table);
  if (!ws_members_collect(&m) || !check_complete(w, &m)) return false;
  size_t end = w->buffer->size;
  if (!write_document(w, &m)) return false;
  ws_buffer_remove_range(w->buffer, m.start, end);
  return true;
}

/* Removes what was written of a body that could not be completed. */
static bool finish(writer *w, size_t start, bool done) {
  if (done && w->buffer->failed) done = ws_report_no_memory(w->error);
  if (!done) w->buffer->size = start;
  return done;
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
