/*
** The memory of a client as a userdata. See memory.h.
*/

#include "memory.h"

#include <math.h>
#include <string.h>

#include "binding.h"

#include "base/memory.h"

#define MEMORY "workstage.core.memory"
#define FLIGHT "workstage.core.flight"

/*
** LIMIT: entries of a kind before the older half is dropped: the items of
** several pages, and more changes than the rate limit allows while a request
** hangs.
*/
enum { KINDS = 8, LIMIT = 1024, SMALLEST = 16 };

/* Seconds after which the offset of the clocks is measured again, as they
** drift; between measurements; by which `created_at` may be rounded. */
#define BOUNDS_LAST 600
#define EVERY 1
#define ROUNDED 1

/* ------------------------------------------------------------------- maps */

typedef struct slot {
  int64_t id;
  double at;
  bool is_used, is_removed;
} slot;

/* A hash table with open addressing. `items` has the same indices, and is NULL
** in a map without items. */
typedef struct half {
  slot *slots;
  wsl_item *items;
  size_t capacity;             /* a power of two */
  size_t count;
} half;

/* A bounded map: the last LIMIT entries, and up to as many older ones. */
typedef struct map {
  half recent, older;
  bool has_items;
} map;

static void free_half(half *it) {
  ws_free(it->slots);
  ws_free(it->items);
  *it = (half){0};
}

/* The slot of an id, or the free one where it belongs. */
static slot *slot_of(const half *it, int64_t id) {
  uint64_t hash = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
  size_t at = (size_t)(hash >> 32) & (it->capacity - 1);
  while (it->slots[at].is_used && it->slots[at].id != id)
    at = (at + 1) & (it->capacity - 1);
  return &it->slots[at];
}

static slot *find_in(const half *it, int64_t id) {
  slot *found;
  if (!it->capacity) return NULL;
  found = slot_of(it, id);
  return found->is_used && !found->is_removed ? found : NULL;
}

static bool allocate(half *it, size_t capacity, bool has_items) {
  it->slots = ws_calloc(capacity, sizeof *it->slots);
  if (has_items) it->items = ws_calloc(capacity, sizeof *it->items);
  it->capacity = capacity;
  if (it->slots && (it->items || !has_items)) return true;
  free_half(it);
  return false;
}

/* Makes space for one more entry. */
static bool grow(half *it, bool has_items) {
  half larger = {0};
  if (it->count * 2 < it->capacity) return true;
  if (!allocate(&larger, it->capacity ? it->capacity * 2 : SMALLEST,
                has_items))
    return false;
  for (size_t i = 0; i < it->capacity; i++) {
    slot *to;
    if (!it->slots[i].is_used) continue;
    to = slot_of(&larger, it->slots[i].id);
    *to = it->slots[i];
    if (has_items) larger.items[to - larger.slots] = it->items[i];
  }
  larger.count = it->count;
  free_half(it);
  *it = larger;
  return true;
}

/* Finds an entry in the recent half, or adds one; NULL if memory runs out. */
static slot *put(map *it, int64_t id) {
  half *recent = &it->recent;
  slot *found = recent->capacity ? slot_of(recent, id) : NULL;
  if (found && found->is_used) {
    found->is_removed = false;
    return found;
  }
  if (recent->count >= LIMIT) {
    free_half(&it->older);
    it->older = *recent;
    *recent = (half){0};
  }
  if (!grow(recent, it->has_items)) return NULL;
  found = slot_of(recent, id);
  *found = (slot){.id = id, .is_used = true};
  recent->count++;
  return found;
}

static slot *find(const map *it, int64_t id) {
  slot *found = find_in(&it->recent, id);
  return found ? found : find_in(&it->older, id);
}

static void remove_from(half *it, int64_t id) {
  slot *found = find_in(it, id);
  if (found) found->is_removed = true;
}

static void free_map(map *it) {
  free_half(&it->recent);
  free_half(&it->older);
}

/* ----------------------------------------------------------------- memory */

/* Bounds of `created_at` minus our clock. */
typedef struct bounds {
  double since, low, high;
  bool is_known;
} bounds;

struct wsl_memory {
  char names[KINDS][32];
  map seen[KINDS], items[KINDS], claims[KINDS];
  bounds recent, older;
  double measured_at;
  wsl_flight *flights;
};

wsl_memory *wsl_check_memory(lua_State *L, int index) {
  return luaL_checkudata(L, index, MEMORY);
}

static int new_memory(lua_State *L) {
  wsl_memory *made = lua_newuserdatauv(L, sizeof *made, 0);
  *made = (wsl_memory){.flights = NULL};
  for (int i = 0; i < KINDS; i++) made->items[i].has_items = true;
  luaL_setmetatable(L, MEMORY);
  return 1;
}

static int free_memory(lua_State *L) {
  wsl_memory *memory = wsl_self(L, MEMORY);
  for (int i = 0; i < KINDS; i++) {
    free_map(&memory->seen[i]);
    free_map(&memory->items[i]);
    free_map(&memory->claims[i]);
  }
  while (memory->flights) wsl_memory_leave(memory->flights);
  return 0;
}

int wsl_memory_kind(lua_State *L, wsl_memory *memory, const char *name) {
  int i = 0;
  while (i < KINDS && memory->names[i][0] &&
         strcmp(memory->names[i], name) != 0)
    i++;
  if (i == KINDS || strlen(name) >= sizeof memory->names[i])
    return luaL_error(L, "no space for the kind '%s'", name);
  memcpy(memory->names[i], name, strlen(name) + 1);
  return i;
}

bool wsl_memory_claim(wsl_memory *memory, int kind, int64_t id) {
  return put(&memory->claims[kind], id) != NULL;
}

/* ------------------------------------------------------------------ items */

void wsl_item_set_date(wsl_item *item, const char *text, size_t size) {
  if (size >= sizeof item->created_at) size = 0;
  memcpy(item->created_at, text, size);
  item->created_at[size] = '\0';
}

static wsl_item *item_in(const half *it, int64_t id) {
  const slot *found = find_in(it, id);
  return found ? &it->items[found - it->slots] : NULL;
}

const wsl_item *wsl_memory_item(const wsl_memory *memory, int kind,
                                int64_t id) {
  const map *items = &memory->items[kind];
  const wsl_item *found = item_in(&items->recent, id);
  return found ? found : item_in(&items->older, id);
}

/* True if a date is older than another. Dates of other forms than the usual
** one, in UTC, are not compared. */
static bool is_older(const char *date, const char *other) {
  size_t size = strlen(date);
  return size && strlen(other) == size && date[size - 1] == 'Z' &&
         other[size - 1] == 'Z' && strcmp(date, other) < 0;
}

static bool is_same(const wsl_item *item, const wsl_item *known) {
  return item->has_stage == known->has_stage &&
         item->stage == known->stage &&
         strcmp(item->created_at, known->created_at) == 0;
}

/* A replica may return older data. */
bool wsl_memory_read_item(wsl_memory *memory, int kind, int64_t id,
                          const wsl_item *item) {
  map *items = &memory->items[kind];
  const wsl_item *known = wsl_memory_item(memory, kind, id);
  bool is_own = item->is_own ||
                (known && known->is_own && is_same(item, known));
  const slot *at;
  if (known && is_older(item->created_at, known->created_at)) return true;
  at = put(items, id);
  if (!at) return false;
  items->recent.items[at - items->recent.slots] = *item;
  items->recent.items[at - items->recent.slots].is_own = is_own;
  return true;
}

/* -------------------------------------------------------------- in flight */

void wsl_memory_enter(wsl_memory *memory, wsl_flight *flight) {
  flight->next = memory->flights;
  flight->link = &memory->flights;
  if (flight->next) flight->next->link = &flight->next;
  memory->flights = flight;
}

void wsl_memory_leave(wsl_flight *flight) {
  if (!flight->link) return;
  *flight->link = flight->next;
  if (flight->next) flight->next->link = flight->link;
  flight->link = NULL;
  flight->next = NULL;
}

/* --------------------------------------------------------------- in Lua */

static wsl_memory *check(lua_State *L) {
  return wsl_self(L, MEMORY);
}

static int kind_at(lua_State *L, wsl_memory *memory) {
  return wsl_memory_kind(L, memory, luaL_checkstring(L, 2));
}

/* memory:see(kind, id, at): remembers when an object was first seen. */
static int memory_see(lua_State *L) {
  wsl_memory *memory = check(L);
  map *seen = &memory->seen[kind_at(L, memory)];
  int64_t id = luaL_checkinteger(L, 3);
  double at = luaL_checknumber(L, 4);
  slot *made;
  if (find(seen, id)) return 0;
  made = put(seen, id);
  if (!made) return wsl_no_memory(L);
  made->at = at;
  return 0;
}

/* memory:seen_at(kind, id): when an object was first seen; nil if never. */
static int memory_seen_at(lua_State *L) {
  wsl_memory *memory = check(L);
  const slot *found = find(&memory->seen[kind_at(L, memory)],
                           luaL_checkinteger(L, 3));
  if (!found) return 0;
  lua_pushnumber(L, found->at);
  return 1;
}

/* memory:claim(kind, id): remembers that an object is the effect of a request
** of this client. */
static int memory_claim(lua_State *L) {
  wsl_memory *memory = check(L);
  if (wsl_memory_claim(memory, kind_at(L, memory), luaL_checkinteger(L, 3)))
    return 0;
  return wsl_no_memory(L);
}

static int memory_is_claimed(lua_State *L) {
  wsl_memory *memory = check(L);
  lua_pushboolean(L, find(&memory->claims[kind_at(L, memory)],
                          luaL_checkinteger(L, 3)) != NULL);
  return 1;
}

/* memory:read_item(kind, id, stage, created_at, at[, is_own]): remembers the
** stage of an item when it was read or changed; stage and date may be nil. */
static int memory_read_item(lua_State *L) {
  wsl_memory *memory = check(L);
  int kind = kind_at(L, memory), has_stage;
  int64_t id = luaL_checkinteger(L, 3);
  wsl_item item = {.at = luaL_checknumber(L, 6),
                   .is_own = lua_toboolean(L, 7)};
  size_t size;
  const char *date = luaL_optlstring(L, 5, "", &size);
  item.stage = lua_tointegerx(L, 4, &has_stage);
  item.has_stage = has_stage;
  wsl_item_set_date(&item, date, size);
  if (wsl_memory_read_item(memory, kind, id, &item)) return 0;
  return wsl_no_memory(L);
}

void wsl_push_item(lua_State *L, const wsl_item *item) {
  lua_createtable(L, 0, 4);
  if (item->has_stage) {
    lua_pushinteger(L, item->stage);
    lua_setfield(L, -2, "stage");
  }
  if (item->created_at[0]) {
    lua_pushstring(L, item->created_at);
    lua_setfield(L, -2, "created_at");
  }
  lua_pushnumber(L, item->at);
  lua_setfield(L, -2, "at");
  lua_pushboolean(L, item->is_own);
  lua_setfield(L, -2, "is_own");
}

/* memory:item(kind, id): a table of `stage`, `created_at`, `at`, `is_own`, as
** in read_item; nil if nothing is remembered. */
static int memory_item(lua_State *L) {
  wsl_memory *memory = check(L);
  const wsl_item *found = wsl_memory_item(memory, kind_at(L, memory),
                                          luaL_checkinteger(L, 3));
  wsl_item copy;
  if (!found) return 0;
  copy = *found;
  wsl_push_item(L, &copy);
  return 1;
}

/* memory:forget_item(kind, id): forgets an item whose stage is unknown now. */
static int memory_forget_item(lua_State *L) {
  wsl_memory *memory = check(L);
  map *items = &memory->items[kind_at(L, memory)];
  int64_t id = luaL_checkinteger(L, 3);
  remove_from(&items->recent, id);
  remove_from(&items->older, id);
  return 0;
}

/* memory:enter(kind, item, target): registers a change as in flight until the
** result is closed. */
static int memory_enter(lua_State *L) {
  wsl_memory *memory = check(L);
  wsl_flight flight = {
    .kind = kind_at(L, memory),
    .item = lua_tointeger(L, 3), .target = lua_tointeger(L, 4)
  };
  wsl_flight *made = lua_newuserdatauv(L, sizeof *made, 0);
  *made = flight;
  luaL_setmetatable(L, FLIGHT);
  wsl_memory_enter(memory, made);
  return 1;
}

static int close_flight(lua_State *L) {
  wsl_memory_leave(wsl_self(L, FLIGHT));
  return 0;
}

/* memory:is_in_flight(kind, item, target): true if a request for that change
** is in flight. Item and target may be nil. */
static int memory_is_in_flight(lua_State *L) {
  wsl_memory *memory = check(L);
  int kind = kind_at(L, memory);
  int64_t item = lua_tointeger(L, 3), target = lua_tointeger(L, 4);
  const wsl_flight *at = memory->flights;
  while (at && !(at->kind == kind && at->item == item &&
                 at->target == target))
    at = at->next;
  lua_pushboolean(L, at != NULL);
  return 1;
}

/* ----------------------------------------------------------------- clocks */

bool wsl_memory_wants_offset(const wsl_memory *memory, double now) {
  return !memory->recent.is_known || now - memory->measured_at >= EVERY;
}

/* memory:wants_offset(now): true if the offset of the clocks should be
** measured: at most once a second. */
static int memory_wants_offset(lua_State *L) {
  lua_pushboolean(L, wsl_memory_wants_offset(check(L),
                                             luaL_checknumber(L, 2)));
  return 1;
}

/* memory:learn_offset(created, sent, answered): narrows the bounds of the
** offset with an answered change of this client, which was made between its
** request and its response. If no offset fits any longer, the service's clock
** was set, and the earlier bounds are wrong. */
static int memory_learn_offset(lua_State *L) {
  wsl_memory *memory = check(L);
  double created = luaL_checknumber(L, 2), sent = luaL_checknumber(L, 3),
         answered = luaL_checknumber(L, 4);
  bounds *recent = &memory->recent;
  bounds now = {answered, created - answered - ROUNDED,
                created - sent + ROUNDED, true};
  memory->measured_at = answered;
  if (!recent->is_known || answered - recent->since > BOUNDS_LAST) {
    memory->older = *recent;
    *recent = now;
    return 0;
  }
  recent->low = fmax(recent->low, now.low);
  recent->high = fmin(recent->high, now.high);
  if (recent->low <= recent->high) return 0;
  *recent = now;
  memory->older.is_known = false;
  return 0;
}

/* memory:offset(): the bounds of `created_at` minus our clock; nil if they are
** unknown. */
static int memory_offset(lua_State *L) {
  const wsl_memory *memory = check(L);
  const bounds *recent = &memory->recent, *older = &memory->older;
  double low = recent->low, high = recent->high;
  if (!recent->is_known) return 0;
  if (older->is_known && fmax(low, older->low) <= fmin(high, older->high)) {
    low = fmax(low, older->low);
    high = fmin(high, older->high);
  }
  lua_pushnumber(L, low);
  lua_pushnumber(L, high);
  return 2;
}

static const luaL_Reg methods[] = {
  {"see", memory_see},
  {"seen_at", memory_seen_at},
  {"claim", memory_claim},
  {"is_claimed", memory_is_claimed},
  {"read_item", memory_read_item},
  {"item", memory_item},
  {"forget_item", memory_forget_item},
  {"enter", memory_enter},
  {"is_in_flight", memory_is_in_flight},
  {"wants_offset", memory_wants_offset},
  {"learn_offset", memory_learn_offset},
  {"offset", memory_offset},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {{"__gc", free_memory}, {NULL, NULL}};

static const luaL_Reg flight_meta[] = {
  {"__gc", close_flight},
  {"__close", close_flight},
  {NULL, NULL}
};

void wsl_open_memory(lua_State *L) {
  const luaL_Reg none[] = {{NULL, NULL}};
  wsl_new_type(L, MEMORY, methods, meta);
  wsl_new_type(L, FLIGHT, none, flight_meta);
  lua_pop(L, 2);
  lua_pushcfunction(L, new_memory);
  lua_setfield(L, -2, "memory");
}
