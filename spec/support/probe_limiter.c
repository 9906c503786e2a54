/*
** The rate limiter for specs: its calls one by one, and whole runs against
** a service in virtual time. All times are in seconds.
*/

#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <string.h>

#include "limit/limiter.h"

#define TYPE "workstage.probe.limiter"
#define CLIENTS 4
#define COUNTED 8192  /* arrivals that the service remembers */


/* -- the calls -------------------------------------------------------- */

static ws_time to_time(lua_Number seconds) {
  return seconds >= 9e12 ? WS_NEVER : (ws_time)(seconds * 1e6 + 0.5);
}


static ws_time check_time(lua_State *L, int arg) {
  return to_time(luaL_checknumber(L, arg));
}


static void push_time(lua_State *L, ws_time time) {
  lua_pushnumber(L, time == WS_NEVER ? HUGE_VAL : (lua_Number)time / 1e6);
}


static ws_limiter *check_limiter(lua_State *L) {
  return luaL_checkudata(L, 1, TYPE);
}


static uint64_t check_ticket(lua_State *L) {
  return (uint64_t)luaL_checkinteger(L, 2);
}


static int probe_new(lua_State *L) {
  lua_Number rate = luaL_checknumber(L, 1);
  ws_limiter_init(lua_newuserdatauv(L, sizeof(ws_limiter), 0), rate);
  luaL_setmetatable(L, TYPE);
  return 1;
}


static int probe_rate(lua_State *L) {
  ws_limiter_set_rate(check_limiter(L), luaL_checknumber(L, 2));
  return 0;
}


static int probe_next(lua_State *L) {
  push_time(L, ws_limiter_next_start(check_limiter(L), check_time(L, 2)));
  return 1;
}


static int probe_start(lua_State *L) {
  ws_time now = check_time(L, 2);
  unsigned kind = (unsigned)luaL_optinteger(L, 3, 0);
  uint64_t reservation = ws_limiter_start(check_limiter(L), now, kind);
  lua_pushinteger(L, (lua_Integer)reservation);
  return 1;
}


static int probe_answered(lua_State *L) {
  ws_limiter_record_response(check_limiter(L), check_ticket(L),
                             check_time(L, 3),
                      check_time(L, 4));
  return 0;
}


static int probe_rejected(lua_State *L) {
  ws_limiter_record_429(check_limiter(L), check_ticket(L), check_time(L, 3),
                      check_time(L, 4), luaL_optnumber(L, 5, 0));
  return 0;
}


static int probe_lost(lua_State *L) {
  ws_limiter_record_lost(check_limiter(L), check_ticket(L), check_time(L, 3));
  return 0;
}


static int probe_unsent(lua_State *L) {
  ws_limiter_record_unsent(check_limiter(L), check_ticket(L));
  return 0;
}


static int probe_hold(lua_State *L) {
  ws_limiter_hold(check_limiter(L), check_time(L, 2));
  return 0;
}


/* The rate in force, and how many are taken to be in flight. */
static int probe_state(lua_State *L) {
  const ws_limiter *limiter = check_limiter(L);
  lua_pushnumber(L, limiter->rate);
  lua_pushinteger(L, limiter->in_flight_count);
  return 2;
}


/* -- a run in virtual time -------------------------------------------- */

typedef struct Span {
  double low, high;
} Span;

typedef struct Flight {
  uint64_t reservation;
  int client;
  unsigned kind;
  ws_time written, arrives, answers;
  bool arrived, accepted, lost;
} Flight;

typedef struct Run {
  uint64_t rng_state;
  Span inbound, outbound, work, reject_work;
  double slow_share, slow_work;     /* requests of a kind that takes longer */
  double spike_chance, spike;       /* extra time on the way in */
  double setup_chance, setup;       /* a connection is made first */
  double lost_chance, unsent_chance;
  double hold, change_at, change_limit, stop_at;
  double faster_at, faster;         /* the way there gets shorter */
  double reject_at;                 /* the next one is rejected once */
  double others_at;                 /* then others send so many at once: */
  int others;
  double count_from;                /* `use` counts answers from then on */
  ws_time seconds;
  ws_time pause;
  int limit, concurrency, clients, burst;
  bool named, counts_rejected, closed_window, fixed_window;
  ws_time phase;                    /* of the fixed window's second */
  int flying, counted;
  Flight flights[WS_LIMITER_IN_FLIGHT];
  ws_time arrivals[COUNTED];
  int left[CLIENTS];                /* of this burst */
  ws_time burst_at[CLIENTS];
  ws_limiter *limiter[CLIENTS];
  lua_Integer sent, accepted, rejected, done, lost, late_rejected;
  lua_Integer counted_done;
  lua_Integer done_of[CLIENTS];
} Run;


/* splitmix64, to a number in [0, 1). */
static double draw(Run *run) {
  uint64_t z = run->rng_state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}


static ws_time pick(Run *run, Span span) {
  return to_time(span.low + (span.high - span.low) * draw(run));
}


/* True if the service counts an arrival at `before` with one at `at`: in one
** clock second, or in a rolling one, (at - 1, at] or [at - 1, at]. */
static bool is_counted(const Run *run, ws_time before, ws_time at) {
  if (run->fixed_window)
    return (before + run->phase) / WS_SECOND ==
           (at + run->phase) / WS_SECOND;
  return at - before <= WS_SECOND - !run->closed_window;
}


static void remember(Run *run, ws_time at) {
  run->arrivals[run->counted++ % COUNTED] = at;
}


static bool admits(Run *run, ws_time at) {
  int count = 0, limit = run->limit;
  for (; run->others > 0 && at >= to_time(run->others_at); run->others--)
    remember(run, to_time(run->others_at));
  if (run->change_at > 0 && at >= to_time(run->change_at))
    limit = (int)run->change_limit;
  for (int i = run->counted; i > 0 && i > run->counted - COUNTED; i--) {
    if (!is_counted(run, run->arrivals[(i - 1) % COUNTED], at)) break;
    count++;
  }
  if (run->reject_at > 0 && at >= to_time(run->reject_at)) {
    run->reject_at = 0;
    return false;
  }
  return count < limit;
}


static void arrive(Run *run, Flight *flight) {
  flight->arrived = true;
  flight->accepted = admits(run, flight->arrives);
  if (flight->accepted || run->counts_rejected)
    remember(run, flight->arrives);
  if (flight->accepted)
    run->accepted++;
  else
    run->rejected++;
  if (!flight->accepted && flight->arrives > run->seconds / 2)
    run->late_rejected++;
  flight->answers = flight->arrives + pick(run, run->outbound) +
      (flight->accepted ? pick(run, run->work) +
                          (flight->kind ? to_time(run->slow_work) : 0)
                        : pick(run, run->reject_work));
}


static void answer(Run *run, Flight *flight) {
  ws_limiter *limiter = run->limiter[flight->client];
  ws_time now = flight->answers;
  if (flight->lost) {
    run->lost++;
    ws_limiter_record_lost(limiter, flight->reservation, now);
  } else if (flight->accepted) {
    run->done++;
    run->counted_done += now >= to_time(run->count_from);
    run->done_of[flight->client]++;
    ws_limiter_record_response(limiter, flight->reservation, flight->written,
                               now);
  } else {
    double named = run->named ? run->limit : 0;
    double hold = run->hold * (0.5 + draw(run) / 2);
    ws_limiter_record_429(limiter, flight->reservation, flight->written, now,
                          named);
    ws_limiter_hold(limiter, now + to_time(hold));
  }
}


static void start(Run *run, int client, ws_time now) {
  ws_limiter *limiter = run->limiter[client];
  Flight *flight = &run->flights[run->flying];
  unsigned kind = draw(run) < run->slow_share;
  memset(flight, 0, sizeof *flight);
  flight->client = client;
  flight->kind = kind;
  flight->reservation = ws_limiter_start(limiter, now, kind);
  if (draw(run) < run->unsent_chance) {
    ws_limiter_record_unsent(limiter, flight->reservation);
    return;
  }
  run->sent++;
  run->flying++;
  flight->written = now;
  if (draw(run) < run->setup_chance) flight->written += to_time(run->setup);
  flight->arrives = flight->written + pick(run, run->inbound);
  if (run->faster_at > 0 && now >= to_time(run->faster_at))
    flight->arrives -= to_time(run->faster);
  if (draw(run) < run->spike_chance)
    flight->arrives += to_time(run->spike * draw(run));
  flight->lost = draw(run) < run->lost_chance;
}


/* When the client may start one: limited by its concurrency, work and slots. */
static ws_time wants(Run *run, int client, ws_time now) {
  int flying = 0;
  ws_time at;
  for (int i = 0; i < run->flying; i++)
    flying += run->flights[i].client == client;
  if (flying >= run->concurrency) return WS_NEVER;
  if (run->stop_at > 0 && client > 0 && now > to_time(run->stop_at))
    return WS_NEVER;
  at = ws_limiter_next_start(run->limiter[client], now);
  if (run->burst > 0 && run->left[client] == 0 &&
      at < run->burst_at[client])
    at = run->burst_at[client];
  return at > now ? at : now;
}


static void go(Run *run, int client, ws_time now) {
  if (run->burst > 0) {
    if (run->left[client] == 0) run->left[client] = run->burst;
    if (--run->left[client] == 0) run->burst_at[client] = now + run->pause;
  }
  start(run, client, now);
}


/* The next event, until time is up. */
static ws_time step(Run *run, ws_time now) {
  ws_time at = WS_NEVER;
  int client = -1, flight = -1;
  for (int i = 0; i < run->flying; i++) {
    const Flight *f = &run->flights[i];
    ws_time mine = f->arrived ? f->answers : f->arrives;
    if (mine < at) { at = mine; flight = i; }
  }
  for (int i = 0; i < run->clients; i++) {
    ws_time mine = wants(run, i, now);
    if (mine < at) { at = mine; client = i; }
  }
  if (at == WS_NEVER || at >= run->seconds) return run->seconds;
  if (client >= 0) {
    if (ws_limiter_next_start(run->limiter[client], at) <= at)
      go(run, client, at);
  } else if (!run->flights[flight].arrived) {
    arrive(run, &run->flights[flight]);
  } else {
    answer(run, &run->flights[flight]);
    run->flights[flight] = run->flights[--run->flying];
  }
  return at;
}


static double number(lua_State *L, const char *name, double otherwise) {
  lua_Number n;
  lua_getfield(L, 1, name);
  n = luaL_optnumber(L, -1, otherwise);
  lua_pop(L, 1);
  return n;
}


static bool truth(lua_State *L, const char *name) {
  bool b;
  lua_getfield(L, 1, name);
  b = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return b;
}


/* A span is {low, high} or one number for both. */
static Span span(lua_State *L, const char *name, double otherwise) {
  Span s = {otherwise, otherwise};
  if (lua_getfield(L, 1, name) == LUA_TTABLE) {
    lua_geti(L, -1, 1);
    lua_geti(L, -2, 2);
    s.low = luaL_checknumber(L, -2);
    s.high = luaL_checknumber(L, -1);
    lua_pop(L, 2);
  } else if (!lua_isnil(L, -1)) {
    s.low = s.high = luaL_checknumber(L, -1);
  }
  lua_pop(L, 1);
  return s;
}


/* Gives the limiter the shortest possible round trip, well before the run. */
static void teach(const Run *run, ws_limiter *limiter) {
  double rtt = run->inbound.low + run->outbound.low + run->work.low;
  for (int i = 0; i < 8; i++) {
    ws_time at = to_time(i * 10);
    uint64_t reservation = ws_limiter_start(limiter, at, 0);
    ws_limiter_record_response(limiter, reservation, at, at + to_time(rtt));
  }
}


static void set(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}


static void result(lua_State *L, const Run *run, ws_time from) {
  double seconds = (double)(run->seconds - from) / 1e6;
  if (run->count_from > 0) seconds -= run->count_from;
  lua_createtable(L, 0, 10);
  set(L, "sent", run->sent);
  set(L, "done", run->done);
  set(L, "rejected", run->rejected);
  set(L, "late_rejected", run->late_rejected);
  set(L, "lost", run->lost);
  set(L, "first", run->done_of[0]);
  lua_pushnumber(L, (lua_Number)run->counted_done / (run->limit * seconds));
  lua_setfield(L, -2, "use");
  lua_pushnumber(L, run->limiter[0]->rate);
  lua_setfield(L, -2, "rate");
}


static void options(lua_State *L, Run *run) {
  run->rng_state =
    (uint64_t)number(L, "seed", 1) * UINT64_C(0x2545f4914f6cdd1d);
  run->limit = (int)number(L, "limit", 6);
  run->concurrency = (int)number(L, "concurrency", 8);
  run->clients = (int)number(L, "clients", 1);
  luaL_argcheck(L, run->clients <= CLIENTS &&
                run->clients * run->concurrency <= WS_LIMITER_IN_FLIGHT, 1,
                "too many at once");
  run->inbound = span(L, "inbound", 0.1);
  run->outbound = span(L, "outbound", 0.1);
  run->work = span(L, "work", 0);
  run->reject_work = span(L, "reject_work", 0);
  run->slow_share = number(L, "slow_share", 0);
  run->slow_work = number(L, "slow_work", 0);
  run->spike_chance = number(L, "spike_chance", 0);
  run->spike = number(L, "spike", 0);
  run->setup_chance = number(L, "setup_chance", 0);
  run->setup = number(L, "setup", 0);
  run->lost_chance = number(L, "lost_chance", 0);
  run->unsent_chance = number(L, "unsent_chance", 0);
  run->hold = number(L, "hold", 0.5);
  run->change_at = number(L, "change_at", 0);
  run->change_limit = number(L, "change_limit", 0);
  run->stop_at = number(L, "stop_at", 0);
  run->faster_at = number(L, "faster_at", 0);
  run->faster = number(L, "faster", 0);
  run->reject_at = number(L, "reject_at", 0);
  run->others_at = number(L, "others_at", 0);
  run->others = (int)number(L, "others", 0);
  run->count_from = number(L, "count_from", 0);
  run->burst = (int)number(L, "burst", 0);
  run->pause = to_time(number(L, "pause", 0));
  run->named = truth(L, "named");
  run->counts_rejected = truth(L, "counts_rejected");
  run->closed_window = truth(L, "closed_window");
  run->fixed_window = truth(L, "fixed_window");
  run->phase = to_time(fmod(number(L, "seed", 1) * 0.618034, 1));
}


/*
** One run of clients that always have work (or bursts of it with pauses)
** against a service with the limit. Results: sent, done, rejected,
** late_rejected (in the second half), lost, first (done by the first
** client), use (of the limit), rate (at the end).
*/
static int probe_run(lua_State *L) {
  ws_time now = 0;
  Run *run;
  luaL_checktype(L, 1, LUA_TTABLE);
  run = memset(lua_newuserdatauv(L, sizeof *run, 0), 0, sizeof *run);
  options(L, run);
  for (int i = 0; i < run->clients; i++) {
    run->limiter[i] = lua_newuserdatauv(L, sizeof(ws_limiter), 0);
    ws_limiter_init(run->limiter[i], number(L, "rate", run->limit));
    if (truth(L, "taught")) teach(run, run->limiter[i]);
  }
  if (truth(L, "taught")) now = 200 * WS_SECOND;
  run->seconds = now + to_time(number(L, "seconds", 60));
  for (ws_time at = now; at < run->seconds;) at = step(run, at);
  result(L, run, now);
  return 1;
}


static const luaL_Reg methods[] = {
  {"rate", probe_rate},
  {"next", probe_next},
  {"start", probe_start},
  {"answered", probe_answered},
  {"rejected", probe_rejected},
  {"lost", probe_lost},
  {"unsent", probe_unsent},
  {"hold", probe_hold},
  {"state", probe_state},
  {NULL, NULL}
};

static const luaL_Reg functions[] = {
  {"new", probe_new},
  {"run", probe_run},
  {NULL, NULL}
};

int luaopen_probe_limiter(lua_State *L);

__attribute__((visibility("default")))
int luaopen_probe_limiter(lua_State *L) {
  luaL_newmetatable(L, TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
