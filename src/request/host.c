/*
** The functions of workstage.h by which a host (the program that uses the core)
** starts calls, waits for them and reads their responses.
*/

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "json/number.h"
#include "request/call.h"
#include "request/headers.h"
#include "request/url.h"

/* In the order of enum ws_method. */
static const char *const methods[] = {"GET", "POST", "PUT", "PATCH",
                                      "DELETE", "GET"};

enum { METHODS = sizeof methods / sizeof methods[0] };

static bool is_method(ws_method method) {
  return (int)method >= 0 && (int)method < METHODS;
}

const char *ws_method_name(ws_method method) {
  return is_method(method) ? methods[method] : NULL;
}

int ws_method_from_name(const char *name) {
  for (int i = 0; i < METHODS; i++)
    if (strcmp(methods[i], name) == 0) return i;
  return -1;
}

/* ---------------------------------------------------------------- loop */

static bool start_queued(ws_loop *loop, ws_time now) {
  bool started = false;
  for (ws_client *client = loop->clients; client; client = client->next)
    if (ws_client_start_queued(client, now)) started = true;
  return started || loop->limiter_due <= now;
}

static const ws_loop_hooks hooks = {
  .transfer_ended = ws_call_transfer_ended,
  .transfer_failed = ws_call_transfer_failed,
  .timer_expired = ws_call_timer_expired,
  .start_queued = start_queued,
  .released = ws_call_free_spare,
};

ws_loop *ws_loop_open(ws_error *error) {
  return ws_loop_create(&hooks, error);
}

/* Runs the completion callbacks of calls that have ended. A callback may end
** further calls. */
static void run_callbacks(ws_loop *loop) {
  while (loop->callbacks.first) {
    ws_call *call = ws_call_of(loop->callbacks.first);
    ws_queue_remove(&call->link);
    call->done(call);
  }
}

void ws_loop_close(ws_loop *loop) {
  while (loop->clients) ws_client_shutdown(loop->clients);
  while (loop->sleepers.first)
    ws_call_fail(ws_call_of(loop->sleepers.first), WS_CANCELLED,
                 "the event loop was closed");
  ws_loop_shutdown(loop);
  run_callbacks(loop);
  ws_loop_release(loop);
}

bool ws_loop_step(ws_loop *loop, double timeout) {
  bool uninterrupted = ws_loop_run(loop, timeout, NULL);
  run_callbacks(loop);
  return uninterrupted;
}

ws_call *ws_loop_finished(ws_loop *loop) {
  ws_link *link = loop->finished.first;
  if (!link) return NULL;
  ws_queue_remove(link);
  return ws_call_of(link);
}

/* --------------------------------------------------------------- start */

static bool check_seconds(const char *name, double seconds, double most,
                          ws_error *error) {
  char given[WS_NUMBER_SIZE];
  if (seconds >= 0 && seconds <= most) return true;
  ws_number_format(given, seconds);
  ws_fail(error, WS_INVALID, "%s: %s is not between 0 and %.0f seconds",
          name, given, most);
  return false;
}

static bool check_request(const ws_client *client, const ws_request *request,
                          ws_error *error) {
  if (client->closed)
    ws_fail(error, WS_INVALID, "the client is closed");
  else if (ws_loop_is_forked(client->loop))
    ws_fail(error, WS_INVALID, "the client was opened before fork: open a "
            "new one in the child");
  else if (!is_method(request->method))
    ws_fail(error, WS_INVALID, "method: %d is not one of enum ws_method",
            (int)request->method);
  else if (request->attempts < 0 || request->attempts > WS_MAX_ATTEMPTS)
    ws_fail(error, WS_INVALID, "attempts: %d is not between 0 and %d",
            request->attempts, WS_MAX_ATTEMPTS);
  else
    return check_seconds("timeout", request->timeout, 86400, error) &&
           check_seconds("deadline", request->deadline, 1e9, error) &&
           check_seconds("start_within", request->start_within, 1e9, error) &&
           ws_url_check(request->path, request->query, error) &&
           ws_headers_check(request->headers, error);
  return false;
}

/* The buffers of a spare call that are longer are freed. */
enum { MOST_SPARE = 16, MOST_KEPT = 16 * 1024 };

static void clear_buffer(ws_buffer *buffer) {
  if (buffer->capacity > MOST_KEPT) ws_buffer_free(buffer);
  ws_buffer_reset(buffer);
}

static void free_buffers(ws_call *call) {
  ws_buffer_free(&call->url_text);
  ws_buffer_free(&call->body_text);
  ws_attempt_free(&call->attempt);
}

/* Zeroes a call except for its buffers, which it empties. */
static void clear(ws_call *call) {
  ws_buffer url = call->url_text, body = call->body_text;
  ws_buffer response = call->attempt.response;
  ws_buffer headers = call->attempt.headers_text;
  memset(call, 0, sizeof *call);
  call->url_text = url;
  call->body_text = body;
  call->attempt.response = response;
  call->attempt.headers_text = headers;
  clear_buffer(&call->url_text);
  clear_buffer(&call->body_text);
  clear_buffer(&call->attempt.response);
  clear_buffer(&call->attempt.headers_text);
}

static ws_call *take_spare(ws_loop *loop) {
  ws_link *link = loop->spare.first;
  if (!link) return ws_calloc(1, sizeof(ws_call));
  ws_queue_remove(link);
  loop->spare_count--;
  return ws_call_of(link);
}

/* Keeps a call for later, or frees it: allocating a call and its buffers again
** takes as long as all else that the module does for a request in C. */
static void put_spare(ws_loop *loop, ws_call *call) {
  if (loop->spare_count < MOST_SPARE && !ws_loop_is_closed(loop)) {
    clear(call);
    ws_queue_add_first(&loop->spare, &call->link);
    loop->spare_count++;
    return;
  }
  free_buffers(call);
  ws_free(call);
}

void ws_call_free_spare(ws_loop *loop) {
  while (loop->spare.first) {
    ws_call *call = take_spare(loop);
    free_buffers(call);
    ws_free(call);
  }
}

/* Reserves the space for the call's timer now, so that setting it never
** fails. */
static ws_call *new_call(ws_loop *loop, ws_error *error) {
  ws_call *call = NULL;
  if (ws_heap_reserve(&loop->timers, loop->calls + 1))
    call = take_spare(loop);
  if (!call) {
    ws_fail_memory(error);
    return NULL;
  }
  call->loop = loop;
  call->id = ++loop->last_id;
  call->kind = WS_PENDING;
  call->created_at = ws_now();
  call->deadline = call->start_before = WS_NEVER;
  call->first_sent = call->answered_at = WS_NEVER;
  loop->references++;
  loop->calls++;
  loop->pending++;
  return call;
}

/* The time `seconds` from now; WS_NEVER for 0. */
static ws_time time_in(double seconds) {
  return seconds > 0 ? ws_now() + ws_from_seconds(seconds) : WS_NEVER;
}

static void copy_numbers(ws_call *call, const ws_request *request) {
  const ws_settings *settings = &call->client->settings;
  call->attempt.method = request->method;
  call->attempt.max_response = settings->max_response;
  call->data = request->data;
  call->done = request->done;
  call->timeout = request->timeout > 0 ? ws_from_seconds(request->timeout)
                                       : settings->timeout;
  call->max_attempts = request->attempts > 0 ? request->attempts
                                             : settings->attempts;
  call->deadline = time_in(request->deadline);
  call->start_before = time_in(request->start_within);
  if (call->deadline < call->start_before)
    call->start_before = call->deadline;
}

static bool copy_url(ws_call *call, const ws_request *request) {
  ws_url_join(&call->url_text, call->client->settings.base, request->path,
              request->query);
  call->attempt.url = call->url = ws_buffer_cstring(&call->url_text);
  return !call->url_text.failed;
}

static bool copy_body(ws_call *call, const ws_request *request) {
  if (!request->body) return true;
  ws_buffer_add(&call->body_text, request->body, request->body_size);
  call->attempt.body = call->body = ws_buffer_cstring(&call->body_text);
  call->attempt.body_size = request->body_size;
  return !call->body_text.failed;
}

static bool set_headers(ws_call *call, const ws_request *request) {
  const ws_settings *settings = &call->client->settings;
  struct curl_slist *common =
    call->body ? settings->body_headers : settings->headers;
  call->attempt.headers = common;
  if (!request->headers || !*request->headers) return true;
  if (!ws_headers_merge(&call->headers, common, request->headers))
    return false;
  call->attempt.headers = call->headers;
  return true;
}

ws_call *ws_call_start(ws_client *client, const ws_request *request,
                       ws_error *error) {
  ws_call *call;
  if (!check_request(client, request, error)) return NULL;
  call = new_call(client->loop, error);
  if (!call) return NULL;
  call->client = client;
  client->references++;
  copy_numbers(call, request);
  if (copy_url(call, request) && copy_body(call, request) &&
      set_headers(call, request)) {
    ws_call_enqueue(call);
    return call;
  }
  ws_fail_memory(error);
  ws_call_free(call);
  return NULL;
}

ws_call *ws_call_sleep(ws_loop *loop, double seconds, ws_error *error) {
  ws_call *call;
  if (!ws_loop_check_usable(loop, error) ||
      !check_seconds("seconds", seconds, 1e9, error))
    return NULL;
  call = new_call(loop, error);
  if (call) ws_call_sleep_until(call, ws_now() + ws_from_seconds(seconds));
  return call;
}

/* ----------------------------------------------------------------- use */

void ws_call_set_data(ws_call *call, void *data) {
  call->data = data;
}

void *ws_call_data(const ws_call *call) {
  return call->data;
}

ws_client *ws_call_client(const ws_call *call) {
  return call->client;
}

bool ws_call_is_done(const ws_call *call) {
  return call->has_ended;
}

const char *ws_call_sent_body(const ws_call *call, size_t *size) {
  *size = call->attempt.body_size;
  return call->body;
}

/* Other calls that end during the wait are reported later. Each new event
** interrupts the wait once, so that the host can handle it promptly. */
bool ws_call_wait(ws_call *call) {
  ws_loop *loop = call->loop;
  bool uninterrupted = true;
  if (ws_loop_is_forked(loop) && !call->has_ended)
    ws_call_fail(call, WS_INVALID, "the call was started before fork");
  while (!call->has_ended && uninterrupted &&
         !ws_events_notice(&loop->events)) {
    uninterrupted = ws_loop_run(loop, -1, &call->has_ended);
    run_callbacks(loop);
  }
  ws_loop_arm_timer(loop);
  if (!call->has_ended) return false;
  run_callbacks(loop);
  ws_queue_remove(&call->link);
  return true;
}

void ws_call_cancel(ws_call *call) {
  if (!call->has_ended) ws_call_fail(call, WS_CANCELLED, "cancelled");
}

void ws_call_free(ws_call *call) {
  ws_loop *loop = call->loop;
  call->done = NULL;
  ws_call_cancel(call);
  ws_queue_remove(&call->link);
  ws_headers_free(call->headers);
  loop->calls--;
  if (call->client) ws_client_release(call->client);
  put_spare(loop, call);
  ws_loop_release(loop);
}

/* ------------------------------------------------------------ response */

static double seconds_since(ws_time moment) {
  return moment == WS_NEVER ? -1 : ws_to_seconds(ws_now() - moment);
}

ws_kind ws_call_kind(const ws_call *call) {
  return call->has_ended ? call->kind : WS_PENDING;
}

const char *ws_call_body(const ws_call *call, size_t *size) {
  const ws_buffer *body = &call->attempt.response;
  *size = body->size;
  return body->size ? body->bytes : "";
}

void ws_call_response(const ws_call *call, ws_response *response) {
  const ws_attempt *attempt = &call->attempt;
  ws_kind kind = ws_call_kind(call);
  size_t size;
  *response = (ws_response){
    .kind = kind,
    .status = attempt->status,
    .message = attempt->message,
    .body = ws_call_body(call, &size),
    .body_size = attempt->response.size,
    .method = ws_method_name(attempt->method),
    .url = call->url,
    .attempts = call->attempts,
    .ambiguous = kind != WS_OK && kind != WS_PENDING && call->outcome_unknown,
    .maybe_applied = call->outcome_unknown,
    .since_sent = seconds_since(call->first_sent),
    .since_answered = seconds_since(call->answered_at),
  };
}

double ws_call_date(const ws_call *call) {
  return ws_headers_date(&call->attempt.headers_text);
}

const char *ws_call_header(const ws_call *call, const char *name,
                           size_t *size) {
  return ws_headers_find(&call->attempt.headers_text, name, size);
}

bool ws_call_next_header(const ws_call *call, size_t *at, const char **name,
                         size_t *name_size, const char **value,
                         size_t *value_size) {
  return ws_headers_next(&call->attempt.headers_text, at, name, name_size,
                         value, value_size);
}
