/*
** Puts the members of a host's table into a schema's order.
**
** A host's table has no order, and reading it is expensive. So each member is
** written once, in the host's order, at the end of the buffer; then the parts
** are copied behind that in the schema's order, and the first version is
** removed. Bodies and queries are both written this way.
*/

#ifndef WS_MEMBERS_H
#define WS_MEMBERS_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/source.h"
#include "schema/schema.h"
#include "schema/validate.h"

typedef struct ws_members ws_members;

/* Writes one member, with a separator after it. */
typedef bool ws_write_field(void *writer, const ws_field *field,
                            const ws_path *at, const ws_value *value);
typedef bool ws_write_member(void *writer, const ws_path *at,
                             const ws_value *key, const ws_value *value);

struct ws_members {
  ws_buffer *buffer;
  const ws_source *source;
  int table;
  const ws_schema *schema;
  const ws_path *path;             /* of the table; NULL at the top */
  ws_validation_error *error;
  unsigned skip;                   /* omit fields with one of these flags */
  unsigned only;                   /* omit fields without one of these flags,
                                   ** and unknown members; 0: omit none */
  bool strict;                     /* refuse members that the schema lacks */
  void *writer;                    /* passed to both functions */
  ws_write_field *write_field;
  ws_write_member *write_unknown;

  size_t start;                    /* of the parts */
  bool has_unknown;                /* there are members the schema lacks */
  uint64_t present;                /* a bit for each field that has a part */
  struct { size_t start, size; } parts[WS_MAX_FIELDS];  /* in the buffer */
};

/* Writes each member at the end of the buffer. Of two members of the same name
** the last one counts. False with an error, as in the functions below. */
bool ws_members_collect(ws_members *members);

/* False, with an error, if a required field is missing. */
bool ws_members_check_required(const ws_members *members);

/* Copies parts into the schema's order: those of the fields in `which`. */
void ws_members_arrange(const ws_members *members, uint64_t which);

/* Writes the members that the schema lacks. */
bool ws_members_write_unknown(const ws_members *members);

#endif
