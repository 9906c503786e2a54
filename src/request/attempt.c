/*
** One attempt: a libcurl easy handle from start to end.
*/

#include "request/attempt.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "request/client.h"
#include "request/loop.h"

enum { MAX_HEAD = 256 * 1024 };

static size_t on_body(char *bytes, size_t unit, size_t count, void *data) {
  ws_call *call = ((ws_handle *)data)->call;
  size_t size = unit * count;
  if (size > call->client->max_response - call->response.size) {
    call->too_large = true;
    return 0;
  }
  ws_buffer_add(&call->response, bytes, size);
  ws_buffer_cstring(&call->response);
  return call->response.failed ? 0 : size;
}

/* Keeps the headers of the last answer, and when it came; interim answers and
** a proxy's come before it. libcurl's own moment of the first byte is that of
** sending, for a POST. */
static size_t on_header(char *line, size_t unit, size_t count, void *data) {
  ws_call *call = ((ws_handle *)data)->call;
  size_t size = unit * count;
  call->header_bytes += size;
  if (call->header_bytes > MAX_HEAD) {
    call->too_large = true;
    return 0;
  }
  if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    call->first_byte_at = ws_now();
    ws_buffer_reset(&call->headers_text);
  }
  else
    ws_buffer_add(&call->headers_text, line, size);
  return call->headers_text.failed ? 0 : size;
}

/* Whether memory ran out, for anyone, since the attempt began. */
static bool ran_out_of_memory(const ws_call *call) {
  return ws_memory_failures() != call->alloc_failures;
}

/* The connection stands and the request is about to be sent. Where a used
** connection turns out to be dead libcurl would send the request a second
** time on a new one, behind the back of limits and budgets: a POST would be
** made twice, and a DELETE that worked would meet its own 404. That is for
** our own retries to judge. Stopped here, a body can be in libcurl's hands
** whole, and leaves in one packet with its head, which a read callback that
** cannot rewind would cost a second packet. And a libcurl without memory
** leaves parts of the address out (its query, in 7.88) and goes on: what was
** made meanwhile is not sent. */
static int on_prerequest(void *data, char *ip, char *local_ip, int port,
                    int local_port) {
  ws_call *call = ((ws_handle *)data)->call;
  (void)ip;
  (void)local_ip;
  (void)port;
  (void)local_port;
  return call->setup_count++ || ran_out_of_memory(call) ? CURL_PREREQFUNC_ABORT
                                                : CURL_PREREQFUNC_OK;
}

#define SET(option, value) \
  if (failed == CURLE_OK) failed = curl_easy_setopt(easy, option, value)

/* What libcurl calls in each attempt. */
CURLcode ws_attempt_set_callbacks(ws_handle *handle) {
  CURL *easy = handle->easy;
  CURLcode failed = CURLE_OK;
  SET(CURLOPT_PRIVATE, handle);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, handle);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, handle);
  SET(CURLOPT_PREREQFUNCTION, on_prerequest);
  SET(CURLOPT_PREREQDATA, handle);
  SET(CURLOPT_ERRORBUFFER, handle->message);
  return failed;
}

/* Only what can be sent again at once may go over HTTP/2, whose connections
** end with requests in them. Only what is read may be long enough to be worth
** packing. */
static CURLcode set_method(const ws_call *call, CURL *easy) {
  bool reads = call->method == WS_GET;
  bool plain = call->method == WS_POST || (reads && !call->body);
  CURLcode failed = CURLE_OK;
  if (call->body || call->method == WS_POST || call->method == WS_PATCH) {
    SET(CURLOPT_POST, 1L);
  }
  else
    SET(CURLOPT_HTTPGET, 1L);
  SET(CURLOPT_CUSTOMREQUEST, plain ? NULL : ws_method_name(call->method));
  SET(CURLOPT_HTTP_VERSION, reads ? (long)CURL_HTTP_VERSION_2TLS
                                  : (long)CURL_HTTP_VERSION_1_1);
  /* a libcurl without HTTP/2 has no such version */
  if (failed == CURLE_UNSUPPORTED_PROTOCOL && reads) failed = CURLE_OK;
  SET(CURLOPT_ACCEPT_ENCODING, reads ? "gzip" : NULL);
  return failed;
}

/* The method, unless the handle's last attempt had the same. */
static CURLcode set_method_if_changed(ws_handle *handle, const ws_call *call) {
  bool with_body = call->body != NULL;
  CURLcode failed = CURLE_OK;
  if (handle->used && handle->method == call->method &&
      handle->with_body == with_body)
    return CURLE_OK;
  failed = set_method(call, handle->easy);
  handle->used = failed == CURLE_OK;
  handle->method = call->method;
  handle->with_body = with_body;
  return failed;
}

static CURLcode set_up(ws_call *call, ws_handle *handle, ws_time now) {
  const ws_client *client = call->client;
  CURL *easy = handle->easy;
  ws_time limit = call->timeout;
  struct curl_slist *headers = call->headers      ? call->headers
                               : call->body       ? client->body_headers
                                                  : client->headers;
  CURLcode failed = set_method_if_changed(handle, call);
  if (failed == CURLE_OK) failed = ws_handle_set_url(handle, call->url);
  if (call->deadline != WS_NEVER && call->deadline - now < limit)
    limit = call->deadline - now;
  SET(CURLOPT_HTTPHEADER, headers);
  SET(CURLOPT_TIMEOUT_MS, (long)(limit / 1000) + 1);
  if (call->body || call->method == WS_POST || call->method == WS_PATCH) {
    SET(CURLOPT_POSTFIELDS, call->body ? call->body : "");
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
  }
  return failed;
}

#undef SET

static void reset_response(ws_call *call, ws_time now) {
  call->started = now;
  call->answered_at = WS_NEVER;
  call->status = 0;
  call->setup_count = 0;
  call->header_bytes = 0;
  call->too_large = false;
  call->message[0] = '\0';
  call->alloc_failures = ws_memory_failures();
  ws_buffer_reset(&call->response);
  ws_buffer_reset(&call->headers_text);
}

/* WS_OK, or why it could not be begun. */
ws_kind ws_attempt_start(ws_call *call, ws_time now) {
  ws_handle *handle =
    ws_loop_ensure_multi(call->loop) ? ws_handle_acquire(call->client) : NULL;
  CURLcode failed;
  if (!handle) return WS_MEMORY;
  reset_response(call, now);
  handle->call = call;
  handle->message[0] = '\0';
  failed = set_up(call, handle, now);
  if (failed == CURLE_OK &&
      curl_multi_add_handle(call->loop->multi, handle->easy) == CURLM_OK) {
    call->handle = handle;
    return WS_OK;
  }
  ws_handle_free(handle);
  return failed == CURLE_URL_MALFORMAT ? WS_INVALID : WS_MEMORY;
}

/* A handle that was stopped in its work is not used again. */
void ws_attempt_abort(ws_call *call) {
  ws_handle *handle = call->handle;
  call->handle = NULL;
  if (!handle || ws_loop_is_forked(call->loop)) return;
  curl_multi_remove_handle(call->loop->multi, handle->easy);
  ws_handle_free(handle);
}

/* libcurl calls it lack of memory, too, when a line of the answer's head is
** longer than it takes. */
static ws_kind out_of_memory(const ws_call *call) {
  return ran_out_of_memory(call) ? WS_MEMORY : WS_TOO_LARGE;
}

static ws_kind kind_of(const ws_call *call, CURLcode code, bool sent) {
  switch (code) {
    case CURLE_OUT_OF_MEMORY:
      return out_of_memory(call);
    case CURLE_ABORTED_BY_CALLBACK:
      return !sent && ran_out_of_memory(call) ? WS_MEMORY : WS_NETWORK;
    case CURLE_OPERATION_TIMEDOUT:
      return WS_TIMEOUT;
    case CURLE_WRITE_ERROR: case CURLE_FILESIZE_EXCEEDED:
      if (call->response.failed || call->headers_text.failed) return WS_MEMORY;
      return WS_TOO_LARGE;
    case CURLE_SSL_CONNECT_ERROR: case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM: case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE: case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE: case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND: case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED: case CURLE_USE_SSL_FAILED:
      return WS_TLS;
    case CURLE_URL_MALFORMAT:
      return WS_INVALID;
    case CURLE_UNSUPPORTED_PROTOCOL: case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return sent ? WS_DECODE : WS_INVALID;
    default:
      return WS_NETWORK;
  }
}

/* A refusal counts as one even when the rest of its answer was lost. */
static bool is_refusal(int status) {
  return status >= 300;
}

static ws_time elapsed(CURL *easy, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, what, &microseconds);
  return microseconds;
}

static void describe_size_limit(ws_call *call, CURLcode code) {
  if (call->header_bytes > MAX_HEAD || code == CURLE_OUT_OF_MEMORY)
    strcpy(call->message, "the head of the answer is too long");
  else
    snprintf(call->message, sizeof call->message,
             "the answer is above the limit of %zu bytes (max_response)",
             call->client->max_response);
}

/* Replaces user and password of a proxy, "http://ann:secret@host", which
** libcurl repeats in its messages about a malformed one. */
static void redact_user_info(char *message) {
  static const char mark[] = "[redacted]";
  char *quote = strchr(message, '\''), *at = strrchr(message, '@');
  char *slashes, *start, rest[CURL_ERROR_SIZE];
  if (!quote || !at || at < quote) return;
  slashes = strstr(quote, "//");
  start = slashes && slashes < at ? slashes + 2 : quote + 1;
  snprintf(rest, sizeof rest, "%s", at);
  snprintf(start, (size_t)(message + CURL_ERROR_SIZE - start), "%s%s", mark,
           rest);
}

/* What the attempt came to. `written` is WS_NEVER when nothing was sent,
** `answered` when nothing came back. Gives the easy handle back. */
void ws_attempt_finish(ws_call *call, CURLcode code, ws_outcome *outcome,
                         ws_time *written, ws_time *answered_at) {
  ws_handle *handle = call->handle;
  CURL *easy = handle->easy;
  long status = 0, bytes = 0;
  ws_time sent_after = elapsed(easy, CURLINFO_PRETRANSFER_TIME_T);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes);
  outcome->status = (int)status;
  outcome->sent = call->setup_count > 1 || (sent_after > 0 && bytes > 0);
  outcome->kind = code == CURLE_OK || is_refusal((int)status)
                    ? ws_status_kind((int)status)
                    : kind_of(call, code, outcome->sent);
  *written = outcome->sent ? call->started + sent_after : WS_NEVER;
  *answered_at = status ? call->first_byte_at : WS_NEVER;
  if (call->setup_count > 1)
    strcpy(call->message, "the connection was closed before an answer came");
  else if (outcome->kind == WS_TOO_LARGE)
    describe_size_limit(call, code);
  else if (code != CURLE_OK) {
    snprintf(call->message, sizeof call->message, "%s",
             handle->message[0] ? handle->message : curl_easy_strerror(code));
    redact_user_info(call->message);
  }
  call->handle = NULL;
  curl_multi_remove_handle(call->loop->multi, easy);
  ws_handle_release(call->client, handle);
}
