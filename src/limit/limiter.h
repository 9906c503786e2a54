/*
** Decides when the next request may start, so that the service never counts
** more than `limit` arrivals in any second, but the limit is fully used.
**
** The service counts a request when it arrives. The client sees only when it
** starts and when its response comes. So each answered request has a *slot*:
** the latest time at which the service can have counted it, less the shortest
** time that a request takes to arrive. Slots are comparable with starts: a
** request that starts a window after a slot is counted at least a window after
** that slot's request. A request in flight has no slot yet, and may still
** arrive at any time.
**
** *Easing*: how much of a delay lies before the arrival is not known. At first
** all of it counts (`latency_share`), later less, as long as no 429 comes.
**
** Times are those of base/clock.h, rates are requests a second.
**
** Pure: no clock, no lock, no global state. A caller that shares a limiter
** between threads guards it.
*/

#ifndef WS_LIMITER_H
#define WS_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
  WS_LIMITER_SLOTS = 1024,      /* higher rates: counted in parts of 1 s */
  WS_LIMITER_SPARE_SLOTS = 256, /* so that old slots are rarely removed */
  WS_LIMITER_IN_FLIGHT = 1024,  /* most requests in flight */
  WS_LIMITER_GROUPS = 8         /* of requests with similar latency */
};

/* Rates are between these two; from the second on they are unlimited. */
#define WS_LIMITER_MIN_RATE 1e-4
#define WS_LIMITER_NO_RATE 1e6

/* The slot of a request that has ended, see above. */
typedef struct ws_slot {
  ws_time at;
  bool accepted;  /* false after a 429; true also if not known */
} ws_slot;

/* The round-trip times of one group, over the last one to two minutes. */
typedef struct ws_rtt_stats {
  ws_time since;  /* when `recent` began; after a minute it becomes `before` */
  struct { ws_time min, sum; int64_t count; } recent, before;
} ws_rtt_stats;

typedef struct ws_in_flight {
  uint64_t reservation;
  ws_time start;
  unsigned group;  /* below WS_LIMITER_GROUPS */
  unsigned owner;  /* the caller's: limit_record.c has the process here */
} ws_in_flight;

/* How a request ended. */
typedef struct ws_request_end {
  enum {
    WS_END_RESPONSE,  /* any response other than 429 */
    WS_END_429,
    WS_END_LOST,      /* no response; it may have been received */
    WS_END_UNSENT     /* nothing was sent */
  } how;
  ws_time written;    /* the connection was open, the request about to leave */
  ws_time answered;   /* the response's first byte; lost: when noticed */
  double named_rate;  /* the limit in the text of a 429, or 0 */
  ws_time hold_until; /* of a 429: nothing starts before */
} ws_request_end;

typedef struct ws_limiter {
  double limit;           /* as configured; 0: none */
  double rate;            /* in force: the limit, or less after a 429 */
  int slots_per_window;   /* the rate as requests in each window; 0: no limit */
  ws_time window;         /* about a second, see set_rate */
  ws_time hold_until;     /* nothing starts before */
  ws_time safety_margin;  /* added to the window after close 429s */
  ws_time lateness;       /* the largest recent delay of a response: its round
                          ** trip less the shortest one; decays */
  ws_time last_429_at;
  ws_time same_429_until;  /* 429s of requests sent before count as one */
  ws_time quiet_period;   /* time without a 429 before the limit is tried */
  ws_time trial_started_at;  /* 0: no trial */
  double proven_rate;     /* the rate to return to when a trial fails */
  int consecutive_429;    /* 429s in a row that no lower rate explains */
  int64_t accepted;       /* responses since the last 429 or easing step */
  int64_t accepted_before;   /* the same, between the last two 429s */
  int latency_share;      /* quarters of a delay that count as before arrival */
  int easing_interval;    /* seconds of full use before the share is lowered */
  uint64_t reservations;  /* how many were given out: the number of the last */
  ws_rtt_stats rtt[WS_LIMITER_GROUPS];
  int slot_count, in_flight_count;
  /* only slot_count of them are initialised; oldest first */
  ws_slot slots[WS_LIMITER_SLOTS + WS_LIMITER_SPARE_SLOTS];
  ws_in_flight in_flight[WS_LIMITER_IN_FLIGHT];
} ws_limiter;

/* Starts with a limit of `per_second` requests; 0: none. A limit of 2.5 means
** 3 in any 1.2 seconds. */
void ws_limiter_init(ws_limiter *limiter, double per_second);

/* Changes the limit; a rate that was lowered after a 429 stays in force. */
void ws_limiter_set_rate(ws_limiter *limiter, double per_second);

/* Sets the rate in force of a limiter that was saved, after ws_limiter_init;
** false, with nothing changed, if it is above the limit. */
bool ws_limiter_restore_rate(ws_limiter *limiter, double rate);

/* Returns when the next request may start: at once if that is not after
** `now`; WS_NEVER if that depends on a response. Call it again at that time
** and after each of the calls below, which may change it. */
ws_time ws_limiter_next_start(ws_limiter *limiter, ws_time now);

/* The same for a request before which `ahead` others must start, fewer than
** slots_per_window. */
ws_time ws_limiter_start_behind(ws_limiter *limiter, ws_time now, int ahead);

/* Returns when to ask again after WS_NEVER, for a caller that does not notice
** responses: after `now`, and when a response is likely to have come. */
ws_time ws_limiter_estimate(const ws_limiter *limiter, ws_time now,
                            int ahead);

/* The least time between a slot and the start of the request that uses it
** next; 0: no limit. */
ws_time ws_limiter_distance(const ws_limiter *limiter);

/* True if nothing that happened until `now` can delay a start. */
bool ws_limiter_is_idle(const ws_limiter *limiter, ws_time now);

/* Records a start and returns its reservation, to be passed to one of the
** next five functions; 0: too many are in flight, this one is not counted.
** Requests of one `group` have similar latency (say, those of one method). */
uint64_t ws_limiter_start(ws_limiter *limiter, ws_time now, unsigned group);

/* Records a response other than 429. `written`: when the connection was open
** and the request about to be written; `answered`: its first byte. */
void ws_limiter_record_response(ws_limiter *limiter, uint64_t reservation,
                                ws_time written, ws_time answered);

/* Records a 429. `named_rate`: the rate in its text, or 0. The caller adds
** the hold. */
void ws_limiter_record_429(ws_limiter *limiter, uint64_t reservation,
                           ws_time written, ws_time answered,
                           double named_rate);

/* Records a request without a response that may have been received. */
void ws_limiter_record_lost(ws_limiter *limiter, uint64_t reservation,
                            ws_time now);

/* Records a request that was not sent. */
void ws_limiter_record_unsent(ws_limiter *limiter, uint64_t reservation);

/* Records any of these ends. */
void ws_limiter_record_end(ws_limiter *limiter, uint64_t reservation,
                           const ws_request_end *end);

/* Lets nothing start before `until`, or before the end of a longer hold. */
void ws_limiter_hold(ws_limiter *limiter, ws_time until);

#endif
