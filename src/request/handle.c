/*
** libcurl's easy handles: set up once for a client, used for one attempt
** after another.
*/

#include "request/handle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "request/attempt.h"
#include "request/client.h"
#include "request/loop.h"

static int on_open(void *data, curl_socket_t fd, curlsocktype purpose) {
  ws_loop *loop = data;
  (void)purpose;
  ws_sockets_opened(&loop->sockets, fd);
  return CURL_SOCKOPT_OK;
}

static int on_close(void *data, curl_socket_t fd) {
  ws_loop *loop = data;
  ws_sockets_closing(&loop->sockets, fd);
  return close(fd);
}

/* libcurl looks for proxies in the environment for each request. Where there
** is none it need not. */
static bool has_proxy(void) {
  static const char *const names[] = {"http_proxy", "https_proxy",
                                      "HTTPS_PROXY", "all_proxy",
                                      "ALL_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (getenv(names[i])) return true;
  return false;
}

#define SET(option, value) \
  if (failed == CURLE_OK) failed = curl_easy_setopt(easy, option, value)

/* What stays the same for all requests of a client. */
static CURLcode set_up(const ws_client *client, CURL *easy) {
  CURLcode failed = CURLE_OK;
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_USERAGENT, client->user_agent);
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(client->connect_timeout / 1000));
  SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)client->max_response);
  SET(CURLOPT_MAXAGE_CONN, 50L);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SOCKOPTFUNCTION, on_open);
  SET(CURLOPT_SOCKOPTDATA, client->loop);
  SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
  SET(CURLOPT_CLOSESOCKETDATA, client->loop);
  if (client->ca_file) SET(CURLOPT_CAINFO, client->ca_file);
  if (client->proxy) {
    SET(CURLOPT_PROXY, client->proxy);
  }
  else if (!has_proxy()) {
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "");
  }
  return failed;
}

void ws_handle_free(ws_handle *handle) {
  curl_easy_cleanup(handle->easy);
  curl_url_cleanup(handle->address);
  ws_buffer_free(&handle->url);
  ws_free(handle);
}

static ws_handle *new_handle(const ws_client *client) {
  ws_handle *handle = ws_calloc(1, sizeof *handle);
  if (!handle) return NULL;
  handle->easy = curl_easy_init();
  handle->address = curl_url();
  if (handle->easy && handle->address &&
      set_up(client, handle->easy) == CURLE_OK &&
      ws_attempt_set_callbacks(handle) == CURLE_OK)
    return handle;
  ws_handle_free(handle);
  return NULL;
}

/* One that is idle, or a new one; NULL without memory. */
ws_handle *ws_handle_acquire(ws_client *client) {
  if (client->idle_count) return client->idle[--client->idle_count];
  return new_handle(client);
}

/* After an attempt that ran its course. */
void ws_handle_release(ws_client *client, ws_handle *handle) {
  handle->call = NULL;
  if (!client->closed && client->idle_count < (size_t)client->concurrency)
    client->idle[client->idle_count++] = handle;
  else
    ws_handle_free(handle);
}

static bool has_url(const ws_handle *handle, const char *url, size_t size) {
  return handle->url.size == size &&
         memcmp(handle->url.bytes, url, size) == 0;
}

/* Sets the URL. Given as text alone, libcurl would take it apart and put it
** together again for each attempt, which costs a quarter of its time. */
CURLcode ws_handle_set_url(ws_handle *handle, const char *url) {
  CURL *easy = handle->easy;
  CURLcode failed = CURLE_OK;
  CURLUcode wrong;
  size_t size = strlen(url);
  if (has_url(handle, url, size)) return CURLE_OK;
  ws_buffer_reset(&handle->url);
  wrong = curl_url_set(handle->address, CURLUPART_URL, url,
                       CURLU_PATH_AS_IS);
  if (wrong)
    return wrong == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                         : CURLE_URL_MALFORMAT;
  SET(CURLOPT_URL, url);
  SET(CURLOPT_CURLU, handle->address);
  if (failed == CURLE_OK) ws_buffer_add(&handle->url, url, size);
  return failed;
}

#undef SET
