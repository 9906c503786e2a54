/*
** A call is one request with its retries. Its states:
**
**   WS_QUEUED      in its client's queue, waiting for its turn
**   WS_PAUSED      waiting for the next attempt, or asleep
**   WS_IN_FLIGHT   an attempt is under way
**   WS_ENDED       in one of the loop's lists until it is reported
*/

#ifndef WS_CALL_H
#define WS_CALL_H

#include "base/clock.h"
#include "base/heap.h"
#include "limit/shared_limiter.h"
#include "request/attempt.h"
#include "request/client.h"
#include "request/queue.h"
#include "workstage.h"

typedef enum ws_state {
  WS_QUEUED, WS_PAUSED, WS_IN_FLIGHT, WS_ENDED
} ws_state;

struct ws_call {
  ws_link link;            /* first: see ws_call_of */
  ws_timer timer;          /* queued: start_before; paused: the pause's end; in
                           ** flight: not set, as libcurl has the timeout */
  ws_attempt attempt;      /* uses url, body and headers of this structure */
  ws_loop *loop;
  ws_client *client;       /* NULL: only sleeps */
  uint64_t id;
  void *data;              /* the host's */
  void (*done)(ws_call *call);
  ws_state state;
  bool has_ended;          /* state is WS_ENDED; ws_loop_run watches it */
  bool wait_reported;      /* its WS_EVENT_WAIT has been sent */

  ws_buffer url_text, body_text;
  const char *url;
  const char *body;        /* NULL: none */
  struct curl_slist *headers;  /* its own list, or NULL: the client's */
  ws_time timeout;         /* of each attempt */
  ws_time deadline;        /* WS_NEVER: none */
  ws_time created_at;
  ws_time start_before;    /* no attempt starts later: the deadline, or before
                           ** it; WS_NEVER: no limit */
  int max_attempts;

  ws_reservation reservation;  /* of the attempt in flight */
  int attempts;            /* made so far, without those that found an idle
                           ** connection closed */
  int rejections;          /* 429s in a row */
  bool outcome_unknown;    /* an attempt may have taken effect */
  ws_time first_sent;      /* when attempt 1 started; WS_NEVER: not yet */
  ws_time answered_at;     /* first byte of the last response; WS_NEVER: none */
  ws_kind kind;            /* of the last attempt; once ended, of the call */
};

/* The call that a link of a list belongs to. */
static inline ws_call *ws_call_of(ws_link *link) {
  return (ws_call *)link;
}

/* Frees the calls that a loop has kept for later ones. */
void ws_call_free_spare(ws_loop *loop);

/* Puts a new call into its client's queue, and starts it if it is its turn. */
void ws_call_enqueue(ws_call *call);

/* Makes a new call without a client sleep until `moment`. */
void ws_call_sleep_until(ws_call *call, ws_time moment);

/* Ends a call that has not ended, aborting its attempt if there is one. It can
** be freed afterwards; its completion callback runs later. */
void ws_call_end(ws_call *call, ws_kind kind);

/* Ends a call as ws_call_end does, with an error message. */
void ws_call_fail(ws_call *call, ws_kind kind, const char *message);

/* Starts the client's queued calls that may be sent now; true if any was. Sets
** limiter_due of the loop to when to call it again for the others. */
bool ws_client_start_queued(ws_client *client, ws_time now);

/* The hooks of the loop for transfers and timers, see loop.h. */
void ws_call_transfer_ended(ws_transfer *transfer, CURLcode code);
void ws_call_transfer_failed(ws_transfer *transfer, CURLMcode code);
void ws_call_timer_expired(ws_timer *timer, ws_time now);

#endif
