/*
** Lookups in the tables of fields, and the nearest name to a mistyped one.
*/

#include "schema/schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/*
** Every key of every body is looked up, so each schema has a small hash
** table of its fields: slots of index + 1, probed in order. They are filled
** once, before the first lookup of the process, and never change again.
*/
static atomic_bool filled;
static pthread_once_t filling = PTHREAD_ONCE_INIT;

/* The factors were searched for: hardly two fields of a schema collide. */
static size_t slot_of(const char *name, size_t size) {
  const unsigned char *s = (const unsigned char *)name;
  size_t first = s[0], middle = s[size / 2], last = s[size - 1];
  return (size * 51 + first * 82 + middle * 85 + last * 48) % WS_FIELD_SLOTS;
}

static void fill_schema(const ws_schema *schema) {
  for (size_t i = 0; i < schema->count && i < WS_MAX_FIELDS; i++) {
    size_t slot = slot_of(schema->fields[i].name, schema->fields[i].size);
    while (schema->slots[slot]) slot = (slot + 1) % WS_FIELD_SLOTS;
    schema->slots[slot] = (unsigned char)(i + 1);
  }
}

static void fill_all(void) {
  const ws_schema *const *at;
  for (at = ws_storyblok_schemas; *at; at++) fill_schema(*at);
  for (at = ws_kantata_schemas; *at; at++) fill_schema(*at);
  atomic_store_explicit(&filled, true, memory_order_release);
}

static uint64_t eight_at(const char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static uint32_t four_at(const char *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Names are short: a word at a time, the last two overlapping, is less than a
** call of memcmp. */
static inline bool is_same(const char *a, const char *b, size_t size) {
  size_t at = 0;
  if (size < 4) return !memcmp(a, b, size);
  if (size < 8)
    return four_at(a) == four_at(b)
      && four_at(a + size - 4) == four_at(b + size - 4);
  for (; at < size - 8; at += 8)
    if (eight_at(a + at) != eight_at(b + at)) return false;
  return eight_at(a + size - 8) == eight_at(b + size - 8);
}

static inline bool is_named(const ws_field *field, const char *name,
                            size_t size) {
  return field->size == size && is_same(field->name, name, size);
}

/* For a schema of somebody else's, without slots. */
static const ws_field *field_in_order(const ws_schema *schema,
                                      const char *name, size_t size) {
  for (size_t i = 0; i < schema->count; i++) {
    if (is_named(&schema->fields[i], name, size)) return &schema->fields[i];
  }
  return NULL;
}

const ws_field *ws_schema_find_field(const ws_schema *schema, const char *name,
                                size_t size) {
  if (!size) return NULL;
  if (!schema->slots) return field_in_order(schema, name, size);
  if (!atomic_load_explicit(&filled, memory_order_acquire))
    pthread_once(&filling, fill_all);
  size_t slot = slot_of(name, size), number;
  while ((number = schema->slots[slot]) != 0) {
    const ws_field *field = &schema->fields[number - 1];
    if (is_named(field, name, size)) return field;
    slot = (slot + 1) % WS_FIELD_SLOTS;
  }
  return NULL;
}

static const ws_schema *named_in(const ws_schema *const schemas[],
                                 const char *name) {
  while (*schemas && strcmp((*schemas)->name, name) != 0) schemas++;
  return *schemas;
}

const ws_schema *ws_schema_find(const char *name) {
  const ws_schema *schema = named_in(ws_storyblok_schemas, name);
  return schema ? schema : named_in(ws_kantata_schemas, name);
}

const ws_schema *const *ws_schema_siblings(const ws_schema *schema) {
  if (named_in(ws_storyblok_schemas, schema->name) == schema)
    return ws_storyblok_schemas;
  if (named_in(ws_kantata_schemas, schema->name) == schema)
    return ws_kantata_schemas;
  return NULL;
}

static bool is_array(ws_field_type type) {
  return type == WS_FIELD_IDS || type == WS_FIELD_TEXTS
    || type == WS_FIELD_OBJECTS;
}

bool ws_schema_is_array(const ws_schema *const schemas[], const char *name,
                        size_t size) {
  for (; schemas && *schemas; schemas++) {
    const ws_field *field = ws_schema_find_field(*schemas, name, size);
    if (field && is_array(field->type)) return true;
    if ((*schemas)->plural && strlen((*schemas)->plural) == size
        && !memcmp((*schemas)->plural, name, size))
      return true;
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
    [WS_FIELD_ANY] = "any"
  };
  return names[type];
}

/* ------------------------------------------------------------------------
** The nearest name: the fewest letters put in, left out, changed or swapped
** with their neighbour. Capitals do not count, nor "-" for "_".
*/

#define MAX_NAME 64

typedef unsigned char row[MAX_NAME + 1];

static char fold(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  if (c == '-' || c == ' ') return '_';
  return c;
}

static unsigned char smaller(unsigned char a, unsigned char b) {
  return a < b ? a : b;
}

/* One row of the table of distances, from the two before it. */
static void fill_row(row now, const row last, const row before,
                     const char *a, size_t i, const char *b, size_t b_size) {
  now[0] = (unsigned char)i;
  for (size_t j = 1; j <= b_size; j++) {
    char x = fold(a[i - 1]), y = fold(b[j - 1]);
    now[j] = (unsigned char)(last[j - 1] + (x != y));
    now[j] = smaller(now[j], (unsigned char)(last[j] + 1));
    now[j] = smaller(now[j], (unsigned char)(now[j - 1] + 1));
    if (i > 1 && j > 1 && x == fold(b[j - 2]) && y == fold(a[i - 2]))
      now[j] = smaller(now[j], (unsigned char)(before[j - 2] + 1));
  }
}

static size_t distance(const char *a, size_t a_size, const char *b,
                       size_t b_size) {
  row rows[3];
  if (a_size > MAX_NAME || b_size > MAX_NAME) return MAX_NAME;
  for (size_t j = 0; j <= b_size; j++) rows[0][j] = (unsigned char)j;
  for (size_t i = 1; i <= a_size; i++)
    fill_row(rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3], a, i, b,
             b_size);
  return rows[a_size % 3][b_size];
}

/* How many slips still make the same word of somebody's. */
static size_t max_edits(size_t size) {
  return 1 + size / 4;
}

int ws_nearest_name(const char *const names[], size_t count, const char *name,
               size_t size) {
  size_t best = max_edits(size) + 1;
  int nearest = -1;
  for (size_t i = 0; i < count; i++) {
    size_t letters = strlen(names[i]);
    size_t far = distance(name, size, names[i], letters);
    if (far < best && far < letters) best = far, nearest = (int)i;
  }
  return nearest;
}

const ws_field *ws_schema_nearest_field(const ws_schema *schema,
                                        const char *name,
                                  size_t size) {
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
