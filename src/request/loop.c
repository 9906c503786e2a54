/*
** One epoll set for all of a loop's sockets, fed by libcurl's callbacks,
** and one heap for all of its moments.
*/

#include "request/loop.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/random.h"
#include "request/call.h"
#include "request/client.h"
#include "request/event.h"
#include "request/startup.h"

enum { EVENTS_AT_ONCE = 64, MOST_IDLE = 1000 };

bool ws_loop_is_forked(const ws_loop *loop) {
  return loop->generation != ws_process_generation();
}

/* libcurl says which sockets it waits for. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data,
                     void *known) {
  ws_loop *loop = data;
  uint32_t events = 0;
  (void)easy;
  (void)known;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  if (what == CURL_POLL_REMOVE) events = 0;
  return ws_sockets_watch(&loop->sockets, fd, events) ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *data) {
  ws_loop *loop = data;
  (void)multi;
  loop->curl_due = milliseconds < 0 ? WS_NEVER
                                    : ws_now() + milliseconds * 1000;
  return 0;
}

static bool watch_fd(ws_loop *loop, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_descriptors(ws_loop *loop) {
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  loop->sockets.epoll = loop->epoll;
  return loop->epoll >= 0 && loop->timer_fd >= 0 && loop->wake_fd >= 0 &&
         watch_fd(loop, loop->timer_fd) && watch_fd(loop, loop->wake_fd);
}

static void close_descriptor(int fd) {
  if (fd >= 0) close(fd);
}

/* Makes sure that the loop has a libcurl to drive; false without memory. Of
** itself libcurl keeps four connections for each transfer under way, and
** closes some when many transfers end at the same time. */
bool ws_loop_ensure_multi(ws_loop *loop) {
  if (loop->multi) return true;
  loop->multi = curl_multi_init();
  if (!loop->multi) return false;
  curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)MOST_IDLE);
  curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
  curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
  return true;
}

/* In a forked child libcurl's handles are left alone: closing them would
** end the parent's TLS sessions, and touch the epoll set they share. */
static void drop_multi(ws_loop *loop) {
  if (loop->multi && !ws_loop_is_forked(loop)) curl_multi_cleanup(loop->multi);
  loop->multi = NULL;
  loop->curl_due = WS_NEVER;
}

bool ws_loop_is_closed(const ws_loop *loop) {
  return loop->epoll < 0;
}

ws_loop *ws_loop_open(ws_error *error) {
  ws_loop *loop;
  if (!ws_startup(error)) return NULL;
  loop = ws_calloc(1, sizeof *loop);
  if (!loop) {
    ws_fail_memory(error);
    return NULL;
  }
  loop->references = 1;
  loop->generation = ws_process_generation();
  loop->rng_state = ws_random_seed();
  loop->curl_due = loop->limiter_due = loop->armed_until = WS_NEVER;
  if (!open_descriptors(loop)) {
    ws_fail(error, WS_NETWORK, "an event loop cannot be had: %s",
            strerror(errno));
    ws_loop_close(loop);
    return NULL;
  }
  if (!ws_loop_ensure_multi(loop)) {
    ws_fail_memory(error);
    ws_loop_close(loop);
    return NULL;
  }
  return loop;
}

/* libcurl keeps connections for all clients together, and gives no way to
** close those of one. When the last client has gone all of them are closed. */
void ws_loop_drop_connections(ws_loop *loop) {
  drop_multi(loop);
}

void ws_loop_close(ws_loop *loop) {
  while (loop->clients) ws_client_shutdown(loop->clients);
  while (loop->sleepers.first)
    ws_call_end(loop->sleepers.first, WS_CANCELLED);
  drop_multi(loop);
  close_descriptor(loop->epoll);
  close_descriptor(loop->timer_fd);
  close_descriptor(loop->wake_fd);
  loop->epoll = loop->timer_fd = loop->wake_fd = -1;
  ws_event_discard(loop, NULL);
  ws_loop_release(loop);
}

void ws_loop_release(ws_loop *loop) {
  if (--loop->references) return;
  ws_heap_free(&loop->timers);
  ws_sockets_free(&loop->sockets);
  ws_free(loop);
}

void ws_loop_wake(ws_loop *loop) {
  const uint64_t one = 1;
  ssize_t written = write(loop->wake_fd, &one, sizeof one);
  (void)written;
}

size_t ws_loop_pending(const ws_loop *loop) {
  return loop->pending;
}

/* The next moment at which the loop itself has something to do. */
static ws_time next_due(const ws_loop *loop) {
  const ws_timer *timer = ws_heap_top(&loop->timers);
  ws_time due = loop->curl_due;
  if (loop->limiter_due < due) due = loop->limiter_due;
  if (timer && timer->due < due) due = timer->due;
  return due;
}

/* The next moment that its host cares for: calls that ended are one. */
static ws_time next_host_due(const ws_loop *loop) {
  return loop->finished.first ? 0 : next_due(loop);
}

int ws_loop_fd(ws_loop *loop) {
  loop->hosted = true;
  return loop->epoll;
}

double ws_loop_timeout(ws_loop *loop) {
  ws_time due = next_host_due(loop), now;
  loop->armed_until = due;
  if (due == WS_NEVER) return -1;
  now = ws_now();
  return due > now ? (double)(due - now) / 1e6 : 0;
}

/* A host that sleeps until a moment that has come nearer since is woken by
** the alarm in the epoll set. */
void ws_loop_arm_timer(ws_loop *loop) {
  ws_time due;
  struct itimerspec when = {0};
  if (!loop->hosted || loop->stepping || ws_loop_is_forked(loop)) return;
  due = next_host_due(loop);
  if (due >= loop->armed_until) return;
  loop->armed_until = due;
  if (due < 1) due = 1;
  when.it_value.tv_sec = due / 1000000;
  when.it_value.tv_nsec = due % 1000000 * 1000;
  timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void read_completed(ws_loop *loop) {
  CURLMsg *message;
  int left;
  while (loop->multi &&
         (message = curl_multi_info_read(loop->multi, &left)) != NULL) {
    char *handle = NULL;
    CURLcode code = message->data.result;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
    ws_call_attempt_ended(((ws_handle *)(void *)handle)->call, code);
  }
}

/* A callback of ours that had no memory is what made libcurl give up. */
static ws_kind kind_of(const ws_call *call, CURLMcode why) {
  return why == CURLM_OUT_OF_MEMORY ||
         ws_memory_failures() != call->alloc_failures ? WS_MEMORY : WS_NETWORK;
}

static void fail_in_flight(ws_client *client, CURLMcode why) {
  ws_call *call = client->active.first;
  while (call) {
    ws_call *next = call->next;
    if (call->state == WS_IN_FLIGHT) {
      snprintf(call->message, sizeof call->message, "%s",
               curl_multi_strerror(why));
      ws_call_end(call, kind_of(call, why));
    }
    call = next;
  }
}

/* A libcurl that has no memory for a socket or a timer says so once, not of
** which transfer, and never calls for that one again; 7.88 divides by zero
** when the socket's number comes back. So what is in flight ends, and the
** next transfer gets a libcurl of its own. */
static int socket_action(ws_loop *loop, curl_socket_t fd, int mask) {
  int running = 0;
  CURLMcode code = CURLM_OK;
  if (loop->multi)
    code = curl_multi_socket_action(loop->multi, fd, mask, &running);
  if (code == CURLM_OK) return running;
  read_completed(loop);
  for (ws_client *client = loop->clients; client; client = client->next)
    fail_in_flight(client, code);
  drop_multi(loop);
  return 0;
}

static int count_in_flight(const ws_loop *loop) {
  int in_flight = 0;
  for (const ws_client *at = loop->clients; at; at = at->next)
    in_flight += at->in_flight;
  return in_flight;
}

/* Lets libcurl begin what was just added, without waiting for a step. It may
** end a transfer as well, of which no socket and no timer will tell again:
** so a step is due at once. */
void ws_loop_drive_transfers(ws_loop *loop) {
  int running;
  loop->curl_due = WS_NEVER;
  running = socket_action(loop, CURL_SOCKET_TIMEOUT, 0);
  if (!loop->stepping && running < count_in_flight(loop)) loop->curl_due = 0;
}

static void run_timers(ws_loop *loop, ws_time now) {
  ws_timer *timer;
  while ((timer = ws_heap_top(&loop->timers)) != NULL && timer->due <= now) {
    ws_heap_remove(&loop->timers, timer);
    ws_call_timer_expired((ws_call *)(void *)timer, now);
  }
}

static bool dispatch_all(ws_loop *loop, ws_time now) {
  bool begun = false;
  loop->limiter_due = WS_NEVER;
  for (ws_client *client = loop->clients; client; client = client->next)
    if (ws_client_start_queued(client, now)) begun = true;
  return begun;
}

/* Does all that is due. What is begun may end at once, without another event
** on its socket: so it is looked for again. */
static void run_due(ws_loop *loop) {
  ws_time now;
  do {
    now = ws_now();
    if (loop->curl_due <= now) ws_loop_drive_transfers(loop);
    read_completed(loop);
    run_timers(loop, now);
  } while (dispatch_all(loop, now));
}

static void drain_fd(int fd) {
  uint64_t count;
  ssize_t got = read(fd, &count, sizeof count);
  (void)got;
}

static void handle(ws_loop *loop, const struct epoll_event *event) {
  int fd = event->data.fd, mask = 0;
  if (fd == loop->timer_fd || fd == loop->wake_fd) {
    drain_fd(fd);
    return;
  }
  if (!ws_sockets_is_wanted(&loop->sockets, fd)) return;
  if (event->events & EPOLLIN) mask |= CURL_CSELECT_IN;
  if (event->events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
  if (event->events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
  socket_action(loop, fd, mask);
}

/* Milliseconds for epoll, rounded up: a moment too early would only make
** another round. */
static int wait_for(const ws_loop *loop, double timeout) {
  ws_time due = next_due(loop), now;
  double limit = HUGE_VAL;
  if (due != WS_NEVER) {
    now = ws_now();
    limit = due > now ? (double)(due - now) / 1e3 : 0;
  }
  if (timeout >= 0 && timeout * 1e3 < limit) limit = timeout * 1e3;
  if (limit == HUGE_VAL) return -1;
  return limit < 86400e3 ? (int)ceil(limit) : 86400000;
}

/* Whether there is something to tell: the awaited call's end, or any. */
static bool has_result(const ws_loop *loop, const ws_call *awaited) {
  return awaited ? awaited->state == WS_DONE : loop->finished.first != NULL;
}

/* One round, whose wait ends with news. False when a signal cut it short. */
static bool run_once(ws_loop *loop, double timeout, const ws_call *awaited) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count;
  bool interrupted;
  if (ws_loop_is_closed(loop) || ws_loop_is_forked(loop)) return false;
  loop->stepping = true;
  run_due(loop);
  if (awaited && awaited->state == WS_DONE && loop->pending == 0) {
    loop->stepping = false;
    return true;
  }
  count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE,
                     has_result(loop, awaited) ? 0 : wait_for(loop, timeout));
  interrupted = count < 0;
  for (int i = 0; i < count; i++) handle(loop, &events[i]);
  if (count > 0 || next_due(loop) <= ws_now()) run_due(loop);
  loop->stepping = false;
  loop->armed_until = WS_NEVER;
  return !interrupted;
}

bool ws_loop_step(ws_loop *loop, double timeout) {
  return run_once(loop, timeout, NULL);
}

/* What other calls end meanwhile stays in the list of finished ones. Events
** are to be told when they happen, so one interrupts the wait. */
bool ws_call_wait(ws_call *call) {
  ws_loop *loop = call->loop;
  bool going = true;
  if (ws_loop_is_forked(loop) && call->state != WS_DONE) {
    strcpy(call->message, "the call was started before fork");
    ws_call_end(call, WS_INVALID);
  }
  while (call->state != WS_DONE && going && !loop->first_event)
    going = run_once(loop, -1, call);
  ws_loop_arm_timer(loop);
  if (call->state != WS_DONE) return false;
  ws_queue_remove(call);
  call->reported = true;
  return true;
}

ws_call *ws_loop_finished(ws_loop *loop) {
  ws_call *call = loop->finished.first;
  if (!call) return NULL;
  ws_queue_remove(call);
  call->reported = true;
  return call;
}
