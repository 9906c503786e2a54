/*
** The event loop: waits for libcurl's sockets, for timers and for the rate
** limiter, and runs what is due. It keeps the lists of calls and clients, but
** knows nothing else of them: what is due is run by the functions of
** `ws_loop_hooks`, which host.c defines.
**
** Life: ws_loop_open (ws_loop_create with host.c's hooks), ws_loop_close, which
** calls ws_loop_shutdown, and ws_loop_release by the last one who uses it.
*/

#ifndef WS_LOOP_H
#define WS_LOOP_H

#include <curl/curl.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/sockets.h"
#include "request/event.h"
#include "request/queue.h"
#include "workstage.h"

/* A transfer; CURLOPT_PRIVATE of its easy handle points to it. */
typedef struct ws_transfer {
  ws_link link;            /* in the loop's list of transfers */
  CURL *easy;
} ws_transfer;

typedef struct ws_loop_hooks {
  /* The transfer has ended, and was removed from the loop's list. */
  void (*transfer_ended)(ws_transfer *transfer, CURLcode code);

  /* libcurl has failed as a whole, and the transfer with it, which is no longer
  ** in the loop's list, but still in libcurl's. */
  void (*transfer_failed)(ws_transfer *transfer, CURLMcode code);

  void (*timer_expired)(ws_timer *timer, ws_time now);

  /* Starts the requests that may be sent now, and sets `limiter_due` to when to
  ** try the others. True if it is to be called again in this round: because a
  ** request was started, or because `limiter_due` is not after `now`. */
  bool (*start_queued)(ws_loop *loop, ws_time now);

  /* The loop is about to be freed. */
  void (*released)(ws_loop *loop);
} ws_loop_hooks;

struct ws_loop {
  const ws_loop_hooks *hooks;
  CURLM *multi;            /* NULL: none at present, see ws_loop_add */
  ws_queue transfers;
  size_t transfer_count;   /* in `transfers` */
  int poller;              /* negative: the loop is closed */
  ws_sockets sockets;      /* those that the poller watches for libcurl */
  int timer_fd;            /* ends the wait of a host that polls `poller` */
  int wakeup;              /* ends the wait from any thread */
  unsigned generation;     /* of the process: changes with fork */
  bool hosted;             /* the host polls: it has called ws_loop_fd */
  bool stepping;           /* ws_loop_run is active */
  ws_time curl_due;        /* when libcurl wants to be called; 0: now */
  ws_time limiter_due;     /* when to call start_queued again */
  ws_time host_due;        /* when the host will call ws_loop_step: the time
                           ** from ws_loop_timeout or, if that is earlier, of
                           ** the timer; WS_NEVER: neither is set */
  ws_heap timers;          /* of calls: pauses, start_before */
  ws_queue finished;       /* calls that ended, for ws_loop_finished */
  ws_queue callbacks;      /* calls that ended, with completion callbacks */
  ws_queue sleepers;       /* calls without a client */
  ws_queue spare;          /* freed calls, kept with their buffers */
  size_t spare_count;
  ws_client *clients;
  size_t references;       /* clients, calls, and the owner until it closes */
  size_t calls;            /* that are not freed: `timers` has space for all */
  size_t pending;          /* calls that have not ended */
  uint64_t last_id;        /* of a call */
  uint64_t rng_state;      /* see base/random.h */
  ws_events events;
};

/* Creates a loop with one reference, its owner's; NULL with `error` if memory
** or descriptors run out. */
ws_loop *ws_loop_create(const ws_loop_hooks *hooks, ws_error *error);

/* Closes the loop, with all descriptors and connections, but keeps it
** allocated. It must have no clients and no sleeping calls any more. */
void ws_loop_shutdown(ws_loop *loop);

/* Drops one reference; frees the loop with the last. */
void ws_loop_release(ws_loop *loop);

bool ws_loop_is_closed(const ws_loop *loop);

/* False, with `error`, if the loop is closed or was opened before a fork. */
bool ws_loop_check_usable(const ws_loop *loop, ws_error *error);

/* Adds a transfer to libcurl, which begins it at the next
** ws_loop_drive_transfers or step; false if memory runs out. */
bool ws_loop_add(ws_loop *loop, ws_transfer *transfer);

/* Removes a transfer from libcurl, and aborts it if it has not ended. */
void ws_loop_remove(ws_loop *loop, ws_transfer *transfer);

/* Lets libcurl begin the transfers that were added, without waiting for the
** next step. */
void ws_loop_drive_transfers(ws_loop *loop);

/* Closes all connections; there must be no transfers. libcurl has one pool for
** all clients, and cannot close the connections of one client. */
void ws_loop_drop_connections(ws_loop *loop);

/* Called after anything that may make the loop due earlier: if that is before
** `host_due`, sets the timer, so that a host that polls wakes up. */
void ws_loop_arm_timer(ws_loop *loop);

/* Does all work that is due, after waiting for it at most `timeout` seconds.
** Does not wait if there are calls to report, or if `*stop` is true (`stop`
** may be NULL). False if a signal interrupted the wait, or if the loop is
** closed or was opened before a fork. */
bool ws_loop_run(ws_loop *loop, double timeout, const bool *stop);

#endif
