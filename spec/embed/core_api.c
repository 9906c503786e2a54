/*
** Checks of the core's C API, one per run:
**
**   core_api NAME URL      (of a sandbox)
*/

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <workstage.h>

#define SPACE "/v1/spaces/288868932106293"
#define ALWAYS(condition) \
  do { \
    if (!(condition)) { \
      printf("line %d: %s\n", __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

static const char *url;
static ws_loop *loop;
static ws_error error;

static ws_options defaults(void) {
  ws_options options;
  ws_options_init(&options, WS_STORYBLOK);
  options.token = "token";
  options.base_url = url;
  options.proxy = "";
  options.rate_limit = 0;
  return options;
}

static ws_client *open_client(const ws_options *options) {
  ws_client *client = ws_client_open(loop, options, &error);
  if (!client) printf("%s\n", error.message);
  ALWAYS(client);
  return client;
}

static ws_request get(const char *path) {
  return (ws_request){.method = WS_GET, .path = path};
}

static ws_call *start(ws_client *client, const ws_request *request) {
  ws_call *call = ws_call_start(client, request, &error);
  if (!call) printf("%s\n", error.message);
  ALWAYS(call);
  return call;
}

static ws_kind kind_of(const ws_call *call) {
  ws_response response;
  size_t size;
  ws_call_response(call, &response);
  ALWAYS(ws_call_kind(call) == response.kind);
  ALWAYS(strcmp(ws_call_body(call, &size), response.body) == 0);
  ALWAYS(size == response.body_size);
  return response.kind;
}

/* -------------------------------------------------------------- callbacks */

static int completed, cancelled;

static void count_and_free(ws_call *call) {
  completed++;
  if (kind_of(call) == WS_CANCELLED) cancelled++;
  ws_call_free(call);
}

static void count(ws_call *call) {
  ALWAYS(ws_call_is_done(call));
  completed++;
}

static void start_another(ws_call *call) {
  ws_request request = get(SPACE "/workflows");
  request.done = count_and_free;
  start(ws_call_client(call), &request);
  count_and_free(call);
}

static void step_until_idle(void) {
  while (ws_loop_pending(loop)) {
    ws_loop_step(loop, 1);
    ALWAYS(!ws_loop_finished(loop));
  }
}

static void check_callbacks(void) {
  ws_options options = defaults();
  ws_client *client = open_client(&options);
  ws_request request = get(SPACE "/workflow_stages");
  ws_call *call;
  request.done = count_and_free;
  start(client, &request);
  request.done = start_another;
  start(client, &request);
  ALWAYS(completed == 0);
  step_until_idle();
  ALWAYS(completed == 3);

  request.done = count;
  call = start(client, &request);
  while (!ws_call_wait(call)) continue;
  ALWAYS(completed == 4 && ws_call_wait(call) && completed == 4);
  ws_call_free(call);

  call = start(client, &request);
  ws_call_cancel(call);
  ALWAYS(completed == 4);
  ALWAYS(ws_loop_timeout(loop) == 0);
  ws_loop_step(loop, 10);
  ALWAYS(completed == 5);
  ws_call_free(call);

  call = start(client, &request);
  ws_call_free(call);
  ws_loop_step(loop, 0);
  ALWAYS(completed == 5);

  request.done = count_and_free;
  start(client, &request);
  ws_client_close(client);
  ALWAYS(completed == 5);
  ws_loop_close(loop);
  ALWAYS(completed == 6 && cancelled == 1);
  loop = NULL;
}

/* ------------------------------------------------------- data and options */

static void check_data(void) {
  int one, two, three;
  ws_options options = defaults();
  ws_client *client;
  ws_request request = get(SPACE "/workflows");
  ws_call *call;
  options.data = &one;
  client = open_client(&options);
  ALWAYS(ws_client_data(client) == &one);
  ws_client_set_data(client, &two);
  ALWAYS(ws_client_data(client) == &two);
  request.data = &three;
  call = start(client, &request);
  ALWAYS(ws_call_data(call) == &three && ws_call_client(call) == client);
  ws_call_free(call);
  ws_client_close(client);
}

static int traced, configured;

static int trace(CURL *easy, curl_infotype type, char *bytes, size_t size,
                 void *data) {
  (void)easy;
  ALWAYS(data == &traced);
  if (type == CURLINFO_HEADER_OUT && size > 4 && !memcmp(bytes, "GET ", 4))
    traced++;
  return 0;
}

static void configure(void *easy, void *data) {
  configured++;
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, trace);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, data);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
}

static void check_configure(void) {
  ws_options options = defaults();
  ws_client *client;
  ws_request request = get(SPACE "/workflows");
  options.configure = configure;
  options.data = &traced;
  client = open_client(&options);
  for (int i = 0; i < 3; i++) {
    ws_call *call = start(client, &request);
    while (!ws_call_wait(call)) continue;
    ALWAYS(kind_of(call) == WS_OK);
    ws_call_free(call);
  }
  ALWAYS(traced == 3 && configured == 1);
  ws_client_close(client);
}

/* The options of a host that was built with an older or a newer header. */
static void check_sizes(void) {
  struct { ws_options options; long newer; } longer;
  char shorter[sizeof(ws_options)];
  ws_options options = defaults(), *old = (ws_options *)(void *)shorter;
  size_t size = offsetof(ws_options, configure);
  options.size = 0;
  ALWAYS(!ws_client_open(loop, &options, &error));
  ALWAYS(strstr(error.message, "ws_options_init"));

  ws_options_init_sized(&longer.options, sizeof longer, WS_STORYBLOK);
  ALWAYS(longer.newer == 0);
  longer.options.token = "token";
  longer.options.base_url = url;
  ws_client_close(open_client(&longer.options));
  longer.newer = 1;
  ALWAYS(!ws_client_open(loop, &longer.options, &error));
  ALWAYS(strstr(error.message, "version"));

  memset(shorter, 0x55, sizeof shorter);
  ws_options_init_sized(old, size, WS_STORYBLOK);
  ALWAYS(shorter[size] == 0x55);
  old->token = "token";
  old->base_url = url;
  ws_client_close(open_client(old));
}

/* ----------------------------------------------------------------- bodies */

static void check_bodies(void) {
  const ws_member ids[] = {{.type = WS_MEMBER_INTEGER, .integer = 7},
                           {.type = WS_MEMBER_INTEGER, .integer = 9}};
  const ws_member assign[] = {
    {.name = "user_ids", .type = WS_MEMBER_ARRAY, .members = ids,
     .count = 2}};
  ws_member change[] = {
    {.name = "comment", .type = WS_MEMBER_TEXT, .text = "\"done\""},
    {.name = "assign", .type = WS_MEMBER_OBJECT, .members = assign,
     .count = 1},
    {.name = "workflow_stage_id", .type = WS_MEMBER_INTEGER,
     .integer = 288868932106293},
    {.name = "due_date", .type = WS_MEMBER_NULL},
    {.name = "story_id", .type = WS_MEMBER_INTEGER, .integer = 5},
    {.name = "notify", .type = WS_MEMBER_BOOLEAN, .boolean = true},
  };
  size_t size;
  char *body = ws_body_create("storyblok.change", WS_FOR_CREATE, change, 6,
                              &size, &error);
  ALWAYS(body && strlen(body) == size);
  ALWAYS(strcmp(body, "{\"workflow_stage_change\":{\"story_id\":5,"
                "\"workflow_stage_id\":288868932106293,\"due_date\":null},"
                "\"notify\":true,\"comment\":{\"message\":\"\\\"done\\\"\"},"
                "\"assign\":{\"user_ids\":[7,9]}}") == 0);
  ws_body_free(body);

  change[2].type = WS_MEMBER_TEXT;
  change[2].text = "x";
  ALWAYS(!ws_body_create("storyblok.change", WS_FOR_CREATE, change, 6, &size,
                         &error));
  ALWAYS(error.kind == WS_INVALID &&
         strstr(error.message, "workflow_stage_id: expected an id"));
  ALWAYS(!ws_body_create("storyblok.change", WS_FOR_CREATE, change, 0, &size,
                         &error));
  ALWAYS(strstr(error.message, "story_id: is required"));
  change[0].name = "coment";
  ALWAYS(!ws_body_create("storyblok.change", WS_FOR_CREATE, change, 1, &size,
                         &error));
  ALWAYS(strstr(error.message, "did you mean 'comment'"));
  ALWAYS(!ws_body_create("storyblok.chance", WS_FOR_CREATE, change, 1, &size,
                         &error));
  ALWAYS(strstr(error.message, "storyblok.chance"));
}

/* --------------------------------------------------------------- refusals */

static void refuse(ws_client *client, const ws_request *request,
                   const char *why) {
  ALWAYS(!ws_call_start(client, request, &error));
  ALWAYS(error.kind == WS_INVALID);
  if (!strstr(error.message, why)) printf("%s\n", error.message);
  ALWAYS(strstr(error.message, why));
}

static void check_refusals(void) {
  ws_options options = defaults();
  ws_client *client = open_client(&options);
  ws_request request = get("/v1/x");
  const double wrong[] = {-1e300, -1, 1e300, NAN, -INFINITY};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    ALWAYS(!ws_call_sleep(loop, wrong[i], &error));
    ALWAYS(error.kind == WS_INVALID);
    request.timeout = wrong[i];
    refuse(client, &request, "timeout");
    request.timeout = 0;
    request.deadline = wrong[i];
    refuse(client, &request, "deadline");
    request.deadline = 0;
    request.start_within = wrong[i];
    refuse(client, &request, "start_within");
    request.start_within = 0;
  }
  request.method = (ws_method)99;
  refuse(client, &request, "method: 99");
  request.method = (ws_method)-1;
  refuse(client, &request, "method: -1");
  request.method = WS_GET;
  request.attempts = -1;
  refuse(client, &request, "attempts: -1 is not between 0 and 1000");
  request.attempts = 1001;
  refuse(client, &request, "attempts: 1001 is not between 0 and 1000");
  request.attempts = 0;
  request.query = "a=1#b";
  refuse(client, &request, "query: the character at byte 4");
  request.query = "a=1&b= ";
  refuse(client, &request, "query: the character at byte 7");
  request.query = NULL;
  request.path = "/a b";
  refuse(client, &request, "path");
  request.path = NULL;
  refuse(client, &request, "path");
  options.rate_limit = NAN;
  ALWAYS(!ws_client_open(loop, &options, &error));
  options.rate_limit = 0;
  options.service = (ws_service)7;
  ALWAYS(!ws_client_open(loop, &options, &error));
  ALWAYS(strstr(error.message, "service"));
  ALWAYS(ws_method_name((ws_method)99) == NULL);
  ALWAYS(strcmp(ws_kind_name((ws_kind)99), "unknown") == 0);
  alarm(20);
  ws_loop_step(loop, NAN);
  ws_client_close(client);
}

/* ----------------------------------------------------- waiting and events */

/* The loop of docs/embedding.md, with events that nobody takes. */
static void check_events(void) {
  ws_options options = defaults();
  ws_client *client;
  ws_request request = get(SPACE "/workflows");
  ws_call *call;
  ws_event event;
  int waits = 0, events = 0;
  options.events = true;
  client = open_client(&options);
  alarm(20);
  for (int i = 0; i < 3; i++) {
    call = start(client, &request);
    while (!ws_call_wait(call)) waits++;
    ws_call_free(call);
  }
  while (ws_loop_event(loop, &event)) events++;
  ALWAYS(events == 6 && waits >= 3 && waits <= 6);
  for (int i = 0; i < 2200; i++) {
    call = start(client, &request);
    ws_call_free(call);
  }
  for (events = 0; ws_loop_event(loop, &event);) events++;
  ALWAYS(events > 1000 && events <= 4096);
  ws_client_close(client);
}

static void check_pending(void) {
  ws_options options = defaults();
  ws_client *client = open_client(&options);
  ws_request request = get(SPACE "/workflows");
  ws_call *call = start(client, &request);
  ALWAYS(kind_of(call) == WS_PENDING);
  ALWAYS(strcmp(ws_kind_name(kind_of(call)), "pending") == 0);
  while (!ws_call_wait(call)) continue;
  ALWAYS(kind_of(call) == WS_OK);
  ws_call_free(call);
  ws_client_close(client);
}

/* A call that is cancelled between two attempts says so, and does not repeat
** why the first one failed. A child process cannot use its parent's loop. */
static void check_closed(void) {
  ws_options options = defaults();
  ws_request request = get("/x");
  ws_response response = {.message = ""};
  int status;
  ws_client *client;
  ws_call *call;
  options.base_url = "http://127.0.0.1:9";
  options.retry_base = options.retry_cap = 3600;
  client = open_client(&options);
  call = start(client, &request);
  alarm(20);
  while (!*response.message) {
    ws_loop_step(loop, 0.01);
    ws_call_response(call, &response);
  }
  ALWAYS(response.kind == WS_PENDING && response.attempts == 1);
  ws_client_close(client);
  ws_call_response(call, &response);
  ALWAYS(response.kind == WS_CANCELLED);
  ALWAYS(strcmp(response.message, "the client was closed") == 0);
  ws_call_free(call);

  call = ws_call_sleep(loop, 60, &error);
  ALWAYS(call);
  if (fork() == 0) {
    ALWAYS(!ws_call_sleep(loop, 1, &error));
    ALWAYS(strstr(error.message, "before fork"));
    _exit(0);
  }
  ALWAYS(wait(&status) > 0 && status == 0);
  ws_loop_close(loop);
  ws_call_response(call, &response);
  ALWAYS(response.kind == WS_CANCELLED);
  ALWAYS(strcmp(response.message, "the event loop was closed") == 0);
  ws_call_free(call);
  loop = NULL;
}

/* --------------------------------------------------------------- resolver */

static bool hangs;

/* Instead of the C library's, for libcurl: a resolver that takes long. */
int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *hints, struct addrinfo **found) {
  (void)name;
  (void)service;
  (void)hints;
  *found = NULL;
  if (hangs) sleep(5);
  return EAI_AGAIN;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static ws_call *start_resolving(ws_client **client) {
  ws_options options = defaults();
  ws_request request = get("/x");
  ws_call *call;
  options.base_url = "http://slow.example";
  *client = open_client(&options);
  request.timeout = 1;
  request.attempts = 1;
  call = start(*client, &request);
  ws_loop_step(loop, 0.1);
  return call;
}

static void check_resolver(void) {
  ws_client *client;
  ws_call *call;
  double began = now();
  hangs = true;
  call = start_resolving(&client);
  ws_call_cancel(call);
  ALWAYS(kind_of(call) == WS_CANCELLED && now() - began < 2);
  ws_call_free(call);
  ws_client_close(client);
  ALWAYS(now() - began < 2);

  began = now();
  call = start_resolving(&client);
  while (!ws_call_wait(call)) continue;
  ALWAYS(kind_of(call) == WS_TIMEOUT && now() - began < 3);
  ws_call_free(call);

  began = now();
  call = start_resolving(&client);
  ws_loop_close(loop);
  ALWAYS(kind_of(call) == WS_CANCELLED && now() - began < 2);
  ws_call_free(call);
  loop = NULL;
  _exit(0);
}

/* A name that does not exist is tried twice, not for half a minute. */
static void check_unknown_host(void) {
  ws_options options = defaults();
  ws_request request = get("/x");
  ws_client *client;
  ws_call *call;
  ws_response response;
  double began = now();
  options.base_url = "http://nowhere.example";
  client = open_client(&options);
  call = start(client, &request);
  while (!ws_call_wait(call)) continue;
  ws_call_response(call, &response);
  ALWAYS(response.kind == WS_NETWORK && response.attempts == 2);
  ALWAYS(now() - began < 3 && ws_client_requests(client) == 0);
  ws_call_free(call);
  ws_client_close(client);
}

/* ------------------------------------------------------- idle connections */

static bool has_closed;

/* Instead of libcurl's, whose older versions name no socket so early. */
CURLcode (curl_easy_getinfo)(CURL *easy, CURLINFO info, ...) {
  CURLcode (*original)(CURL *, CURLINFO, ...);
  va_list arguments;
  void *result;
  va_start(arguments, info);
  result = va_arg(arguments, void *);
  va_end(arguments);
  if (has_closed && info == CURLINFO_ACTIVESOCKET) {
    *(curl_socket_t *)result = 0;
    return CURLE_OK;
  }
  *(void **)&original = dlsym(RTLD_NEXT, "curl_easy_getinfo");
  return original(easy, info, result);
}

/* Instead of the C library's: the service has closed the idle connection
** right after libcurl found it open. */
ssize_t recv(int fd, void *bytes, size_t size, int flags) {
  bool closed = has_closed && flags & MSG_DONTWAIT;
  if (closed) has_closed = false;
  return closed ? 0 : recvfrom(fd, bytes, size, flags, NULL, NULL);
}

static char order[8];

static void note_order(ws_call *call) {
  const char *name = ws_call_data(call);
  ALWAYS(kind_of(call) == WS_OK);
  strcat(order, name);
  ws_call_free(call);
}

/* A call whose first attempt finds the connection closed keeps its place. */
static void check_idle(void) {
  static char names[][2] = {"a", "b", "c"};
  ws_options options = defaults();
  ws_request request = get(SPACE "/workflows");
  ws_client *client;
  options.concurrency = 1;
  client = open_client(&options);
  request.done = count_and_free;
  start(client, &request);
  step_until_idle();
  has_closed = true;
  request.done = note_order;
  for (int i = 0; i < 3; i++) {
    request.data = names[i];
    start(client, &request);
  }
  step_until_idle();
  ALWAYS(!has_closed && ws_client_requests(client) == 4);
  if (strcmp(order, "abc") != 0) printf("%s\n", order);
  ALWAYS(strcmp(order, "abc") == 0);
  ws_client_close(client);
}

/* --------------------------------------------------------------- children */

static void check_children(void) {
  ws_options options = defaults();
  ws_client *client = open_client(&options);
  ws_request request = get(SPACE "/workflows");
  ws_call *call = start(client, &request);
  int sockets = 0;
  while (!ws_call_wait(call)) continue;
  for (int fd = 0; fd < 256; fd++) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        address.ss_family != AF_INET)
      continue;
    sockets++;
    ALWAYS(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  ALWAYS(sockets == 1);
  ws_call_free(call);
  ws_client_close(client);
}

int main(int argc, char *argv[]) {
  static const struct { const char *name; void (*run)(void); } checks[] = {
    {"callbacks", check_callbacks}, {"data", check_data},
    {"configure", check_configure}, {"sizes", check_sizes},
    {"bodies", check_bodies}, {"refusals", check_refusals},
    {"events", check_events}, {"pending", check_pending},
    {"resolver", check_resolver}, {"unknown host", check_unknown_host},
    {"children", check_children}, {"idle", check_idle},
    {"closed", check_closed},
  };
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
    if (argc == 3 && strcmp(checks[i].name, argv[1]) == 0) {
      url = argv[2];
      loop = ws_loop_open(&error);
      ALWAYS(loop);
      checks[i].run();
      if (loop) ws_loop_close(loop);
      return 0;
    }
  return 2;
}
