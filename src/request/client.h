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
  ws_client *next, *previous;
  size_t references;       /* its calls, and its owner until it is closed */
  bool closed;
  ws_settings settings;
  ws_queue queued;         /* calls that wait for their turn */
  ws_queue active;         /* calls that pause or are in flight */
  int in_flight;
  int64_t sent;
  ws_retries retries;
  ws_time held_until;      /* by the last 429 */
  ws_limiter_handle *limiter;
  ws_handle_pool handles;
  bool reached;            /* the service has responded at least once */
  double clock_offset;     /* from our clock to the service's, in seconds */
  ws_time learn_offset_at; /* when to read a response's Date again */
  void *data;              /* the host's */
};

/* Closes a client, but keeps it allocated for its owner's reference. */
void ws_client_shutdown(ws_client *client);

/* Drops one reference; frees the client with the last. */
void ws_client_release(ws_client *client);

/* Takes a handle for an attempt; NULL if memory runs out. */
ws_handle *ws_client_take_handle(ws_client *client);
void ws_client_return_handle(ws_client *client, ws_handle *handle);

#endif
