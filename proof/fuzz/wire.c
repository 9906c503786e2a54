/*
** Pairs of sockets instead of a network. See wire.h.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire.h"

enum { MOST = 1 << 16 };

static struct {
  const void *answer;
  size_t size;
  int other;             /* the server's end; 0: none */
  size_t sent;
  char request[MOST + 1];
} wire;

static ws_loop *loop;
static ws_time later;    /* offset of the core's clock */

ws_time __real_ws_now(void);
ws_time __wrap_ws_now(void);
CURLMcode __real_curl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy);

void wire_check(bool good, const char *what, const char *file, int line) {
  if (good) return;
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort();
}

/* Reads what was sent before the connection is closed. */
static void hang_up(void) {
  ssize_t got;
  if (!wire.other) return;
  got = recv(wire.other, wire.request + wire.sent, MOST - wire.sent,
             MSG_DONTWAIT);
  if (got > 0) wire.sent += (size_t)got;
  close(wire.other);
  wire.other = 0;
}

static curl_socket_t connect_to(void *data, curlsocktype purpose,
                                struct curl_sockaddr *address) {
  int ends[2];
  (void)data;
  (void)purpose;
  (void)address;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) abort();
  hang_up();
  wire.other = ends[1];
  if (wire.size && send(ends[1], wire.answer, wire.size, MSG_NOSIGNAL) !=
                     (ssize_t)wire.size)
    abort();
  shutdown(ends[1], SHUT_WR);
  return ends[0];
}

/* Replaces the C library's: our sockets are connected. (libcurl's own option
** for that has no effect in 7.88.) */
int connect(int fd, const struct sockaddr *address, socklen_t size) {
  (void)fd;
  (void)address;
  (void)size;
  return 0;
}

CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, connect_to);
  return __real_curl_multi_add_handle(multi, easy);
}

void wire_answer(const void *bytes, size_t size) {
  wire.answer = bytes;
  wire.size = size;
}

const char *wire_request(size_t *size) {
  hang_up();
  *size = wire.sent;
  wire.request[wire.sent] = '\0';
  wire.sent = 0;
  return wire.request;
}

ws_time __wrap_ws_now(void) {
  return __real_ws_now() + later;
}

/* Each request is an hour after the previous one, so that no 429 has an effect
** on the next. */
ws_client *wire_client(const char *base, size_t max_response,
                       const char *const *headers) {
  ws_options options;
  ws_error error;
  if (!loop) loop = ws_loop_open(&error);
  if (!loop) abort();
  later += INT64_C(3600000000);
  ws_options_init(&options, WS_STORYBLOK);
  options.token = "token";
  options.space_id = 1;
  options.base_url = base;
  options.max_response = max_response;
  options.headers = headers;
  options.rate_limit = 0;
  options.attempts = 2;
  options.proxy = "";
  options.events = true;
  return ws_client_open(loop, &options, &error);
}

void wire_run(ws_call *call, double *pause) {
  ws_event event;
  *pause = -1;
  while (!ws_call_is_done(call)) {
    ws_loop_step(loop, 0);
    while (ws_loop_event(loop, &event)) {
      if (event.type != WS_EVENT_RETRY) continue;
      *pause = event.pause;
      ws_call_cancel(call);
    }
  }
  while (ws_loop_event(loop, &event)) continue;
  ws_loop_finished(loop);
}
