/*
** The services' objects as tables of fields, defined in storyblok.c and
** kantata.c. Validation, writing, reading, the reference pages and the type
** annotations all use these tables.
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
  WS_FIELD_OBJECTS,    /* an array of such objects */
  WS_FIELD_MAP,        /* an object whose members are such objects; only in
                       ** responses */
  WS_FIELD_ANY         /* any value of JSON */
} ws_field_type;

enum {
  WS_NULLABLE   = 1 << 0,  /* may be null */
  WS_REQUIRED   = 1 << 1,  /* must be given on create */
  WS_READ_ONLY  = 1 << 2,  /* only set by the service */
  WS_OUTSIDE_ROOT = 1 << 3,  /* written after the root object, not in it */
  WS_IN_QUERY   = 1 << 4,  /* goes into the query, not into the body */
  WS_DIGITS     = 1 << 5,  /* responses may hold the integer as a string */
  WS_WRITE_ONLY = 1 << 6,  /* accepted in requests, never in responses */
  WS_LOCAL      = 1 << 7,  /* an option of this module, never sent */
  WS_POSITIVE   = 1 << 8   /* an integer from 1 up */
};

typedef struct ws_schema ws_schema;

#define WS_MAX_FIELDS 64     /* in one schema: the bits of ws_members.present */

typedef struct ws_field {
  const char *name;
  size_t size;               /* of the name */
  const char *key;           /* "\"name\":", the name as JSON, of size + 3 */
  ws_field_type type;
  unsigned flags;
  const char *doc;           /* one sentence for the reference */
  const ws_schema *object;   /* of WS_FIELD_OBJECT, OBJECTS and MAP */
  const char *shorthand;     /* the object's field that a plain string sets */
} ws_field;

struct ws_schema {
  const char *name;          /* "storyblok.stage" */
  const char *root;          /* "workflow_stage": the key around one object */
  const char *plural;        /* "workflow_stages": around a list; or NULL */
  const char *doc;           /* one sentence for the reference */
  const ws_field *fields;
  size_t count;
};

/* One line of a table of fields; WS_FIELD_OF for one with a schema. */
#define WS_FIELD(name, type, flags, doc) \
  WS_FIELD_OF(name, type, flags, doc, NULL, NULL)
#define WS_FIELD_OF(name, type, flags, doc, object, shorthand) \
  {name, sizeof(name) - 1, "\"" name "\":", WS_FIELD_##type, flags, doc, \
   object, shorthand}

/* Defines a schema over the fields `id`_fields. */
#define WS_SCHEMA(id, name, root, plural, doc) \
  static const ws_schema id = { \
    name, root, plural, doc, id##_fields, \
    sizeof id##_fields / sizeof *id##_fields \
  }

/* All schemas of a service, NULL at the end. */
extern const ws_schema *const ws_storyblok_schemas[];
extern const ws_schema *const ws_kantata_schemas[];

/* The schema of that name ("storyblok.stage"), or NULL. */
const ws_schema *ws_schema_find(const char *name);

/* The field of that name, or NULL. */
const ws_field *ws_schema_find_field(const ws_schema *schema,
                                     const char *name, size_t size);

/* The field whose name a mistyped one most likely means, or NULL. Read-only
** fields are not suggested. */
const ws_field *ws_schema_nearest_field(const ws_schema *schema,
                                        const char *name, size_t size);

/* All schemas of the schema's service; NULL if it belongs to none. */
const ws_schema *const *ws_schema_siblings(const ws_schema *schema);

/* True if an object of the service has an array of that name, which decides
** that an empty Lua table is an array. */
bool ws_schema_is_array(const ws_schema *const schemas[], const char *name,
                        size_t size);

/* The type in words for errors and pages: "integer", "array of ids". */
const char *ws_field_type_name(ws_field_type type);

#endif
