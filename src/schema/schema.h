/*
** The services' objects as tables of fields. Each table stands once, in
** storyblok_schema.c or kantata_schema.c; validation, writing, reading, the
** reference pages and the type annotations all follow from it.
*/

#ifndef WS_SCHEMA_H
#define WS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ws_field_type {
  WS_FIELD_ID,         /* 1 .. 2^53 - 1 */
  WS_FIELD_INTEGER,
  WS_FIELD_NUMBER,
  WS_FIELD_BOOLEAN,
  WS_FIELD_TEXT,       /* UTF-8 */
  WS_FIELD_TIME,       /* ISO 8601, as text */
  WS_FIELD_IDS,        /* an array of ids */
  WS_FIELD_TEXTS,      /* an array of texts */
  WS_FIELD_OBJECT,     /* an object with a schema of its own */
  WS_FIELD_OBJECTS,    /* an array of such */
  WS_FIELD_ANY         /* whatever JSON can hold */
} ws_field_type;

enum {
  WS_NULLABLE  = 1 << 0,  /* null is a value of it */
  WS_REQUIRED  = 1 << 1,  /* must be given on create */
  WS_READ_ONLY = 1 << 2,  /* only the service sets it */
  WS_BESIDE    = 1 << 3,  /* stands beside the root object, not in it */
  WS_IN_QUERY  = 1 << 4,  /* goes into the query, not into the body */
  WS_DIGITS    = 1 << 5,  /* answers may hold the integer as a string */
  WS_WRITE_ONLY = 1 << 6, /* accepted on write, never answered */
  WS_LOCAL     = 1 << 7,  /* this module's own: in no request */
  WS_POSITIVE  = 1 << 8   /* an integer from 1 up */
};

typedef struct ws_schema ws_schema;

#define WS_MAX_FIELDS 64     /* in one schema */
#define WS_KEY_SIZE 48       /* for the longest name, in blocks of 16 */
#define WS_FIELD_SLOTS 128   /* of its hash table: twice as many */

typedef struct ws_field {
  const char *name;
  size_t size;               /* of the name */
  char key[WS_KEY_SIZE];     /* "\"name\":", as it stands in JSON */
  ws_field_type type;
  unsigned flags;
  const char *doc;           /* one sentence for the reference */
  const ws_schema *object;   /* of WS_FIELD_OBJECT and WS_FIELD_OBJECTS */
  const char *shorthand;     /* a plain string stands for this field of it */
} ws_field;

struct ws_schema {
  const char *name;          /* "storyblok.stage": how specs and docs say it */
  const char *root;          /* "workflow_stage": the key around one object */
  const char *plural;        /* "workflow_stages": around a list; or NULL */
  const char *doc;           /* one sentence */
  const ws_field *fields;
  size_t count;
  unsigned char *slots;      /* WS_FIELD_SLOTS, filled on first use; or NULL */
};

/* A line of a table of fields; WS_FIELD_OF for one with a schema below. */
#define WS_FIELD(name, type, flags, doc) \
  WS_FIELD_OF(name, type, flags, doc, NULL, NULL)
#define WS_FIELD_OF(name, type, flags, doc, object, shorthand) \
  {name, sizeof(name) - 1, "\"" name "\":", WS_FIELD_##type, flags, doc, \
   object, shorthand}

/* Defines a schema over the fields `id`_fields. */
#define WS_SCHEMA(id, name, root, plural, doc) \
  static unsigned char id##_slots[WS_FIELD_SLOTS]; \
  static const ws_schema id = { \
    name, root, plural, doc, id##_fields, \
    sizeof id##_fields / sizeof *id##_fields, id##_slots \
  }

/* The schemas of both services, for lookups by name and for the pages. */
extern const ws_schema *const ws_storyblok_schemas[];  /* NULL at the end */
extern const ws_schema *const ws_kantata_schemas[];

/* The schema of that name ("storyblok.stage"), or NULL. */
const ws_schema *ws_schema_find(const char *name);

/* The field of that name, or NULL. */
const ws_field *ws_schema_find_field(const ws_schema *schema, const char *name,
                                size_t size);

/* The schema's field whose name is nearest to a mistyped one, or NULL when
** none is near. Fields that cannot be given are no advice. */
const ws_field *ws_schema_nearest_field(const ws_schema *schema,
                                        const char *name,
                                  size_t size);

/* The index of the nearest of `count` names, or -1 when none is near. */
int ws_nearest_name(const char *const names[], size_t count, const char *name,
               size_t size);

/* The list of the schema's service; NULL when it stands in none. */
const ws_schema *const *ws_schema_siblings(const ws_schema *schema);

/* Whether some object of the service has an array under that name: how an
** empty table without a schema is told from an empty object. */
bool ws_schema_is_array(const ws_schema *const schemas[], const char *name,
                        size_t size);

/* "integer", "array of ids" ...: the type in words, for errors and pages. */
const char *ws_field_type_name(ws_field_type type);

#endif
