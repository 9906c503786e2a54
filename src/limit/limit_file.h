/*
** A limiter that processes share through a file on a local file system.
**
** The file holds one limiter, read and written whole under a lock (it is not
** mapped: a torn file must not tear a process). Each process holds another
** lock, its slot, for as long as it lives; requests in flight name their
** slot, so that those of a process that died can be given up.
*/

#ifndef WS_LIMIT_FILE_H
#define WS_LIMIT_FILE_H

#include "base/clock.h"
#include "limit/limiter.h"
#include "workstage.h"

typedef struct ws_limit_file ws_limit_file;

/* Opens or makes the file; NULL with `error`. */
ws_limit_file *ws_limit_file_open(const char *path, double per_second,
                          ws_error *error);
void ws_limit_file_close(ws_limit_file *shared);

/* This process asks for at most so many requests a second; 0: as many as
** before. */
void ws_limit_file_lower_rate(ws_limit_file *shared, double per_second);

/* In a forked child: lets go of the parent's file without touching it. */
void ws_limit_file_abandon(ws_limit_file *shared);

const char *ws_limit_file_path(const ws_limit_file *shared);

/*
** The limiter as all processes have left it, until ws_limit_file_unlock writes
** it back. No other process gets at it between.
*/
ws_limiter *ws_limit_file_lock(ws_limit_file *shared, ws_time now);
void ws_limit_file_unlock(ws_limit_file *shared);

/* Between the two: this process has a request in flight, or no more. */
void ws_limit_file_add_owner(ws_limit_file *shared, uint64_t ticket);
void ws_limit_file_remove_owner(ws_limit_file *shared, uint64_t ticket);

#endif
