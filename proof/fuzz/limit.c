/*
** Fuzzes the shared limit file: arbitrary bytes, unchanged or with the header
** and checksum of a record, so that its fields are reached. A record that is
** accepted must be usable by the limiter.
*/

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock_id.h"
#include "limit/limit_file.h"
#include "limit/limit_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 40 };

#define YEAR (INT64_C(366) * 86400 * WS_SECOND)

static void check(bool good) {
  if (!good) abort();
}

static void put(unsigned char *to, uint64_t value) {
  for (int i = 0; i < 8; i++) to[i] = (unsigned char)(value >> (8 * i));
}

/* Gives the bytes the head of a record that was written at `now`. */
static void seal(unsigned char *bytes, size_t size, ws_time now) {
  uint64_t sum = UINT64_C(14695981039346656037);
  memcpy(bytes, "wslimit2", 8);
  put(bytes + 8, ws_clock_id());
  put(bytes + 24, size);
  put(bytes + 32, (uint64_t)now);
  for (size_t i = 24; i < size; i++)
    sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
  put(bytes + 16, sum);
}

static void check_limiter(const ws_limiter *limiter, ws_time now) {
  check(limiter->limit >= 0 && limiter->limit < 1e6);
  check(limiter->rate >= 0 && limiter->rate < 1e6);
  check(limiter->hold_until <= now + 3601 * WS_SECOND);
  for (int i = 0; i < limiter->slot_count; i++) {
    check(limiter->slots[i].at <= now + 2 * WS_SECOND);
    check(i == 0 || limiter->slots[i].at >= limiter->slots[i - 1].at);
  }
  for (int i = 0; i < limiter->in_flight_count; i++) {
    const ws_in_flight *request = &limiter->in_flight[i];
    check(request->group < WS_LIMITER_GROUPS);
    check(request->owner < WS_LIMIT_PROCESSES);
    check(i == 0 || request->start >= limiter->in_flight[i - 1].start);
  }
}

/* One process uses the record for a while. */
static void use(ws_limit_record *record, ws_time now, unsigned process) {
  const ws_request_end ends[] = {
    {.how = WS_END_RESPONSE, .written = now, .answered = now + 1000},
    {.how = WS_END_429, .written = now, .answered = now + 1000,
     .named_rate = 3, .hold_until = now + 2000},
    {.how = WS_END_LOST, .answered = now + 1000},
    {.how = WS_END_UNSENT},
  };
  for (int i = 0; i < 4; i++) {
    ws_time turn = ws_limit_record_turn(record, process, now);
    check(turn < now + 400 * YEAR);
    ws_limit_record_wait(record, process, turn);
    if (turn <= now) {
      uint64_t id = ws_limit_record_start(record, process, now, 1);
      ws_limit_record_leave(record, process);
      ws_limiter_record_end(&record->limiter, id, &ends[i]);
    }
  }
  ws_limit_record_expire(record, now + WS_SECOND);
  ws_limit_record_disown(record, process, now);
}

static void try_record(const unsigned char *bytes, size_t size, ws_time now) {
  static ws_limit_record record, again;
  static unsigned char written[WS_LIMIT_RECORD_SIZE];
  uint64_t clock = ws_clock_id();
  unsigned process = size ? bytes[size - 1] : 0;
  if (ws_limit_record_read(&record, now, clock, bytes, size) !=
      WS_RECORD_GOOD)
    return;
  check_limiter(&record.limiter, now);
  size = ws_limit_record_write(&record, now, clock, written);
  check(ws_limit_record_read(&again, now, clock, written, size) ==
        WS_RECORD_GOOD);
  use(&record, now, process);
  check_limiter(&record.limiter, now);
  size = ws_limit_record_write(&record, now, clock, written);
  check(ws_limit_record_read(&again, now, clock, written, size) ==
        WS_RECORD_GOOD);
}

static const char *file_path(void) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/workstage-fuzz-limit-%ld",
           (long)getpid());
  return path;
}

static void write_file(const unsigned char *bytes, size_t size) {
  int fd = open(file_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
  close(fd);
}

/* Opens the file as a client does: it can be used, or causes an error. */
static void try_file(const unsigned char *bytes, size_t size, ws_time now) {
  ws_error error = {WS_OK, ""};
  const ws_request_end end = {.how = WS_END_UNSENT};
  ws_limit_file *file;
  uint64_t reservation = 0;
  ws_time at;
  write_file(bytes, size);
  file = ws_limit_file_open(file_path(), 6, &error);
  if (!file) {
    check(strncmp(error.message, "rate_limit.shared: ", 19) == 0);
    unlink(file_path());
    return;
  }
  write_file(bytes, size);
  if (ws_limit_file_start(file, now, 0, true, WS_SECOND, &reservation, &at,
                          &error) && reservation)
    ws_limit_file_end(file, now, reservation, &end);
  ws_limit_file_close(file);
  unlink(file_path());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ws_time now = ws_now();
  unsigned char *bytes = malloc(size + 1);
  if (!bytes) return 0;
  if (size) memcpy(bytes, data, size);
  try_record(bytes, size, now);
  if (size >= HEADER) {
    seal(bytes, size, now);
    try_record(bytes, size, now);
  }
  if (size % 8 == 0) try_file(bytes, size, now);
  free(bytes);
  return 0;
}
