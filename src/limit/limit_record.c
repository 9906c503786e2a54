#include "limit/limit_record.h"

#include <string.h>

/* The least time between the turns of two waiting processes, so that a fast
** process does not take the turn of one that is slow to wake up. */
#define SPACING (20 * WS_SECOND / 1000)
#define MIN_EXPIRY WS_SECOND

static ws_time max_time(ws_time a, ws_time b) {
  return a > b ? a : b;
}

static ws_time min_time(ws_time a, ws_time b) {
  return a < b ? a : b;
}

void ws_limit_record_init(ws_limit_record *r, double per_second) {
  r->waiter_count = 0;
  ws_limiter_init(&r->limiter, per_second);
}

/* The index of a process in the queue; the queue's length if it is not in
** it. */
static int index_of(const ws_limit_record *r, unsigned process) {
  int i = 0;
  while (i < r->waiter_count && r->waiters[i].process != process) i++;
  return i;
}

static ws_time spacing(const ws_limiter *limiter) {
  ws_time even = ws_limiter_distance(limiter) /
                 (2 * (ws_time)limiter->slots_per_window);
  return min_time(SPACING, even);
}

/* The turn behind `ahead` others. They use the slots that are free next; once
** these are used up, a slot is free a window after an earlier waiter starts. */
static ws_time turn_behind(ws_limit_record *r, ws_time now, int ahead) {
  ws_limiter *limiter = &r->limiter;
  int over = ahead - limiter->slots_per_window;
  ws_time at;
  if (ahead > 0 && over >= 0)
    return max_time(limiter->hold_until,
                    max_time(r->waiters[over].departs, now) +
                      ws_limiter_distance(limiter));
  at = ws_limiter_start_behind(limiter, now, ahead);
  return at == WS_NEVER ? ws_limiter_estimate(limiter, now, ahead) : at;
}

ws_time ws_limit_record_turn(ws_limit_record *r, unsigned process,
                             ws_time now) {
  bool is_limited = r->limiter.slots_per_window > 0;
  int ahead = is_limited ? index_of(r, process) : 0;
  ws_time at = turn_behind(r, now, ahead);
  if (ahead == 0) return at;
  return max_time(at, r->waiters[ahead - 1].departs + spacing(&r->limiter));
}

bool ws_limit_record_wait(ws_limit_record *r, unsigned process,
                          ws_time departs) {
  int index = index_of(r, process);
  if (index == WS_LIMIT_PROCESSES) return false;
  if (index == r->waiter_count) r->waiter_count++;
  else if (r->waiters[index].departs == departs) return false;
  r->waiters[index] = (ws_waiter){process, departs};
  return true;
}

static void remove_waiter(ws_limit_record *r, int index) {
  r->waiter_count--;
  memmove(r->waiters + index, r->waiters + index + 1,
          (size_t)(r->waiter_count - index) * sizeof r->waiters[0]);
}

bool ws_limit_record_leave(ws_limit_record *r, unsigned process) {
  int index = index_of(r, process);
  if (index == r->waiter_count) return false;
  remove_waiter(r, index);
  return true;
}

uint64_t ws_limit_record_start(ws_limit_record *r, unsigned process,
                               ws_time now, unsigned group) {
  ws_limiter *limiter = &r->limiter;
  uint64_t reservation = ws_limiter_start(limiter, now, group);
  if (reservation)
    limiter->in_flight[limiter->in_flight_count - 1].owner = process;
  return reservation;
}

bool ws_limit_record_expire(ws_limit_record *r, ws_time now) {
  ws_time patience = max_time(ws_limiter_distance(&r->limiter), MIN_EXPIRY);
  int before = r->waiter_count;
  for (int i = r->waiter_count - 1; i >= 0; i--)
    if (now - r->waiters[i].departs > patience) remove_waiter(r, i);
  return r->waiter_count != before;
}

bool ws_limit_record_disown(ws_limit_record *r, unsigned process,
                            ws_time now) {
  ws_limiter *limiter = &r->limiter;
  bool changed = ws_limit_record_leave(r, process);
  for (int i = limiter->in_flight_count - 1; i >= 0; i--) {
    const ws_in_flight *request = &limiter->in_flight[i];
    if (request->owner != process) continue;
    ws_limiter_record_lost(limiter, request->reservation, now);
    changed = true;
  }
  return changed;
}
