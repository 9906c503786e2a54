#include "limit/limiter.h"

#include <stddef.h>
#include <string.h>

#define GUARD (5 * WS_SECOND / 1000)    /* for clocks that tick each ms */
#define MINUTE (60 * WS_SECOND)
#define SHORT_QUIET_PERIOD (5 * WS_SECOND)
#define LONG_QUIET_PERIOD MINUTE
#define LONGEST_QUIET_PERIOD (60 * MINUTE)
#define MAX_RTT_MARGIN (WS_SECOND / 10)
#define MAX_SAFETY_MARGIN (WS_SECOND / 10)
#define BLUR (WS_SECOND / 20)           /* tolerance when explaining a 429 */
#define MIN_POLL (10 * WS_SECOND / 1000)  /* between two estimates */
#define MARGIN_FACTOR 6  /* margin: 6 mean delays divided by the responses */
#define FEW 8            /* fewer responses make no reliable minimum */
#define MANY 32          /* enough responses to replace older ones */
#define MAX_CONSECUTIVE_429 3
#define FULL_SHARE 4     /* all of a delay may be before arrival */
#define EASING_INTERVAL 60              /* seconds of full use */
#define RECENT (10 * WS_SECOND)         /* older slots do not prove a rate */


/* True if rate a allows less than rate b; 0 means unlimited. */
static bool is_stricter(double a, double b) {
  return a > 0 && (b <= 0 || a < b);
}


static ws_time max_time(ws_time a, ws_time b) {
  return a > b ? a : b;
}


static ws_time min_time(ws_time a, ws_time b) {
  return a < b ? a : b;
}


/*
** Converts a rate into slots and a window. A rate of 2.5 is 3 slots in 1.2
** seconds, so no second has more than 3. A rate above the number of slots is
** counted in equal parts of a second: every second consists of so many parts,
** so the parts' limits add up to at most the rate.
*/
static void set_rate(ws_limiter *l, double rate) {
  const int slots = WS_LIMITER_SLOTS;
  l->rate = rate > 0 && rate < WS_LIMITER_NO_RATE ? rate : 0;
  if (l->rate <= 0) {
    l->slots_per_window = 0;
    l->window = 0;
  } else if (l->rate > slots) {
    int parts = (int)(l->rate / slots) + 1;
    l->slots_per_window = (int)(l->rate / parts);
    l->window = WS_SECOND / parts + 1;
  } else {
    if (l->rate < WS_LIMITER_MIN_RATE) l->rate = WS_LIMITER_MIN_RATE;
    l->slots_per_window = (int)l->rate;
    if (l->slots_per_window < l->rate) l->slots_per_window++;
    l->window = (ws_time)((double)WS_SECOND * l->slots_per_window / l->rate
                          + 0.5);
  }
}


/* The shortest round trip of a group; WS_NEVER before its first response. */
static ws_time min_rtt(const ws_rtt_stats *rtt) {
  ws_time min = WS_NEVER;
  if (rtt->recent.count > 0) min = rtt->recent.min;
  if (rtt->before.count > 0) min = min_time(min, rtt->before.min);
  return min;
}


/* The shortest round trip of all groups; WS_NEVER before any response. */
static ws_time min_rtt_of_all(const ws_limiter *l) {
  ws_time min = WS_NEVER;
  for (int group = 0; group < WS_LIMITER_GROUPS; group++)
    min = min_time(min, min_rtt(&l->rtt[group]));
  return min;
}


/*
** Estimates how much shorter a round trip of this group can get than the
** shortest one seen. Among n delays spread over some range, the smallest is
** about an n-th of the range: so the margin is a few n-ths of the mean.
*/
static ws_time rtt_margin(const ws_rtt_stats *rtt) {
  ws_time count = rtt->recent.count + rtt->before.count;
  ws_time sum = rtt->recent.sum + rtt->before.sum;
  if (count == 0) return 0;
  return min_time(MARGIN_FACTOR * (sum / count - min_rtt(rtt)) / count,
                  MAX_RTT_MARGIN);
}


/* The round trip that a group's delays are measured from: its own minimum
** once that is reliable, until then that of all groups, which is at most as
** long. */
static ws_time baseline_rtt(const ws_limiter *l, const ws_rtt_stats *rtt) {
  if (rtt->recent.count + rtt->before.count >= FEW) return min_rtt(rtt);
  return min_rtt_of_all(l);
}


/* Inserts a slot, in order of time. When the array is full, many of the oldest
** are removed at once, because moving the rest is expensive. */
static void add_slot(ws_limiter *l, ws_time at, bool accepted) {
  int i;
  if (l->slot_count == WS_LIMITER_SLOTS + WS_LIMITER_SPARE_SLOTS) {
    l->slot_count = WS_LIMITER_SLOTS;
    memmove(l->slots, l->slots + WS_LIMITER_SPARE_SLOTS,
            (size_t)l->slot_count * sizeof *l->slots);
  }
  for (i = l->slot_count++; i > 0 && l->slots[i - 1].at > at; i--)
    l->slots[i] = l->slots[i - 1];
  l->slots[i].at = at;
  l->slots[i].accepted = accepted;
}


/* Moves slots later by `by`, after a new shortest round trip showed that they
** were too early by that much. None is moved past `latest`. */
static void delay_slots(ws_limiter *l, ws_time by, ws_time latest) {
  for (int i = 0; i < l->slot_count; i++) {
    ws_time *at = &l->slots[i].at;
    *at = max_time(*at, min_time(*at + by, latest));
  }
}


/*
** Adds the round trip of a response that came at `at`. Routes change, so the
** minimum is forgotten after one to two minutes, unless there are too few
** newer responses.
*/
static void record_rtt(ws_limiter *l, ws_rtt_stats *rtt, ws_time took,
                       ws_time at) {
  ws_time known = min_rtt(rtt);
  if (known != WS_NEVER && took < known)
    delay_slots(l, known - took, at - took);
  if (rtt->recent.count == 0) rtt->since = at;
  if (rtt->recent.count >= MANY && at - rtt->since >= MINUTE) {
    rtt->before = rtt->recent;
    memset(&rtt->recent, 0, sizeof rtt->recent);
    rtt->since = at;
  }
  if (rtt->recent.count++ == 0 || took < rtt->recent.min)
    rtt->recent.min = took;
  rtt->recent.sum += took;
}


/* Removes a request from those in flight; false if it is not among them. */
static bool remove_in_flight(ws_limiter *l, uint64_t reservation,
                             ws_in_flight *request) {
  int i = 0;
  while (i < l->in_flight_count &&
         l->in_flight[i].reservation != reservation)
    i++;
  if (i == l->in_flight_count) return false;
  *request = l->in_flight[i];
  l->in_flight_count--;
  memmove(l->in_flight + i, l->in_flight + i + 1,
          (size_t)(l->in_flight_count - i) * sizeof *request);
  return true;
}


/*
** True if a request in flight can be given a slot before its response.
** Usually it cannot. But where round trips are longer than a window, waiting
** for responses would waste slots: there a request that is not overdue is
** assumed to arrive no later than others did recently.
*/
static bool is_predictable(const ws_limiter *l, const ws_in_flight *request,
                           ws_time now) {
  const ws_rtt_stats *rtt = &l->rtt[request->group];
  ws_time min = min_rtt(rtt);
  return rtt->recent.count + rtt->before.count >= FEW &&
         min > l->window + GUARD + l->safety_margin &&
         now <= request->start + min + l->lateness;
}


/* The number of requests in flight that may still arrive at any time. */
static int count_unpredictable(const ws_limiter *l, ws_time now) {
  int count = 0;
  for (int i = 0; i < l->in_flight_count; i++)
    count += !is_predictable(l, &l->in_flight[i], now);
  return count;
}


/*
** Returns the nth newest slot, including those of requests in flight: WS_NEVER
** if it depends on a response, INT64_MIN if there are fewer. Usually no
** request in flight is predictable and the slot is found by its index.
** Otherwise both lists, sorted by time, are merged from their ends.
*/
static ws_time nth_newest_slot(const ws_limiter *l, int nth, ws_time now) {
  int s = l->slot_count, open = count_unpredictable(l, now);
  ws_time at = WS_NEVER;
  nth -= open;
  if (open == l->in_flight_count && nth > 0)
    return nth > s ? INT64_MIN : l->slots[s - nth].at;
  for (int f = l->in_flight_count; nth > 0; nth--) {
    while (f > 0 && !is_predictable(l, &l->in_flight[f - 1], now)) f--;
    if (f > 0 && (s == 0 || l->in_flight[f - 1].start + l->lateness
                            >= l->slots[s - 1].at))
      at = l->in_flight[--f].start + l->lateness;
    else if (s > 0)
      at = l->slots[--s].at;
    else
      return INT64_MIN;
  }
  return at;
}


/*
** Tries the configured limit again after a quiet period, at first a short one,
** since a single 429 may have been caused by others. A trial that lasts for
** the quiet period, and at least a minute, makes it short again.
*/
static void restore_limit(ws_limiter *l, ws_time now) {
  if (l->trial_started_at != 0 &&
      now - l->trial_started_at >= max_time(l->quiet_period,
                                            LONG_QUIET_PERIOD)) {
    l->trial_started_at = 0;
    l->quiet_period = SHORT_QUIET_PERIOD;
  }
  if (is_stricter(l->rate, l->limit) &&
      now - l->last_429_at >= l->quiet_period) {
    l->proven_rate = l->rate;
    l->trial_started_at = now;
    l->consecutive_429 = 0;
    set_rate(l, l->limit);
  }
}


/* A trial that fails makes the next quiet period a minute, then twice as long
** each time. */
static void lower_rate(ws_limiter *l, double rate) {
  if (l->trial_started_at != 0) {
    l->trial_started_at = 0;
    l->quiet_period = max_time(min_time(2 * l->quiet_period,
                                        LONGEST_QUIET_PERIOD),
                               LONG_QUIET_PERIOD);
  }
  l->consecutive_429 = 0;
  set_rate(l, rate);
}


/* The number of requests that the service may have accepted in the second
** before it rejected one that started at `start` and arrived by `at`. */
static int count_in_window(const ws_limiter *l, ws_time start, ws_time at) {
  ws_time blur = BLUR + l->lateness;
  int count = 0;
  for (int i = 0; i < l->slot_count; i++)
    count += l->slots[i].accepted && l->slots[i].at <= at + blur &&
             l->slots[i].at > start - WS_SECOND - blur;
  for (int i = 0; i < l->in_flight_count; i++)
    count += l->in_flight[i].start <= at;
  return count;
}


/* The most requests that the service accepted in any recent second. */
static int peak_rate(const ws_limiter *l, ws_time at) {
  int most = 0, count = 0;
  for (int i = 0, first = 0; i < l->slot_count; i++) {
    if (l->slots[i].at < at - RECENT || !l->slots[i].accepted) continue;
    count++;
    for (; l->slots[first].at <= l->slots[i].at - WS_SECOND; first++)
      count -= l->slots[first].accepted &&
               l->slots[first].at >= at - RECENT;
    if (count > most) most = count;
  }
  return most;
}


/* Lowers the rate to an observed one, but not below one a second; below that,
** only the pauses after 429s slow the client down. */
static void lower_to_observed(ws_limiter *l, double rate) {
  if (rate < 1) rate = 1;
  if (is_stricter(rate, l->rate)) lower_rate(l, rate);
}


/* The rate to try after one that was too high several times: the number of
** requests accepted before the last 429, but between half the present rate and
** an eighth below it (below 8 a second: one request less). */
static double step_down(const ws_limiter *l, int accepted) {
  double step = l->rate > 8 ? l->rate * 7 / 8 : l->rate - 1;
  if (l->trial_started_at != 0) return l->proven_rate;
  if (accepted > step) return step;
  return accepted > l->rate / 2 ? accepted : l->rate / 2;
}


/*
** True if the responses since the last 429 show the limit of a service that
** counts by the clock second. It may accept twice its limit within a second,
** half before and half after the clock's second changes, so that the peak is
** too high. But at too high a rate it accepts its limit between one 429 and
** the next: the same number twice, or clearly less than a high peak.
*/
static bool counts_clock_seconds(ws_limiter *l, int peak) {
  bool is_same = l->accepted == l->accepted_before;
  bool is_clear = l->slots_per_window > 8 && 3 * l->accepted < 2L * peak;
  l->accepted_before = l->accepted;
  return (is_same || is_clear) && peak >= l->slots_per_window &&
         l->accepted < l->slots_per_window && 2 * l->accepted >= peak;
}


/*
** True if the last second had at least two 429s, and one for every eight
** accepted requests. Needed without a limit: a service that sends an occasional
** 429 must not slow the client down.
*/
static bool are_frequent_429(const ws_limiter *l, ws_time at) {
  int accepted = 0, rejected = 1;
  for (int i = l->slot_count - 1; i >= 0; i--) {
    if (l->slots[i].at < at - WS_SECOND) break;
    if (l->slots[i].accepted) accepted++;
    else rejected++;
  }
  return rejected >= 2 && 8 * rejected >= accepted;
}


/*
** Handles a 429 that named no lower rate. If the service never accepted as
** many requests in a second as the rate allows, the number that it accepted
** becomes the rate; but not below `least`, as one 429 may be an accident.
** Otherwise the cause may be small timing errors: the window gets slightly
** longer, and only repeated 429s lower the rate. The first trial of the limit
** after a short quiet period ends with its first 429.
*/
static void on_unexplained_429(ws_limiter *l, const ws_in_flight *request,
                               ws_time at, bool is_first) {
  int accepted = count_in_window(l, request->start, at);
  int peak = peak_rate(l, at), most = peak;
  double least = l->rate <= 0 ? 4 : l->rate > 12 ? l->rate / 4 : l->rate / 2;
  if (l->rate <= 0 && !are_frequent_429(l, at)) return;
  if (most < accepted) most = accepted;
  if (l->trial_started_at != 0 && l->quiet_period == SHORT_QUIET_PERIOD) {
    lower_rate(l, l->proven_rate);
  } else if (is_stricter(most, l->rate)) {
    lower_to_observed(l, most > least ? most : least);
  } else if (is_first) {
    l->safety_margin = min_time(l->safety_margin + GUARD, MAX_SAFETY_MARGIN);
    l->consecutive_429 =
      l->accepted < 3L * l->slots_per_window ? l->consecutive_429 + 1 : 1;
    if (counts_clock_seconds(l, peak))
      lower_to_observed(l, (double)l->accepted);
    else if (l->consecutive_429 >= MAX_CONSECUTIVE_429)
      lower_to_observed(l, step_down(l, accepted));
  }
}


/*
** Lowers the share of a delay that counts as time before arrival. At first all
** of it does, which is safe but wastes slots if delays happen after arrival.
** So after many responses without a 429 the share is lowered by a step. A 429
** raises it again, and the next step waits for twice as many responses.
*/
static void lower_latency_share(ws_limiter *l) {
  if (l->latency_share == 0 || l->slots_per_window == 0 ||
      l->accepted < (int64_t)l->easing_interval * l->slots_per_window)
    return;
  l->latency_share--;
  l->accepted = 0;
}


/* Raises the share by a step after a 429. True if it had been lowered: that
** explains the 429. */
static bool raise_latency_share(ws_limiter *l) {
  if (l->latency_share == FULL_SHARE) return false;
  l->latency_share++;
  l->easing_interval = l->easing_interval < EASING_INTERVAL * 32
                         ? l->easing_interval * 2
                         : l->easing_interval;
  return true;
}


/*
** True if a request has to wait until none is in flight, because a trial began
** less than a second ago: requests that exceed the proven rate go one at a
** time then, so that a trial that fails costs one 429.
*/
static bool must_go_alone(const ws_limiter *l, ws_time now) {
  int count = l->in_flight_count;
  if (count == 0 || l->trial_started_at == 0 ||
      now - l->trial_started_at >= WS_SECOND)
    return false;
  for (int i = l->slot_count - 1; i >= 0; i--, count++)
    if (l->slots[i].at <= now - WS_SECOND) break;
  return count >= l->proven_rate;
}


void ws_limiter_init(ws_limiter *l, double per_second) {
  memset(l, 0, offsetof(ws_limiter, slots));
  l->quiet_period = SHORT_QUIET_PERIOD;
  l->easing_interval = EASING_INTERVAL;
  l->latency_share = FULL_SHARE;
  set_rate(l, per_second);
  l->limit = l->rate;
}


void ws_limiter_set_rate(ws_limiter *l, double per_second) {
  bool is_lowered = is_stricter(l->rate, l->limit);
  double rate = l->rate;
  set_rate(l, per_second);
  l->limit = l->rate;
  if (is_lowered && is_stricter(rate, l->limit)) set_rate(l, rate);
}


bool ws_limiter_restore_rate(ws_limiter *l, double rate) {
  if (is_stricter(l->limit, rate)) return false;
  set_rate(l, rate);
  return true;
}


ws_time ws_limiter_distance(const ws_limiter *l) {
  return l->slots_per_window ? l->window + GUARD + l->safety_margin : 0;
}


ws_time ws_limiter_next_start(ws_limiter *l, ws_time now) {
  return ws_limiter_start_behind(l, now, 0);
}


ws_time ws_limiter_start_behind(ws_limiter *l, ws_time now, int ahead) {
  ws_time at;
  restore_limit(l, now);
  if (l->in_flight_count == WS_LIMITER_IN_FLIGHT) return WS_NEVER;
  if (must_go_alone(l, now)) return WS_NEVER;
  if (l->slots_per_window == 0) return l->hold_until;
  at = nth_newest_slot(l, l->slots_per_window - ahead, now);
  if (at == INT64_MIN) return l->hold_until;
  if (at == WS_NEVER) return WS_NEVER;
  at += ws_limiter_distance(l);
  if (is_stricter(l->rate, l->limit))
    at = min_time(at, l->last_429_at + l->quiet_period);
  return max_time(l->hold_until, at);
}


/* Assumes that the request in flight whose response is awaited takes as long,
** and is counted as late, as recent ones. */
ws_time ws_limiter_estimate(const ws_limiter *l, ws_time now, int ahead) {
  int nth = l->slots_per_window - ahead;
  ws_time rtt = min_rtt_of_all(l), at = now;
  if (rtt != WS_NEVER && nth > 0 && nth <= l->in_flight_count)
    at = max_time(l->in_flight[l->in_flight_count - nth].start + l->lateness,
                  now - rtt) + ws_limiter_distance(l);
  return max_time(max_time(at, l->hold_until), now + MIN_POLL);
}


bool ws_limiter_is_idle(const ws_limiter *l, ws_time now) {
  ws_time newest = l->slot_count ? l->slots[l->slot_count - 1].at : INT64_MIN;
  return l->in_flight_count == 0 && now >= l->hold_until &&
         (l->slot_count == 0 || now - newest >= ws_limiter_distance(l));
}


uint64_t ws_limiter_start(ws_limiter *l, ws_time now, unsigned group) {
  ws_in_flight *request;
  if (l->in_flight_count == WS_LIMITER_IN_FLIGHT) return 0;
  request = &l->in_flight[l->in_flight_count++];
  request->reservation = ++l->reservations;
  request->start = now;
  request->group = group < WS_LIMITER_GROUPS ? group : 0;
  request->owner = 0;
  return request->reservation;
}


void ws_limiter_record_response(ws_limiter *l, uint64_t reservation,
                                ws_time written, ws_time answered) {
  ws_in_flight request;
  ws_rtt_stats *rtt;
  if (!remove_in_flight(l, reservation, &request)) return;
  written = min_time(max_time(written, request.start), answered);
  rtt = &l->rtt[request.group];
  record_rtt(l, rtt, answered - written, answered);
  add_slot(l, written + (answered - baseline_rtt(l, rtt) + rtt_margin(rtt)
                         - written) * l->latency_share / FULL_SHARE, true);
  l->accepted++;
  lower_latency_share(l);
  l->safety_margin -= l->safety_margin / 256;
  l->lateness = max_time(l->lateness - l->lateness / 16,
                         answered - request.start - min_rtt(rtt)
                           + rtt_margin(rtt));
}


/*
** Requests in flight together are often rejected together, and so are others
** while the same second is full. All these 429s have one cause. So only the
** first lengthens the quiet period; the others may still show that the service
** accepted less than the rate.
*/
static void on_429(ws_limiter *l, const ws_in_flight *request, ws_time at,
                   ws_time answered, double named_rate) {
  bool is_first = request->start >= l->same_429_until;
  bool is_another = is_first && is_stricter(l->rate, l->limit);
  if (is_another || l->rate <= 0 || is_stricter(named_rate, l->rate))
    l->quiet_period = max_time(l->quiet_period, LONG_QUIET_PERIOD);
  if (is_stricter(named_rate, l->rate))
    lower_rate(l, named_rate);
  else if (!is_first || !raise_latency_share(l))
    on_unexplained_429(l, request, at, is_first);
  if (is_first)
    l->same_429_until = max_time(request->start + WS_SECOND, answered);
  l->last_429_at = answered;
}


void ws_limiter_record_429(ws_limiter *l, uint64_t reservation,
                           ws_time written, ws_time answered,
                           double named_rate) {
  ws_in_flight request;
  ws_time at;
  if (!remove_in_flight(l, reservation, &request)) return;
  written = min_time(max_time(written, request.start), answered);
  at = answered - min_time(answered - written, min_rtt_of_all(l));
  on_429(l, &request, at, answered, named_rate);
  add_slot(l, at, false);
  l->accepted = 0;
}


void ws_limiter_record_lost(ws_limiter *l, uint64_t reservation,
                            ws_time now) {
  ws_in_flight request;
  ws_time rtt = min_rtt_of_all(l);
  if (remove_in_flight(l, reservation, &request))
    add_slot(l, rtt < WS_SECOND ? now + rtt : now, true);
}


void ws_limiter_record_unsent(ws_limiter *l, uint64_t reservation) {
  ws_in_flight request;
  remove_in_flight(l, reservation, &request);
}


void ws_limiter_record_end(ws_limiter *l, uint64_t reservation,
                           const ws_request_end *end) {
  switch (end->how) {
    case WS_END_RESPONSE:
      ws_limiter_record_response(l, reservation, end->written,
                                 end->answered);
      break;
    case WS_END_429:
      ws_limiter_record_429(l, reservation, end->written, end->answered,
                            end->named_rate);
      ws_limiter_hold(l, end->hold_until);
      break;
    case WS_END_LOST:
      ws_limiter_record_lost(l, reservation, end->answered);
      break;
    case WS_END_UNSENT:
      ws_limiter_record_unsent(l, reservation);
      break;
  }
}


void ws_limiter_hold(ws_limiter *l, ws_time until) {
  l->hold_until = max_time(l->hold_until, until);
}
