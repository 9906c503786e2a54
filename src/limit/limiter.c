#include "limit/limiter.h"

#include <string.h>

#define GUARD (5 * WS_SECOND / 1000)    /* clocks that tick in milliseconds */
#define MINUTE (60 * WS_SECOND)
#define LONGEST_QUIET (60 * MINUTE)
#define MOST_MARGIN (WS_SECOND / 10)
#define MOST_SLACK (WS_SECOND / 10)
#define BLUR (WS_SECOND / 20)           /* in what a rejection is judged by */
#define NO_LIMIT 1e6     /* rates from here on are none */
#define LEAST_RATE 1e-4
#define CAUTION 6        /* margin: so many mean delays over the answers */
#define FEW 8            /* answers that do not make a shortest trip yet */
#define MANY 32          /* answers that may replace what was known */
#define STRIKES 3
#define DOUBT 4          /* all of a delay may be the way there */
#define PATIENCE 60      /* seconds' worth of answers */
#define RECENT (10 * WS_SECOND)         /* what is still proof of a rate */


/* Whether rate a allows less than b; 0 allows all. */
static bool below(double a, double b) {
  return a > 0 && (b <= 0 || a < b);
}


static ws_time later(ws_time a, ws_time b) {
  return a > b ? a : b;
}


static ws_time sooner(ws_time a, ws_time b) {
  return a < b ? a : b;
}


/*
** Turns a rate into places and a window. A rate of 2.5 is 3 places in 1.2
** seconds, so no second has more than 3. A rate above the number of places
** is counted in equal parts of a second: any second is made of so many
** parts, so that the parts' limits add up to no more than the rate.
*/
static void pace(ws_limiter *l, double rate) {
  l->rate = rate > 0 && rate < NO_LIMIT ? rate : 0;
  if (l->rate <= 0) {
    l->allowed = 0;
    l->window = 0;
  } else if (l->rate > WS_LIMITER_PLACES) {
    int parts = (int)(l->rate / WS_LIMITER_PLACES) + 1;
    l->allowed = (int)(l->rate / parts);
    l->window = WS_SECOND / parts + 1;
  } else {
    if (l->rate < LEAST_RATE) l->rate = LEAST_RATE;
    l->allowed = (int)l->rate;
    if (l->allowed < l->rate) l->allowed++;
    l->window = (ws_time)((double)WS_SECOND * l->allowed / l->rate + 0.5);
  }
}


static ws_time shortest(const ws_trips *trips) {
  ws_time trip = WS_NEVER;
  if (trips->recent.count > 0) trip = trips->recent.shortest;
  if (trips->before.count > 0) trip = sooner(trip, trips->before.shortest);
  return trip;
}


/* The shortest trip of any kind; WS_NEVER before the first answer. */
static ws_time shortest_of_all(const ws_limiter *l) {
  ws_time trip = WS_NEVER;
  for (int kind = 0; kind < WS_LIMITER_KINDS; kind++)
    trip = sooner(trip, shortest(&l->trips[kind]));
  return trip;
}


/*
** How much shorter a trip of this kind may get than the shortest one seen.
** Among n trips whose delays spread over some range, the least delay is
** about an n-th of the range: so the margin is a few n-ths of the mean.
*/
static ws_time margin(const ws_trips *trips) {
  ws_time count = trips->recent.count + trips->before.count;
  ws_time sum = trips->recent.sum + trips->before.sum;
  if (count == 0) return 0;
  return sooner(CAUTION * (sum / count - shortest(trips)) / count,
                MOST_MARGIN);
}


/* The trip that a kind's delays are measured from: its own shortest once
** that is known well, till then the shortest of all, which is no longer. */
static ws_time usual(const ws_limiter *l, const ws_trips *trips) {
  if (trips->recent.count + trips->before.count >= FEW)
    return shortest(trips);
  return shortest_of_all(l);
}


/* Adds a place, in order. When there is no room the oldest ones go, many at
** once: moving the rest costs more than forgetting them. */
static void place(ws_limiter *l, ws_time at, bool accepted) {
  int i;
  if (l->placed == WS_LIMITER_PLACES + WS_LIMITER_SPARE) {
    l->placed = WS_LIMITER_PLACES;
    memmove(l->places, l->places + WS_LIMITER_SPARE,
            (size_t)l->placed * sizeof *l->places);
  }
  for (i = l->placed++; i > 0 && l->places[i - 1].at > at; i--)
    l->places[i] = l->places[i - 1];
  l->places[i].at = at;
  l->places[i].accepted = accepted;
}


/* A trip was shorter than all before: the places had been set too early by
** as much. None can lie after `most`. */
static void correct(ws_limiter *l, ws_time by, ws_time most) {
  for (int i = 0; i < l->placed; i++) {
    ws_time *at = &l->places[i].at;
    *at = later(*at, sooner(*at + by, most));
  }
}


/*
** Takes the trip of an answer into account. The shortest one is forgotten
** after one to two minutes, as ways change; but not while there are few new
** answers to go by.
*/
static void learn(ws_limiter *l, ws_trips *trips, ws_time trip, ws_time at) {
  ws_time known = shortest(trips);
  if (known != WS_NEVER && trip < known) correct(l, known - trip, at - trip);
  if (trips->recent.count == 0) trips->since = at;
  if (trips->recent.count >= MANY && at - trips->since >= MINUTE) {
    trips->before = trips->recent;
    memset(&trips->recent, 0, sizeof trips->recent);
    trips->since = at;
  }
  if (trips->recent.count++ == 0 || trip < trips->recent.shortest)
    trips->recent.shortest = trip;
  trips->recent.sum += trip;
}


/* Takes a request out of those in flight; false for one that is not. */
static bool land(ws_limiter *l, uint64_t ticket, ws_flight *flight) {
  int i = 0;
  while (i < l->flying && l->flights[i].ticket != ticket) i++;
  if (i == l->flying) return false;
  *flight = l->flights[i];
  l->flying--;
  memmove(l->flights + i, l->flights + i + 1,
          (size_t)(l->flying - i) * sizeof *flight);
  return true;
}


/*
** Whether a request in flight can be placed before its answer. As a rule it
** cannot. Only where trips take longer than a window, waiting for answers
** would waste places: there one that is not overdue is taken to arrive no
** later than others did lately.
*/
static bool expected(const ws_limiter *l, const ws_flight *flight,
                     ws_time now) {
  const ws_trips *trips = &l->trips[flight->kind];
  ws_time trip = shortest(trips);
  return trips->recent.count + trips->before.count >= FEW &&
         trip > l->window + GUARD + l->slack &&
         now <= flight->start + trip + l->late;
}


/* How many requests in flight hold a place open until they are answered. */
static int unplaced(const ws_limiter *l, ws_time now) {
  int count = 0;
  for (int i = 0; i < l->flying; i++)
    count += !expected(l, &l->flights[i], now);
  return count;
}


/*
** The nth newest place, those of requests in flight included: WS_NEVER when
** an answer must tell, INT64_MIN when there are fewer. As a rule none in
** flight can be placed and it is found by its number. Else both lists, in
** order of time, are walked together from their ends.
*/
static ws_time nth_newest(const ws_limiter *l, int nth, ws_time now) {
  int p = l->placed, open = unplaced(l, now);
  ws_time at = WS_NEVER;
  nth -= open;
  if (open == l->flying && nth > 0)
    return nth > p ? INT64_MIN : l->places[p - nth].at;
  for (int f = l->flying; nth > 0; nth--) {
    while (f > 0 && !expected(l, &l->flights[f - 1], now)) f--;
    if (f > 0 && (p == 0 || l->flights[f - 1].start + l->late
                            >= l->places[p - 1].at))
      at = l->flights[--f].start + l->late;
    else if (p > 0)
      at = l->places[--p].at;
    else
      return INT64_MIN;
  }
  return at;
}


/*
** Back to the caller's limit after a quiet time. A trial that fails makes
** the next quiet time twice as long, one that lasts makes it a minute again.
*/
static void recover(ws_limiter *l, ws_time now) {
  if (l->tried_at != 0 && now - l->tried_at >= l->quiet) {
    l->tried_at = 0;
    l->quiet = MINUTE;
  }
  if (below(l->rate, l->limit) && now - l->rejected_at >= l->quiet) {
    l->proved = l->rate;
    l->tried_at = now;
    l->strikes = 0;
    pace(l, l->limit);
  }
}


static void lower(ws_limiter *l, double rate) {
  if (l->tried_at != 0) {
    l->tried_at = 0;
    l->quiet = sooner(2 * l->quiet, LONGEST_QUIET);
  }
  l->strikes = 0;
  pace(l, rate);
}


/*
** How many requests the service may have accepted in the second before it
** rejected one that left at `start` and arrived by `at`.
*/
static int crowd(const ws_limiter *l, ws_time start, ws_time at) {
  ws_time blur = BLUR + l->late;
  int count = 0;
  for (int i = 0; i < l->placed; i++)
    count += l->places[i].accepted && l->places[i].at <= at + blur &&
             l->places[i].at > start - WS_SECOND - blur;
  for (int i = 0; i < l->flying; i++)
    count += l->flights[i].start <= at;
  return count;
}


/* The most that the service accepted in any second of the last few. */
static int best(const ws_limiter *l, ws_time at) {
  int most = 0, count = 0;
  for (int i = 0, first = 0; i < l->placed; i++) {
    if (l->places[i].at < at - RECENT || !l->places[i].accepted) continue;
    count++;
    for (; l->places[first].at <= l->places[i].at - WS_SECOND; first++)
      count -= l->places[first].accepted &&
               l->places[first].at >= at - RECENT;
    if (count > most) most = count;
  }
  return most;
}


/* Lowers the rate for what was seen, not told: to one a second at least,
** what is slower is for holds to do. */
static void lower_to(ws_limiter *l, double rate) {
  if (rate < 1) rate = 1;
  if (below(rate, l->rate)) lower(l, rate);
}


/* Where to go from a rate that was too high again and again: down to what
** fitted in before the last rejection, a step at least, a half at most. */
static double step_down(const ws_limiter *l, int fit) {
  double step = l->rate > 8 ? l->rate * 7 / 8 : l->rate - 1;
  if (l->tried_at != 0) return l->proved;
  if (fit > step) return step;
  return fit > l->rate / 2 ? fit : l->rate / 2;
}


/*
** Rejected, though the service named no lower rate. If it never accepted as
** many in a second as the rate allows, what it did accept is the rate; but
** one rejection may be an accident, so not too far down at once. Else it
** was too close to call and a little more distance helps, unless that
** happens again and again.
*/
static void judge(ws_limiter *l, const ws_flight *flight, ws_time at) {
  int fit = crowd(l, flight->start, at);
  int most = best(l, at);
  double least = l->rate <= 0 ? 4 : l->rate > 12 ? l->rate / 4 : l->rate / 2;
  if (most < fit) most = fit;
  if (below(most, l->rate)) {
    lower_to(l, most > least ? most : least);
  } else if (flight->start >= l->rejected_at) {
    l->slack = sooner(l->slack + GUARD, MOST_SLACK);
    l->strikes = l->accepted < 3L * l->allowed ? l->strikes + 1 : 1;
    if (l->strikes >= STRIKES) lower_to(l, step_down(l, fit));
  }
}


/*
** A delay may have come about on the way there, so all of it is put down to
** that. If it came about later, that wastes places: after many answers and
** no rejection, less is put down to it, step by step. A rejection takes a
** step back, and makes the next try wait for twice as many.
*/
static void ease(ws_limiter *l) {
  if (l->doubt == 0 || l->allowed == 0 ||
      l->accepted < (int64_t)l->patience * l->allowed)
    return;
  l->doubt--;
  l->accepted = 0;
}


/* Whether that explains a rejection. */
static bool eased(ws_limiter *l) {
  if (l->doubt == DOUBT) return false;
  l->doubt++;
  l->patience = l->patience < PATIENCE * 32 ? l->patience * 2 : l->patience;
  return true;
}


void ws_limiter_init(ws_limiter *l, double per_second) {
  memset(l, 0, sizeof *l);
  l->quiet = MINUTE;
  l->patience = PATIENCE;
  l->doubt = DOUBT;
  pace(l, per_second);
  l->limit = l->rate;
}


void ws_limiter_set_rate(ws_limiter *l, double per_second) {
  bool lowered = below(l->rate, l->limit);
  double rate = l->rate;
  pace(l, per_second);
  l->limit = l->rate;
  if (lowered && below(rate, l->limit)) pace(l, rate);
}


ws_time ws_limiter_next_start(ws_limiter *l, ws_time now) {
  ws_time at;
  recover(l, now);
  if (l->flying == WS_LIMITER_FLIGHTS) return WS_NEVER;
  if (l->allowed == 0) return l->hold;
  at = nth_newest(l, l->allowed, now);
  if (at == INT64_MIN) return l->hold;
  if (at == WS_NEVER) return WS_NEVER;
  at += l->window + GUARD + l->slack;
  if (below(l->rate, l->limit)) at = sooner(at, l->rejected_at + l->quiet);
  return later(l->hold, at);
}


uint64_t ws_limiter_start(ws_limiter *l, ws_time now, unsigned kind) {
  ws_flight *flight;
  if (l->flying == WS_LIMITER_FLIGHTS) return 0;
  flight = &l->flights[l->flying++];
  flight->ticket = ++l->tickets;
  flight->start = now;
  flight->kind = kind < WS_LIMITER_KINDS ? kind : 0;
  return flight->ticket;
}


void ws_limiter_record_response(ws_limiter *l, uint64_t ticket, ws_time written,
                         ws_time answered) {
  ws_flight flight;
  ws_trips *trips;
  if (!land(l, ticket, &flight)) return;
  written = sooner(later(written, flight.start), answered);
  trips = &l->trips[flight.kind];
  learn(l, trips, answered - written, answered);
  place(l, written + (answered - usual(l, trips) + margin(trips) - written)
                     * l->doubt / DOUBT, true);
  l->accepted++;
  ease(l);
  l->slack -= l->slack / 256;
  l->late = later(l->late - l->late / 16, answered - flight.start
                                          - shortest(trips) + margin(trips));
}


void ws_limiter_record_429(ws_limiter *l, uint64_t ticket, ws_time written,
                         ws_time answered, double named) {
  ws_flight flight;
  ws_time at;
  if (!land(l, ticket, &flight)) return;
  written = sooner(later(written, flight.start), answered);
  at = answered - sooner(answered - written, shortest_of_all(l));
  if (below(named, l->rate))
    lower(l, named);
  else if (flight.start < l->rejected_at || !eased(l))
    judge(l, &flight, at);
  place(l, at, false);
  l->rejected_at = answered;
  l->accepted = 0;
}


void ws_limiter_record_lost(ws_limiter *l, uint64_t ticket, ws_time now) {
  ws_flight flight;
  ws_time trip = shortest_of_all(l);
  if (land(l, ticket, &flight))
    place(l, trip < WS_SECOND ? now + trip : now, true);
}


void ws_limiter_record_unsent(ws_limiter *l, uint64_t ticket) {
  ws_flight flight;
  land(l, ticket, &flight);
}


void ws_limiter_hold(ws_limiter *l, ws_time until) {
  l->hold = later(l->hold, until);
}
