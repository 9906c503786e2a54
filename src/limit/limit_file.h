/*
** A limiter that processes share through a file on a local file system.
**
** The file holds one limit record, which is read, and written if it changed,
** under a lock (it is not mapped: a torn file must not crash a process). Each
** process holds another lock, by its number, for as long as it lives, so that
** others can give up what it had in flight when it dies.
**
** No function waits for a lock. Where one is busy they say when to try again.
*/

#ifndef WS_LIMIT_FILE_H
#define WS_LIMIT_FILE_H

#include "base/clock.h"
#include "limit/limiter.h"
#include "workstage.h"

typedef struct ws_limit_file ws_limit_file;

/* Opens or creates the file for at most `per_second` requests; 0: no limit of
** one's own. NULL with `error` for a file that cannot serve: of another user,
** a link, not a limit record .. */
ws_limit_file *ws_limit_file_open(const char *path, double per_second,
                                  ws_error *error);
void ws_limit_file_close(ws_limit_file *file);

/* In a forked child: leaves the parent's file without touching it. */
void ws_limit_file_abandon(ws_limit_file *file);

const char *ws_limit_file_path(const ws_limit_file *file);

/* This process asks for at most so many requests a second; 0: as before. */
void ws_limit_file_lower_rate(ws_limit_file *file, double per_second);

/*
** Starts a request if this process has its turn. Sets *at to when it has:
** started, with a reservation, if that is not after `now`; else ask again
** then. Until then the file is left alone. `more`: it will ask for another
** one at once. False with `error` if the file cannot be used, or if its lock
** has been busy for `patience`.
*/
bool ws_limit_file_start(ws_limit_file *file, ws_time now, unsigned group,
                         bool more, ws_time patience,
                         uint64_t *reservation, ws_time *at,
                         ws_error *error);

/* When this process has its turn, as the file said when it was last read;
** 0: not known. */
ws_time ws_limit_file_next_turn(const ws_limit_file *file);

/* Records how a request ended. False if the lock is busy: it is remembered,
** and written at the next access or flush. */
bool ws_limit_file_end(ws_limit_file *file, ws_time now,
                       uint64_t reservation, const ws_request_end *end);

/* This process waits for no turn any more. */
void ws_limit_file_leave(ws_limit_file *file, ws_time now);

/* Writes what could not be written yet. Returns when to try again; WS_NEVER
** if nothing is left. */
ws_time ws_limit_file_flush(ws_limit_file *file, ws_time now);

/* True while another process keeps the lock. */
bool ws_limit_file_is_busy(const ws_limit_file *file);

#endif
