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
  /* the request; the same for all attempts of a call */
  ws_method method;
  const char *url;
  const char *body;          /* NULL: none */
  size_t body_size;
  struct curl_slist *headers;
  size_t max_response;

  /* the transfer */
  ws_handle *handle;         /* NULL: no transfer in progress */
  ws_time started;
  int setup_count;           /* how many times libcurl was about to send */
  bool was_sent;             /* partly sent on an earlier connection */
  bool was_stale;            /* the service closed the connection first */
  unsigned alloc_failures;   /* ws_memory_failures() at the start */

  /* the response */
  int status;                /* 0: none */
  ws_buffer response;
  ws_buffer headers_text;    /* the header lines of the last response */
  size_t header_bytes;       /* of all responses of the attempt */
  ws_time first_byte_at;     /* of the last response */
  char message[CURL_ERROR_SIZE];
} ws_attempt;

/* Sets a new handle's callbacks. */
CURLcode ws_attempt_set_callbacks(ws_handle *handle);

/* Starts the transfer on that handle, which it takes over. Returns WS_OK, or
** why it could not be started; the handle is then freed. */
ws_kind ws_attempt_start(ws_attempt *attempt, ws_loop *loop,
                         ws_handle *handle, ws_time now, ws_time timeout);

/* Fills in the outcome of a transfer that has ended. `written` is when the
** request was sent, `answered` when the response began; WS_NEVER if not.
** Returns the handle, for the next attempt. */
ws_handle *ws_attempt_finish(ws_attempt *attempt, ws_loop *loop,
                             CURLcode code, ws_outcome *outcome,
                             ws_time *written, ws_time *answered);

/* Aborts the transfer; does nothing if none is in progress. */
void ws_attempt_abort(ws_attempt *attempt, ws_loop *loop);

/* Frees the response. */
void ws_attempt_free(ws_attempt *attempt);

/* True if memory ran out since the attempt was started. */
bool ws_attempt_lacked_memory(const ws_attempt *attempt);

#endif
