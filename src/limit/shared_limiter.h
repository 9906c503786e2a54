/*
** The rate limiters of a process: one for each token and address, shared by
** all clients in all threads. Each client opens a handle to its limiter; the
** lowest rate of all handles counts. The call that has waited longest is next.
*/

#ifndef WS_SHARED_LIMITER_H
#define WS_SHARED_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "workstage.h"

typedef struct ws_limiter_handle ws_limiter_handle;
typedef uint64_t ws_reservation;

/*
** Opens a handle to the limiter of `key` (address and token) at `rate`
** requests a second, 0 for no limit of its own. `path` names the file that
** shares the limit with other processes, or is NULL. `wake` is the wakeup
** of the client's loop (base/wakeup.h); it is signalled when a waiting handle
** may ask again earlier than the time it got.
*/
ws_limiter_handle *ws_limit_open(const char *key, double rate,
                                 const char *path, int wake,
                                 ws_error *error);
void ws_limit_close(ws_limiter_handle *handle);

/* The request of a client's next call for its turn. */
typedef struct ws_turn {
  ws_time now;
  ws_time since;       /* when the call began to wait */
  ws_time patience;    /* a lock that is busy for so long is an error */
  unsigned group;      /* see limiter.h */
  bool more;           /* another call of the client will follow at once */
} ws_turn;

/*
** Starts a request if it is the call's turn: sets *reservation, to be passed
** to one of the ws_limit_record functions, and *at to a time not after `now`.
** Otherwise *reservation is 0 and *at is when to ask again; WS_NEVER: when the
** wakeup is signalled; a time not after `now`: after another handle of the
** same loop, which comes first. False with `error` if the limit file cannot be
** used.
*/
bool ws_limit_start(ws_limiter_handle *handle, const ws_turn *turn,
                    ws_reservation *reservation, ws_time *at,
                    ws_error *error);

/* Gives up the client's turn, as it has no call that could start now. Returns
** when to call this or ws_limit_start again: `now` if other clients of the
** loop may start earlier than the times they got; WS_NEVER if there is nothing
** to do. */
ws_time ws_limit_stop_waiting(ws_limiter_handle *handle, ws_time now);

/* True while another process holds the lock of the limit file. */
bool ws_limit_is_locked(const ws_limiter_handle *handle);

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

/* Records a request that was not sent. */
void ws_limit_record_unsent(ws_limiter_handle *handle,
                            ws_reservation reservation);

/* Handlers for pthread_atfork: the child must not inherit a locked table, and
** its clients get limiters of their own. */
void ws_shared_limiter_before_fork(void);
void ws_shared_limiter_after_fork(void);
void ws_shared_limiter_in_child(void);

#endif
