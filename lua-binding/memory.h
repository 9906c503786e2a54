/*
** What a client has read and created, to distinguish the effect of a lost
** request from what existed before. Fixed-size records, so that a request
** needs no Lua table for it.
*/

#ifndef WSL_MEMORY_H
#define WSL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

enum { WSL_DATE_SIZE = 40 };

/* The stage of an item when it was last read or changed. */
typedef struct wsl_item {
  int64_t stage;               /* its id; Kantata: the status key */
  double at;                   /* when it was read, on the clock of now() */
  bool has_stage;
  bool is_own;                 /* this client changed it */
  char created_at[WSL_DATE_SIZE];  /* since when, as written; "": unknown */
} wsl_item;

/* A change that is in flight: part of its call. */
typedef struct wsl_flight {
  struct wsl_flight *next, **link;   /* link NULL: not in a list */
  int kind;
  int64_t item, target;
} wsl_flight;

typedef struct wsl_memory wsl_memory;

wsl_memory *wsl_check_memory(lua_State *L, int index);

/* The number of a kind of objects, such as "stages"; raises if there are too
** many. */
int wsl_memory_kind(lua_State *L, wsl_memory *memory, const char *name);

/* Sets a date; one that is too long counts as unknown. */
void wsl_item_set_date(wsl_item *item, const char *text, size_t size);

/* Remembers an item, unless it was read from an older copy; false if memory
** runs out. */
bool wsl_memory_read_item(wsl_memory *memory, int kind, int64_t id,
                          const wsl_item *item);

/* What is remembered of an item, or NULL; valid until the next change. */
const wsl_item *wsl_memory_item(const wsl_memory *memory, int kind,
                                int64_t id);

/* Remembers that an object is the effect of a request of this client; false if
** memory runs out. */
bool wsl_memory_claim(wsl_memory *memory, int kind, int64_t id);

/* True if the offset of the clocks should be measured. */
bool wsl_memory_wants_offset(const wsl_memory *memory, double now);

/* Pushes a table of an item's fields. */
void wsl_push_item(lua_State *L, const wsl_item *item);

/* Registers a change as in flight, and removes it; does nothing for one that
** is not registered. */
void wsl_memory_enter(wsl_memory *memory, wsl_flight *flight);
void wsl_memory_leave(wsl_flight *flight);

#endif
