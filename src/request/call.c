/*
** The life of a call: its turn, its attempts, its end.
*/

#include "request/call.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "request/attempt.h"
#include "request/client.h"
#include "request/event.h"
#include "request/loop.h"
#include "request/retry.h"

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH",
                                      "DELETE"};

enum { METHODS = sizeof methods / sizeof methods[0] };

const char *ws_method_name(ws_method method) {
  return methods[method];
}

int ws_method_from_name(const char *name) {
  for (int i = 0; i < METHODS; i++)
    if (strcmp(methods[i], name) == 0) return i;
  return -1;
}

/* ---------------------------------------------------------------- ends */

/* Leaves whatever list and timer the call is in. */
static void detach(ws_call *call) {
  ws_heap_remove(&call->loop->timers, &call->timer);
  ws_queue_remove(call);
}

static void leave_flight(ws_call *call) {
  if (call->state == WS_IN_FLIGHT) call->client->in_flight--;
}

void ws_call_end(ws_call *call, ws_kind kind) {
  const ws_outcome cut = {.kind = kind, .sent = true};
  detach(call);
  if (call->handle) {
    if (ws_outcome_is_unknown(call->method, &cut)) call->outcome_unknown = true;
    ws_limit_record_lost(call->client->limiter, call->reservation,
                         ws_now());
    ws_attempt_abort(call);
  }
  leave_flight(call);
  call->state = WS_DONE;
  call->kind = kind;
  call->loop->pending--;
  ws_queue_add(&call->loop->finished, call);
  ws_loop_arm_timer(call->loop);
}

static void fail(ws_call *call, ws_kind kind, const char *message) {
  snprintf(call->message, sizeof call->message, "%s", message);
  ws_call_end(call, kind);
}

/* --------------------------------------------------------------- turns */

/* Ends a call whose next attempt would begin too late. */
static void fail_late(ws_call *call) {
  fail(call, WS_TIMEOUT,
       call->start_before < call->deadline
         ? "start_within passed before it could be sent"
         : "the deadline passed before it could be sent");
}

/* In the queue for its turn: at its end, or at its head once it has been
** sent before. */
static void enqueue(ws_call *call) {
  ws_client *client = call->client;
  detach(call);
  leave_flight(call);
  call->state = WS_QUEUED;
  call->wait_reported = false;
  if (call->attempts) ws_queue_add_first(&client->queued, call);
  else ws_queue_add(&client->queued, call);
  if (call->start_before != WS_NEVER)
    ws_heap_set(&call->loop->timers, &call->timer, call->start_before);
}

static void pause_until(ws_call *call, ws_time moment) {
  detach(call);
  leave_flight(call);
  call->state = WS_PAUSED;
  ws_queue_add(call->client ? &call->client->active : &call->loop->sleepers,
               call);
  ws_heap_set(&call->loop->timers, &call->timer, moment);
}

static void start_attempt(ws_call *call, ws_time now) {
  ws_client *client = call->client;
  ws_kind failed;
  detach(call);
  failed = ws_attempt_start(call, now);
  if (failed) {
    ws_limit_record_unsent(client->limiter, call->reservation);
    fail(call, failed, failed == WS_MEMORY ? "not enough memory"
                                           : "the URL is malformed");
    return;
  }
  call->state = WS_IN_FLIGHT;
  ws_queue_add(&client->active, call);
  client->in_flight++;
  client->sent++;
  call->attempts++;
  if (call->first_sent == WS_NEVER) call->first_sent = now;
  ws_event_add(call, WS_EVENT_REQUEST, 0);
}

/* Tells how long the call will wait for its turn, once. */
static void report_wait(ws_call *call, ws_time turn, ws_time now) {
  if (call->wait_reported) return;
  call->wait_reported = true;
  ws_event_add(call, WS_EVENT_WAIT,
               turn == WS_NEVER ? -1 : (double)(turn - now) / 1e6);
}

/* Groups by method: requests of one method have similar latency. */
static bool acquire_turn(ws_call *call, ws_time now) {
  ws_client *client = call->client;
  ws_loop *loop = call->loop;
  ws_time turn = ws_limit_start(client->limiter, now, call->method,
                                &call->reservation);
  if (turn <= now) return true;
  if (turn < loop->limiter_due) loop->limiter_due = turn;
  report_wait(call, turn, now);
  return false;
}

/* Ends a call that must not be sent any more; a host may have been busy with
** other things when its deadline passed. */
static bool end_unsendable(ws_call *call, ws_time now) {
  const ws_client *client = call->client;
  if (now >= call->start_before)
    fail_late(call);
  else if (client->max_requests && client->sent >= client->max_requests)
    fail(call, WS_BUDGET, "max_requests is used up");
  else
    return false;
  return true;
}

/* Starts what may start now; whether that was anything. */
bool ws_client_start_queued(ws_client *client, ws_time now) {
  bool begun = false;
  ws_call *call;
  while ((call = client->queued.first) != NULL &&
         client->in_flight < client->concurrency) {
    if (end_unsendable(call, now)) continue;
    if (!acquire_turn(call, now)) break;
    start_attempt(call, now);
    begun = true;
  }
  if (begun) ws_loop_drive_transfers(client->loop);
  return begun;
}

/* A call's timer has run out. */
void ws_call_timer_expired(ws_call *call, ws_time now) {
  if (!call->client)
    ws_call_end(call, WS_OK);
  else if (now < call->start_before)
    enqueue(call);
  else
    fail_late(call);
}

/* ------------------------------------------------------------ attempts */

static double wall_clock(void) {
  return (double)time(NULL);
}

static double requested_pause(const ws_call *call) {
  char text[64];
  size_t size;
  const char *value = ws_call_header(call, "Retry-After", &size);
  if (!value || size >= sizeof text) return -1;
  memcpy(text, value, size);
  text[size] = '\0';
  return ws_retry_after(text, wall_clock());
}

/* Whether another attempt is allowed and can begin early enough. */
static bool may_retry(const ws_call *call, ws_time moment) {
  return call->attempts < call->max_attempts &&
         moment < call->start_before;
}

static void retry_after_pause(ws_call *call, ws_time now) {
  ws_client *client = call->client;
  double asked = call->status == 503 ? requested_pause(call) : -1;
  double pause = asked >= 0 ? fmin(asked, client->retry_cap)
                            : ws_retry_pause(call->attempts + 1,
                                             client->retry_base,
                                             client->retry_cap,
                                             &call->loop->rng_state);
  ws_time moment = now + (ws_time)(pause * 1e6);
  if (!may_retry(call, moment)) {
    ws_call_end(call, call->kind);
    return;
  }
  ws_event_add(call, WS_EVENT_RETRY, pause);
  pause_until(call, moment);
}

/* A 429: the hold-off counts for all requests of the token; this one waits
** for its turn again. */
static void retry_after_rate_limit(ws_call *call, ws_time written,
                                   ws_time answered_at,
                 ws_time now) {
  ws_client *client = call->client;
  double pause = ws_retry_hold_off(requested_pause(call), ++call->rejections,
                               client->retry_base, client->retry_cap,
                               &call->loop->rng_state);
  ws_time until = now + (ws_time)(pause * 1e6);
  ws_limit_record_429(client->limiter, call->reservation, written, answered_at,
                      ws_retry_named_rate(call->response.bytes,
                                          call->response.size), until);
  if (!may_retry(call, until)) {
    ws_call_end(call, call->kind);
    return;
  }
  ws_event_add(call, WS_EVENT_RETRY, pause);
  enqueue(call);
}

/* Tells the limiter how an attempt ended that was not answered with 429. */
static void record_end(const ws_call *call, ws_time written,
                       ws_time answered_at, ws_time now) {
  ws_limiter_handle *limiter = call->client->limiter;
  ws_reservation reservation = call->reservation;
  if (written == WS_NEVER) ws_limit_record_unsent(limiter, reservation);
  else if (answered_at == WS_NEVER)
    ws_limit_record_lost(limiter, reservation, now);
  else ws_limit_record_response(limiter, reservation, written, answered_at);
}

/* A DELETE that may have worked, and now finds nothing, has worked. */
static bool already_deleted(const ws_call *call) {
  return call->method == WS_DELETE && call->status == 404 &&
    call->outcome_unknown;
}

/* An attempt has ended. */
void ws_call_attempt_ended(ws_call *call, CURLcode code) {
  ws_outcome outcome;
  ws_time written, answered_at, now = ws_now();
  ws_attempt_finish(call, code, &outcome, &written, &answered_at);
  call->answered_at = answered_at;
  call->status = outcome.status;
  call->kind = already_deleted(call) ? WS_OK : outcome.kind;
  if (ws_outcome_is_unknown(call->method,
                            &outcome)) call->outcome_unknown = true;
  ws_event_add(call, WS_EVENT_RESPONSE, 0);
  if (outcome.kind == WS_RATE_LIMITED) {
    retry_after_rate_limit(call, written, answered_at, now);
    return;
  }
  call->rejections = 0;
  record_end(call, written, answered_at, now);
  if (ws_retry_decide(call->method, &outcome) == WS_RETRY_AFTER_PAUSE)
    retry_after_pause(call, now);
  else
    ws_call_end(call, call->kind);
}

/* -------------------------------------------------------------- making */

static bool build_url(ws_call *call, const ws_request *request) {
  ws_buffer url = WS_BUFFER_EMPTY;
  ws_buffer_add_text(&url, call->client->base);
  ws_buffer_add_text(&url, request->path);
  if (request->query && *request->query) {
    ws_buffer_add_char(&url, strchr(request->path, '?') ? '&' : '?');
    ws_buffer_add_text(&url, request->query);
  }
  ws_buffer_cstring(&url);
  call->url = url.bytes;
  return !url.failed;
}

static bool overrides(const char *const *headers, const char *line) {
  size_t size = strcspn(line, ":") + 1;
  for (; *headers; headers++)
    if (strncasecmp(*headers, line, size) == 0) return true;
  return false;
}

/* The client's headers but those that the request gives itself. */
static bool build_headers(ws_call *call, const ws_request *request) {
  const struct curl_slist *at =
    call->body ? call->client->body_headers : call->client->headers;
  const char *const *more = request->headers;
  if (!more || !*more) return true;
  for (; at; at = at->next)
    if (!overrides(more, at->data) &&
        !ws_headers_add(&call->headers, at->data))
      return false;
  for (; *more; more++)
    if (!ws_headers_add(&call->headers, *more)) return false;
  return true;
}

static bool copy_body(ws_call *call, const ws_request *request) {
  if (!request->body) return true;
  call->body_size = request->body_size;
  call->body = ws_copy(request->body, request->body_size);
  return call->body != NULL;
}

/* Whether it can be sent in the path of a URL as it stands. */
static bool is_plain(char c) {
  static const bool special[0x80] = {
    ['"'] = true, ['#'] = true, ['<'] = true, ['>'] = true, ['\\'] = true,
    ['^'] = true, ['`'] = true, ['{'] = true, ['|'] = true, ['}'] = true,
  };
  return c > 0x20 && c < 0x7f && !special[(unsigned char)c];
}

static bool check_path(const char *path, ws_error *error) {
  const char *at = path;
  while (is_plain(*at)) at++;
  if (*path == '/' && !*at) return true;
  if (*path != '/')
    ws_fail(error, WS_INVALID, "path: '%.60s' does not begin with a slash",
            path);
  else
    ws_fail(error, WS_INVALID, "path: the character at byte %d must be "
            "percent-encoded", (int)(at - path) + 1);
  return false;
}

static bool check(const ws_client *client, const ws_request *request,
                  ws_error *error) {
  if (client->closed)
    ws_fail(error, WS_INVALID, "the client is closed");
  else if (ws_loop_is_forked(client->loop))
    ws_fail(error, WS_INVALID, "the client was made before fork: make a new "
            "one in the child");
  else if (!(request->timeout >= 0) || request->timeout > 86400)
    ws_fail(error, WS_INVALID, "timeout: %g is not between 0 and 86400 "
            "seconds", request->timeout);
  else if (!(request->deadline >= 0) || request->deadline > 1e9)
    ws_fail(error, WS_INVALID, "deadline: %g is not between 0 and 1e9 "
            "seconds", request->deadline);
  else if (!(request->start_within >= 0) || request->start_within > 1e9)
    ws_fail(error, WS_INVALID, "start_within: %g is not between 0 and 1e9 "
            "seconds", request->start_within);
  else
    return check_path(request->path, error) &&
           ws_headers_check(request->headers, error);
  return false;
}

static ws_call *new_call(ws_loop *loop, ws_error *error) {
  ws_call *call = NULL;
  if (ws_heap_reserve(&loop->timers, loop->calls + 1))
    call = ws_calloc(1, sizeof *call);
  if (!call) {
    ws_fail_memory(error);
    return NULL;
  }
  call->loop = loop;
  call->id = ++loop->last_id;
  call->deadline = call->start_before = WS_NEVER;
  call->first_sent = call->answered_at = WS_NEVER;
  loop->references++;
  loop->calls++;
  loop->pending++;
  return call;
}

/* The moment so many seconds from now; WS_NEVER for 0. */
static ws_time moment_in(double seconds) {
  return seconds > 0 ? ws_now() + (ws_time)(seconds * 1e6) : WS_NEVER;
}

static bool copy_settings(ws_call *call, const ws_request *request) {
  const ws_client *client = call->client;
  call->method = request->method;
  call->timeout = request->timeout > 0 ? (ws_time)(request->timeout * 1e6)
                                       : client->timeout;
  call->max_attempts = request->attempts > 0 ? request->attempts
                                             : client->attempts;
  call->deadline = moment_in(request->deadline);
  call->start_before = moment_in(request->start_within);
  if (call->deadline < call->start_before)
    call->start_before = call->deadline;
  return build_url(call, request) && copy_body(call, request) &&
         build_headers(call, request);
}

ws_call *ws_call_start(ws_client *client, const ws_request *request,
                       ws_error *error) {
  ws_call *call;
  if (!check(client, request, error)) return NULL;
  call = new_call(client->loop, error);
  if (!call) return NULL;
  call->client = client;
  client->references++;
  if (!copy_settings(call, request)) {
    ws_fail_memory(error);
    ws_call_free(call);
    return NULL;
  }
  enqueue(call);
  ws_client_start_queued(client, ws_now());
  ws_loop_arm_timer(client->loop);
  return call;
}

ws_call *ws_call_sleep(ws_loop *loop, double seconds, ws_error *error) {
  ws_call *call;
  if (ws_loop_is_closed(loop) || ws_loop_is_forked(loop)) {
    ws_fail(error, WS_INVALID, "the event loop is closed");
    return NULL;
  }
  call = new_call(loop, error);
  if (!call) return NULL;
  pause_until(call, ws_now() + (ws_time)(fmin(seconds, 1e9) * 1e6));
  ws_loop_arm_timer(loop);
  return call;
}

/* ----------------------------------------------------------------- use */

void ws_call_set_data(ws_call *call, void *data) {
  call->data = data;
}

void *ws_call_data(const ws_call *call) {
  return call->data;
}

bool ws_call_is_done(const ws_call *call) {
  return call->state == WS_DONE;
}

void ws_call_cancel(ws_call *call) {
  if (call->state != WS_DONE) fail(call, WS_CANCELLED, "cancelled");
}

void ws_call_free(ws_call *call) {
  ws_call_cancel(call);
  ws_queue_remove(call);
  ws_free(call->url);
  ws_free(call->body);
  ws_headers_free(call->headers);
  ws_buffer_free(&call->response);
  ws_buffer_free(&call->headers_text);
  call->loop->calls--;
  if (call->client) ws_client_release(call->client);
  ws_loop_release(call->loop);
  ws_free(call);
}

/* -------------------------------------------------------------- answer */

static double seconds_since(ws_time moment) {
  return moment == WS_NEVER ? -1 : (double)(ws_now() - moment) / 1e6;
}

double ws_call_date(const ws_call *call) {
  char text[64];
  size_t size;
  const char *value = ws_call_header(call, "Date", &size);
  if (!value || size >= sizeof text) return -1;
  memcpy(text, value, size);
  text[size] = '\0';
  return (double)curl_getdate(text, NULL);
}

void ws_call_response(const ws_call *call, ws_response *answer) {
  bool failed = call->kind != WS_OK;
  *answer = (ws_response){
    .kind = call->kind,
    .status = call->status,
    .message = call->message,
    .body = call->response.size ? call->response.bytes : "",
    .body_size = call->response.size,
    .method = ws_method_name(call->method),
    .url = call->url,
    .attempts = call->attempts,
    .ambiguous = failed && call->outcome_unknown,
    .unsure = call->outcome_unknown,
    .first_sent = seconds_since(call->first_sent),
    .answered = seconds_since(call->answered_at),
  };
}

/* Where the value begins and ends, without blanks around it. */
static const char *trim(const char *value, const char *end, size_t *size) {
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && strchr("\r \t", end[-1])) end--;
  *size = (size_t)(end - value);
  return value;
}

bool ws_call_next_header(const ws_call *call, size_t *at, const char **name,
                         size_t *name_size, const char **value,
                         size_t *value_size) {
  const char *line, *colon, *end;
  do {
    if (*at >= call->headers_text.size) return false;
    line = call->headers_text.bytes + *at;
    end = memchr(line, '\n', call->headers_text.size - *at);
    if (!end) end = call->headers_text.bytes + call->headers_text.size - 1;
    *at += (size_t)(end - line) + 1;
    colon = memchr(line, ':', (size_t)(end - line));
  } while (!colon);
  *name = line;
  *name_size = (size_t)(colon - line);
  *value = trim(colon + 1, end, value_size);
  return true;
}

const char *ws_call_header(const ws_call *call, const char *name,
                           size_t *size) {
  size_t at = 0, name_size;
  const char *found, *value;
  while (ws_call_next_header(call, &at, &found, &name_size, &value, size))
    if (strlen(name) == name_size &&
        strncasecmp(found, name, name_size) == 0)
      return value;
  return NULL;
}
