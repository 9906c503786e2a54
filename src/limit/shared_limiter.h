/*
** The rate limiters of a process: one for each token and address, shared by
** all of its clients in all threads. A handle is one client's use of one;
** the lowest rate of all handles counts.
*/

#ifndef WS_SHARED_LIMITER_H
#define WS_SHARED_LIMITER_H

#include <stdint.h>

#include "base/clock.h"
#include "workstage.h"

typedef struct ws_limiter_handle ws_limiter_handle;
typedef uint64_t ws_reservation;

/*
** Opens a handle to the limiter of `key` (address and token) at `rate`
** requests a second, 0 for no limit of its own. `path` names the file that
** shares the limit with other processes, or is NULL. `wake` is an eventfd; it
** is written when a waiting handle may ask again earlier than it was told.
*/
ws_limiter_handle *ws_limit_open(const char *key, double rate,
                                 const char *path, int wake,
                                 ws_error *error);
void ws_limit_close(ws_limiter_handle *handle);

/*
** Asks to start a request now (`group`: see limiter.h). A result at or before
** `now` grants it, with a reservation to be given to one of the next four
** functions. A later result says when to ask again; WS_NEVER: when the wake
** descriptor is written.
*/
ws_time ws_limit_start(ws_limiter_handle *handle, ws_time now,
                       unsigned group, ws_reservation *reservation);

/* Records a response other than 429. */
void ws_limit_record_response(ws_limiter_handle *handle,
                              ws_reservation reservation, ws_time written,
                              ws_time answered);

/* Records a 429; all requests of the token hold until `until`. */
void ws_limit_record_429(ws_limiter_handle *handle,
                         ws_reservation reservation, ws_time written,
                         ws_time answered, double named_rate, ws_time until);

/* Records a request without a response that may have been received. */
void ws_limit_record_lost(ws_limiter_handle *handle,
                          ws_reservation reservation, ws_time now);

/* Records a request of which nothing was sent. */
void ws_limit_record_unsent(ws_limiter_handle *handle,
                            ws_reservation reservation);

/* Handlers for pthread_atfork: the child must not find the table locked, and
** its clients start with limiters of their own. */
void ws_shared_limiter_before_fork(void);
void ws_shared_limiter_after_fork(void);
void ws_shared_limiter_in_child(void);

#endif
