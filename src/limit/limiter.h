/*
** When may the next request leave, so that the service never counts more
** than `per_second` arrivals in any second, and no less either?
**
** The service counts an arrival; we see a request leave and its answer
** come. A *place* is the latest moment at which a request can have been
** counted, on our clock and less the shortest way there (which all have in
** common). A request in flight has no place yet: it holds one open.
**
** A state machine over its arguments: no clock, no lock, no memory of its
** own. Whoever shares one between threads guards it.
*/

#ifndef WS_LIMITER_H
#define WS_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
  WS_LIMITER_PLACES = 1024,   /* higher rates are counted in parts of 1 s */
  WS_LIMITER_SPARE = 256,     /* room to forget old places seldom */
  WS_LIMITER_FLIGHTS = 1024,  /* no more leave before an answer comes */
  WS_LIMITER_KINDS = 8
};

/* The latest moment at which a request can have been counted. */
typedef struct ws_place {
  ws_time at;
  bool accepted;  /* or not known; else it was rejected */
} ws_place;

/* What two minutes of answers to one kind of request showed. */
typedef struct ws_trips {
  ws_time since;
  struct { ws_time shortest, sum, count; } recent, before;
} ws_trips;

typedef struct ws_flight {
  uint64_t ticket;
  ws_time start;
  unsigned kind;
} ws_flight;

typedef struct ws_limiter {
  double limit;         /* the caller's; 0: none */
  double rate;          /* in force: the limit, or less after rejections */
  int allowed;          /* so many places in any `window`; 0: no limit */
  ws_time window;
  ws_time hold;         /* nothing leaves before */
  ws_time slack;        /* more distance, after rejections too close to call */
  ws_time late;         /* how late answers came lately, at the worst */
  ws_time rejected_at;  /* the last rejection */
  ws_time quiet;        /* so long without one, and the limit is tried again */
  ws_time tried_at;     /* when it was tried; 0: not on trial */
  double proved;        /* the rate to fall back to from a trial */
  int strikes;          /* rejections in a row that came too soon */
  int64_t accepted;     /* answers since the last rejection or easing */
  int doubt;            /* how much of a delay is put down to the way there */
  int patience;         /* full seconds of answers till less is tried */
  uint64_t tickets;     /* given out so far */
  int placed, flying;
  ws_place places[WS_LIMITER_PLACES + WS_LIMITER_SPARE];  /* oldest first */
  ws_flight flights[WS_LIMITER_FLIGHTS];  /* oldest first */
  ws_trips trips[WS_LIMITER_KINDS];
} ws_limiter;

/* `per_second` 0: no limit. 2.5 means 3 in any 1.2 seconds. */
void ws_limiter_init(ws_limiter *limiter, double per_second);

/* Another limit for the same requests; of several callers' the lowest. */
void ws_limiter_set_rate(ws_limiter *limiter, double per_second);

/* When the next request may leave: not after `now`, at once; WS_NEVER, only
** an answer can tell. Till it is, ask again at the time that it gave and
** after each of the calls below: the answer may have changed. */
ws_time ws_limiter_next_start(ws_limiter *limiter, ws_time now);

/* One leaves. `kind`: requests of one kind take the service about as long
** (say, one for each method); 0 if in doubt. The ticket goes to one of the
** four calls after this. 0: too many in flight, this one goes uncounted. */
uint64_t ws_limiter_start(ws_limiter *limiter, ws_time now, unsigned kind);

/* Any answer but a 429. `written`: the connection stood and the request was
** about to be written; `answered`: the first byte of the answer came. */
void ws_limiter_record_response(ws_limiter *limiter, uint64_t ticket,
                         ws_time written, ws_time answered);

/* A 429. `named`: the rate in its text, or 0. Holds are the caller's. */
void ws_limiter_record_429(ws_limiter *limiter, uint64_t ticket,
                         ws_time written, ws_time answered, double named);

/* No answer, whatever became of the request. */
void ws_limiter_record_lost(ws_limiter *limiter, uint64_t ticket, ws_time now);

/* Not a byte of it was written: no connection came about. */
void ws_limiter_record_unsent(ws_limiter *limiter, uint64_t ticket);

/* Nothing leaves before `until`; an earlier hold does not shorten one. */
void ws_limiter_hold(ws_limiter *limiter, ws_time until);

#endif
