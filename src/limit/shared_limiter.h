/*
** The rate limiters of a process: one for each token and address, shared by
** all clients in all threads. Each client opens a handle to its limiter; the
** lowest rate of all handles counts. The call that has waited longest is next.
**
** Names: ws_limit_ (here) decides for a client whose turn it is. The rules are
** in ws_limiter_ (limiter.h), for one process; ws_limit_file_ and
** ws_limit_record_ (limit_file.h, limit_record.h) share a limiter among
** processes. Every function may be called from any thread, one thread at a
** time for each handle.
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

/* Closes a handle that has no reservations. */
void ws_limit_close(ws_limiter_handle *handle);

/* The request of a client's next call for its turn. */
typedef struct ws_turn {
  ws_time now;
  ws_time since;       /* when the call began to wait */
  ws_time patience;    /* if the lock of the limit file is busy for so long,
                       ** that is an error */
  unsigned group;      /* see limiter.h */
  bool more;           /* another call of the client will follow at once */
} ws_turn;

/*
** Starts a request if it is the call's turn: sets *reservation, to be passed
** to one of the ws_limit_report functions, and *at to a time not after `now`.
** Otherwise *reservation is 0 and *at is when to ask again: at that time, or
** earlier if the wakeup is signalled. WS_NEVER: only when it is signalled. A
** time not after `now`: in this round, after another handle of the same loop,
** which comes first. False with `error`, and nothing started, if the limit file
** cannot be used.
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

/*
** Each of the next four reports how a request ended, and ends its reservation.
** `written`: when the connection was open and the request about to be sent.
** `answered`: when the first byte of the response came. If the limit file is
** busy, the report is kept and written later.
*/

/* A response other than 429. */
void ws_limit_report_response(ws_limiter_handle *handle,
                              ws_reservation reservation, ws_time written,
                              ws_time answered);

/* A 429. No request of the token starts before `until`. `named_rate`: the rate
** that the response names, in requests a second; 0: none. */
void ws_limit_report_429(ws_limiter_handle *handle,
                         ws_reservation reservation, ws_time written,
                         ws_time answered, double named_rate, ws_time until);

/* A request without a response, which the service may have received; noticed at
** `now`. */
void ws_limit_report_lost(ws_limiter_handle *handle,
                          ws_reservation reservation, ws_time now);

/* A request that was not sent. */
void ws_limit_report_unsent(ws_limiter_handle *handle,
                            ws_reservation reservation);

/* Handlers for pthread_atfork: the child must not inherit a locked table, and
** its clients get limiters of their own. Limit files are used only while the
** table is locked, so their locks are free during a fork as well. */
void ws_shared_limiter_before_fork(void);
void ws_shared_limiter_in_parent(void);
void ws_shared_limiter_in_child(void);

#endif
