/*
** One attempt of a call: one transfer through libcurl, from the request to
** the response or the error.
*/

#ifndef WS_ATTEMPT_H
#define WS_ATTEMPT_H

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "request/handle.h"
#include "request/retry.h"
#include "workstage.h"

typedef struct ws_attempt {
  /* the request, the same for all attempts of a call, which owns it */
  ws_method method;
  const char *url;
  const char *body;          /* NULL: none */
  size_t body_size;
  struct curl_slist *headers;
  size_t max_response;       /* bytes of a body */

  /* the transfer */
  ws_handle *handle;         /* NULL: no transfer in progress */
  ws_time started;
  int setup_count;           /* how many times libcurl was about to send; more
                             ** than once if it changes the connection */
  bool was_sent;             /* aborted: libcurl was about to send a request
                             ** again that it had sent, at least in part */
  bool was_stale;            /* aborted before sending: the service had closed
                             ** the idle connection */
  unsigned alloc_failures;   /* ws_memory_failures() at the start */

  /* the response */
  int status;                /* 0: none */
  ws_buffer response;        /* the body */
  ws_buffer headers_text;    /* the header lines of the last response */
  size_t header_bytes;       /* of all responses of the attempt */
  ws_time first_byte_at;     /* of the last response */
  char message[CURL_ERROR_SIZE];  /* why it failed without a response; or "" */
} ws_attempt;

/* Sets a new handle's callbacks. */
CURLcode ws_attempt_set_callbacks(ws_handle *handle);

/* Starts the transfer on a handle, and keeps the handle until its end.
** `timeout` is the longest time that the transfer may take. If it cannot be
** started, frees the handle and returns WS_MEMORY or WS_INVALID (the URL), else
** WS_OK. */
ws_kind ws_attempt_start(ws_attempt *attempt, ws_loop *loop,
                         ws_handle *handle, ws_time now, ws_time timeout);

/* Fills in the outcome of a transfer that has ended with `code`. Sets *written
** to when the connection was open and the request about to be sent, *answered
** to when the first byte of the response came; WS_NEVER if that did not happen.
** Returns the handle, for the next attempt. */
ws_handle *ws_attempt_finish(ws_attempt *attempt, ws_loop *loop,
                             CURLcode code, ws_outcome *outcome,
                             ws_time *written, ws_time *answered);

/* Aborts the transfer; does nothing if none is in progress. */
void ws_attempt_abort(ws_attempt *attempt, ws_loop *loop);

/* Frees the response; there must be no transfer in progress. */
void ws_attempt_free(ws_attempt *attempt);

/* True if any allocation of the process has failed since the attempt was
** started: then libcurl's error code is not to be trusted. */
bool ws_attempt_lacked_memory(const ws_attempt *attempt);

#endif
