/*
** The least that several requests at a time cost: one multi handle, whose
** sockets wait in one epoll set. (curl_multi_poll, which hands all of them
** to the kernel each time, costs more: BARE_POLL=1 runs that instead.)
*/

#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "bare.h"

enum { MOST = 256, EVENTS_AT_ONCE = 64 };

static CURLM *multi;
static int epoll, running;
static long timer = -1;   /* milliseconds, as libcurl last asked for */
static long begun, ended;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data,
                     void *known) {
  struct epoll_event event = {0};
  (void)easy;
  (void)data;
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  event.data.fd = fd;
  if (what == CURL_POLL_REMOVE)
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
  else
    epoll_ctl(epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  if (!known) curl_multi_assign(multi, fd, &epoll);
  return 0;
}

static int on_timer(CURLM *of, long milliseconds, void *data) {
  (void)of;
  (void)data;
  timer = milliseconds;
  return 0;
}

static void begin(bare *request) {
  bare_next(request, ++begun);
  curl_multi_add_handle(multi, request->easy);
}

static void harvest(const bare_job *job) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    char *private = NULL;
    bare *request;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    request = (bare *)(void *)private;
    bare_check(request, message->data.result, ++ended);
    curl_multi_remove_handle(multi, request->easy);
    if (begun < job->requests) begin(request);
  }
}

static void act(curl_socket_t fd, int mask) {
  if (curl_multi_socket_action(multi, fd, mask, &running) != CURLM_OK)
    bare_fail("curl_multi_socket_action failed");
}

static void go_round(void) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, (int)timer);
  if (count == 0) {
    timer = -1;
    act(CURL_SOCKET_TIMEOUT, 0);
  }
  for (int i = 0; i < count; i++)
    act(events[i].data.fd,
        (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
        (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
        (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
}

static void go_round_poll(void) {
  curl_multi_perform(multi, &running);
  curl_multi_poll(multi, NULL, 0, 1000, NULL);
}

int main(int argc, char **argv) {
  static bare requests[MOST];
  bool poll = getenv("BARE_POLL") != NULL;
  bare_job job;
  bare_job_read(&job, argc, argv);
  if (job.flight > MOST) bare_fail("too many in flight");
  curl_global_init(CURL_GLOBAL_ALL);
  multi = curl_multi_init();
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (!poll) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  }
  for (long i = 0; i < job.flight && i < job.requests; i++) {
    bare_open(&requests[i], &job);
    begin(&requests[i]);
  }
  while (ended < job.requests) {
    if (poll) go_round_poll();
    else go_round();
    harvest(&job);
  }
  for (long i = 0; i < job.flight; i++)
    if (requests[i].easy) bare_close(&requests[i]);
  curl_multi_cleanup(multi);
  curl_global_cleanup();
  return 0;
}
