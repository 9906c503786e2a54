#include "schema/members.h"

static bool is_skipped(const ws_members *m, const ws_field *field) {
  return field->flags & m->skip || (m->only && !(field->flags & m->only));
}

static bool collect_field(ws_members *m, const ws_field *field,
                          const ws_path *at, const ws_value *value) {
  size_t number = (size_t)(field - m->schema->fields);
  size_t start = m->buffer->size;
  if (is_skipped(m, field)) return true;
  if (!m->write_field(m->writer, field, at, value)) return false;
  m->parts[number].start = start;
  m->parts[number].size = m->buffer->size - start;
  if (m->buffer->size > start || m->buffer->failed)
    m->present |= UINT64_C(1) << number;
  return true;
}

static bool collect_member(ws_members *m, const ws_value *key,
                           const ws_value *value) {
  if (key->type != WS_VALUE_TEXT)
    return ws_report_bad_key(m->error, m->path, key);
  ws_path at = ws_path_key(m->path, key);
  const ws_field *field = ws_schema_find_field(m->schema, at.name, at.size);
  if (field) return collect_field(m, field, &at, value);
  if (m->only) return true;
  m->has_unknown = true;
  return !m->strict || ws_report_unknown_field(m->error, &at, m->schema);
}

bool ws_members_collect(ws_members *m) {
  ws_value key, value;
  const ws_source *source = m->source;
  m->start = m->buffer->size;
  for (bool first = true;
       source->next(source->host, m->table, first, &key, &value);
       first = false)
    if (!collect_member(m, &key, &value)) return false;
  return true;
}

bool ws_members_check_required(const ws_members *m) {
  for (size_t i = 0; i < m->schema->count; i++) {
    const ws_field *field = &m->schema->fields[i];
    if (!(field->flags & WS_REQUIRED) || is_skipped(m, field) ||
        m->present >> i & 1)
      continue;
    ws_path at = ws_path_field(m->path, field);
    return ws_report_error(m->error, &at, "is required");
  }
  return true;
}

void ws_members_arrange(const ws_members *m, uint64_t which) {
  for (size_t i = 0; which; i++, which >>= 1)
    if (which & 1)
      ws_buffer_add_own(m->buffer, m->parts[i].start, m->parts[i].size);
}

bool ws_members_write_unknown(const ws_members *m) {
  ws_value key, value;
  const ws_source *source = m->source;
  if (!m->has_unknown) return true;
  for (bool first = true;
       source->next(source->host, m->table, first, &key, &value);
       first = false) {
    if (key.type != WS_VALUE_TEXT)
      return ws_report_bad_key(m->error, m->path, &key);
    ws_path at = ws_path_key(m->path, &key);
    if (!ws_schema_find_field(m->schema, at.name, at.size) &&
        !m->write_unknown(m->writer, &at, &key, &value))
      return false;
  }
  return true;
}
