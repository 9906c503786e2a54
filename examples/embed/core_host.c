/*
** A program that uses workstage's core with no Lua at all.
**
**   core_host URL
**
** It reads a space's workflows and prints what came, and then several
** things at once in a poll of its own. The core gives status, headers and
** body; what the JSON says is for the program to read. URL is the address of
** a sandbox (`workstage sandbox`).
*/

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <workstage.h>

#define SPACE "/v1/spaces/288868932106293"

static void print_headers(const ws_call *call) {
  const char *name, *value;
  size_t at = 0, name_size, value_size;
  while (ws_call_next_header(call, &at, &name, &name_size, &value,
                             &value_size))
    printf("  %.*s: %.*s\n", (int)name_size, name, (int)value_size, value);
}

/* False when it failed. */
static bool print_answer(const ws_call *call) {
  ws_response response;
  ws_call_response(call, &response);
  printf("%s %s: %s, status %d, %zu bytes, %d sent\n", response.method,
         response.url, ws_kind_name(response.kind), response.status,
         response.body_size, response.attempts);
  if (response.kind != WS_OK && !response.status)
    printf("  %s\n", response.message);
  return response.kind == WS_OK;
}

static ws_call *start(ws_client *client, const char *path,
                      const char *query) {
  ws_request request = {.method = WS_GET, .path = path, .query = query};
  ws_error error;
  ws_call *call = ws_call_start(client, &request, &error);
  if (!call) fprintf(stderr, "%s: %s\n", path, error.message);
  return call;
}

/* The simplest way: start it, and wait. A signal would cut the wait short. */
static bool one_call(ws_client *client) {
  ws_call *call = start(client, SPACE "/workflows", NULL);
  bool well;
  if (!call) return false;
  while (!ws_call_wait(call)) continue;
  well = print_answer(call);
  print_headers(call);
  ws_call_free(call);
  return well;
}

/* Milliseconds for poll, rounded up. */
static int poll_time(ws_loop *loop) {
  double seconds = ws_loop_timeout(loop);
  return seconds < 0 ? -1 : seconds < 3600 ? (int)(seconds * 1e3) + 1
                                           : 3600000;
}

static bool print_finished(ws_loop *loop) {
  bool well = true;
  ws_call *call;
  while ((call = ws_loop_finished(loop)) != NULL) {
    if (!print_answer(call)) well = false;
    ws_call_free(call);
  }
  return well;
}

/* A program with descriptors of its own puts them beside the loop's. */
static bool poll_all(ws_loop *loop) {
  struct pollfd fd = {.fd = ws_loop_fd(loop), .events = POLLIN};
  bool well = print_finished(loop);
  while (ws_loop_pending(loop)) {
    poll(&fd, 1, poll_time(loop));
    ws_loop_step(loop, 0);
    if (!print_finished(loop)) well = false;
  }
  return well;
}

static bool several_calls(ws_loop *loop, ws_client *client) {
  bool well = start(client, SPACE "/workflow_stages", NULL) &&
              start(client, SPACE "/stories", "per_page=3") &&
              start(client, SPACE "/stories", "per_page=3&page=2") &&
              start(client, SPACE "/space_roles", NULL);
  return poll_all(loop) && well;
}

int main(int argc, char *argv[]) {
  ws_error error;
  ws_options options;
  ws_loop *loop;
  ws_client *client;
  bool well;
  if (argc != 2) {
    fprintf(stderr, "usage: %s URL\n", argv[0]);
    return 2;
  }
  ws_options_init(&options, WS_STORYBLOK);
  options.token = "token";
  options.base_url = argv[1];
  options.proxy = "";
  loop = ws_loop_open(&error);
  client = loop ? ws_client_open(loop, &options, &error) : NULL;
  if (!client) {
    fprintf(stderr, "%s\n", error.message);
    if (loop) ws_loop_close(loop);
    return 1;
  }
  well = one_call(client) && several_calls(loop, client);
  printf("%lld requests\n", (long long)ws_client_requests(client));
  ws_client_close(client);
  ws_loop_close(loop);
  return well ? 0 : 1;
}
