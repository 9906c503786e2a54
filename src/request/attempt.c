#include "request/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "request/url.h"

/* Bytes of header lines: less than the 300 KiB at which newer versions of
** libcurl stop, so that the limit does not depend on the version. */
enum { MAX_HEADERS = 256 * 1024 };

bool ws_attempt_lacked_memory(const ws_attempt *attempt) {
  return ws_memory_failures() != attempt->alloc_failures;
}

/* -------------------------------------------------------------- callbacks */

static ws_attempt *attempt_of(void *data) {
  return ((ws_handle *)data)->owner;
}

/* Refuses a body that becomes longer than max_response. The NUL after it is not
** part of it. */
static size_t on_body(char *bytes, size_t unit, size_t count, void *data) {
  ws_attempt *attempt = attempt_of(data);
  size_t size = unit * count;
  if (size > attempt->max_response - attempt->response.size) return 0;
  ws_buffer_add(&attempt->response, bytes, size);
  ws_buffer_cstring(&attempt->response);
  return attempt->response.failed ? 0 : size;
}

/* Keeps only the header lines of the last response: interim responses and a
** proxy's come before it. Takes the time here because libcurl's time of the
** first byte is, for a POST, the time of sending. */
static size_t on_header(char *line, size_t unit, size_t count, void *data) {
  ws_attempt *attempt = attempt_of(data);
  size_t size = unit * count;
  attempt->header_bytes += size;
  if (attempt->header_bytes > MAX_HEADERS) return 0;
  if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    attempt->first_byte_at = ws_now();
    ws_buffer_reset(&attempt->headers_text);
  }
  else
    ws_buffer_add(&attempt->headers_text, line, size);
  return attempt->headers_text.failed ? 0 : size;
}

static long sent_bytes(CURL *easy) {
  long bytes = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes;
}

/* True if the service has closed a connection that was used before. libcurl
** checks this too, but since 8.22 at most once a second per connection.
** Unexpected data is part of closing a TLS connection; with HTTP/2, which
** only GET may use, it may belong to other requests. */
static bool is_stale(CURL *easy, ws_method method) {
  long connects = 1;
  curl_socket_t fd = CURL_SOCKET_BAD;
  char byte;
  ssize_t got;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
  if (connects > 0 || fd == CURL_SOCKET_BAD) return false;
  got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return method != WS_GET;
  return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/*
** Called when the connection is open and the request is about to be sent.
**
** If a connection that was used before turns out to be closed, libcurl would
** send the request a second time on a new one, without regard to limits and
** budgets: a POST could be applied twice, and a DELETE that worked would get
** a 404. This callback refuses that, unless nothing was sent the first time,
** and leaves it to our own retries. (A read callback that cannot rewind would
** prevent it as well, but needs a second packet for each body.)
**
** If memory ran out the request is not sent either: libcurl 7.88 would send
** it without parts of the URL, such as the query.
*/
static int on_prerequest(void *data, char *ip, char *local_ip, int port,
                         int local_port) {
  CURL *easy = ((ws_handle *)data)->transfer.easy;
  ws_attempt *attempt = attempt_of(data);
  (void)ip;
  (void)local_ip;
  (void)port;
  (void)local_port;
  if (attempt->setup_count++ && sent_bytes(easy) > 0)
    attempt->was_sent = true;
  else
    attempt->was_stale = is_stale(easy, attempt->method);
  return attempt->was_sent || attempt->was_stale ||
         ws_attempt_lacked_memory(attempt) ? CURL_PREREQFUNC_ABORT
                                           : CURL_PREREQFUNC_OK;
}

#define SET(option, value) \
  if (failed == CURLE_OK) failed = curl_easy_setopt(easy, option, value)

CURLcode ws_attempt_set_callbacks(ws_handle *handle) {
  CURL *easy = handle->transfer.easy;
  CURLcode failed = CURLE_OK;
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, handle);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, handle);
  SET(CURLOPT_PREREQFUNCTION, on_prerequest);
  SET(CURLOPT_PREREQDATA, handle);
  return failed;
}

/* ------------------------------------------------------------------ start */

/* The timeout is rounded up to whole milliseconds: 0 would mean none. */
static CURLcode set_request(const ws_attempt *attempt, ws_handle *handle,
                            ws_time timeout) {
  CURL *easy = handle->transfer.easy;
  ws_method method = attempt->method;
  CURLcode failed =
    ws_handle_set_method(handle, method, attempt->body != NULL);
  if (failed == CURLE_OK) failed = ws_handle_set_url(handle, attempt->url);
  SET(CURLOPT_HTTPHEADER, attempt->headers);
  SET(CURLOPT_TIMEOUT_MS, (long)(timeout / 1000) + 1);
  if (attempt->body || ws_method_has_content(method)) {
    SET(CURLOPT_POSTFIELDS, attempt->body ? attempt->body : "");
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)attempt->body_size);
  }
  return failed;
}

#undef SET

static void reset(ws_attempt *attempt, ws_time now) {
  attempt->started = now;
  attempt->setup_count = 0;
  attempt->was_sent = attempt->was_stale = false;
  attempt->alloc_failures = ws_memory_failures();
  attempt->status = 0;
  attempt->header_bytes = 0;
  attempt->message[0] = '\0';
  ws_buffer_reset(&attempt->response);
  ws_buffer_reset(&attempt->headers_text);
}

ws_kind ws_attempt_start(ws_attempt *attempt, ws_loop *loop,
                         ws_handle *handle, ws_time now, ws_time timeout) {
  CURLcode failed;
  reset(attempt, now);
  handle->owner = attempt;
  handle->message[0] = '\0';
  failed = set_request(attempt, handle, timeout);
  if (failed == CURLE_OK && ws_loop_add(loop, &handle->transfer)) {
    attempt->handle = handle;
    return WS_OK;
  }
  ws_handle_free(handle);
  return failed == CURLE_URL_MALFORMAT ? WS_INVALID : WS_MEMORY;
}

/* A handle that was aborted is not used again. */
void ws_attempt_abort(ws_attempt *attempt, ws_loop *loop) {
  ws_handle *handle = attempt->handle;
  attempt->handle = NULL;
  if (!handle || ws_loop_is_forked(loop)) return;
  ws_loop_remove(loop, &handle->transfer);
  ws_handle_free(handle);
}

void ws_attempt_free(ws_attempt *attempt) {
  ws_buffer_free(&attempt->response);
  ws_buffer_free(&attempt->headers_text);
}

/* ---------------------------------------------------------------- outcome */

/* True if the headers are too long. libcurl's size includes header lines that
** it refused and did not pass on. */
static bool has_long_headers(const ws_attempt *attempt, CURL *easy) {
  long bytes = 0;
  curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &bytes);
  return bytes > MAX_HEADERS || attempt->header_bytes > MAX_HEADERS;
}

/* Distinguishes a response that is too large from lack of memory. libcurl's
** code is not enough: before 8.6 it is "out of memory" for a header line that
** is too long. */
static ws_kind size_or_memory(const ws_attempt *attempt) {
  bool failed = attempt->response.failed || attempt->headers_text.failed;
  return failed || ws_attempt_lacked_memory(attempt) ? WS_MEMORY
                                                     : WS_TOO_LARGE;
}

static bool is_tls_error(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR: case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM: case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE: case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE: case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND: case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED: case CURLE_USE_SSL_FAILED:
      return true;
    default:
      return false;
  }
}

/* Not in the headers of the oldest supported libcurl. */
enum { TOO_LARGE_CODE = 100 };  /* CURLE_TOO_LARGE, from 8.6 on */

static ws_kind kind_of(const ws_attempt *attempt, CURL *easy, CURLcode code,
                       bool sent) {
  if (is_tls_error(code)) return WS_TLS;
  if ((int)code == TOO_LARGE_CODE) return WS_TOO_LARGE;
  switch (code) {
    case CURLE_OUT_OF_MEMORY: case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
      return size_or_memory(attempt);
    case CURLE_ABORTED_BY_CALLBACK:
      return !sent && ws_attempt_lacked_memory(attempt) ? WS_MEMORY
                                                        : WS_NETWORK;
    case CURLE_OPERATION_TIMEDOUT:
      return WS_TIMEOUT;
    case CURLE_URL_MALFORMAT:  /* checked before: libcurl copies it again */
      return ws_attempt_lacked_memory(attempt) ? WS_MEMORY : WS_INVALID;
    case CURLE_UNSUPPORTED_PROTOCOL: case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return sent ? WS_DECODE : WS_INVALID;
    default:
      return has_long_headers(attempt, easy) ? WS_TOO_LARGE : WS_NETWORK;
  }
}

/* True for a redirect or an error: its status counts even if the rest of the
** response was lost. */
static bool is_refusal(int status) {
  return status >= 300;
}

static void describe_size(ws_attempt *attempt, CURLcode code) {
  bool is_body = code == CURLE_FILESIZE_EXCEEDED ||
                 (code == CURLE_WRITE_ERROR &&
                  attempt->header_bytes <= MAX_HEADERS);
  if (is_body)
    snprintf(attempt->message, sizeof attempt->message,
             "the response is longer than %zu bytes (max_response)",
             attempt->max_response);
  else
    strcpy(attempt->message, "the headers of the response are too long");
}

/* libcurl's texts differ from version to version, so common errors have texts
** of our own. */
static void set_message(ws_attempt *attempt, ws_kind kind, CURLcode code) {
  const char *text = attempt->handle->message;
  const char *hint = code == CURLE_SSL_CONNECT_ERROR
                     ? " (no TLS connection; is it an http:// address?)" : "";
  if (code == CURLE_OK) return;
  if (kind == WS_TOO_LARGE) {
    describe_size(attempt, code);
    return;
  }
  if (attempt->was_stale)
    text = "the idle connection had been closed";
  else if (attempt->was_sent)
    text = "the connection was closed before a response came";
  else if (kind == WS_MEMORY)
    text = "not enough memory";
  else if (!*text)
    text = curl_easy_strerror(code);
  snprintf(attempt->message, sizeof attempt->message, "%.200s%s", text, hint);
  ws_url_redact(attempt->message, sizeof attempt->message);
}

static ws_time elapsed(CURL *easy, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, what, &microseconds);
  return microseconds;
}

/* Without a header in this attempt, libcurl may still have the status of the
** handle's last one. */
static void set_outcome(ws_attempt *attempt, CURL *easy, CURLcode code,
                        ws_time sent_after, ws_outcome *outcome) {
  long status = 0;
  if (attempt->header_bytes)
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  attempt->status = outcome->status = (int)status;
  outcome->unresolved = code == CURLE_COULDNT_RESOLVE_HOST ||
                        code == CURLE_COULDNT_RESOLVE_PROXY;
  outcome->stale = attempt->was_stale && !attempt->was_sent;
  outcome->sent = attempt->was_sent ||
                  (sent_after > 0 && sent_bytes(easy) > 0);
  outcome->kind = code == CURLE_OK || is_refusal((int)status)
                    ? ws_status_kind((int)status)
                    : kind_of(attempt, easy, code, outcome->sent);
}

ws_handle *ws_attempt_finish(ws_attempt *attempt, ws_loop *loop,
                             CURLcode code, ws_outcome *outcome,
                             ws_time *written, ws_time *answered) {
  ws_handle *handle = attempt->handle;
  CURL *easy = handle->transfer.easy;
  ws_time sent_after = elapsed(easy, CURLINFO_PRETRANSFER_TIME_T);
  set_outcome(attempt, easy, code, sent_after, outcome);
  *written = outcome->sent ? attempt->started + sent_after : WS_NEVER;
  *answered = attempt->status ? attempt->first_byte_at : WS_NEVER;
  set_message(attempt, outcome->kind, code);
  attempt->handle = NULL;
  ws_loop_remove(loop, &handle->transfer);
  return handle;
}
