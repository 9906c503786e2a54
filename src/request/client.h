/*
** A client holds what the requests of one token have in common.
*/

#ifndef WS_CLIENT_H
#define WS_CLIENT_H

#include <curl/curl.h>

#include "base/clock.h"
#include "limit/shared_limiter.h"
#include "request/handle.h"
#include "request/queue.h"
#include "workstage.h"

struct ws_client {
  ws_loop *loop;
  ws_client *next, *previous;
  size_t references;       /* its calls, and its owner until it is closed */
  bool closed;
  ws_queue queued;
  ws_queue active;         /* PAUSED and FLYING */
  int in_flight;
  int64_t sent;
  ws_limiter_handle *limiter;
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

void ws_client_shutdown(ws_client *client);
void ws_client_release(ws_client *client);
bool ws_headers_check(const char *const *headers, ws_error *error);
bool ws_headers_add(struct curl_slist **list, const char *line);

/* Frees headers, and leaves nothing of the token in the memory. */
void ws_headers_free(struct curl_slist *list);

#endif
