/*
** A call is one request with its retries. Its states:
**
**   READY    in its client's queue, waiting for its turn
**   PAUSED   waiting for the next attempt, or asleep
**   FLYING   an attempt is with libcurl
**   DONE     ended; in the loop's list of finished calls until asked for
*/

#ifndef WS_CALL_H
#define WS_CALL_H

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/heap.h"
#include "limit/shared_limiter.h"
#include "request/queue.h"
#include "workstage.h"

typedef struct ws_handle ws_handle;

typedef enum ws_state {
  WS_QUEUED, WS_PAUSED, WS_IN_FLIGHT, WS_DONE
} ws_state;

struct ws_call {
  ws_timer timer;          /* first: loop.c finds the call by its timer */
  ws_loop *loop;
  ws_client *client;       /* NULL: only sleeps */
  ws_call *next, *previous;
  ws_queue *queue;         /* the list that it is in, or NULL */
  uint64_t id;
  void *data;              /* the host's */
  ws_state state;
  bool reported;           /* ws_loop_finished has given it out */
  bool wait_reported;          /* its WAIT event has been sent */

  ws_method method;
  char *url;
  char *body;
  size_t body_size;
  int setup_count;             /* so often libcurl was about to send it */
  struct curl_slist *headers;  /* its own list, or NULL: the client's */
  ws_time timeout;
  ws_time deadline;        /* WS_NEVER: none */
  ws_time start_before;    /* no attempt begins later; at most deadline */
  int max_attempts;

  ws_handle *handle;       /* while FLYING */
  ws_reservation reservation;
  int attempts;
  int rejections;          /* 429s in a row */
  bool outcome_unknown;              /* an attempt may have taken effect */
  ws_time first_sent;      /* WS_NEVER: not yet */
  ws_time started;         /* of this attempt */
  ws_time first_byte_at;           /* the answer's first line,
    once head_seen > 0 */
  ws_time answered_at;        /* WS_NEVER: no answer */

  ws_kind kind;
  int status;
  ws_buffer response;
  ws_buffer headers_text;          /* the last answer's lines after its first */
  size_t header_bytes;        /* header bytes of all answers of the attempt */
  bool too_large;           /* the answer went above a limit */
  unsigned alloc_failures;       /* of memory, when the attempt began */
  char message[CURL_ERROR_SIZE];
};

void ws_call_timer_expired(ws_call *call, ws_time now);
void ws_call_attempt_ended(ws_call *call, CURLcode code);
void ws_call_end(ws_call *call, ws_kind kind);
bool ws_client_start_queued(ws_client *client, ws_time now);

#endif
