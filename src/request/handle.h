/*
** libcurl easy handles: set up once for a client, used for one attempt after
** another.
*/

#ifndef WS_HANDLE_H
#define WS_HANDLE_H

#include <curl/curl.h>

#include "base/buffer.h"
#include "request/loop.h"
#include "request/settings.h"
#include "workstage.h"

/* An easy handle plus the options last set on it, so that unchanged options
** are not set again. */
typedef struct ws_handle {
  ws_transfer transfer;    /* first: the loop's hooks cast it back */
  CURLU *parsed_url;       /* of `url`; used by the easy handle */
  void *owner;             /* the ws_attempt that uses it; NULL: none */
  ws_buffer url;           /* the URL that is set; empty: none */
  ws_method method;
  bool has_body;
  bool is_set_up;          /* method and has_body are valid */
  char message[CURL_ERROR_SIZE];  /* libcurl writes its error messages here */
} ws_handle;

/* The handles of a client that are not in use. */
typedef struct ws_handle_pool {
  ws_handle **idle;
  size_t count, capacity;
} ws_handle_pool;

/* Creates a handle with the options that are the same for all requests of a
** client. NULL if memory runs out, or if this libcurl lacks an option. */
ws_handle *ws_handle_create(const ws_settings *settings, ws_loop *loop);
void ws_handle_free(ws_handle *handle);

/* Sets the URL, if it is not the one that is set. Returns libcurl's error code,
** as does the next function. */
CURLcode ws_handle_set_url(ws_handle *handle, const char *url);

/* True if requests of this method have content even without a body: an empty
** one, with "Content-Length: 0" (RFC 9110, 8.6). */
bool ws_method_has_content(ws_method method);

/* Sets the method, and whether there is a body. */
CURLcode ws_handle_set_method(ws_handle *handle, ws_method method,
                              bool has_body);

/* Allocates space for at most `capacity` handles; false if memory runs out. */
bool ws_handle_pool_init(ws_handle_pool *pool, size_t capacity);

/* Takes a handle out of the pool; NULL if it is empty. */
ws_handle *ws_handle_pool_take(ws_handle_pool *pool);

/* Puts a handle back, or frees it if the pool is full. */
void ws_handle_pool_put(ws_handle_pool *pool, ws_handle *handle);

/* Empties and frees the pool. The handles are freed too, unless this is a
** `forked` child: closing them would end the parent's TLS sessions. */
void ws_handle_pool_free(ws_handle_pool *pool, bool forked);

#endif
