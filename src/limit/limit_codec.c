/*
** Encodes a limit record: a header of fixed size, then numbers of variable
** length. Times are stored relative to the time of writing.
*/

#include <string.h>

#include "limit/limit_record.h"

/* The header: numbers of eight bytes, at these offsets. */
enum {
  AT_MAGIC = 0,
  AT_CLOCK = 8,           /* identifies the clock, see base/clock_id.h */
  AT_SUM = 16,            /* of all bytes from AT_SIZE on */
  AT_SIZE = 24,           /* of the record in bytes, with the header */
  AT_TIME = 32,           /* of writing */
  HEADER = 40             /* size of the header */
};

enum {
  MAX_VARINT = 10,        /* bytes of a number of variable length */
  MOST_STEPS = 64         /* most times that easing_interval is its start */
};

#define HOUR (3600 * WS_SECOND)
#define YEARS (INT64_C(1) << 56)      /* no time is longer, in microseconds */
#define MOST_COUNT (INT64_C(1) << 53)
#define KEPT (10 * WS_SECOND)         /* slots that the limiter looks at */
#define TOLERANCE WS_SECOND           /* most that a writer's clock is ahead */

static const unsigned char magic[8] = "wslimit2";

/* FNV-1a. */
static uint64_t sum_of(const unsigned char *bytes, size_t size) {
  uint64_t sum = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < size; i++)
    sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
  return sum;
}

/* -------------------------------------------------------------- writing */

static unsigned char *put_fixed(unsigned char *to, uint64_t value) {
  for (int i = 0; i < 8; i++) *to++ = (unsigned char)(value >> (8 * i));
  return to;
}

static unsigned char *put(unsigned char *to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = (unsigned char)(value | 0x80);
  *to++ = (unsigned char)value;
  return to;
}

/* A signed number: 0, -1, 1, -2 .. are written as 0, 1, 2, 3 .. */
static unsigned char *put_signed(unsigned char *to, int64_t value) {
  uint64_t twice = (uint64_t)value << 1;
  return put(to, value < 0 ? ~twice : twice);
}

static unsigned char *put_double(unsigned char *to, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return put_fixed(to, bits);
}

/* A time in the past; 0: never. */
static unsigned char *put_event(unsigned char *to, ws_time now, ws_time at) {
  return put(to, at == 0 || at > now ? 0 : (uint64_t)(now - at) + 1);
}

static ws_time min_time(ws_time a, ws_time b) {
  return a < b ? a : b;
}

static unsigned char *put_state(unsigned char *to, ws_time now,
                                const ws_limiter *l) {
  to = put_double(to, l->limit);
  to = put_double(to, l->rate);
  to = put_double(to, l->proven_rate);
  to = put(to, l->hold_until <= now
                 ? 0 : (uint64_t)min_time(l->hold_until - now, HOUR));
  to = put(to, (uint64_t)l->safety_margin);
  to = put_signed(to, l->lateness);
  to = put_event(to, now, l->last_429_at);
  to = put(to, (uint64_t)l->quiet_period);
  to = put_event(to, now, l->trial_started_at);
  to = put(to, (uint64_t)l->consecutive_429);
  to = put(to, (uint64_t)l->accepted);
  to = put(to, (uint64_t)l->accepted_before);
  to = put(to, (uint64_t)l->latency_share);
  to = put(to, (uint64_t)l->easing_interval);
  to = put_signed(to, now - l->same_429_until);
  return put(to, l->reservations);
}

/* Writes only slots that a start or the handling of a 429 can still need. */
static unsigned char *put_slots(unsigned char *to, ws_time now,
                                const ws_limiter *l) {
  ws_time kept = ws_limiter_distance(l) + KEPT, last = now;
  int first = 0;
  while (first < l->slot_count && l->slots[first].at < now - kept) first++;
  to = put(to, (uint64_t)(l->slot_count - first));
  for (int i = first; i < l->slot_count; i++) {
    ws_time at = min_time(l->slots[i].at, now + WS_SECOND);
    if (i == first) to = put_signed(to, at - now);
    else to = put(to, (uint64_t)(at - last));
    last = at;
  }
  for (int i = first; i < l->slot_count; i += 8) {
    unsigned accepted = 0;
    for (int j = i; j < i + 8 && j < l->slot_count; j++)
      accepted |= (unsigned)l->slots[j].accepted << (j - i);
    *to++ = (unsigned char)accepted;
  }
  return to;
}

static unsigned char *put_in_flight(unsigned char *to, ws_time now,
                                    const ws_limiter *l) {
  uint64_t last = 0;
  to = put(to, (uint64_t)l->in_flight_count);
  for (int i = 0; i < l->in_flight_count; i++) {
    const ws_in_flight *request = &l->in_flight[i];
    to = put(to, request->reservation - last);
    to = put_signed(to, now - min_time(request->start, now + WS_SECOND));
    *to++ = (unsigned char)request->group;
    *to++ = (unsigned char)request->owner;
    last = request->reservation;
  }
  return to;
}

static unsigned char *put_rtt(unsigned char *to, ws_time now,
                              const ws_limiter *l) {
  for (int i = 0; i < WS_LIMITER_GROUPS; i++) {
    const ws_rtt_stats *rtt = &l->rtt[i];
    to = put(to, (uint64_t)rtt->recent.count);
    to = put(to, (uint64_t)rtt->before.count);
    if (rtt->recent.count + rtt->before.count == 0) continue;
    to = put_signed(to, now - rtt->since);
    to = put(to, (uint64_t)rtt->recent.min);
    to = put(to, (uint64_t)rtt->recent.sum);
    to = put(to, (uint64_t)rtt->before.min);
    to = put(to, (uint64_t)rtt->before.sum);
  }
  return to;
}

static unsigned char *put_waiters(unsigned char *to, ws_time now,
                                  const ws_limit_record *r) {
  to = put(to, (uint64_t)r->waiter_count);
  for (int i = 0; i < r->waiter_count; i++) {
    *to++ = (unsigned char)r->waiters[i].process;
    to = put_signed(to, r->waiters[i].departs - now);
  }
  return to;
}

_Static_assert(HEADER + 32 * MAX_VARINT +
                 (WS_LIMITER_SLOTS + WS_LIMITER_SPARE_SLOTS) *
                   (MAX_VARINT + 1) +
                 WS_LIMITER_IN_FLIGHT * (2 * MAX_VARINT + 2) +
                 WS_LIMITER_GROUPS * 7 * MAX_VARINT +
                 WS_LIMIT_PROCESSES * (MAX_VARINT + 1) <
               WS_LIMIT_RECORD_SIZE, "a record fits its buffer");

size_t ws_limit_record_write(const ws_limit_record *r, ws_time now,
                             uint64_t clock, unsigned char *bytes) {
  unsigned char *to = bytes + HEADER;
  to = put_state(to, now, &r->limiter);
  to = put_slots(to, now, &r->limiter);
  to = put_in_flight(to, now, &r->limiter);
  to = put_rtt(to, now, &r->limiter);
  to = put_waiters(to, now, r);
  memcpy(bytes + AT_MAGIC, magic, sizeof magic);
  put_fixed(bytes + AT_CLOCK, clock);
  put_fixed(bytes + AT_SIZE, (uint64_t)(to - bytes));
  put_fixed(bytes + AT_TIME, (uint64_t)now);
  put_fixed(bytes + AT_SUM, sum_of(bytes + AT_SIZE,
                                   (size_t)(to - bytes) - AT_SIZE));
  return (size_t)(to - bytes);
}

/* -------------------------------------------------------------- reading */

typedef struct byte_reader {
  const unsigned char *at, *end;
  ws_time now;           /* of the writer */
  bool failed;
} byte_reader;

static uint64_t get_fixed(const unsigned char *at) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--) value = value << 8 | at[i];
  return value;
}

/* Reads a number of at most 63 bits that is at most `most`. */
static int64_t get(byte_reader *in, int64_t most) {
  uint64_t value = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    unsigned char byte;
    if (in->at == in->end) break;
    byte = *in->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte & 0x80) continue;
    if (value > (uint64_t)most) break;
    return (int64_t)value;
  }
  in->failed = true;
  return 0;
}

static int64_t get_signed(byte_reader *in, int64_t least, int64_t most) {
  uint64_t twice = (uint64_t)get(in, INT64_MAX);
  int64_t value = (int64_t)(twice >> 1);
  if (twice & 1) value = -value - 1;
  if (value >= least && value <= most) return value;
  in->failed = true;
  return 0;
}

static int get_int(byte_reader *in, int most) {
  return (int)get(in, most);
}

static unsigned get_byte(byte_reader *in, unsigned most) {
  unsigned value = in->at < in->end ? *in->at++ : most + 1;
  if (value <= most) return value;
  in->failed = true;
  return 0;
}

/* Reads a rate; only those that ws_limiter_init would not change are valid. */
static double get_rate(byte_reader *in) {
  double rate = 0;
  uint64_t bits;
  if (in->end - in->at < 8) {
    in->failed = true;
    return 0;
  }
  bits = get_fixed(in->at);
  in->at += 8;
  memcpy(&rate, &bits, sizeof rate);
  if (rate == 0 ||
      (rate >= WS_LIMITER_MIN_RATE && rate < WS_LIMITER_NO_RATE)) return rate;
  in->failed = true;
  return 0;
}

static ws_time get_event(byte_reader *in) {
  int64_t ago = get(in, YEARS);
  return ago ? in->now - ago + 1 : 0;
}

static ws_time get_hold(byte_reader *in) {
  int64_t ahead = get(in, HOUR);
  return ahead ? in->now + ahead : 0;
}

static void get_state(byte_reader *in, ws_limiter *l) {
  double limit = get_rate(in), rate = get_rate(in);
  ws_limiter_init(l, limit);
  if (!ws_limiter_restore_rate(l, rate)) in->failed = true;
  l->proven_rate = get_rate(in);
  l->hold_until = get_hold(in);
  l->safety_margin = get(in, WS_SECOND / 10);
  l->lateness = get_signed(in, -HOUR, 24 * HOUR);
  l->last_429_at = get_event(in);
  l->quiet_period = get(in, HOUR);
  l->trial_started_at = get_event(in);
  l->consecutive_429 = get_int(in, 1 << 30);
  l->accepted = get(in, MOST_COUNT);
  l->accepted_before = get(in, MOST_COUNT);
  l->latency_share = get_int(in, 4);
  l->easing_interval = get_int(in, 60 * MOST_STEPS);
  l->same_429_until = in->now - get_signed(in, -HOUR, YEARS);
  l->reservations = (uint64_t)get(in, MOST_COUNT);
}

static void get_slots(byte_reader *in, ws_limiter *l) {
  ws_time last = in->now;
  l->slot_count = get_int(in, WS_LIMITER_SLOTS + WS_LIMITER_SPARE_SLOTS);
  for (int i = 0; i < l->slot_count && !in->failed; i++) {
    last += i ? get(in, YEARS) : get_signed(in, -YEARS, WS_SECOND);
    if (last > in->now + WS_SECOND) in->failed = true;
    l->slots[i].at = last;
  }
  for (int i = 0; i < l->slot_count; i += 8) {
    unsigned accepted = get_byte(in, 0xff);
    for (int j = i; j < i + 8 && j < l->slot_count; j++)
      l->slots[j].accepted = accepted >> (j - i) & 1;
  }
}

/* Reservations and starts increase; a start may be later than the record's
** time, as processes read the clock before they take the lock. */
static void get_in_flight(byte_reader *in, ws_limiter *l) {
  uint64_t last = 0;
  ws_time before = INT64_MIN;
  l->in_flight_count = get_int(in, WS_LIMITER_IN_FLIGHT);
  for (int i = 0; i < l->in_flight_count && !in->failed; i++) {
    ws_in_flight *request = &l->in_flight[i];
    uint64_t step = (uint64_t)get(in, MOST_COUNT);
    request->reservation = last + step;
    request->start = in->now - get_signed(in, -WS_SECOND, YEARS);
    request->group = get_byte(in, WS_LIMITER_GROUPS - 1);
    request->owner = get_byte(in, WS_LIMIT_PROCESSES - 1);
    if (step == 0 || request->reservation > l->reservations)
      in->failed = true;
    if (request->start < before) request->start = before;
    last = request->reservation;
    before = request->start;
  }
}

static bool is_possible(int64_t count, int64_t min, int64_t sum) {
  return count == 0 ? min == 0 && sum == 0
                    : min <= sum && sum / count >= min;
}

static void get_rtt(byte_reader *in, ws_limiter *l) {
  for (int i = 0; i < WS_LIMITER_GROUPS && !in->failed; i++) {
    ws_rtt_stats *rtt = &l->rtt[i];
    rtt->recent.count = get(in, MOST_COUNT);
    rtt->before.count = get(in, MOST_COUNT);
    if (rtt->recent.count + rtt->before.count == 0) continue;
    rtt->since = in->now - get_signed(in, -HOUR, YEARS);
    rtt->recent.min = get(in, YEARS);
    rtt->recent.sum = get(in, YEARS);
    rtt->before.min = get(in, YEARS);
    rtt->before.sum = get(in, YEARS);
    if (!is_possible(rtt->recent.count, rtt->recent.min, rtt->recent.sum) ||
        !is_possible(rtt->before.count, rtt->before.min, rtt->before.sum))
      in->failed = true;
  }
}

static void get_waiters(byte_reader *in, ws_limit_record *r) {
  bool known[WS_LIMIT_PROCESSES] = {false};
  ws_time each = ws_limiter_distance(&r->limiter);
  ws_time most = HOUR + 60 * WS_SECOND;  /* a hold, and clocks that differ */
  r->waiter_count = get_int(in, WS_LIMIT_PROCESSES);
  for (int i = 0; i < r->waiter_count && !in->failed; i++) {
    unsigned process = get_byte(in, WS_LIMIT_PROCESSES - 1);
    if (known[process]) in->failed = true;
    known[process] = true;
    r->waiters[i].process = process;
    r->waiters[i].departs = in->now + get_signed(in, -YEARS, most);
    most += each;
  }
}

static bool is_empty(const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i]) return false;
  return true;
}

/* Reads the header and returns the state of the record according to it. */
static ws_record_state read_header(byte_reader *in, ws_time now,
                                 uint64_t clock, const unsigned char *bytes,
                                 size_t size) {
  uint64_t length, written;
  if (is_empty(bytes, size)) return WS_RECORD_EMPTY;
  if (size < HEADER || memcmp(bytes, magic, sizeof magic) != 0)
    return WS_RECORD_FOREIGN;
  if (get_fixed(bytes + AT_CLOCK) != clock) return WS_RECORD_OTHER_CLOCK;
  length = get_fixed(bytes + AT_SIZE);
  if (length < HEADER || length > size ||
      get_fixed(bytes + AT_SUM) !=
        sum_of(bytes + AT_SIZE, (size_t)length - AT_SIZE))
    return WS_RECORD_DAMAGED;
  written = get_fixed(bytes + AT_TIME);
  if (written > YEARS) return WS_RECORD_DAMAGED;
  if ((ws_time)written > now + TOLERANCE) return WS_RECORD_OTHER_CLOCK;
  *in = (byte_reader){bytes + HEADER, bytes + length, (ws_time)written,
                      false};
  return WS_RECORD_GOOD;
}

ws_record_state ws_limit_record_read(ws_limit_record *r, ws_time now,
                                     uint64_t clock,
                                     const unsigned char *bytes,
                                     size_t size) {
  byte_reader in;
  ws_record_state state = read_header(&in, now, clock, bytes, size);
  if (state != WS_RECORD_GOOD) return state;
  ws_limit_record_init(r, 0);
  get_state(&in, &r->limiter);
  get_slots(&in, &r->limiter);
  get_in_flight(&in, &r->limiter);
  get_rtt(&in, &r->limiter);
  get_waiters(&in, r);
  return in.failed || in.at != in.end ? WS_RECORD_DAMAGED : WS_RECORD_GOOD;
}
