#include "schema/schema.h"

#include <string.h>

#include "base/nearest.h"

static bool has_name(const ws_field *field, const char *name, size_t size) {
  return field->size == size && memcmp(field->name, name, size) == 0;
}

const ws_field *ws_schema_find_field(const ws_schema *schema,
                                     const char *name, size_t size) {
  const ws_field *field = schema->fields, *end = field + schema->count;
  while (field < end && !has_name(field, name, size)) field++;
  return field < end ? field : NULL;
}

static const ws_schema *find_in(const ws_schema *const schemas[],
                                const char *name) {
  while (*schemas && strcmp((*schemas)->name, name) != 0) schemas++;
  return *schemas;
}

const ws_schema *ws_schema_find(const char *name) {
  const ws_schema *schema = find_in(ws_storyblok_schemas, name);
  return schema ? schema : find_in(ws_kantata_schemas, name);
}

const ws_schema *const *ws_schema_siblings(const ws_schema *schema) {
  if (find_in(ws_storyblok_schemas, schema->name) == schema)
    return ws_storyblok_schemas;
  if (find_in(ws_kantata_schemas, schema->name) == schema)
    return ws_kantata_schemas;
  return NULL;
}

static bool is_array(ws_field_type type) {
  return type == WS_FIELD_IDS || type == WS_FIELD_TEXTS ||
         type == WS_FIELD_OBJECTS;
}

static bool is_plural(const ws_schema *schema, const char *name,
                      size_t size) {
  return schema->plural && strlen(schema->plural) == size &&
         memcmp(schema->plural, name, size) == 0;
}

bool ws_schema_is_array(const ws_schema *const schemas[], const char *name,
                        size_t size) {
  for (; schemas && *schemas; schemas++) {
    const ws_field *field = ws_schema_find_field(*schemas, name, size);
    if (field && is_array(field->type)) return true;
    if (is_plural(*schemas, name, size)) return true;
  }
  return false;
}

const char *ws_field_type_name(ws_field_type type) {
  static const char *const names[] = {
    [WS_FIELD_ID] = "id", [WS_FIELD_INTEGER] = "integer",
    [WS_FIELD_NUMBER] = "number", [WS_FIELD_BOOLEAN] = "boolean",
    [WS_FIELD_TEXT] = "string", [WS_FIELD_TIME] = "time",
    [WS_FIELD_IDS] = "array of ids", [WS_FIELD_TEXTS] = "array of strings",
    [WS_FIELD_OBJECT] = "object", [WS_FIELD_OBJECTS] = "array of objects",
    [WS_FIELD_MAP] = "object of objects", [WS_FIELD_ANY] = "any"
  };
  return names[type];
}

const ws_field *ws_schema_nearest_field(const ws_schema *schema,
                                        const char *name, size_t size) {
  const char *names[WS_MAX_FIELDS];
  const ws_field *fields[WS_MAX_FIELDS] = {NULL};
  size_t count = 0;
  for (size_t i = 0; i < schema->count && count < WS_MAX_FIELDS; i++) {
    if (schema->fields[i].flags & WS_READ_ONLY) continue;
    fields[count] = &schema->fields[i];
    names[count++] = schema->fields[i].name;
  }
  int nearest = ws_nearest_name(names, count, name, size);
  return nearest < 0 ? NULL : fields[nearest];
}
