#include "request/loop.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/timer_fd.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/poller.h"
#include "base/process.h"
#include "base/random.h"
#include "base/wakeup.h"
#include "request/startup.h"

enum {
  EVENTS_AT_ONCE = 64,      /* read from the poller by one system call */
  MOST_IDLE = 1000          /* connections: the highest `concurrency` */
};
static const int longest_wait = 86400000;  /* a day, in milliseconds */

bool ws_loop_is_forked(const ws_loop *loop) {
  return loop->generation != ws_process_generation();
}

bool ws_loop_is_closed(const ws_loop *loop) {
  return loop->poller < 0;
}

bool ws_loop_check_usable(const ws_loop *loop, ws_error *error) {
  bool closed = ws_loop_is_closed(loop);
  if (!closed && !ws_loop_is_forked(loop)) return true;
  ws_fail(error, WS_INVALID, "the event loop %s", closed
          ? "is closed" : "was opened before fork: open a new one");
  return false;
}

/* --------------------------------------------------------- open and close */

/* libcurl calls this with the events that it waits for on a socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data,
                     void *unused) {
  ws_loop *loop = data;
  unsigned events = 0;
  (void)easy;
  (void)unused;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= WS_POLL_IN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= WS_POLL_OUT;
  return ws_sockets_watch(&loop->sockets, fd, events) ? 0 : -1;
}

/* libcurl calls this with the time at which it wants to be called. */
static int on_timer(CURLM *multi, long milliseconds, void *data) {
  ws_loop *loop = data;
  (void)multi;
  loop->curl_due = milliseconds < 0 ? WS_NEVER
                                    : ws_now() + (ws_time)milliseconds * 1000;
  return 0;
}

/* MAXCONNECTS: by default libcurl keeps four connections for each running
** transfer, and closes some when many transfers end at the same time.
** QUICK_EXIT: from 8.20 on, closing libcurl would otherwise wait for threads
** that resolve names. */
static bool create_multi(ws_loop *loop) {
  CURLM *multi = curl_multi_init();
  if (!multi) return false;
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MOST_IDLE);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
#if LIBCURL_VERSION_NUM >= 0x081400
  curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L);
#endif
  loop->multi = multi;
  return true;
}

/* A forked child leaves libcurl's handles alone: closing them would end the
** parent's TLS sessions, and change the poller that both share. */
static void drop_multi(ws_loop *loop) {
  if (loop->multi && !ws_loop_is_forked(loop)) curl_multi_cleanup(loop->multi);
  loop->multi = NULL;
  loop->curl_due = WS_NEVER;
}

void ws_loop_drop_connections(ws_loop *loop) {
  drop_multi(loop);
}

static bool open_descriptors(ws_loop *loop) {
  loop->poller = ws_poller_open();
  loop->timer_fd = ws_timer_fd_open();
  loop->wakeup = ws_wakeup_open();
  loop->sockets.poller = loop->poller;
  return loop->poller >= 0 && loop->timer_fd >= 0 && loop->wakeup >= 0 &&
         ws_poller_watch(loop->poller, loop->timer_fd, WS_POLL_IN) &&
         ws_poller_watch(loop->poller, loop->wakeup, WS_POLL_IN);
}

static void close_descriptors(ws_loop *loop) {
  if (loop->timer_fd >= 0) ws_timer_fd_close(loop->timer_fd);
  if (loop->wakeup >= 0) ws_wakeup_close(loop->wakeup);
  if (loop->poller >= 0) ws_poller_close(loop->poller);
  loop->poller = loop->timer_fd = loop->wakeup = -1;
}

static bool open_loop(ws_loop *loop, ws_error *error) {
  if (!open_descriptors(loop)) {
    ws_fail(error, WS_NETWORK, "cannot open an event loop: %s",
            strerror(errno));
    return false;
  }
  if (create_multi(loop)) return true;
  ws_fail_memory(error);
  return false;
}

ws_loop *ws_loop_create(const ws_loop_hooks *hooks, ws_error *error) {
  ws_loop *loop;
  if (!ws_startup(error)) return NULL;
  loop = ws_calloc(1, sizeof *loop);
  if (!loop) {
    ws_fail_memory(error);
    return NULL;
  }
  loop->hooks = hooks;
  loop->references = 1;
  loop->generation = ws_process_generation();
  loop->rng_state = ws_random_seed();
  loop->curl_due = loop->limiter_due = loop->host_due = WS_NEVER;
  if (open_loop(loop, error)) return loop;
  ws_loop_shutdown(loop);
  ws_loop_release(loop);
  return NULL;
}

void ws_loop_shutdown(ws_loop *loop) {
  drop_multi(loop);
  close_descriptors(loop);
  ws_events_discard(&loop->events, NULL);
}

void ws_loop_release(ws_loop *loop) {
  if (--loop->references) return;
  loop->hooks->released(loop);
  ws_heap_free(&loop->timers);
  ws_sockets_free(&loop->sockets);
  ws_free(loop);
}

/* -------------------------------------------------------------- transfers */

static void unlist(ws_loop *loop, ws_transfer *transfer) {
  if (!transfer->link.queue) return;
  ws_queue_remove(&transfer->link);
  loop->transfer_count--;
}

bool ws_loop_add(ws_loop *loop, ws_transfer *transfer) {
  if (!loop->multi && !create_multi(loop)) return false;
  if (curl_multi_add_handle(loop->multi, transfer->easy) != CURLM_OK)
    return false;
  ws_queue_add(&loop->transfers, &transfer->link);
  loop->transfer_count++;
  return true;
}

void ws_loop_remove(ws_loop *loop, ws_transfer *transfer) {
  unlist(loop, transfer);
  curl_multi_remove_handle(loop->multi, transfer->easy);
}

static void read_completed(ws_loop *loop) {
  CURLMsg *message;
  int left;
  while (loop->multi &&
         (message = curl_multi_info_read(loop->multi, &left)) != NULL) {
    char *private = NULL;
    ws_transfer *transfer;
    CURLcode code = message->data.result;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    transfer = (ws_transfer *)(void *)private;
    unlist(loop, transfer);
    loop->hooks->transfer_ended(transfer, code);
  }
}

/* If libcurl runs out of memory for a socket or a timer, it reports that once,
** does not say for which transfer, and never calls back for that one again;
** 7.88 divides by zero when the socket's number is used again. So all
** transfers fail, and the next one gets a new multi handle. */
static void fail_all_transfers(ws_loop *loop, CURLMcode code) {
  read_completed(loop);
  while (loop->transfers.first) {
    ws_transfer *transfer = (ws_transfer *)loop->transfers.first;
    unlist(loop, transfer);
    loop->hooks->transfer_failed(transfer, code);
  }
  drop_multi(loop);
}

/* Lets libcurl act on a socket's events, or on its timer. Returns the number
** of transfers that are still running. */
static size_t socket_action(ws_loop *loop, curl_socket_t fd, int mask) {
  int running = 0;
  CURLMcode code = CURLM_OK;
  if (loop->multi)
    code = curl_multi_socket_action(loop->multi, fd, mask, &running);
  if (code != CURLM_OK) fail_all_transfers(loop, code);
  return code == CURLM_OK ? (size_t)running : 0;
}

/* libcurl sets `curl_due` again, through on_timer, if it needs another call. A
** transfer that ends in here causes no further events, so the loop then needs a
** step at once. */
void ws_loop_drive_transfers(ws_loop *loop) {
  size_t running;
  loop->curl_due = WS_NEVER;
  running = socket_action(loop, CURL_SOCKET_TIMEOUT, 0);
  if (!loop->stepping && running < loop->transfer_count) loop->curl_due = 0;
}

/* ------------------------------------------------------------------ times */

/* The next time at which the loop itself has work to do. */
static ws_time next_due(const ws_loop *loop) {
  const ws_timer *timer = ws_heap_top(&loop->timers);
  ws_time due = loop->curl_due;
  if (loop->limiter_due < due) due = loop->limiter_due;
  if (timer && timer->due < due) due = timer->due;
  return due;
}

static bool has_results(const ws_loop *loop) {
  return loop->finished.first || loop->callbacks.first;
}

/* The next time at which the host has work to do. */
static ws_time next_host_due(const ws_loop *loop) {
  ws_time due = has_results(loop) ? 0 : next_due(loop), latest;
  int wait = ws_poller_host_wait(loop->poller);
  if (wait < 0) return due;
  latest = ws_now() + wait * (WS_SECOND / 1000);
  return due < latest ? due : latest;
}

double ws_loop_timeout(ws_loop *loop) {
  ws_time due = next_host_due(loop), now;
  loop->host_due = due;
  if (due == WS_NEVER) return -1;
  now = ws_now();
  return due > now ? ws_to_seconds(due - now) : 0;
}

void ws_loop_arm_timer(ws_loop *loop) {
  ws_time due;
  if (!loop->hosted || loop->stepping || ws_loop_is_closed(loop) ||
      ws_loop_is_forked(loop))
    return;
  due = next_host_due(loop);
  if (due >= loop->host_due) return;
  loop->host_due = due;
  ws_timer_fd_set(loop->timer_fd, due);
}

int ws_loop_fd(ws_loop *loop) {
  loop->hosted = true;
  return loop->poller;
}

void ws_loop_wake(ws_loop *loop) {
  ws_wakeup_signal(loop->wakeup);
}

size_t ws_loop_pending(const ws_loop *loop) {
  return loop->pending;
}

bool ws_loop_event(ws_loop *loop, ws_event *event) {
  return ws_events_take(&loop->events, event);
}

/* -------------------------------------------------------------------- run */

static void run_timers(ws_loop *loop, ws_time now) {
  ws_timer *timer;
  while ((timer = ws_heap_top(&loop->timers)) != NULL && timer->due <= now) {
    ws_heap_remove(&loop->timers, timer);
    loop->hooks->timer_expired(timer, now);
  }
}

/* Does all work that is due. A request that is started here may end at once,
** without an event on its socket, so this repeats until none is started.
** `limiter_due` is reset first, because start_queued sets it again. */
static void run_due(ws_loop *loop) {
  ws_time now;
  do {
    now = ws_now();
    if (loop->curl_due <= now) ws_loop_drive_transfers(loop);
    read_completed(loop);
    run_timers(loop, now);
    loop->limiter_due = WS_NEVER;
  } while (loop->hooks->start_queued(loop, now));
}

static void handle_ready(ws_loop *loop, const ws_ready *ready) {
  int mask = 0;
  if (ready->fd == loop->timer_fd) {
    ws_timer_fd_clear(loop->timer_fd);
    return;
  }
  if (ready->fd == loop->wakeup) {
    ws_wakeup_clear(loop->wakeup);
    return;
  }
  if (!ws_sockets_accept(&loop->sockets, ready->fd)) return;
  if (ready->events & WS_POLL_IN) mask |= CURL_CSELECT_IN;
  if (ready->events & WS_POLL_OUT) mask |= CURL_CSELECT_OUT;
  if (ready->events & WS_POLL_ERROR) mask |= CURL_CSELECT_ERR;
  socket_action(loop, ready->fd, mask);
}

/* The milliseconds to wait; -1: without limit. Rounded up, because waking too
** early would only add another wait. */
static int wait_time(const ws_loop *loop, double timeout) {
  ws_time due = next_due(loop), now;
  double limit = HUGE_VAL;
  if (isnan(timeout)) return 0;
  if (due != WS_NEVER) {
    now = ws_now();
    limit = due > now ? (double)(due - now) / 1e3 : 0;
  }
  if (timeout >= 0 && timeout * 1e3 < limit) limit = timeout * 1e3;
  if (limit == HUGE_VAL) return -1;
  return limit < longest_wait ? (int)ceil(limit) : longest_wait;
}

static bool wait_and_handle(ws_loop *loop, int milliseconds) {
  ws_ready ready[EVENTS_AT_ONCE];
  int count = ws_poller_wait(loop->poller, ready, EVENTS_AT_ONCE,
                             milliseconds);
  for (int i = 0; i < count; i++) handle_ready(loop, &ready[i]);
  if (count > 0 || next_due(loop) <= ws_now()) run_due(loop);
  return count >= 0;
}

/* With `stop`, only it and callbacks end the wait; other calls that end are
** reported later. */
static bool must_return(const ws_loop *loop, const bool *stop) {
  return stop ? *stop || loop->callbacks.first : has_results(loop);
}

/* Does not poll the sockets if the awaited call has ended and no other one is
** pending. */
bool ws_loop_run(ws_loop *loop, double timeout, const bool *stop) {
  bool uninterrupted = true;
  if (ws_loop_is_closed(loop) || ws_loop_is_forked(loop)) return false;
  loop->stepping = true;
  run_due(loop);
  if (!stop || !*stop || loop->pending)
    uninterrupted = wait_and_handle(
      loop, must_return(loop, stop) ? 0 : wait_time(loop, timeout));
  loop->stepping = false;
  loop->host_due = WS_NEVER;
  return uninterrupted;
}
