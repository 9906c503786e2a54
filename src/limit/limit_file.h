/*
** A limiter that processes share through a file on a local file system.
**
** The file holds one limit record, which is read, and written if it changed,
** under a lock (it is not mapped: a torn file must not crash a process). Each
** process has a number and, while it lives, holds a lock for that number.
** When a process has died, the others see that its lock is free and count its
** requests in flight as lost.
**
** No function waits for a lock: if the lock is busy, the function returns when
** to try again.
*/

#ifndef WS_LIMIT_FILE_H
#define WS_LIMIT_FILE_H

#include "base/clock.h"
#include "limit/limiter.h"
#include "workstage.h"

typedef struct ws_limit_file ws_limit_file;

/* Opens or creates the file for at most `per_second` requests a second; 0: no
** limit of this process's own. Close it with ws_limit_file_close. NULL with
** `error` for an unsuitable file: of another user, a symbolic link, not a limit
** record .. */
ws_limit_file *ws_limit_file_open(const char *path, double per_second,
                                  ws_error *error);
void ws_limit_file_close(ws_limit_file *file);

/* In a forked child: leaves the parent's file without touching it. */
void ws_limit_file_abandon(ws_limit_file *file);

const char *ws_limit_file_path(const ws_limit_file *file);

/* Lowers this process's limit to `per_second`; 0, or a higher limit than now,
** changes nothing. */
void ws_limit_file_lower_rate(ws_limit_file *file, double per_second);

/*
** Starts a request if it is this process's turn. Sets *at to the time of the
** turn: if that is not after `now`, the request was started and *reservation
** is set; otherwise *reservation is 0, call again at that time (earlier calls
** do not access the file). `more`: another request will follow at once. False
** with `error`, and nothing started, if the file cannot be used, or if its lock
** has been busy for `patience`.
*/
bool ws_limit_file_start(ws_limit_file *file, ws_time now, unsigned group,
                         bool more, ws_time patience,
                         uint64_t *reservation, ws_time *at,
                         ws_error *error);

/* The time of this process's turn, as of the last access to the file; 0: not
** known. */
ws_time ws_limit_file_next_turn(const ws_limit_file *file);

/* Records how a request ended. False if the lock is busy or the file cannot be
** written: the end is kept, and written at the next access or flush. */
bool ws_limit_file_end(ws_limit_file *file, ws_time now,
                       uint64_t reservation, const ws_request_end *end);

/* Gives up this process's turn, as no request of it waits any more. */
void ws_limit_file_leave(ws_limit_file *file, ws_time now);

/* Writes the ends that could not be written yet. Returns when to try again;
** WS_NEVER if all are written. */
ws_time ws_limit_file_flush(ws_limit_file *file, ws_time now);

/* True while another process holds the lock. */
bool ws_limit_file_is_busy(const ws_limit_file *file);

#endif
