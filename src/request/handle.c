#include "request/handle.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/open_socket.h"
#include "request/url.h"

/* ---------------------------------------------------------------- sockets */

/* Opens a socket that child processes do not inherit. */
static curl_socket_t on_open(void *data, curlsocktype purpose,
                             struct curl_sockaddr *address) {
  ws_loop *loop = data;
  int fd = ws_open_socket(address->family, address->socktype,
                          address->protocol);
  (void)purpose;
  if (fd >= 0) ws_sockets_opened(&loop->sockets, fd);
  return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int on_close(void *data, curl_socket_t fd) {
  ws_loop *loop = data;
  ws_sockets_closing(&loop->sockets, fd);
  return close(fd);
}

/* ----------------------------------------------------------------- create */

/* Seconds after which an idle connection is not used any more: less than the
** 60 after which common load balancers close it. */
#define MAX_IDLE 50L

#define SET(option, value) \
  if (failed == CURLE_OK) failed = curl_easy_setopt(easy, option, value)

/* Without a proxy, turns off libcurl's search for one in the environment,
** which it would repeat for each request. */
static CURLcode set_proxy(const ws_settings *settings, CURL *easy) {
  CURLcode failed = CURLE_OK;
  if (settings->proxy) {
    SET(CURLOPT_PROXY, settings->proxy);
  }
  else if (!ws_url_proxy_variable(settings->base)) {
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "");
  }
  return failed;
}

/* QUICK_EXIT: ending a transfer must not wait for a thread that resolves a
** name, which may take many seconds. MAXFILESIZE refuses a long body by its
** Content-Length; the write callback refuses the others. */
static CURLcode set_common(const ws_settings *settings, CURL *easy,
                           ws_loop *loop) {
  CURLcode failed = CURLE_OK;
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_ACCEPT_ENCODING, "gzip");
  SET(CURLOPT_USERAGENT, settings->user_agent);
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(settings->connect_timeout / 1000));
  SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)settings->max_response);
  SET(CURLOPT_MAXAGE_CONN, MAX_IDLE);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
  SET(CURLOPT_OPENSOCKETDATA, loop);
  SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
  SET(CURLOPT_CLOSESOCKETDATA, loop);
  if (settings->ca_file) SET(CURLOPT_CAINFO, settings->ca_file);
  return failed == CURLE_OK ? set_proxy(settings, easy) : failed;
}

void ws_handle_free(ws_handle *handle) {
  curl_easy_cleanup(handle->transfer.easy);
  curl_url_cleanup(handle->parsed_url);
  ws_buffer_free(&handle->url);
  ws_free(handle);
}

static bool set_up(ws_handle *handle, const ws_settings *settings,
                   ws_loop *loop) {
  CURL *easy = handle->transfer.easy;
  CURLcode failed = set_common(settings, easy, loop);
  SET(CURLOPT_PRIVATE, &handle->transfer);
  SET(CURLOPT_ERRORBUFFER, handle->message);
  return failed == CURLE_OK;
}

ws_handle *ws_handle_create(const ws_settings *settings, ws_loop *loop) {
  ws_handle *handle = ws_calloc(1, sizeof *handle);
  if (!handle) return NULL;
  handle->transfer.easy = curl_easy_init();
  handle->parsed_url = curl_url();
  if (handle->transfer.easy && handle->parsed_url &&
      set_up(handle, settings, loop))
    return handle;
  ws_handle_free(handle);
  return NULL;
}

/* ------------------------------------------------------- URL and method */

static bool has_url(const ws_handle *handle, const char *url, size_t size) {
  return handle->url.size == size &&
         memcmp(handle->url.bytes, url, size) == 0;
}

/* Sets the URL in parsed form as well: from text alone libcurl would parse
** and rebuild it for each attempt, which takes a quarter of its time. */
CURLcode ws_handle_set_url(ws_handle *handle, const char *url) {
  CURL *easy = handle->transfer.easy;
  CURLcode failed = CURLE_OK;
  CURLUcode parsed;
  size_t size = strlen(url);
  if (has_url(handle, url, size)) return CURLE_OK;
  ws_buffer_reset(&handle->url);
  parsed = curl_url_set(handle->parsed_url, CURLUPART_URL, url,
                        CURLU_PATH_AS_IS);
  if (parsed)
    return parsed == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                          : CURLE_URL_MALFORMAT;
  SET(CURLOPT_URL, url);
  SET(CURLOPT_CURLU, handle->parsed_url);
  if (failed == CURLE_OK) ws_buffer_add(&handle->url, url, size);
  return failed;
}

/* Allows HTTP/2 only for requests that are safe to repeat, because services
** close its connections while requests are in flight. */
static CURLcode set_version(CURL *easy, bool reads) {
  CURLcode failed = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                                     reads ? (long)CURL_HTTP_VERSION_2TLS
                                           : (long)CURL_HTTP_VERSION_1_1);
  /* a libcurl without HTTP/2 does not have that version */
  return reads && failed == CURLE_UNSUPPORTED_PROTOCOL ? CURLE_OK : failed;
}

bool ws_method_has_content(ws_method method) {
  return method == WS_POST || method == WS_PUT || method == WS_PATCH;
}

CURLcode ws_handle_set_method(ws_handle *handle, ws_method method,
                              bool has_body) {
  CURL *easy = handle->transfer.easy;
  bool reads = method == WS_GET;
  bool is_plain = method == WS_POST || (reads && !has_body);
  CURLcode failed = CURLE_OK;
  if (handle->is_set_up && handle->method == method &&
      handle->has_body == has_body)
    return CURLE_OK;
  if (has_body || ws_method_has_content(method)) {
    SET(CURLOPT_POST, 1L);
  }
  else
    SET(CURLOPT_HTTPGET, 1L);
  SET(CURLOPT_CUSTOMREQUEST, is_plain ? NULL : ws_method_name(method));
  if (failed == CURLE_OK) failed = set_version(easy, reads);
  handle->is_set_up = failed == CURLE_OK;
  handle->method = method;
  handle->has_body = has_body;
  return failed;
}

#undef SET

/* ------------------------------------------------------------------- pool */

bool ws_handle_pool_init(ws_handle_pool *pool, size_t capacity) {
  pool->idle = ws_calloc(capacity, sizeof pool->idle[0]);
  pool->capacity = pool->idle ? capacity : 0;
  return pool->idle != NULL;
}

ws_handle *ws_handle_pool_take(ws_handle_pool *pool) {
  return pool->count ? pool->idle[--pool->count] : NULL;
}

void ws_handle_pool_put(ws_handle_pool *pool, ws_handle *handle) {
  handle->owner = NULL;
  if (pool->count < pool->capacity) pool->idle[pool->count++] = handle;
  else ws_handle_free(handle);
}

void ws_handle_pool_free(ws_handle_pool *pool, bool forked) {
  while (pool->count) {
    ws_handle *handle = ws_handle_pool_take(pool);
    if (!forked) ws_handle_free(handle);
  }
  ws_free(pool->idle);
  *pool = (ws_handle_pool){0};
}
