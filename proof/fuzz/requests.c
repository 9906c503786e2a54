/*
** Fuzzes the sandbox's handling of requests. An input is some requests, each
** a line "METHOD target", the lines of a body, and an empty line. After a blank
** it is sent unchanged through a socket.
*/

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "json.h"
#include "request.h"
#include "sandbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(good) check(good, #good, __LINE__)

static struct sandbox *sandbox;

static void check(bool good, const char *what, int line) {
  if (good) return;
  fprintf(stderr, "requests.c:%d: does not hold: %s\n", line, what);
  abort();
}

static const char *copy(struct message *m, const char *text, size_t size) {
  return arena_copy(&m->arena, text, size);
}

/* "POST /v1/spaces/1/stories", what follows being its body. */
static struct message *read_message(const char *text, size_t size) {
  const char *end = memchr(text, '\n', size);
  size_t line = end ? (size_t)(end - text) : size;
  const char *blank = memchr(text, ' ', line);
  size_t method = blank ? (size_t)(blank - text) : line;
  char *uri = strndup(blank ? blank + 1 : "/", blank ? line - method - 1 : 1);
  struct message *m = uri ? message_new(uri) : NULL;
  free(uri);
  if (!m) abort();
  m->method = copy(m, text, method);
  m->authorization = message_is_kantata(m) ? "Bearer token" : "token";
  if (end) ws_buffer_add(&m->body, end + 1, size - line - 1);
  return m;
}

static bool is_json(const char *text, size_t size) {
  struct arena arena = { 0 };
  ws_buffer err = WS_BUFFER_EMPTY;
  bool good = json_parse(&arena, text, size, &err) != NULL;
  ws_buffer_free(&err);
  arena_free(&arena);
  return good;
}

static bool is_status(int status) {
  static const int known[] = { 200, 201, 204, 400, 401, 403, 404, 422 };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i] == status) return true;
  return false;
}

/* Checks that rejected requests and reads change nothing, except that a list of
** workflows creates the default one. */
static void check_exchange(const struct request *r, const struct message *m,
                           const char *before, const char *after) {
  bool makes = strstr(m->path, "/workflows") || strstr(m->path, "/publish");
  CHECK(is_status(r->status));
  CHECK(r->body_len == 0 || is_json(r->body, r->body_len));
  CHECK(r->body_len > 0 || r->status == 204);
  if (r->status >= 400 || (strcmp(m->method, "GET") == 0 && !makes))
    CHECK(strcmp(before, after) == 0);
  else CHECK(is_json(after, strlen(after)));
}

static char *dump(void) {
  char *text = sandbox_dump(sandbox);
  CHECK(text);
  return text;
}

/* Serves a request; the state before it becomes the one after it. */
static void serve(const char *text, size_t size, char **state) {
  struct request r = { .sandbox = sandbox, .total = -1, .per_page = -1 };
  char *after;
  r.message = read_message(text, size);
  r.kantata = message_is_kantata(r.message);
  pthread_mutex_lock(&sandbox->lock);
  request_work(&r);
  pthread_mutex_unlock(&sandbox->lock);
  after = dump();
  check_exchange(&r, r.message, *state, after);
  message_free(r.message);
  free(r.body);
  free(*state);
  *state = after;
}

/* Sends the bytes through libmicrohttpd. An incomplete request gets no
** response, so it waits only briefly. */
static void post_raw(const char *text, size_t size) {
  struct sockaddr_in address = { .sin_family = AF_INET };
  struct timeval patience = { .tv_usec = 5000 };
  char bytes[4096];
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address.sin_port = htons((uint16_t)sandbox_port(sandbox));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  CHECK(fd >= 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  if (send(fd, text, size, MSG_NOSIGNAL) > 0)
    while (recv(fd, bytes, sizeof bytes, 0) > 0) continue;
  close(fd);
}

/* A few objects of each kind, with small ids. */
static const char few[] =
  "{\"users\":[{\"id\":1,\"userid\":\"a@b\",\"friendly_name\":\"A\"}],"
  "\"spaces\":[{\"id\":7,\"name\":\"S\",\"workflows\":[{\"id\":2,"
  "\"name\":\"D\",\"is_default\":true,\"stages\":[{\"id\":3,\"name\":\"x\","
  "\"color\":\"#fff\",\"is_default\":true},{\"id\":4,\"name\":\"y\","
  "\"color\":\"#000\",\"allow_all_stages\":false}]},{\"id\":6,\"name\":\"E\","
  "\"content_types\":[\"p\"],\"stages\":[{\"id\":8,\"name\":\"x\","
  "\"color\":\"#fff\"}]}],\"stories\":[{\"id\":5,\"name\":\"s\","
  "\"full_slug\":\"s\",\"stage\":{\"workflow_stage_id\":3}}],"
  "\"space_roles\":[{\"id\":9,\"role\":\"R\"}]}],\"kantata\":{\"users\":["
  "{\"id\":1,\"full_name\":\"A\"}],\"workspaces\":[{\"id\":1,"
  "\"title\":\"T\",\"status_key\":310}]}}";

/* Each input starts with the same state. */
static void begin(void) {
  static const char options[] = "{\"rate_limit\":false,\"log\":10}";
  char *error = NULL;
  bool well = true;
  if (!sandbox)
    sandbox = sandbox_start(options, sizeof options - 1, &error);
  if (!sandbox || !(well = sandbox_load(sandbox, few, sizeof few - 1, &error)))
    fprintf(stderr, "%s\n", error);
  CHECK(sandbox && well);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *at = (const char *)data, *end = at + size;
  char *state;
  begin();
  if (size && data[0] == ' ') {
    post_raw(at + 1, size - 1);
    return 0;
  }
  state = dump();
  for (int count = 0; at < end && count < 8; count++) {
    const char *next = memmem(at, (size_t)(end - at), "\n\n", 2);
    serve(at, (size_t)((next ? next : end) - at), &state);
    at = next ? next + 2 : end;
  }
  free(state);
  return 0;
}
