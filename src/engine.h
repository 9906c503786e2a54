/*
** The engine's three structures. A call goes through these states:
**
**   READY    in its client's queue, waiting for its turn
**   PAUSED   waiting for the next attempt, or asleep
**   FLYING   an attempt is with libcurl
**   DONE     ended; in the loop's list of finished calls until asked for
**
** loop.c moves time and sockets, client.c holds what calls share, call.c is
** the life of one call, transfer.c one attempt through libcurl.
*/

#ifndef WS_ENGINE_H
#define WS_ENGINE_H

#include <curl/curl.h>

#include "allowance.h"
#include "buffer.h"
#include "clock.h"
#include "heap.h"
#include "retry.h"
#include "sockets.h"
#include "workstage.h"

typedef struct ws_handle ws_handle;

typedef struct ws_queue {
  ws_call *first, *last;
} ws_queue;

typedef enum ws_state {
  WS_READY, WS_PAUSED, WS_FLYING, WS_DONE
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
  bool told_wait;          /* its WAIT event has been sent */

  ws_method method;
  char *url;
  char *body;
  size_t body_size;
  int readied;             /* so often libcurl was about to send it */
  struct curl_slist *headers;  /* its own list, or NULL: the client's */
  ws_time timeout;
  ws_time deadline;        /* WS_NEVER: none */
  int max_attempts;

  ws_handle *handle;       /* while FLYING */
  ws_ticket ticket;
  int attempts;
  int rejections;          /* 429s in a row */
  bool doubt;              /* an attempt may have taken effect */
  ws_time first_sent;      /* WS_NEVER: not yet */
  ws_time started;         /* of this attempt */
  ws_time heard;           /* the answer's first line, once head_seen > 0 */
  ws_time answered;        /* WS_NEVER: no answer */

  ws_kind kind;
  int status;
  ws_buffer response;
  ws_buffer head;          /* the last answer's lines after its first */
  size_t head_seen;        /* header bytes of all answers of the attempt */
  bool overflow;           /* the answer went above a limit */
  unsigned refusals;       /* of memory, when the attempt began */
  char message[CURL_ERROR_SIZE];
};

/* An easy handle of libcurl's, and what it was told for its last attempt:
** so that it need only be told what has changed since. */
struct ws_handle {
  CURL *easy;
  CURLU *address;          /* the URL, parsed */
  ws_call *call;           /* whose attempt it makes */
  ws_buffer url;
  ws_method method;
  bool with_body;
  bool used;               /* it was told anything at all */
  char message[CURL_ERROR_SIZE];
};

struct ws_client {
  ws_loop *loop;
  ws_client *next, *previous;
  size_t references;       /* its calls, and its owner until it is closed */
  bool closed;
  ws_queue ready;
  ws_queue active;         /* PAUSED and FLYING */
  int flying;
  int64_t sent;
  ws_share *share;
  ws_handle **idle;        /* for further attempts */
  size_t idle_count;
  ws_service service;
  char *base;
  char *ca_file;
  char *proxy;             /* NULL: the environment's */
  char *user_agent;
  struct curl_slist *headers;       /* with authorization */
  struct curl_slist *body_headers;  /* the same and a content type */
  int64_t max_requests;
  int concurrency;
  ws_time timeout;
  ws_time connect_timeout;
  int attempts;
  double retry_base, retry_cap;
  size_t max_response;
  bool events;
};

typedef struct ws_event_node ws_event_node;

struct ws_loop {
  CURLM *multi;            /* NULL: none at the moment, see ws_loop_ready */
  int epoll;
  ws_sockets sockets;      /* what `epoll` watches for libcurl */
  int alarm;               /* timerfd, for hosts that sleep on `epoll` */
  int wake;                /* eventfd, for other threads' answers */
  unsigned generation;     /* of the process: changes with fork */
  bool hosted;             /* ws_loop_fd has been asked for */
  bool inside;             /* in ws_loop_step */
  ws_time curl_due;        /* when libcurl wants to be called */
  ws_time share_due;       /* when a share is to be asked again */
  ws_time host_due;        /* what the host was told, or the alarm is set to */
  ws_heap timers;
  ws_queue finished;
  ws_queue sleepers;
  ws_client *clients;
  size_t references;       /* clients, calls, and the owner until it closes */
  size_t calls;            /* not freed yet: each may need a timer */
  size_t pending;
  uint64_t last_id;
  uint64_t chance;
  ws_event_node *first_event, *last_event;
};

/* queue.c */
void ws_queue_add(ws_queue *queue, ws_call *call);
void ws_queue_add_first(ws_queue *queue, ws_call *call);
void ws_queue_remove(ws_call *call);

/* process.c: what changes with fork, and libcurl's set-up */
bool ws_process_start(ws_error *error);
unsigned ws_process_generation(void);

/* loop.c */
void ws_loop_release(ws_loop *loop);
bool ws_loop_closed(const ws_loop *loop);
bool ws_loop_ready(ws_loop *loop);
void ws_loop_unused(ws_loop *loop);
void ws_loop_kick(ws_loop *loop);
void ws_loop_alarm(ws_loop *loop);

/* call.c */
void ws_call_due(ws_call *call, ws_time now);
void ws_call_landed(ws_call *call, CURLcode code);
void ws_call_end(ws_call *call, ws_kind kind);
bool ws_client_dispatch(ws_client *client, ws_time now);

/* client.c */
void ws_client_shut(ws_client *client);
void ws_client_release(ws_client *client);
bool ws_headers_check(const char *const *headers, ws_error *error);
bool ws_headers_add(struct curl_slist **list, const char *line);

/* Frees headers, and leaves nothing of the token in the memory. */
void ws_headers_free(struct curl_slist *list);

/* handle.c */
ws_handle *ws_handle_take(ws_client *client);
CURLcode ws_handle_aim(ws_handle *handle, const char *url);
void ws_handle_give(ws_client *client, ws_handle *handle);
void ws_handle_free(ws_handle *handle);

/* transfer.c */
CURLcode ws_transfer_listen(ws_handle *handle);
ws_kind ws_transfer_start(ws_call *call, ws_time now);
void ws_transfer_outcome(ws_call *call, CURLcode code, ws_outcome *outcome,
                         ws_time *written, ws_time *answered);
void ws_transfer_stop(ws_call *call);

/* event.c */
void ws_event_add(ws_call *call, ws_event_type type, double pause);
void ws_event_drop(ws_loop *loop, const ws_client *client);

#endif
