/*
** The rate limits of a process: one limiter for each token and address,
** shared by all clients of it in all threads. A share is one client's part
** in it; the lowest rate of all shares counts.
*/

#ifndef WS_ALLOWANCE_H
#define WS_ALLOWANCE_H

#include <stdint.h>

#include "base/clock.h"
#include "workstage.h"

typedef struct ws_share ws_share;
typedef uint64_t ws_ticket;

/*
** A share in the allowance of `key` (address and token) at `rate` requests a
** second, 0 for none of its own. `path` names the file through which other
** processes take part in it, or is NULL. `wake` is an eventfd that is written
** when a waiting share may ask again earlier than it was told.
*/
ws_share *ws_share_open(const char *key, double rate, const char *path,
                        int wake, ws_error *error);
void ws_share_close(ws_share *share);

/*
** Asks to start a request now (`kind`: see limiter.h). At or before `now`:
** granted, with a ticket that one of the next four functions must take back.
** Later: ask again then; WS_NEVER: when the wake descriptor says so.
*/
ws_time ws_share_start(ws_share *share, ws_time now, unsigned kind,
                       ws_ticket *ticket);

void ws_share_answered(ws_share *share, ws_ticket ticket, ws_time written,
                       ws_time answered);

/* A 429: all requests of the token hold until `until`. */
void ws_share_rejected(ws_share *share, ws_ticket ticket, ws_time written,
                       ws_time answered, double named_rate, ws_time until);
void ws_share_lost(ws_share *share, ws_ticket ticket, ws_time now);
void ws_share_unsent(ws_share *share, ws_ticket ticket);

/* For pthread_atfork: the table must not be left locked in the child, whose
** clients start with limiters of their own. */
void ws_share_before_fork(void);
void ws_share_after_fork(void);
void ws_share_in_child(void);

#endif
