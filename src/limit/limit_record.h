/*
** What a shared limit file holds: the limiter, the requests in flight of each
** process, and which processes wait for their turn, first come, first served.
** Here without a file, a lock or a clock; `process` is a number below
** WS_LIMIT_PROCESSES that each process has for itself.
*/

#ifndef WS_LIMIT_RECORD_H
#define WS_LIMIT_RECORD_H

#include <stddef.h>

#include "limit/limiter.h"

enum {
  WS_LIMIT_PROCESSES = 256,
  WS_LIMIT_RECORD_SIZE = 65536    /* most bytes that a record is written as */
};

/* A process whose next request starts at `departs`, unless that is not free
** then. It loses its turn if it does not come for one window. */
typedef struct ws_waiter {
  unsigned process;
  ws_time departs;
} ws_waiter;

typedef struct ws_limit_record {
  ws_limiter limiter;
  int waiter_count;
  ws_waiter waiters[WS_LIMIT_PROCESSES];   /* first come first */
} ws_limit_record;

typedef enum ws_record_state {
  WS_RECORD_GOOD,
  WS_RECORD_EMPTY,         /* nothing was ever written */
  WS_RECORD_OTHER_CLOCK,   /* its times mean nothing here */
  WS_RECORD_FOREIGN,       /* no record of a limit */
  WS_RECORD_DAMAGED
} ws_record_state;

void ws_limit_record_init(ws_limit_record *record, double per_second);

/* Returns when the process may start its next request, behind all that wait
** already, unless it does so itself. At most `now`: at once. */
ws_time ws_limit_record_turn(ws_limit_record *record, unsigned process,
                             ws_time now);

/* Sets when the process will start its next request; false if that is set
** already. A new one waits behind all others. */
bool ws_limit_record_wait(ws_limit_record *record, unsigned process,
                          ws_time departs);

/* Ends the waiting of a process; false if it does not wait. */
bool ws_limit_record_leave(ws_limit_record *record, unsigned process);

/* Starts a request of a process; see ws_limiter_start. */
uint64_t ws_limit_record_start(ws_limit_record *record, unsigned process,
                               ws_time now, unsigned group);

/* Removes those who did not come for their turn; false if there are none. */
bool ws_limit_record_expire(ws_limit_record *record, ws_time now);

/* Gives up all that a process which died has in it; false if nothing. */
bool ws_limit_record_disown(ws_limit_record *record, unsigned process,
                            ws_time now);

/* Writes what still matters at `now` as at most WS_LIMIT_RECORD_SIZE bytes;
** returns how many. `clock` tells whose times they are. */
size_t ws_limit_record_write(const ws_limit_record *record, ws_time now,
                             uint64_t clock, unsigned char *bytes);

/* Reads one back. Nothing in the bytes is trusted: a record that is good has
** only values that the limiter could have come to by `now`. */
ws_record_state ws_limit_record_read(ws_limit_record *record, ws_time now,
                                     uint64_t clock,
                                     const unsigned char *bytes,
                                     size_t size);

#endif
