/*
** A client holds what the requests of one token have in common.
**
** client.c and call.c include each other's header: a client ends its calls
** when it is closed, and a call takes its turn from its client.
*/

#ifndef WS_CLIENT_H
#define WS_CLIENT_H

#include "base/clock.h"
#include "limit/shared_limiter.h"
#include "request/handle.h"
#include "request/loop.h"
#include "request/queue.h"
#include "request/settings.h"
#include "workstage.h"

struct ws_client {
  ws_loop *loop;
  ws_client *next, *previous;  /* in the loop's list; NULL once closed */
  size_t references;       /* its calls, and its owner until it is closed */
  bool closed;             /* by its owner, or with the loop */
  ws_settings settings;
  ws_queue queued;         /* calls that wait for their turn */
  ws_queue active;         /* calls that pause or are in flight */
  int in_flight;           /* calls in flight, at most `concurrency` */
  int64_t sent;            /* requests sent, for max_requests */
  ws_retries retries;
  ws_time held_until;      /* up to where retries.held has been counted */
  ws_limiter_handle *limiter;  /* NULL once closed */
  ws_handle_pool handles;
  bool reached;            /* the service has responded at least once */
  double clock_offset;     /* from our clock to the service's, in seconds */
  ws_time learn_offset_at; /* when to read a response's Date again */
  void *data;              /* the host's */
};

/* Cancels a client's calls and closes it, but keeps it allocated: its owner's
** reference remains. Does nothing if it is closed. */
void ws_client_shutdown(ws_client *client);

/* Drops one reference; frees the client with the last. */
void ws_client_release(ws_client *client);

/* Takes an idle handle for an attempt, or creates one; NULL if memory runs out.
** The caller returns it after the attempt, or frees it. */
ws_handle *ws_client_take_handle(ws_client *client);

/* Keeps the handle for later attempts, or frees it. */
void ws_client_return_handle(ws_client *client, ws_handle *handle);

#endif
