/*
** The content of a shared limit file: the limiter, the requests in flight of
** each process, and the queue of processes that wait for their turn. Pure: no
** file, no lock, no clock. `process` is a number below WS_LIMIT_PROCESSES,
** different for each process.
*/

#ifndef WS_LIMIT_RECORD_H
#define WS_LIMIT_RECORD_H

#include <stddef.h>

#include "limit/limiter.h"

enum {
  WS_LIMIT_PROCESSES = 256,
  WS_LIMIT_RECORD_SIZE = 65536    /* most bytes that a record is written as */
};

/* A process that waits to start a request. */
typedef struct ws_waiter {
  unsigned process;
  ws_time departs;       /* when it expects to start it; later if no slot is
                         ** free then. It loses its turn if it is late by a
                         ** window, and by at least a second. */
} ws_waiter;

typedef struct ws_limit_record {
  ws_limiter limiter;
  int waiter_count;
  ws_waiter waiters[WS_LIMIT_PROCESSES];   /* the first in line first */
} ws_limit_record;

typedef enum ws_record_state {
  WS_RECORD_GOOD,
  WS_RECORD_EMPTY,         /* nothing was ever written */
  WS_RECORD_OTHER_CLOCK,   /* its times are of another clock */
  WS_RECORD_FOREIGN,       /* not a limit record */
  WS_RECORD_DAMAGED
} ws_record_state;

void ws_limit_record_init(ws_limit_record *record, double per_second);

/* Returns when the process may start its next request: at its place in the
** queue, or behind all others if it has none. Not after `now`: at once. */
ws_time ws_limit_record_turn(ws_limit_record *record, unsigned process,
                             ws_time now);

/* Sets when the process will start its next request, and puts it at the end of
** the queue if it is not in it. False if nothing changed. */
bool ws_limit_record_wait(ws_limit_record *record, unsigned process,
                          ws_time departs);

/* Removes a process from the queue; false if it is not in it. */
bool ws_limit_record_leave(ws_limit_record *record, unsigned process);

/* Starts a request of a process; see ws_limiter_start. */
uint64_t ws_limit_record_start(ws_limit_record *record, unsigned process,
                               ws_time now, unsigned group);

/* Removes processes that did not take their turn; false if there are none. */
bool ws_limit_record_expire(ws_limit_record *record, ws_time now);

/* Removes a dead process from the queue and counts its requests in flight as
** lost; false if it had neither. */
bool ws_limit_record_disown(ws_limit_record *record, unsigned process,
                            ws_time now);

/* Writes the part of the record that still matters at `now`, at most
** WS_LIMIT_RECORD_SIZE bytes; returns their number. `clock` identifies the
** clock of the times, see base/clock_id.h. */
size_t ws_limit_record_write(const ws_limit_record *record, ws_time now,
                             uint64_t clock, unsigned char *bytes);

/* Reads a record. Nothing in the bytes is trusted: a good record has only
** values that the limiter can have reached by `now`. */
ws_record_state ws_limit_record_read(ws_limit_record *record, ws_time now,
                                     uint64_t clock,
                                     const unsigned char *bytes,
                                     size_t size);

#endif
