/*
** What a value must be, and the sentence when it is not. See judge.h.
*/

#include "schema/validate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json/writer.h"

#define QUOTED 40  /* so many bytes of a value are enough to know it by */

/* ------------------------------------------------------------------------
** Text of a bounded size.
*/

typedef struct text {
  char *bytes;
  size_t size;
  size_t capacity;  /* with the NUL */
} text;

static void print_to(text *to, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

static void print_to(text *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(to->bytes + to->size, to->capacity - to->size, format,
                       arguments);
  va_end(arguments);
  if (size > 0) to->size += (size_t)size;
  if (to->size >= to->capacity) to->size = to->capacity - 1;
}

/* Bytes of a user's: cut, and with "?" for what is not printable, so that
** no fault can upset a terminal or a log. */
static void put_safe(text *to, const char *bytes, size_t size) {
  for (size_t i = 0; i < size && i < QUOTED; i++)
    print_to(to, "%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
  if (size > QUOTED) print_to(to, "...");
}

static void put_path(text *to, const ws_path *at) {
  if (!at) return;
  put_path(to, at->up);
  if (!at->name) {
    print_to(to, "[%lld]", (long long)at->index);
    return;
  }
  if (at->up) print_to(to, ".");
  put_safe(to, at->name, at->size);
}

static void put_value(text *to, const ws_value *value) {
  char digits[WS_NUMBER_SIZE];
  switch (value->type) {
    case WS_VALUE_NONE: print_to(to, "nothing"); break;
    case WS_VALUE_NULL: print_to(to, "null"); break;
    case WS_VALUE_BOOLEAN:
      print_to(to, value->as.boolean ? "true" : "false");
      break;
    case WS_VALUE_INTEGER:
      print_to(to, "the number %lld", (long long)value->as.integer);
      break;
    case WS_VALUE_NUMBER:
      ws_number_format(digits, value->as.number);
      print_to(to, "the number %s", digits);
      break;
    case WS_VALUE_TEXT:
      print_to(to, "the string \"");
      put_safe(to, value->as.text.bytes, value->as.text.size);
      print_to(to, "\"");
      break;
    case WS_VALUE_TABLE: print_to(to, "a table"); break;
    case WS_VALUE_OTHER: print_to(to, "a %s", value->as.other); break;
  }
}

/* ------------------------------------------------------------------------
** Faults.
*/

/* The path goes into `field`; false when there is none. */
static bool set_field(ws_validation_error *error, const ws_path *at) {
  text field = {error->field, 0, sizeof error->field};
  error->field[0] = '\0';
  put_path(&field, at);
  return field.size > 0;
}

static text message_of(ws_validation_error *error) {
  error->message[0] = '\0';
  return (text){error->message, 0, sizeof error->message};
}

bool ws_report_error(ws_validation_error *error, const ws_path *at,
                     const char *format,
                 ...) {
  text message = message_of(error);
  va_list arguments;
  if (set_field(error, at)) print_to(&message, "%s: ", error->field);
  va_start(arguments, format);
  vsnprintf(message.bytes + message.size, message.capacity - message.size,
            format, arguments);
  va_end(arguments);
  return false;
}

bool ws_report_expected(ws_validation_error *error, const ws_path *at,
                        const char *what,
                       const ws_value *got) {
  char shown[128] = "";
  text value = {shown, 0, sizeof shown};
  put_value(&value, got);
  return ws_report_error(error, at, "expected %s, got %s", what, shown);
}

static const char *words_for(const ws_field *field) {
  switch (field->type) {
    case WS_FIELD_ID:
      return "an id (an integer from 1 to 9007199254740991)";
    case WS_FIELD_INTEGER:
      return field->flags & WS_POSITIVE ? "a positive integer" : "an integer";
    case WS_FIELD_NUMBER: return "a number";
    case WS_FIELD_BOOLEAN: return "true or false";
    case WS_FIELD_TEXT: return "a string";
    case WS_FIELD_TIME:
      return "a time such as \"2026-12-01T10:00:00Z\" (ISO 8601)";
    case WS_FIELD_IDS: return "an array of ids";
    case WS_FIELD_TEXTS: return "an array of strings";
    case WS_FIELD_OBJECT:
      return field->shorthand ? "a string or a table of fields"
        : "a table of fields";
    case WS_FIELD_OBJECTS: return "an array of tables";
    case WS_FIELD_ANY: break;
  }
  return "a value that JSON can hold";
}

bool ws_report_wrong_type(ws_validation_error *error, const ws_path *at,
                          const ws_field *field,
                   const ws_value *got) {
  char words[96];
  snprintf(words, sizeof words, "%s%s", words_for(field),
           field->flags & WS_NULLABLE ? " or null" : "");
  return ws_report_expected(error, at, words, got);
}

/* The names that may be given, as many as fit. */
static void put_known(text *to, const ws_schema *schema) {
  const char *mark = " (known fields: ";
  for (size_t i = 0; i < schema->count; i++) {
    const ws_field *field = &schema->fields[i];
    if (field->flags & WS_READ_ONLY) continue;
    if (to->size + strlen(mark) + field->size + sizeof ", ...)" >
        to->capacity) {
      print_to(to, ", ...");
      break;
    }
    print_to(to, "%s%s", mark, field->name);
    mark = ", ";
  }
  print_to(to, *mark == ',' ? ")" : " (no field can be given)");
}

bool ws_report_unknown_field(ws_validation_error *error, const ws_path *at,
                      const ws_schema *schema) {
  text message = message_of(error);
  const ws_field *near = ws_schema_nearest_field(schema, at->name, at->size);
  print_to(&message, "unknown field '");
  put_path(&message, at);
  print_to(&message, near ? "', did you mean '%s'?" : "'",
           near ? near->name : "");
  if (!near) put_known(&message, schema);
  set_field(error, at);
  return false;
}

bool ws_report_read_only(ws_validation_error *error, const ws_path *at) {
  text message = message_of(error);
  set_field(error, at);
  print_to(&message, "%s is set by the service and cannot be given",
      error->field);
  return false;
}

bool ws_report_bad_key(ws_validation_error *error, const ws_path *up,
                       const ws_value *key) {
  if (key->type == WS_VALUE_NONE) return ws_report_no_memory(error);
  if (key->type != WS_VALUE_INTEGER)
    return ws_report_expected(error, up, "names as keys", key);
  return ws_report_error(error, up, "expected a table of named fields, "
                     "got one with the key %lld", (long long)key->as.integer);
}

bool ws_report_no_memory(ws_validation_error *error) {
  return ws_report_error(error, NULL, "not enough memory");
}

/* ------------------------------------------------------------------------
** Judging.
*/

bool ws_value_to_integer(const ws_value *value, int64_t *integer) {
  double number = value->as.number;
  if (value->type == WS_VALUE_INTEGER) {
    *integer = value->as.integer;
    return true;
  }
  if (value->type != WS_VALUE_NUMBER || !(fabs(number) <= (double)WS_MAX_ID))
    return false;
  *integer = (int64_t)number;
  return (double)*integer == number;
}

bool ws_value_to_field_integer(const ws_field *field, const ws_value *value,
                            int64_t *integer) {
  if (!ws_value_to_integer(value, integer)) return false;
  if (field->type == WS_FIELD_ID || field->type == WS_FIELD_IDS)
    return *integer >= 1 && *integer <= WS_MAX_ID;
  return *integer >= 1 || !(field->flags & WS_POSITIVE);
}

bool ws_value_is_time(const ws_value *value) {
  if (value->type != WS_VALUE_TEXT || value->as.text.size < 4) return false;
  for (int i = 0; i < 4; i++) {
    char c = value->as.text.bytes[i];
    if (c < '0' || c > '9') return false;
  }
  return true;
}

bool ws_check_text(ws_validation_error *error, const ws_path *at,
                   const ws_value *value) {
  const char *bytes = value->as.text.bytes;
  size_t size = value->as.text.size;
  const char *nul = size ? memchr(bytes, '\0', size) : NULL;
  if (nul)
    return ws_report_error(error, at, "holds a NUL, at byte %zu; take it out",
                       (size_t)(nul - bytes) + 1);
  ptrdiff_t bad = ws_utf8_find_invalid(bytes, size);
  if (bad < 0) return true;
  return ws_report_error(error, at,
                         "is not valid UTF-8, from byte %td on (0x%02X)",
                     bad + 1, (unsigned)(unsigned char)bytes[bad]);
}

/* ------------------------------------------------------------------------
** Arrays.
*/

static bool report_array_key(ws_validation_error *error, const ws_path *up,
                            const ws_value *key) {
  text shown = {(char[96]){0}, 0, 96};
  if (key->type == WS_VALUE_NONE) {
    ws_report_no_memory(error);
  } else if (key->type == WS_VALUE_TEXT) {
    put_safe(&shown, key->as.text.bytes, key->as.text.size);
    ws_report_error(error, up,
                    "expected an array, got a table with the key '%s'",
                shown.bytes);
  } else {
    put_value(&shown, key);
    ws_report_error(error, up,
                    "expected an array, got a table with %s as a key",
                shown.bytes);
  }
  return false;
}

/* Lua walks what was not built in order in another one: then all keys are
** counted, and the items fetched by position. */
static bool count_items(ws_items *items, const ws_path *up,
                        ws_validation_error *error) {
  ws_value key, value;
  const ws_source *source = items->source;
  for (bool first = true;
       source->next(source->host, items->table, first, &key, &value);
       first = false) {
    if (key.type != WS_VALUE_INTEGER || key.as.integer < 1)
      return report_array_key(error, up, &key);
    items->count++;
  }
  return true;
}

static int item_at(ws_items *items, const ws_path *up,
                   ws_validation_error *error,
                   ws_value *value) {
  const ws_source *source = items->source;
  if (items->index == items->count) return 0;
  source->at(source->host, items->table, ++items->index, value);
  if (value->type != WS_VALUE_NONE) return 1;
  ws_report_error(error, up, "expected an array without holes, "
              "item %lld is missing", (long long)items->index);
  return -1;
}

int ws_items_next(ws_items *items, const ws_path *up,
                  ws_validation_error *error,
                  ws_value *value) {
  ws_value key;
  const ws_source *source = items->source;
  if (items->count) return item_at(items, up, error, value);
  if (!source->next(source->host, items->table, !items->index, &key, value))
    return 0;
  if (key.type == WS_VALUE_INTEGER && key.as.integer == items->index + 1) {
    items->index++;
    return 1;
  }
  if (!count_items(items, up, error)) return -1;
  return item_at(items, up, error, value);
}
