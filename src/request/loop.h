/*
** A loop moves sockets and time for any number of calls.
*/

#ifndef WS_LOOP_H
#define WS_LOOP_H

#include <curl/curl.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/sockets.h"
#include "request/queue.h"
#include "workstage.h"

typedef struct ws_event_node ws_event_node;

struct ws_loop {
  CURLM *multi;            /* NULL: none at the moment,
    see ws_loop_ensure_multi */
  int epoll;
  ws_sockets sockets;      /* what `epoll` watches for libcurl */
  int timer_fd;               /* timerfd, for hosts that sleep on `epoll` */
  int wake_fd;                /* eventfd, for other threads' answers */
  unsigned generation;     /* of the process: changes with fork */
  bool hosted;             /* ws_loop_fd has been asked for */
  bool stepping;             /* in ws_loop_step */
  ws_time curl_due;        /* when libcurl wants to be called */
  ws_time limiter_due;     /* when to ask the limiters again */
  ws_time armed_until;        /* what the host was told,
    or the alarm is set to */
  ws_heap timers;
  ws_queue finished;
  ws_queue sleepers;
  ws_client *clients;
  size_t references;       /* clients, calls, and the owner until it closes */
  size_t calls;            /* not freed yet: each may need a timer */
  size_t pending;
  uint64_t last_id;
  uint64_t rng_state;
  ws_event_node *first_event, *last_event;
};

void ws_loop_release(ws_loop *loop);
bool ws_loop_is_closed(const ws_loop *loop);
bool ws_loop_ensure_multi(ws_loop *loop);
void ws_loop_drop_connections(ws_loop *loop);
void ws_loop_drive_transfers(ws_loop *loop);
void ws_loop_arm_timer(ws_loop *loop);

#endif
