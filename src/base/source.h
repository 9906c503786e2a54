/*
** How the core reads a host's values, be they Lua's tables or arrays of C.
** The host provides two functions over its tables and a number for each
** table; the core sees nothing else of them.
*/

#ifndef WS_SOURCE_H
#define WS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ws_value_type {
  WS_VALUE_NONE,     /* absent */
  WS_VALUE_NULL,     /* JSON's null, given as such */
  WS_VALUE_BOOLEAN,
  WS_VALUE_INTEGER,
  WS_VALUE_NUMBER,
  WS_VALUE_TEXT,
  WS_VALUE_TABLE,
  WS_VALUE_OTHER     /* not a JSON value; as.other says what ("function") */
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
** `next` gives the next member of a table, in any order; false at the end.
** The first call for a table has `first` true. Texts and tables that it gave
** stay valid until the next call of `next` for the same table. The core walks
** into a member's table before it goes on with the outer one; it may leave
** any walk early. If memory runs out, the host gives a key of WS_VALUE_NONE
** and returns true.
**
** `at` gives one item by its position, from 1, and ends the walk of that
** table. What it gave stays valid until the next `at` or `next` for it.
**
** Neither may run code of the host's user, raise an error or jump.
*/
typedef struct ws_source {
  void *host;
  bool (*next)(void *host, int table, bool first, ws_value *key,
               ws_value *value);
  void (*at)(void *host, int table, int64_t index, ws_value *value);
} ws_source;

#endif
