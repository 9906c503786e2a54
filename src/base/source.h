/*
** How the core reads a host's values. The host (the Lua binding, a C
** program) hands in a table and two functions over it; the core never
** sees more of it. Tables are named by numbers that the host chooses.
*/

#ifndef WS_SOURCE_H
#define WS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_MAX_ID INT64_C(9007199254740991)  /* 2^53 - 1 */

typedef enum ws_value_type {
  WS_VALUE_NONE,     /* absent */
  WS_VALUE_NULL,     /* JSON's null, given as such */
  WS_VALUE_BOOLEAN,
  WS_VALUE_INTEGER,
  WS_VALUE_NUMBER,
  WS_VALUE_TEXT,
  WS_VALUE_TABLE,
  WS_VALUE_OTHER     /* no JSON; as.other names its kind ("function") */
} ws_value_type;

typedef struct ws_value {
  ws_value_type type;
  union {
    bool boolean;
    int64_t integer;
    double number;
    struct { const char *bytes; size_t size; } text;
    int table;
    const char *other;
  } as;
} ws_value;

/*
** `next` walks a table. The first call of a walk has `first` true; it
** returns false at the end. What it gave (texts, tables) stays readable
** until the next call of `next` on the table that holds it. Walks nest, the
** inner one ending first; an outer walk may go on after an inner one was
** left early. A host that cannot go on, for want of memory, gives a key of
** WS_VALUE_NONE and returns true.
**
** `at` fetches one value by its position, from 1. It ends the walk of that
** table; what it gave stays readable until the next `at` or `next` on it.
**
** Neither may run code of the host's user, raise or jump.
*/
typedef struct ws_source {
  void *host;
  bool (*next)(void *host, int table, bool first, ws_value *key,
               ws_value *value);
  void (*at)(void *host, int table, int64_t index, ws_value *value);
} ws_source;

#endif
