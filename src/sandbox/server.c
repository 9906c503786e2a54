/*
** The HTTP server: one thread of libmicrohttpd serves all connections. A
** request that has to wait is suspended and resumed by a timer, so that any
** number can wait at the same time.
*/
#include "request.h"
#include "base/ascii.h"
#include "base/open_socket.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BODY (4u << 20)
#define HANG_CHECK 0.05  /* seconds between checks of the connection */

/* --- waiting ------------------------------------------------------------- */

static void wake(void *host, struct timer *timer, bool stopping) {
  (void)host;
  (void)stopping;
  MHD_resume_connection(((struct request *)timer)->connection);
}

/*
** Suspends a request, which continues in `phase`. The caller holds the lock, so
** that the timer cannot fire before the connection is suspended.
*/
static enum MHD_Result wait_for(struct request *r, double seconds,
                                enum phase phase) {
  struct sandbox *s = r->sandbox;
  r->phase = phase;
  r->timer.fire = wake;
  if (s->stopping || !timers_add(&s->timers, &r->timer, seconds)) return MHD_NO;
  MHD_suspend_connection(r->connection);
  return MHD_YES;
}

static double draw(struct sandbox *s, const struct span *span) {
  return span->min + (span->max - span->min) * ws_random(&s->random);
}

/* Delays a response until its time is up or the client closes the
** connection. */
static enum MHD_Result hang(struct request *r) {
  if (!r->hang_until) r->hang_until =
    ws_now() + ws_from_seconds(r->fault->hold);
  if (client_left(r) || ws_now() >= r->hang_until) return MHD_NO;
  return wait_for(r, HANG_CHECK, HANGING);
}

/* --- the life of a request ------------------------------------------------ */

static double limit_for(const struct sandbox *s, const struct message *m) {
  return message_is_kantata(m) ? s->config.kantata_rate_limit
                               : s->config.rate_limit;
}

static bool enter(struct sandbox *s, const char *name, double limit) {
  struct rate rate = {
    limit, strcmp(s->config.window, "rolling") == 0, s->config.count_rejected
  };
  return window_enter(&s->windows, name, &rate, ws_now(), clock_second());
}

/*
** Writes the key by which Storyblok's limit counts: the token, its user or the
** space. The documentation does not say which.
*/
static void write_counted(const struct sandbox *s, const struct message *m,
                          ws_buffer *name) {
  const char *by = s->config.limit_by;
  const struct token *token;
  bool bearer;
  if (strcmp(by, "space") == 0 && message_space(m)) {
    text_format(name, "space %lld", (long long)message_space(m));
    return;
  }
  token = config_token(&s->config, message_token(m, &bearer));
  if (strcmp(by, "user") == 0)
    text_format(name, "user %lld", (long long)(token ? token->user_id : 0));
  else
    text_format(name, "s %s", message_token(m, &bearer));
}

static bool within_storyblok(struct sandbox *s, const struct message *m,
                             double limit) {
  ws_buffer name = { 0 };
  bool entered;
  write_counted(s, m, &name);
  entered = name.failed || enter(s, ws_buffer_cstring(&name), limit);
  ws_buffer_free(&name);
  return entered;
}

/* GET and POST /workspaces have a limit of their own besides the general
** one. */
static bool within_kantata(struct sandbox *s, const struct message *m,
                           double *limit) {
  ws_buffer name = { 0 };
  bool bearer, entered;
  text_format(&name, "k %s", message_token(m, &bearer));
  entered = name.failed || enter(s, ws_buffer_cstring(&name), *limit);
  if (entered && s->config.kantata_workspaces_limit > 0 && !name.failed &&
      strcmp(m->path, "/api/v1/workspaces") == 0) {
    *limit = s->config.kantata_workspaces_limit;
    name.bytes[0] = 'w';
    entered = enter(s, ws_buffer_cstring(&name), *limit);
  }
  ws_buffer_free(&name);
  return entered;
}

static bool within_limit(struct sandbox *s, const struct message *m,
                         double *limit) {
  *limit = limit_for(s, m);
  return message_is_kantata(m) ? within_kantata(s, m, limit)
                               : within_storyblok(s, m, *limit);
}

/* Admits a request unless too many are in flight (by option). */
static bool admit(struct request *r) {
  struct sandbox *s = r->sandbox;
  double most = s->config.concurrent_limit;
  if (most <= 0 || r->kantata) return true;
  if ((double)s->admitted >= most) return false;
  s->admitted++;
  r->admitted = true;
  return true;
}

static void reject(struct request *r, double limit) {
  r->limited = true;
  answer_limited(r, limit);
}

/* Counts and logs a received request, and finds its fault. */
static void arrive(struct request *r) {
  struct sandbox *s = r->sandbox;
  const struct message *m = r->message;
  struct entry *e;
  double limit;
  s->stats.requests++;
  r->number = log_add(&s->log, m, ws_to_seconds(ws_now() - s->started));
  if (!within_limit(s, m, &limit)) {
    reject(r, limit);
    return;
  }
  if (!admit(r)) {
    r->limited = true;
    answer_text(r, 429, SHAPE_STRING, "Too many concurrent requests");
    return;
  }
  r->fault = faults_find(&s->faults, m->method, m->path);
  e = log_entry(&s->log, r->number);
  if (e && r->fault) e->fault = r->fault->name;
}

static bool skips_effect(const struct request *r) {
  return r->limited || (r->fault && fault_skips_effect(r->fault));
}

static enum MHD_Result after_delay(struct request *r) {
  const struct fault *f = r->fault;
  double wait;
  if (f && f->hang == BEFORE) return hang(r);
  if (f && f->close == BEFORE) {
    if (f->reset) reset_connection(r);
    return MHD_NO;
  }
  if (r->too_large) answer_text(r, 413, SHAPE_STRING, "body too large");
  else if (!skips_effect(r)) request_work(r);
  if (f && f->hang == AFTER) return hang(r);
  if (f) answer_apply_fault(r, f);
  wait = draw(r->sandbox, &r->sandbox->config.outbound) +
         (f ? f->delay_after : 0);
  if (wait > 0) return wait_for(r, wait, RETURNING);
  return answer_queue(r);
}

static enum MHD_Result after_travel(struct request *r) {
  arrive(r);
  if (r->fault && r->fault->delay > 0)
    return wait_for(r, r->fault->delay, DELAYED);
  return after_delay(r);
}

/* Continues a request after a wait. */
static enum MHD_Result advance(struct request *r) {
  double wait;
  switch (r->phase) {
    case READING:
      wait = draw(r->sandbox, &r->sandbox->config.inbound);
      return wait > 0 ? wait_for(r, wait, TRAVELLING) : after_travel(r);
    case TRAVELLING:
      return after_travel(r);
    case DELAYED:
      return after_delay(r);
    case HANGING:
      return hang(r);
    default:
      return answer_queue(r);
  }
}

/* --- libmicrohttpd's callbacks ------------------------------------------- */

static bool is_header(const char *name, const char *other) {
  return strlen(name) == strlen(other) &&
         ws_ascii_equal(name, other, strlen(name));
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind,
                                  const char *name, const char *value) {
  ws_buffer *b = cls;
  size_t i;
  (void)kind;
  if (is_header(name, "authorization") ||
      is_header(name, "proxy-authorization"))
    return MHD_YES;
  ws_buffer_add_text(b, b->size > 1 ? ",\"" : "\"");
  for (i = 0; name[i]; i++) {
    char c = ws_ascii_lower(name[i]);
    if (c > ' ' && c < 127 && c != '"' && c != '\\')
      ws_buffer_add_char(b, c);
  }
  ws_buffer_add_text(b, "\":");
  text_quote_bytes(b, value ? value : "", value ? strlen(value) : 0);
  return MHD_YES;
}

static const char *copy_header(const struct request *r, const char *name) {
  const char *value =
    MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
  return value ? arena_copy(&r->message->arena, value, strlen(value)) : NULL;
}

static void read_head(struct request *r, const char *method) {
  struct message *m = r->message;
  ws_buffer headers = { 0 };
  const char *encodings = copy_header(r, "Accept-Encoding"), *text;
  m->method = arena_copy(&m->arena, method, strlen(method));
  m->authorization = copy_header(r, "Authorization");
  m->content_type = copy_header(r, "Content-Type");
  r->takes_gzip = encodings && strstr(encodings, "gzip");
  ws_buffer_add_text(&headers, "{");
  MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_header,
                            &headers);
  ws_buffer_add_text(&headers, "}");
  text = arena_keep(&m->arena, &headers);
  if (text) m->headers = text;
}

static void begin(struct request *r, const char *method) {
  struct sandbox *s = r->sandbox;
  const union MHD_ConnectionInfo *info =
    MHD_get_connection_info(r->connection,
                            MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  read_head(r, method);
  pthread_mutex_lock(&s->lock);
  r->started = true;
  r->link = info ? info->socket_context : NULL;
  if (r->link) r->link->busy = true;
  if (++s->stats.in_flight > s->stats.max_in_flight)
    s->stats.max_in_flight = s->stats.in_flight;
  pthread_mutex_unlock(&s->lock);
}

static void *on_uri(void *cls, const char *uri,
                    struct MHD_Connection *connection) {
  struct request *r = ws_calloc(1, sizeof *r);
  if (!r) return NULL;
  r->sandbox = cls;
  r->connection = connection;
  r->message = message_new(uri);
  r->total = r->per_page = -1;
  if (r->message) {
    r->kantata = message_is_kantata(r->message);
    return r;
  }
  ws_free(r);
  return NULL;
}

static enum MHD_Result on_request(void *cls,
                                  struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *size, void **context) {
  struct sandbox *s = cls;
  struct request *r = *context;
  enum MHD_Result result;
  (void)connection;
  (void)url;
  (void)version;
  if (!r) return MHD_NO;
  if (!r->started) {
    begin(r, method);
    return MHD_YES;
  }
  if (*size) {
    r->too_large = r->too_large || r->message->body.size + *size > MAX_BODY;
    if (!r->too_large) ws_buffer_add(&r->message->body, data, *size);
    *size = 0;
    return MHD_YES;
  }
  pthread_mutex_lock(&s->lock);
  result = s->stopping ? MHD_NO : advance(r);
  pthread_mutex_unlock(&s->lock);
  return result;
}

static void end_request(struct sandbox *s, struct request *r) {
  double idle = s->config.idle_close;
  s->stats.in_flight--;
  if (r->admitted) s->admitted--;
  if (!r->link) return;
  r->link->busy = false;
  r->link->answered++;
  if (r->fault && r->fault->idle_close >= 0) idle = r->fault->idle_close;
  if (idle >= 0) close_when_idle(s, r->link, idle);
}

static void on_completed(void *cls, struct MHD_Connection *connection,
                         void **context,
                         enum MHD_RequestTerminationCode code) {
  struct sandbox *s = cls;
  struct request *r = *context;
  (void)connection;
  (void)code;
  *context = NULL;
  if (!r) return;
  pthread_mutex_lock(&s->lock);
  if (r->started) end_request(s, r);
  pthread_mutex_unlock(&s->lock);
  message_free(r->message);
  ws_free(r->body);
  ws_free(r);
}

/* --- start and stop ------------------------------------------------------ */

/* Binds a socket to the port, so that the system's error is known if that
** fails; negative with errno then. */
static int open_listener(int port) {
  struct sockaddr_in address;
  int fd = ws_open_socket(AF_INET, SOCK_STREAM, 0);
  int on = 1, saved;
  if (fd < 0) return -1;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
      listen(fd, 1024) == 0)
    return fd;
  saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

static int port_of(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) return 0;
  return ntohs(address.sin_port);
}

static struct MHD_Daemon *start_daemon(struct sandbox *s, int listener) {
  return MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD |
                          MHD_ALLOW_SUSPEND_RESUME,
                          0, NULL, NULL, on_request, s,
                          MHD_OPTION_LISTEN_SOCKET, listener,
                          MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                          MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                          MHD_OPTION_NOTIFY_CONNECTION, link_changed, s,
                          MHD_OPTION_CONNECTION_LIMIT, 4000u,
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                          (size_t)256 * 1024,
                          MHD_OPTION_END);
}

/* Starts to listen; the server's threads block all signals. */
bool server_start(struct sandbox *s, ws_buffer *err) {
  sigset_t all, before;
  int listener;
  if (!timers_start(&s->timers, &s->lock, s))
    return fail(err, "no thread can be started");
  listener = open_listener((int)s->config.port);
  if (listener < 0)
    return fail(err, "cannot listen on port %d: %s", (int)s->config.port,
                strerror(errno));
  s->port = port_of(listener);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  s->daemon = start_daemon(s, listener);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (s->daemon) return true;
  /* libmicrohttpd does not report if it has closed the socket: leaking it is
  ** better than closing another thread's. */
  return fail(err, "the HTTP server cannot be started");
}

/*
** Resumes waiting requests first, as libmicrohttpd must not be stopped while
** connections are suspended.
*/
void server_stop(struct sandbox *s) {
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_mutex_unlock(&s->lock);
  timers_stop(&s->timers);
  if (s->daemon) MHD_stop_daemon(s->daemon);
}
