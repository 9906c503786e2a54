#include "schema/validate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "json/number.h"
#include "json/utf8.h"

enum { QUOTED = 40 };  /* bytes of a value that a message shows */

/* -------------------------------------------------- text of a bounded size */

typedef struct text {
  char *bytes;
  size_t size;
  size_t capacity;  /* with the NUL */
} text;

static void print(text *to, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

static void print(text *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(to->bytes + to->size, to->capacity - to->size, format,
                       arguments);
  va_end(arguments);
  if (size > 0) to->size += (size_t)size;
  if (to->size >= to->capacity) to->size = to->capacity - 1;
}

/* Prints untrusted bytes: truncated, and with "?" for each byte that is not
** printable ASCII, so that messages are safe for terminals and logs. */
static void print_safe(text *to, const char *bytes, size_t size) {
  for (size_t i = 0; i < size && i < QUOTED; i++)
    print(to, "%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
  if (size > QUOTED) print(to, "...");
}

static void print_path(text *to, const ws_path *at) {
  if (!at) return;
  print_path(to, at->up);
  if (!at->name) {
    print(to, "[%lld]", (long long)at->index);
    return;
  }
  if (at->up) print(to, ".");
  print_safe(to, at->name, at->size);
}

static void print_value(text *to, const ws_value *value) {
  char digits[WS_NUMBER_SIZE];
  switch (value->type) {
    case WS_VALUE_NONE: print(to, "nothing"); break;
    case WS_VALUE_NULL: print(to, "null"); break;
    case WS_VALUE_BOOLEAN:
      print(to, value->as.boolean ? "true" : "false");
      break;
    case WS_VALUE_INTEGER:
      print(to, "the number %lld", (long long)value->as.integer);
      break;
    case WS_VALUE_NUMBER:
      ws_number_format(digits, value->as.number);
      print(to, "the number %s", digits);
      break;
    case WS_VALUE_TEXT:
      print(to, "the string \"");
      print_safe(to, value->as.text.bytes, value->as.text.size);
      print(to, "\"");
      break;
    case WS_VALUE_TABLE: print(to, "a table"); break;
    case WS_VALUE_OTHER: print(to, "a %s", value->as.other); break;
  }
}

/* ---------------------------------------------------------------- errors */

/* Prints the path into `field`; false if it is empty. */
static bool set_field(ws_validation_error *error, const ws_path *at) {
  text field = {error->field, 0, sizeof error->field};
  error->field[0] = '\0';
  print_path(&field, at);
  return field.size > 0;
}

static text message_of(ws_validation_error *error) {
  error->message[0] = '\0';
  return (text){error->message, 0, sizeof error->message};
}

bool ws_report_error(ws_validation_error *error, const ws_path *at,
                     const char *format, ...) {
  text message = message_of(error);
  va_list arguments;
  if (set_field(error, at)) print(&message, "%s: ", error->field);
  va_start(arguments, format);
  vsnprintf(message.bytes + message.size, message.capacity - message.size,
            format, arguments);
  va_end(arguments);
  return false;
}

bool ws_report_expected(ws_validation_error *error, const ws_path *at,
                        const char *what, const ws_value *got) {
  char shown[128] = "";
  text value = {shown, 0, sizeof shown};
  print_value(&value, got);
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
    case WS_FIELD_MAP: return "a table of tables";
    case WS_FIELD_ANY: break;
  }
  return "a value that JSON can hold";
}

bool ws_report_wrong_type(ws_validation_error *error, const ws_path *at,
                          const ws_field *field, const ws_value *got) {
  char words[96];
  snprintf(words, sizeof words, "%s%s", words_for(field),
           field->flags & WS_NULLABLE ? " or null" : "");
  return ws_report_expected(error, at, words, got);
}

/* Lists the names that may be given, as many as fit. */
static void print_known(text *to, const ws_schema *schema) {
  const char *mark = " (known fields: ";
  for (size_t i = 0; i < schema->count; i++) {
    const ws_field *field = &schema->fields[i];
    if (field->flags & WS_READ_ONLY) continue;
    if (to->size + strlen(mark) + field->size + sizeof ", ...)" >
        to->capacity) {
      print(to, ", ...");
      break;
    }
    print(to, "%s%s", mark, field->name);
    mark = ", ";
  }
  print(to, *mark == ',' ? ")" : " (no field can be given)");
}

bool ws_report_unknown_field(ws_validation_error *error, const ws_path *at,
                      const ws_schema *schema) {
  text message = message_of(error);
  const ws_field *near = ws_schema_nearest_field(schema, at->name, at->size);
  print(&message, "unknown field '");
  print_path(&message, at);
  print(&message, near ? "', did you mean '%s'?" : "'",
           near ? near->name : "");
  if (!near) print_known(&message, schema);
  set_field(error, at);
  return false;
}

bool ws_report_read_only(ws_validation_error *error, const ws_path *at) {
  text message = message_of(error);
  set_field(error, at);
  print(&message, "%s is set by the service and cannot be given",
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

static void print_key(const ws_value *key, char shown[96]) {
  text value = {shown, 0, 96};
  shown[0] = '\0';
  if (key->type == WS_VALUE_TEXT) {
    print(&value, "the key '");
    print_safe(&value, key->as.text.bytes, key->as.text.size);
    print(&value, "'");
  } else {
    print_value(&value, key);
    print(&value, " as a key");
  }
}

bool ws_report_bad_index(ws_validation_error *error, const ws_path *up,
                         const ws_value *key) {
  char shown[96];
  if (key->type == WS_VALUE_NONE) return ws_report_no_memory(error);
  print_key(key, shown);
  return ws_report_error(error, up, "expected an array, got a table with %s",
                         shown);
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

/* ---------------------------------------------------------------- checks */

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

static bool is_field_integer(const ws_field *field, const ws_value *value) {
  int64_t integer;
  if (!ws_value_to_integer(value, &integer)) return false;
  if (field->type == WS_FIELD_ID)
    return integer >= 1 && integer <= WS_MAX_ID;
  return integer >= 1 || !(field->flags & WS_POSITIVE);
}

/* Checks only that the time begins with a year; the service checks the rest. */
static bool is_time(const ws_value *value) {
  if (value->type != WS_VALUE_TEXT || value->as.text.size < 4) return false;
  for (int i = 0; i < 4; i++)
    if (!ws_ascii_is_digit(value->as.text.bytes[i])) return false;
  return true;
}

bool ws_value_fits(const ws_field *field, const ws_value *value) {
  ws_value_type type = value->type;
  switch (field->type) {
    case WS_FIELD_ID: case WS_FIELD_INTEGER:
      return is_field_integer(field, value);
    case WS_FIELD_NUMBER:
      return type == WS_VALUE_INTEGER || type == WS_VALUE_NUMBER;
    case WS_FIELD_BOOLEAN: return type == WS_VALUE_BOOLEAN;
    case WS_FIELD_TEXT: return type == WS_VALUE_TEXT;
    case WS_FIELD_TIME: return is_time(value);
    case WS_FIELD_ANY: return true;
    case WS_FIELD_IDS: case WS_FIELD_TEXTS: case WS_FIELD_OBJECT:
    case WS_FIELD_OBJECTS: case WS_FIELD_MAP: break;
  }
  return false;
}

const ws_field *ws_item_field(const ws_field *field, ws_field *made) {
  static const ws_field id = WS_FIELD("", ID, 0, "");
  static const ws_field string = WS_FIELD("", TEXT, 0, "");
  if (field->type == WS_FIELD_IDS) return &id;
  if (field->type == WS_FIELD_TEXTS) return &string;
  *made = *field;
  made->flags = 0;
  if (made->type == WS_FIELD_OBJECTS) made->type = WS_FIELD_OBJECT;
  return made;
}
