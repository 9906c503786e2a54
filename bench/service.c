/*
** The minimum of a service for a migration, fast enough to measure the client:
** one workflow with two stages, and stories that move between them. Any POST is
** treated as a stage change, as the bare programs send it.
** Argument: STORIES. Prints its address and its process.
*/

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 256, ROOM = 1 << 16, PER_PAGE = 100 };

static const long long first_story = 288868932100001;
static const long long stages[2] = {288868932200001, 288868932200002};

typedef struct connection {
  int fd;
  size_t size;
  char bytes[ROOM];
} connection;

static unsigned char *places;   /* the stage of each story */
static long long stories, changes;

static char body[ROOM];
static size_t body_size;
static long long total;         /* of a list; -1: not a list */

static void die(const char *why) {
  perror(why);
  exit(1);
}

static void put(const char *format, ...)
  __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  body_size += (size_t)vsnprintf(body + body_size, sizeof body - body_size,
                                 format, arguments);
  va_end(arguments);
  if (body_size >= sizeof body) die("an answer is too long");
}

/* ------------------------------------------------------------- answers */

static void put_workflow(void) {
  put("{\"id\":288868932300001,\"name\":\"Article\",\"is_default\":false,"
      "\"content_types\":[\"article\"]}");
}

static void put_stage(int number) {
  static const char *const names[] = {"Old review", "Review"};
  put("%s{\"id\":%lld,\"name\":\"%s\",\"color\":\"#%06x\",\"position\":%d,"
      "\"workflow_id\":288868932300001,\"is_default\":%s,"
      "\"allow_publish\":false,\"allow_all_stages\":true,"
      "\"allow_admin_publish\":true,\"allow_all_users\":true,"
      "\"allow_admin_change\":true,\"allow_editor_change\":true,"
      "\"allow_none_for_next_stages\":false,\"story_editing_locked\":false,"
      "\"auto_remove_assignee\":false,\"after_publish_id\":null,"
      "\"user_ids\":[],\"space_role_ids\":[],\"workflow_stage_ids\":[]}",
      number ? "," : "", stages[number], names[number], number * 255 + 16,
      number + 1, number ? "false" : "true");
}

static void put_story(long long number) {
  long long id = first_story + number;
  put("%s{\"id\":%lld,\"uuid\":\"00000001-5eed-4000-8000-000000000001\","
      "\"name\":\"Story %lld\",\"slug\":\"story-%lld\","
      "\"full_slug\":\"magazine/story-%lld\",\"is_folder\":false,"
      "\"published\":false,\"content_type\":\"article\",\"tag_list\":[],"
      "\"user_ids\":[],\"space_role_ids\":[],\"stage\":{"
      "\"workflow_id\":288868932300001,\"workflow_stage_id\":%lld,"
      "\"story_id\":%lld,\"due_date\":null,"
      "\"created_at\":\"2026-01-01T00:01:00.000Z\"},"
      "\"created_at\":\"2026-01-01T00:01:00.000Z\","
      "\"updated_at\":\"2026-01-01T00:01:00.000Z\"}",
      body[body_size - 1] == '[' ? "" : ",", id, number, number, number,
      stages[places[number]], id);
}

static void put_stories_of(const char *ids) {
  while (*ids >= '0' && *ids <= '9') {
    char *end;
    long long number = strtoll(ids, &end, 10) - first_story;
    if (number >= 0 && number < stories) put_story(number);
    ids = *end == ',' ? end + 1 : end;
  }
}

/* A page of the stories in a stage. */
static void put_stories_in(long long stage, long long page) {
  long long skip = (page - 1) * PER_PAGE;
  total = 0;
  for (long long i = 0; i < stories; i++) {
    if (stages[places[i]] != stage) continue;
    if (total >= skip && total < skip + PER_PAGE) put_story(i);
    total++;
  }
}

static const char *after(const char *text, const char *mark) {
  const char *at = strstr(text, mark);
  return at ? at + strlen(mark) : NULL;
}

static void answer_stories(const char *path) {
  const char *ids = after(path, "by_ids="), *page = after(path, "&page=");
  const char *stage = after(path, "in_workflow_stages=");
  if (!page) page = after(path, "?page=");
  put("{\"stories\":[");
  if (ids) put_stories_of(ids);
  else put_stories_in(stage ? atoll(stage) : 0, page ? atoll(page) : 1);
  put("]}");
}

static void answer_get(const char *path) {
  if (strstr(path, "/stories")) {
    answer_stories(path);
  } else if (strstr(path, "/workflow_stages")) {
    put("{\"workflow_stages\":[");
    put_stage(0);
    put_stage(1);
    put("]}");
  } else if (strstr(path, "/workflows/")) {
    put("{\"workflow\":");
    put_workflow();
    put("}");
  } else {
    put("{\"workflows\":[");
    put_workflow();
    put("]}");
  }
}

static void answer_change(const char *text) {
  const char *story = after(text, "\"story_id\":");
  const char *to = after(text, "\"workflow_stage_id\":");
  long long number = story ? atoll(story) - first_story : -1;
  long long stage = to ? atoll(to) : 0;
  if (number >= 0 && number < stories)
    places[number] = stage == stages[1];
  put("{\"workflow_stage_change\":{\"id\":%lld,\"workflow_stage_id\":%lld,"
      "\"workflow_id\":288868932300001,\"user_id\":112233,\"due_date\":null,"
      "\"created_at\":\"2026-11-21T10:00:00.000Z\"}}",
      288868932400000 + ++changes, stage);
}

/* ------------------------------------------------------------ requests */

static void send_answer(connection *of, int status) {
  char head[256], extra[64] = "";
  static char bytes[ROOM + 256];
  if (total >= 0)
    snprintf(extra, sizeof extra, "total: %lld\r\nper_page: %d\r\n", total,
             PER_PAGE);
  size_t size = (size_t)snprintf(head, sizeof head,
    "HTTP/1.1 %d OK\r\ncontent-type: application/json\r\n%s"
    "content-length: %zu\r\n\r\n", status, extra, body_size);
  memcpy(bytes, head, size);
  memcpy(bytes + size, body, body_size);
  if (send(of->fd, bytes, size + body_size, MSG_NOSIGNAL) < 0) return;
}

/* Responds to the request at the start of the input; false if it is
** incomplete. */
static bool take_request(connection *of) {
  char *end, *length;
  size_t size, left;
  of->bytes[of->size] = '\0';
  end = strstr(of->bytes, "\r\n\r\n");
  if (!end) return false;
  *end = '\0';
  length = strcasestr(of->bytes, "content-length:");
  size = (size_t)(end + 4 - of->bytes);
  left = length ? strtoul(length + 15, NULL, 10) : 0;
  if (of->size < size + left) {
    *end = '\r';
    return false;
  }
  body_size = 0;
  total = -1;
  if (of->bytes[0] == 'P') answer_change(of->bytes + size);
  else answer_get(of->bytes);
  send_answer(of, of->bytes[0] == 'P' ? 201 : 200);
  size += left;
  memmove(of->bytes, of->bytes + size, of->size - size);
  of->size -= size;
  return of->size > 0;
}

static void take_bytes(connection *of) {
  ssize_t got = recv(of->fd, of->bytes + of->size, ROOM - 1 - of->size, 0);
  if (got <= 0) {
    close(of->fd);
    free(of);
    return;
  }
  of->size += (size_t)got;
  while (take_request(of)) continue;
}

static void watch(int epoll, int fd, void *data) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void take_connection(int epoll, int listener) {
  int fd = accept(listener, NULL, NULL), yes = 1;
  connection *new = fd >= 0 ? malloc(sizeof *new) : NULL;
  if (!new) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  new->fd = fd;
  new->size = 0;
  watch(epoll, fd, new);
}

static int listen_somewhere(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t size = sizeof at;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (void *)&at, sizeof at) != 0 ||
      listen(fd, MOST) != 0 || getsockname(fd, (void *)&at, &size) != 0)
    die("listen");
  printf("http://127.0.0.1:%d %ld\n", ntohs(at.sin_port), (long)getpid());
  fflush(stdout);
  return fd;
}

int main(int argc, char **argv) {
  int epoll = epoll_create1(0), listener;
  stories = argc > 1 ? atoll(argv[1]) : 0;
  places = calloc((size_t)stories + 1, 1);
  if (!places || epoll < 0) die("no memory");
  listener = listen_somewhere();
  watch(epoll, listener, &stories);
  for (;;) {
    struct epoll_event events[MOST];
    int count = epoll_wait(epoll, events, MOST, -1);
    for (int i = 0; i < count; i++) {
      void *data = events[i].data.ptr;
      if (data == &stories) take_connection(epoll, listener);
      else take_bytes(data);
    }
  }
}
