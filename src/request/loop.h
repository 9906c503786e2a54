/*
** The event loop: waits for libcurl's sockets, for timers and for the rate
** limiter, and runs what is due. It does not know calls and clients; it
** reaches them through the functions of `ws_loop_hooks`, which host.c defines.
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

  /* libcurl has failed as a whole, and the transfer with it. */
  void (*transfer_failed)(ws_transfer *transfer, CURLMcode code);

  void (*timer_expired)(ws_timer *timer, ws_time now);

  /* Starts the requests that may be sent now; true if there were any. */
  bool (*start_queued)(ws_loop *loop, ws_time now);

  /* The loop is about to be freed. */
  void (*released)(ws_loop *loop);
} ws_loop_hooks;

struct ws_loop {
  const ws_loop_hooks *hooks;
  CURLM *multi;            /* NULL: none at present, see ws_loop_add */
  ws_queue transfers;
  size_t transfer_count;
  int poller;              /* negative: the loop is closed */
  ws_sockets sockets;      /* those that the poller watches for libcurl */
  int timer_fd;               /* ends the wait of a host that polls `poller` */
  int wakeup;              /* ends the wait from any thread */
  unsigned generation;     /* of the process: changes with fork */
  bool hosted;             /* the host has asked for ws_loop_fd */
  bool stepping;           /* ws_loop_run is active */
  ws_time curl_due;        /* when libcurl wants to be called */
  ws_time limiter_due;     /* when a limiter is to be asked again */
  ws_time host_due;        /* the time given to the host, or to the timer */
  ws_heap timers;
  ws_queue finished;       /* calls that ended, for ws_loop_finished */
  ws_queue callbacks;      /* calls that ended, with completion callbacks */
  ws_queue sleepers;       /* calls without a client */
  ws_queue spare;          /* freed calls, kept with their buffers */
  size_t spare_count;
  ws_client *clients;
  size_t references;       /* clients, calls, and the owner until it closes */
  size_t calls;            /* that are not freed: each may need a timer */
  size_t pending;          /* calls that have not ended */
  uint64_t last_id;
  uint64_t rng_state;
  ws_events events;
};

/* Opens a loop; NULL with `error` if that fails. */
ws_loop *ws_loop_create(const ws_loop_hooks *hooks, ws_error *error);

/* Closes all descriptors and connections; the loop is then closed. */
void ws_loop_destroy(ws_loop *loop);

/* Drops one reference; frees the loop with the last. */
void ws_loop_release(ws_loop *loop);
bool ws_loop_is_closed(const ws_loop *loop);

/* False, with `error`, if the loop is closed or was opened before a fork. */
bool ws_loop_check_usable(const ws_loop *loop, ws_error *error);

/* Adds a transfer to libcurl; false if memory runs out. */
bool ws_loop_add(ws_loop *loop, ws_transfer *transfer);

/* Removes a transfer from libcurl, and aborts it if it has not ended. */
void ws_loop_remove(ws_loop *loop, ws_transfer *transfer);

/* Lets libcurl begin the transfers that were added, without waiting for the
** next step. */
void ws_loop_drive_transfers(ws_loop *loop);

/* Closes all connections. libcurl has one pool for all clients, and cannot
** close the connections of one client. */
void ws_loop_drop_connections(ws_loop *loop);

/* Sets the timer if the loop is due before the time last given to the host. */
void ws_loop_arm_timer(ws_loop *loop);

/* Does all work that is due, after waiting for it at most `timeout` seconds.
** Does not wait if there are calls to report, or if `*stop` is true (`stop`
** may be NULL). False if a signal interrupted the wait. */
bool ws_loop_run(ws_loop *loop, double timeout, const bool *stop);

#endif
