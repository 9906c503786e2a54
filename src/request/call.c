#include "request/call.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "request/headers.h"
#include "request/retry.h"

#define OFFSET_LIFE (60 * WS_SECOND)  /* the clock offset is known so long */

/* ----------------------------------------------------------------- events */

static void describe_request(const ws_call *call, ws_event *event) {
  event->client = call->client;
  event->id = call->id;
  event->time = ws_wall_clock();
  event->method = ws_method_name(call->attempt.method);
  snprintf(event->url, sizeof event->url, "%s", call->url);
  event->attempt = call->attempts;
  event->sent = call->attempt.body_size;
}

/* `elapsed` ends with the first byte of the response, as the time of its other
** bytes says more about its size. */
static void describe_response(const ws_call *call, ws_event *event) {
  const ws_attempt *attempt = &call->attempt;
  ws_time end = call->answered_at == WS_NEVER ? ws_now() : call->answered_at;
  event->status = attempt->status;
  event->kind = call->kind;
  event->elapsed = ws_to_seconds(end - attempt->started);
  event->received = attempt->response.size;
  if (call->kind != WS_OK && !attempt->status)
    snprintf(event->message, sizeof event->message, "%s", attempt->message);
}

static void add_event(ws_call *call, ws_event_type type, double pause) {
  ws_event event = {.type = type, .kind = WS_PENDING, .pause = pause};
  describe_request(call, &event);
  if (type == WS_EVENT_RESPONSE || type == WS_EVENT_RETRY)
    describe_response(call, &event);
  ws_events_add(&call->loop->events, &event);
}

static void report_event(ws_call *call, ws_event_type type, double pause) {
  if (call->client && call->client->settings.events)
    add_event(call, type, pause);
}

/* ------------------------------------------------------------------- ends */

/* Removes the call from its list and from the timers. */
static void detach(ws_call *call) {
  ws_heap_remove(&call->loop->timers, &call->timer);
  ws_queue_remove(&call->link);
}

static void set_state(ws_call *call, ws_state state) {
  if (call->state == WS_IN_FLIGHT) call->client->in_flight--;
  if (state == WS_IN_FLIGHT) call->client->in_flight++;
  call->state = state;
}

/* An attempt that is aborted may have taken effect: how much of the request was
** sent is not known. */
static void abort_attempt(ws_call *call, ws_kind kind) {
  const ws_outcome aborted = {.kind = kind, .sent = true};
  if (!call->attempt.handle) return;
  if (ws_outcome_is_unknown(call->attempt.method, &aborted))
    call->outcome_unknown = true;
  ws_limit_report_lost(call->client->limiter, call->reservation, ws_now());
  ws_attempt_abort(&call->attempt, call->loop);
}

void ws_call_end(ws_call *call, ws_kind kind) {
  ws_loop *loop = call->loop;
  detach(call);
  abort_attempt(call, kind);
  set_state(call, WS_ENDED);
  call->has_ended = true;
  call->kind = kind;
  loop->pending--;
  ws_queue_add(call->done ? &loop->callbacks : &loop->finished, &call->link);
  ws_loop_arm_timer(loop);
}

void ws_call_fail(ws_call *call, ws_kind kind, const char *message) {
  snprintf(call->attempt.message, sizeof call->attempt.message, "%s",
           message);
  ws_call_end(call, kind);
}

static void fail_late(ws_call *call) {
  const char *what = call->start_before < call->deadline ? "start_within"
                                                         : "the deadline";
  char message[128];
  snprintf(message, sizeof message, "%s passed before it could be sent%s",
           what, ws_limit_is_locked(call->client->limiter)
                   ? ": another process keeps the limit file locked" : "");
  ws_call_fail(call, WS_TIMEOUT, message);
}

/* ------------------------------------------------------------------ turns */

/* Puts the call into the queue: at its end, or at its front if an attempt was
** made before, even one that `attempts` does not count. */
static void enqueue(ws_call *call) {
  ws_client *client = call->client;
  detach(call);
  set_state(call, WS_QUEUED);
  call->wait_reported = false;
  if (call->first_sent == WS_NEVER)
    ws_queue_add(&client->queued, &call->link);
  else
    ws_queue_add_first(&client->queued, &call->link);
  if (call->start_before != WS_NEVER)
    ws_heap_set(&call->loop->timers, &call->timer, call->start_before);
}

static void pause_until(ws_call *call, ws_time moment) {
  detach(call);
  set_state(call, WS_PAUSED);
  ws_queue_add(call->client ? &call->client->active : &call->loop->sleepers,
               &call->link);
  ws_heap_set(&call->loop->timers, &call->timer, moment);
}

static ws_kind start_transfer(ws_call *call, ws_time now) {
  ws_handle *handle = ws_client_take_handle(call->client);
  ws_time timeout = call->timeout;
  if (!handle) return WS_MEMORY;
  if (call->deadline != WS_NEVER && call->deadline - now < timeout)
    timeout = call->deadline - now;
  return ws_attempt_start(&call->attempt, call->loop, handle, now, timeout);
}

static void start_attempt(ws_call *call, ws_time now) {
  ws_client *client = call->client;
  ws_kind failed;
  detach(call);
  call->answered_at = WS_NEVER;
  failed = start_transfer(call, now);
  if (failed) {
    ws_limit_report_unsent(client->limiter, call->reservation);
    ws_call_fail(call, failed, failed == WS_MEMORY ? "not enough memory"
                                                   : "the URL is malformed");
    return;
  }
  set_state(call, WS_IN_FLIGHT);
  ws_queue_add(&client->active, &call->link);
  client->sent++;
  call->attempts++;
  if (call->first_sent == WS_NEVER) call->first_sent = now;
  report_event(call, WS_EVENT_REQUEST, 0);
}

/* Reports once how long the call will wait for its turn. */
static void report_wait(ws_call *call, ws_time turn, ws_time now) {
  if (call->wait_reported) return;
  call->wait_reported = true;
  report_event(call, WS_EVENT_WAIT,
               turn == WS_NEVER ? -1 : ws_to_seconds(turn - now));
}

/* Has the loop call ws_client_start_queued again, at the latest at that time;
** in the same round if the time has come. */
static void ask_limiter_again(ws_loop *loop, ws_time at) {
  if (at < loop->limiter_due) loop->limiter_due = at;
}

typedef enum turn_result {
  TURN_NOW,                /* the call has a reservation */
  TURN_LATER,
  TURN_FAILED              /* the call has ended */
} turn_result;

/* Asks the limiter for a reservation. Requests are grouped by method, as those
** of one method have similar latency; `more` is true if the next call could
** start as well. */
static turn_result acquire_turn(ws_call *call, ws_time now) {
  const ws_client *client = call->client;
  const ws_turn turn = {
    .now = now, .since = call->created_at, .patience = call->timeout,
    .group = call->attempt.method,
    .more = call->link.next &&
            client->in_flight + 1 < client->settings.concurrency,
  };
  ws_error error = {WS_OK, ""};
  ws_time at;
  if (!ws_limit_start(client->limiter, &turn, &call->reservation, &at,
                      &error)) {
    ws_call_fail(call, error.kind, error.message);
    return TURN_FAILED;
  }
  if (call->reservation) return TURN_NOW;
  ask_limiter_again(call->loop, at);
  if (at > now) report_wait(call, at, now);
  return TURN_LATER;
}

/* Ends a call that may no longer be sent; false if it may. Checks the time
** here because its timer is late if the host was busy. */
static bool end_unsendable(ws_call *call, ws_time now) {
  const ws_client *client = call->client;
  int64_t most = client->settings.max_requests;
  if (now >= call->start_before)
    fail_late(call);
  else if (most && client->sent >= most)
    ws_call_fail(call, WS_BUDGET, "max_requests is used up");
  else
    return false;
  return true;
}

static bool may_start(const ws_client *client) {
  return client->queued.first &&
         client->in_flight < client->settings.concurrency;
}

/* A client that has no call to start gives up its turn, as other clients and
** processes may wait for theirs. */
bool ws_client_start_queued(ws_client *client, ws_time now) {
  bool started = false;
  while (may_start(client)) {
    ws_call *call = ws_call_of(client->queued.first);
    turn_result turn;
    if (end_unsendable(call, now)) continue;
    turn = acquire_turn(call, now);
    if (turn == TURN_LATER) break;
    if (turn == TURN_FAILED) continue;
    start_attempt(call, now);
    started = true;
  }
  if (!may_start(client))
    ask_limiter_again(client->loop,
                      ws_limit_stop_waiting(client->limiter, now));
  if (started) ws_loop_drive_transfers(client->loop);
  return started;
}

void ws_call_timer_expired(ws_timer *timer, ws_time now) {
  ws_call *call =
    (ws_call *)(void *)((char *)timer - offsetof(ws_call, timer));
  if (!call->client)
    ws_call_end(call, WS_OK);
  else if (now < call->start_before)
    enqueue(call);
  else
    fail_late(call);
}

void ws_call_enqueue(ws_call *call) {
  enqueue(call);
  ws_client_start_queued(call->client, ws_now());
  ws_loop_arm_timer(call->loop);
}

void ws_call_sleep_until(ws_call *call, ws_time moment) {
  pause_until(call, moment);
  ws_loop_arm_timer(call->loop);
}

/* --------------------------------------------------------------- attempts */

/* Stores the offset from our clock to the service's, if the response has a
** Date. Done once a minute, as it changes slowly and dates take time to
** parse. */
static void learn_clock_offset(ws_call *call, ws_time now) {
  ws_client *client = call->client;
  double date = ws_headers_date(&call->attempt.headers_text);
  if (date < 0) return;
  client->clock_offset = date - ws_wall_clock();
  client->learn_offset_at = now + OFFSET_LIFE;
}

/* The service's clock: by this response's Date, or else by the offset that
** was last known, which is 0 at first. */
static double service_time(const ws_call *call) {
  double date = ws_headers_date(&call->attempt.headers_text);
  return date >= 0 ? date : ws_wall_clock() + call->client->clock_offset;
}

/* The pause that the response asks for, in seconds; negative if none. */
static double requested_pause(ws_call *call, ws_time now) {
  char text[64];
  int status = call->attempt.status;
  if (now >= call->client->learn_offset_at) learn_clock_offset(call, now);
  if (status != 429 && status != 503) return -1;
  if (!ws_headers_copy(&call->attempt.headers_text, "Retry-After", text,
                       sizeof text))
    return -1;
  return ws_retry_after(text, service_time(call));
}

/* True if another attempt is allowed and can begin early enough. */
static bool may_retry(const ws_call *call, int most, ws_time moment) {
  return call->attempts < most && moment < call->start_before;
}

/* The pause in seconds. Of the responses that are retried here only a 503 has
** a defined Retry-After (RFC 9110, 15.6.4). */
static double choose_pause(const ws_call *call, const ws_outcome *outcome,
                           double requested) {
  const ws_settings *settings = &call->client->settings;
  if (outcome->stale) return 0;
  if (outcome->status == 503 && requested >= 0)
    return fmin(requested, settings->retry_cap);
  return ws_retry_pause(call->attempts + 1, settings->retry_base,
                        settings->retry_cap, &call->loop->rng_state);
}

static void count_retry(ws_call *call, const ws_outcome *outcome,
                        double pause) {
  ws_retries *retries = &call->client->retries;
  if (outcome->stale) return;
  if (outcome->status) retries->server++;
  else retries->network++;
  retries->paused += pause;
}

/* An attempt on a connection that the service had closed does not count; the
** next one is sent at once, on another connection. */
static void retry_after_pause(ws_call *call, const ws_outcome *outcome,
                              double requested, ws_time now) {
  int most = ws_retry_attempts(call->max_attempts, outcome,
                               call->client->reached);
  double pause = choose_pause(call, outcome, requested);
  ws_time moment = now + ws_from_seconds(pause);
  if (outcome->stale) call->attempts--;
  if (!may_retry(call, most, moment)) {
    ws_call_end(call, call->kind);
    return;
  }
  count_retry(call, outcome, pause);
  report_event(call, WS_EVENT_RETRY, pause);
  if (pause > 0) pause_until(call, moment);
  else enqueue(call);
}

/* Adds the time until which a 429 holds all requests, without that of earlier
** ones. */
static void count_hold(ws_client *client, ws_time now, ws_time until) {
  ws_time since = client->held_until > now ? client->held_until : now;
  if (until <= since) return;
  client->retries.held += ws_to_seconds(until - since);
  client->held_until = until;
}

/* After a 429 all requests of the token hold off; this one waits for its turn
** again. */
static void retry_after_hold_off(ws_call *call, double requested,
                                 ws_time written, ws_time answered,
                                 ws_time now) {
  const ws_settings *settings = &call->client->settings;
  const ws_buffer *body = &call->attempt.response;
  double pause = ws_retry_hold_off(requested, ++call->rejections,
                                   settings->retry_base, settings->retry_cap,
                                   &call->loop->rng_state);
  ws_time until = now + ws_from_seconds(pause);
  ws_limit_report_429(call->client->limiter, call->reservation, written,
                      answered, ws_retry_named_rate(body->bytes, body->size),
                      until);
  count_hold(call->client, now, until);
  if (!may_retry(call, call->max_attempts, until)) {
    ws_call_end(call, call->kind);
    return;
  }
  call->client->retries.rate_limited++;
  report_event(call, WS_EVENT_RETRY, pause);
  enqueue(call);
}

/* Tells the limiter how the attempt ended. A request that was not sent does not
** count against max_requests either. */
static void settle_reservation(ws_call *call, ws_time written,
                               ws_time answered, ws_time now) {
  ws_limiter_handle *limiter = call->client->limiter;
  ws_reservation reservation = call->reservation;
  if (written == WS_NEVER) ws_limit_report_unsent(limiter, reservation);
  else if (answered == WS_NEVER)
    ws_limit_report_lost(limiter, reservation, now);
  else ws_limit_report_response(limiter, reservation, written, answered);
  if (written == WS_NEVER) call->client->sent--;
}

/* True if a 404 means success: an earlier attempt of this DELETE may have
** worked. */
static bool was_deleted_before(const ws_call *call) {
  return call->attempt.method == WS_DELETE && call->attempt.status == 404 &&
         call->outcome_unknown;
}

/* Stores the outcome in the call, and reports it as an event. */
static void record_outcome(ws_call *call, const ws_outcome *outcome,
                           ws_time answered) {
  call->answered_at = answered;
  call->kind = was_deleted_before(call) ? WS_OK : outcome->kind;
  if (outcome->status) call->client->reached = true;
  if (ws_outcome_is_unknown(call->attempt.method, outcome))
    call->outcome_unknown = true;
  report_event(call, WS_EVENT_RESPONSE, 0);
}

/* The call that uses a transfer's handle for its attempt. */
static ws_call *call_of(ws_transfer *transfer) {
  char *attempt = ((ws_handle *)transfer)->owner;
  return (ws_call *)(void *)(attempt - offsetof(ws_call, attempt));
}

void ws_call_transfer_ended(ws_transfer *transfer, CURLcode code) {
  ws_call *call = call_of(transfer);
  ws_attempt *attempt = &call->attempt;
  ws_outcome outcome;
  ws_time written, answered, now = ws_now();
  double requested;
  ws_client_return_handle(call->client,
                          ws_attempt_finish(attempt, call->loop, code,
                                            &outcome, &written, &answered));
  record_outcome(call, &outcome, answered);
  requested = requested_pause(call, now);
  if (outcome.kind == WS_RATE_LIMITED) {
    retry_after_hold_off(call, requested, written, answered, now);
    return;
  }
  call->rejections = 0;
  settle_reservation(call, written, answered, now);
  if (ws_retry_decide(attempt->method, &outcome) == WS_RETRY_AFTER_PAUSE)
    retry_after_pause(call, &outcome, requested, now);
  else
    ws_call_end(call, call->kind);
}

/* libcurl may have failed because memory ran out in one of our callbacks. */
void ws_call_transfer_failed(ws_transfer *transfer, CURLMcode code) {
  ws_call *call = call_of(transfer);
  bool no_memory = code == CURLM_OUT_OF_MEMORY ||
                   ws_attempt_lacked_memory(&call->attempt);
  ws_call_fail(call, no_memory ? WS_MEMORY : WS_NETWORK,
               no_memory ? "not enough memory" : curl_multi_strerror(code));
}
