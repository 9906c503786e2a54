/*
** The interface through which the core reads a host's values, such as Lua
** tables or C arrays. The host provides two functions, and a number for each
** table.
*/

#ifndef WS_SOURCE_H
#define WS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ws_value_type {
  WS_VALUE_NONE,     /* absent */
  WS_VALUE_NULL,     /* an explicit null */
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
** `next` reads the next member of a table, in any order; false at the end.
** The first call for a table has `first` true. Texts and tables that it
** returned stay valid until the next call of `next` for the same table. The
** core reads all of a member's table before it continues with the outer one,
** and may stop reading any table early. If memory runs out, the host returns
** true with a key of WS_VALUE_NONE.
**
** `at` reads one item by its position, from 1, and ends the reading of that
** table by `next`. Its value stays valid until the next `at` or `next` for it.
**
** Neither may run code of the host's user, raise an error or use longjmp.
*/
typedef struct ws_source {
  void *host;
  bool (*next)(void *host, int table, bool first, ws_value *key,
               ws_value *value);
  void (*at)(void *host, int table, int64_t index, ws_value *value);
} ws_source;

#endif
