#include "fields.h"
#include "base/nearest.h"
#include "date.h"

#include <string.h>

const struct field *field_find(const struct field *fields, const char *name) {
  for (; fields->name; fields++)
    if (strcmp(fields->name, name) == 0) return fields;
  return NULL;
}

static bool is_id(const struct json *v) {
  return v->type == JSON_INT && v->integer > 0 && v->integer <= WS_MAX_ID;
}

static bool all_fit(const struct json *array, unsigned type) {
  struct field field = { "", type };
  const struct json *v;
  if (array->type != JSON_ARRAY) return false;
  for (v = array->child; v; v = v->next)
    if (!field_fits(&field, v)) return false;
  return true;
}

static bool is_date(const struct json *v) {
  char date[DATE_SIZE];
  return v->type == JSON_TEXT && strlen(v->text) == v->len &&
         date_read(v->text, date);
}

bool field_fits(const struct field *field, const struct json *v) {
  unsigned t = field->types;
  return ((t & F_NULL) && v->type == JSON_NULL) ||
         ((t & F_BOOL) && v->type == JSON_BOOL) ||
         ((t & F_FALSE) && v->type == JSON_BOOL && !v->boolean) ||
         ((t & F_INT) && v->type == JSON_INT) ||
         ((t & F_NUMBER) && (v->type == JSON_INT || v->type == JSON_REAL)) ||
         ((t & F_ID) && is_id(v)) ||
         ((t & F_TEXT) && v->type == JSON_TEXT) ||
         ((t & F_DATE) && is_date(v)) ||
         ((t & F_OBJECT) && v->type == JSON_OBJECT) ||
         ((t & F_ARRAY) && v->type == JSON_ARRAY) ||
         ((t & F_IDS) && all_fit(v, F_ID)) ||
         ((t & F_TEXTS) && all_fit(v, F_TEXT)) ||
         ((t & F_REFS) && all_fit(v, F_ID | F_TEXT));
}

const char *field_wants(const struct field *field) {
  unsigned t = field->types;
  if (t & F_DATE) return "a date";
  if ((t & F_ID) && (t & F_TEXT)) return "an id or a name";
  if (t & F_ID) return "an id";
  if ((t & F_FALSE) && (t & F_NUMBER)) return "a number or false";
  if ((t & F_FALSE) && (t & F_TEXT)) return "a string or false";
  if ((t & F_NUMBER) && (t & F_OBJECT)) return "a number or a table";
  if ((t & F_NUMBER) && (t & F_BOOL)) return "a number or a boolean";
  if ((t & F_NUMBER) && (t & F_TEXT)) return "a number or a string";
  if (t & F_NUMBER) return "a number";
  if (t & F_INT) return "an integer";
  if ((t & F_TEXT) && (t & F_OBJECT)) return "a string or a table";
  if ((t & F_TEXT) && (t & F_ARRAY)) return "a string or a list";
  if (t & F_TEXT) return "a string";
  if (t & F_BOOL) return "a boolean";
  if (t & F_IDS) return "an array of ids";
  if (t & F_TEXTS) return "an array of strings";
  if (t & F_REFS) return "an array of ids or names";
  if (t & F_ARRAY) return "an array";
  return "an object";
}

/* Returns the name that was most likely meant, or NULL if none is similar. */
static const char *nearest_field(const struct field *fields,
                                 const char *name) {
  const char *names[80];
  size_t count = 0;
  int nearest;
  for (; fields->name && count < 80; fields++) names[count++] = fields->name;
  nearest = ws_nearest_name(names, count, name, strlen(name));
  return nearest < 0 ? NULL : names[nearest];
}

static bool unknown_field(const struct field *fields, const char *name,
                          const char *what, ws_buffer *err) {
  const char *near = nearest_field(fields, name);
  if (near)
    return fail(err, "unknown %s '%s', did you mean '%s'?", what, name, near);
  return fail(err, "unknown %s '%s'", what, name);
}

/*
** Checks an object written by a person: options, faults, a snapshot. Accepts an
** empty array as an empty object, as Lua has one type for both.
*/
bool fields_check(const struct field *fields, const struct json *object,
                  const char *what, ws_buffer *err) {
  const struct json *v;
  if (object->type == JSON_ARRAY && !object->child) return true;
  if (object->type != JSON_OBJECT)
    return fail(err, "a table of %ss expected", what);
  for (v = object->child; v; v = v->next) {
    const struct field *field = field_find(fields, v->key);
    if (!field) return unknown_field(fields, v->key, what, err);
    if (!field_fits(field, v) &&
        !((field->types & F_OBJECT) && v->type == JSON_ARRAY && !v->child))
      return fail(err, "%s '%s' must be %s", what, v->key,
                  field_wants(field));
  }
  return true;
}
