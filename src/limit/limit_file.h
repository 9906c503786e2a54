/*
** A limiter that processes share through a file on a local file system.
**
** The file holds one limiter, read and written whole under a lock (it is not
** mapped: a torn file must not tear a process). Each process holds another
** lock, its slot, for as long as it lives; requests in flight name their
** slot, so that those of a process that died can be given up.
*/

#ifndef WS_SHARED_H
#define WS_SHARED_H

#include "base/clock.h"
#include "limit/limiter.h"
#include "workstage.h"

typedef struct ws_shared ws_shared;

/* Opens or makes the file; NULL with `error`. */
ws_shared *ws_shared_open(const char *path, double per_second,
                          ws_error *error);
void ws_shared_close(ws_shared *shared);

/* This process asks for at most so many requests a second; 0: as many as
** before. */
void ws_shared_lower(ws_shared *shared, double per_second);

/* In a forked child: lets go of the parent's file without touching it. */
void ws_shared_abandon(ws_shared *shared);

const char *ws_shared_path(const ws_shared *shared);

/*
** The limiter as all processes have left it, until ws_shared_leave writes it
** back. No other process gets at it between.
*/
ws_limiter *ws_shared_enter(ws_shared *shared, ws_time now);
void ws_shared_leave(ws_shared *shared);

/* Between the two: this process has a request in flight, or no more. */
void ws_shared_began(ws_shared *shared, uint64_t ticket);
void ws_shared_ended(ws_shared *shared, uint64_t ticket);

#endif
