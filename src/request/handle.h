/*
** libcurl's easy handles, kept by a client for one attempt after another.
*/

#ifndef WS_HANDLE_H
#define WS_HANDLE_H

#include <curl/curl.h>

#include "base/buffer.h"
#include "request/call.h"
#include "workstage.h"

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

ws_handle *ws_handle_acquire(ws_client *client);
CURLcode ws_handle_set_url(ws_handle *handle, const char *url);
void ws_handle_release(ws_client *client, ws_handle *handle);
void ws_handle_free(ws_handle *handle);

#endif
