/*
** The HTTP side: one thread of libmicrohttpd that serves all connections.
** A request that has to wait is suspended there and woken by a timer, so
** that any number can wait at once.
*/
#include "call.h"

#include <microhttpd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define MAX_BODY (4u << 20)
#define HANG_LOOK 0.05  /* seconds between looks whether the client left */

/* An open connection. `serial` is never used again. */
struct link {
  struct link *next, *previous;
  uint64_t serial;
  int fd;
  uint64_t answered;  /* requests so far */
  bool busy;
};

enum phase { READING, TRAVELLING, DELAYED, RETURNING, HANGING };

/* A request on its way, from its first line to its last byte. */
struct request {
  struct timer timer;  /* must be first: the timer is the request */
  struct sandbox *sandbox;
  struct MHD_Connection *connection;
  struct link *link;
  struct message *message;
  enum phase phase;
  bool started, kantata, too_large, limited;
  uint64_t number;     /* in the log */
  const struct fault *fault;
  int64_t hang_until;
  /* the answer */
  int status;
  char *body;
  size_t body_len;
  int64_t total, per_page;
};

/* An effect that shows late: the request, to be served again then. */
struct late {
  struct timer timer;
  struct message *message;
  char now[TIME_SIZE];
  int64_t counter;     /* of ids, so that the same ones are handed out */
  uint64_t number;
};

struct idle {
  struct timer timer;
  uint64_t serial, answered;
};

static int64_t after(double seconds) {
  return clock_ns() + (int64_t)(seconds * 1e9);
}

/* --- connections ------------------------------------------------------ */

static struct link *find_link(struct sandbox *s, uint64_t serial) {
  struct link *link = s->links;
  while (link && link->serial != serial) link = link->next;
  return link;
}

static void close_idle(void *host, struct timer *timer, bool stopping) {
  struct idle *idle = (struct idle *)timer;
  struct link *link = find_link(host, idle->serial);
  if (!stopping && link && !link->busy && link->answered == idle->answered)
    shutdown(link->fd, SHUT_RDWR);
  free(idle);
}

/* Closes the connection later, unless a request comes over it before. */
static void close_when_idle(struct sandbox *s, const struct link *link,
                            double seconds) {
  struct idle *idle = calloc(1, sizeof *idle);
  if (!idle) return;
  idle->timer.at = after(seconds);
  idle->timer.fire = close_idle;
  idle->serial = link->serial;
  idle->answered = link->answered;
  if (!timers_add(&s->timers, &idle->timer)) free(idle);
}

static void link_open(struct sandbox *s, struct MHD_Connection *connection,
                      void **context) {
  const union MHD_ConnectionInfo *info =
    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  struct link *link = calloc(1, sizeof *link);
  *context = link;
  if (!link) return;
  link->fd = info ? info->connect_fd : -1;
  link->serial = ++s->link_count;
  link->next = s->links;
  if (s->links) s->links->previous = link;
  s->links = link;
  s->stats.connections++;
  s->stats.open++;
}

static void link_close(struct sandbox *s, struct link *link) {
  if (!link) return;
  if (link->next) link->next->previous = link->previous;
  if (link->previous) link->previous->next = link->next;
  else s->links = link->next;
  s->stats.open--;
  free(link);
}

static void on_connection(void *cls, struct MHD_Connection *connection,
                          void **context,
                          enum MHD_ConnectionNotificationCode code) {
  struct sandbox *s = cls;
  pthread_mutex_lock(&s->lock);
  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    link_open(s, connection, context);
  else
    link_close(s, *context);
  pthread_mutex_unlock(&s->lock);
}

/* Ends a connection as a crashed server does, not in good order. */
static void reset_connection(const struct request *r) {
  struct sockaddr nowhere;
  memset(&nowhere, 0, sizeof nowhere);
  nowhere.sa_family = AF_UNSPEC;
  if (r->link) connect(r->link->fd, &nowhere, sizeof nowhere);
}

/* --- waiting ---------------------------------------------------------- */

static void wake(void *host, struct timer *timer, bool stopping) {
  (void)host;
  (void)stopping;
  MHD_resume_connection(((struct request *)timer)->connection);
}

/*
** Suspends a request; it is taken up again in `phase`. The lock is held,
** so that the timer cannot fire before the connection is suspended.
*/
static enum MHD_Result wait_for(struct request *r, double seconds,
                                enum phase phase) {
  struct sandbox *s = r->sandbox;
  r->phase = phase;
  r->timer.at = after(seconds);
  r->timer.fire = wake;
  if (s->stopping || !timers_add(&s->timers, &r->timer)) return MHD_NO;
  MHD_suspend_connection(r->connection);
  return MHD_YES;
}

static double draw(struct sandbox *s, const struct span *span) {
  return span->min + (span->max - span->min) * random_unit(&s->random);
}

static bool client_left(const struct request *r) {
  struct pollfd p = { 0 };
  if (!r->link) return true;
  p.fd = r->link->fd;
  p.events = POLLRDHUP;
  return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Keeps a request without an answer, until its time or its client ends. */
static enum MHD_Result hang(struct request *r) {
  if (!r->hang_until) r->hang_until = after(r->fault->hold);
  if (client_left(r) || clock_ns() >= r->hang_until) return MHD_NO;
  return wait_for(r, HANG_LOOK, HANGING);
}

/* --- the effect ------------------------------------------------------- */

static void set_call(struct call *c, struct sandbox *s,
                     const struct message *m) {
  memset(c, 0, sizeof *c);
  c->sandbox = s;
  c->db = s->db;
  c->config = &s->config;
  c->message = m;
}

static void note_effect(struct sandbox *s, uint64_t number,
                        const struct effects *effects) {
  struct entry *e = log_entry(&s->log, number);
  if (e && effects_any(effects)) e->effect = true;
  effects_add(&s->stats.effects, effects);
}

/* Serves a request whose time has come, late, and lets its effect stand. */
static void come_late(void *host, struct timer *timer, bool stopping) {
  struct late *late = (struct late *)timer;
  struct sandbox *s = host;
  int64_t counter = store_counter(s->db);
  struct call c;
  set_call(&c, s, late->message);
  memcpy(c.now, late->now, sizeof c.now);
  s->stats.late--;
  if (!stopping) {
    store_rewind(s->db, late->counter);
    store_begin(s->db);
    call_serve(&c);
    store_end(s->db, c.status < 400);
    if (store_counter(s->db) < counter) store_rewind(s->db, counter);
    if (c.status < 400) note_effect(s, late->number, &c.effects);
    else s->stats.late_failed++;
  }
  call_free(&c);
  message_free(late->message);
  free(late);
}

/* The request itself keeps only what an answer still needs of it. */
static void postpone(struct request *r, const char *now, int64_t counter) {
  struct sandbox *s = r->sandbox;
  struct late *late = calloc(1, sizeof *late);
  if (!late) return;
  late->timer.at = after(r->fault->late);
  late->timer.fire = come_late;
  late->message = r->message;
  late->counter = counter;
  late->number = r->number;
  memcpy(late->now, now, TIME_SIZE);
  s->stats.late++;
  if (timers_add(&s->timers, &late->timer)) {
    r->message = NULL;
  } else {
    s->stats.late--;
    free(late);
  }
}

static void keep_answer(struct request *r, struct call *c) {
  r->status = c->status;
  r->total = c->total;
  r->per_page = c->per_page;
  r->body_len = c->out.len;
  r->body = c->out.len ? buf_take(&c->out) : NULL;
}

/*
** Does what the request asks for. With a late fault it is done and undone,
** for the answer, and done again when its time has come.
*/
static void work(struct request *r) {
  struct sandbox *s = r->sandbox;
  int64_t counter = store_counter(s->db);
  struct call c;
  bool good, late;
  set_call(&c, s, r->message);
  clock_iso(c.now, s->config.clock_offset);
  store_begin(s->db);
  call_serve(&c);
  good = c.status < 400;
  late = good && r->fault && r->fault->late > 0 && effects_any(&c.effects);
  store_end(s->db, good && !late);
  if (good && !late) note_effect(s, r->number, &c.effects);
  keep_answer(r, &c);
  if (late) postpone(r, c.now, counter);
  call_free(&c);
}

/* --- answers ---------------------------------------------------------- */

static void set_answer(struct request *r, int status, struct buf *body) {
  free(r->body);
  r->status = status;
  r->total = r->per_page = -1;
  r->body_len = body->len;
  r->body = buf_take(body);
}

static void answer_text(struct request *r, int status, enum shape shape,
                        const char *text) {
  struct problem p = { "", text };
  struct buf b = { 0 };
  if (shape == SHAPE_FIELDS || shape == SHAPE_ERRORS || shape == SHAPE_FLAT)
    p.field = "name";
  write_error(&b, r->kantata, shape, status, &p, 1);
  set_answer(r, status, &b);
}

static const char *status_text(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "This record could not be found";
    case 422: return "has already been taken";
    case 429: return "Rate limit reached. Retry later.";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "an injected fault";
  }
}

static void answer_html(struct request *r) {
  struct buf b = { 0 };
  buf_fmt(&b, "<!DOCTYPE html>\n<html><head><title>%d %s</title></head>"
          "<body><h1>%s</h1><p>nginx</p></body></html>\n", r->status,
          status_text(r->status), status_text(r->status));
  set_answer(r, r->status, &b);
}

static void answer_body(struct request *r, const struct json *body) {
  struct buf b = { 0 };
  if (body->type == JSON_TEXT) buf_add(&b, body->text, body->len);
  else json_write(&b, body);
  set_answer(r, r->status, &b);
}

static void answer_limited(struct request *r, double limit) {
  struct buf text = { 0 };
  buf_fmt(&text, "Rate limit of %g request per second reached."
          " Retry later.", limit);
  answer_text(r, 429, SHAPE_STRING, text.data ? text.data : "");
  buf_free(&text);
}

/* The error of a fault's status, in the shape that it names. */
static void answer_status(struct request *r, const struct fault *f) {
  const struct config *config = &r->sandbox->config;
  double limit = r->kantata ? config->kantata_rate_limit
                            : config->rate_limit;
  if (f->status == 429 && !f->shape) answer_limited(r, limit ? limit : 6);
  else if (f->status >= 300 || !r->body)
    answer_text(r, f->status, shape_named(f->shape), status_text(f->status));
}

/* What a fault makes of the answer, whatever the request has earned. */
static void spoil(struct request *r, const struct fault *f) {
  if (f->status && !f->html && !f->body) answer_status(r, f);
  if (f->status == 204) r->body_len = 0;
  if (f->status) r->status = f->status;
  if (!r->status) r->status = 200;
  if (f->html) answer_html(r);
  if (f->body) answer_body(r, f->body);
  if (f->malformed && r->body_len) r->body_len = r->body_len / 2 + 1;
  if (f->malformed && r->body_len < 3) answer_text(r, r->status,
                                                   SHAPE_STRING, "{");
}

/* A body that ends before its promised length: the connection is closed. */
struct cut {
  char *body;
  uint64_t sent, len;
};

static ssize_t read_cut(void *cls, uint64_t at, char *out, size_t max) {
  const struct cut *cut = cls;
  uint64_t left = cut->sent - at;
  if (at >= cut->sent) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (left < max) max = (size_t)left;
  memcpy(out, cut->body + at, max);
  return (ssize_t)max;
}

static void free_cut(void *cls) {
  struct cut *cut = cls;
  free(cut->body);
  free(cut);
}

static struct MHD_Response *cut_response(struct request *r) {
  struct cut *cut = calloc(1, sizeof *cut);
  int64_t sent = r->fault->truncate;
  if (!cut) return NULL;
  cut->len = r->body_len;
  cut->sent = sent < 0 ? cut->len / 2 : (uint64_t)sent;
  if (cut->sent >= cut->len) cut->sent = cut->len - 1;
  cut->body = r->body;
  r->body = NULL;
  return MHD_create_response_from_callback(cut->len, 1024, read_cut, cut,
                                           free_cut);
}

static struct MHD_Response *whole_response(struct request *r) {
  static char nothing[1];
  struct MHD_Response *response;
  if (!r->body || !r->body_len)
    return MHD_create_response_from_buffer(0, nothing,
                                           MHD_RESPMEM_PERSISTENT);
  response = MHD_create_response_from_buffer(r->body_len, r->body,
                                             MHD_RESPMEM_MUST_FREE);
  if (response) r->body = NULL;
  return response;
}

static void add_number(struct MHD_Response *response, const char *name,
                       int64_t value) {
  struct buf b = { 0 };
  buf_fmt(&b, "%lld", (long long)value);
  if (!b.failed) MHD_add_response_header(response, name, b.data);
  buf_free(&b);
}

/* Retry-After knows no parts of seconds: they are rounded up. */
static int64_t whole_seconds(double seconds) {
  int64_t whole = (int64_t)seconds;
  return (double)whole < seconds ? whole + 1 : whole;
}

static void add_fault_header(struct MHD_Response *response, const char *name,
                             const struct json *v) {
  MHD_del_response_header(response, name, MHD_get_response_header(response,
                                                                  name));
  if (v->type == JSON_INT) add_number(response, name, v->integer);
  if (v->type == JSON_TEXT) MHD_add_response_header(response, name, v->text);
  for (v = v->type == JSON_ARRAY ? v->child : NULL; v; v = v->next)
    if (v->type == JSON_TEXT)
      MHD_add_response_header(response, name, v->text);
}

static void add_fault_headers(struct MHD_Response *response,
                              const struct fault *f) {
  const struct json *v;
  if (f->retry_after >= 0)
    add_number(response, "Retry-After", whole_seconds(f->retry_after));
  for (v = f->headers ? f->headers->child : NULL; v; v = v->next)
    add_fault_header(response, v->key, v);
}

static void add_limits(struct MHD_Response *response,
                       const struct sandbox *s) {
  struct buf b = { 0 };
  int64_t most = (int64_t)s->config.rate_headers;
  int64_t left = most - (int64_t)s->stats.in_flight;
  if (most <= 0) return;
  buf_fmt(&b, "\"concurrent-requests\";r=%lld", (long long)(left > 0 ? left
                                                                     : 0));
  if (!b.failed) MHD_add_response_header(response, "X-RateLimit", b.data);
  buf_free(&b);
  buf_fmt(&b, "\"concurrent-requests\";q=%lld", (long long)most);
  if (!b.failed)
    MHD_add_response_header(response, "X-RateLimit-Policy", b.data);
  buf_free(&b);
}

/* libmicrohttpd dates every answer, unless the clock is to be wrong. */
static void add_date(struct MHD_Response *response,
                     const struct sandbox *s) {
  char date[TIME_SIZE];
  if (!s->config.clock_offset) return;
  clock_http(date, s->config.clock_offset);
  MHD_add_response_header(response, "Date", date);
}

static void add_headers(struct MHD_Response *response,
                        const struct request *r) {
  const struct sandbox *s = r->sandbox;
  bool html = r->fault && r->fault->html;
  add_date(response, s);
  if (r->status != 204)
    MHD_add_response_header(response, "Content-Type",
                            html ? "text/html; charset=utf-8"
                                 : "application/json; charset=utf-8");
  if (r->total >= 0) add_number(response, "total", r->total);
  if (r->per_page >= 0) add_number(response, "per_page", r->per_page);
  if (r->limited && s->config.retry_after >= 0)
    add_number(response, "Retry-After",
               whole_seconds(s->config.retry_after));
  if (r->kantata) {
    struct buf b = { 0 };
    buf_fmt(&b, "sandbox-%llu", (unsigned long long)r->number);
    if (!b.failed) MHD_add_response_header(response, "x-request-id", b.data);
    buf_free(&b);
  } else {
    add_limits(response, s);
  }
  if (r->fault) add_fault_headers(response, r->fault);
}

static void count_answer(struct request *r) {
  struct sandbox *s = r->sandbox;
  struct entry *e = log_entry(&s->log, r->number);
  if (e) e->status = r->status;
  if (r->status >= 0 && r->status < 600) s->stats.by_status[r->status]++;
  if (r->status == 429) s->stats.rejected++;
}

static enum MHD_Result answer(struct request *r) {
  struct MHD_Response *response;
  enum MHD_Result result;
  bool cut = r->fault && r->fault->truncate != -1 && r->body_len > 0;
  if (r->fault && r->fault->close == AFTER) {
    if (r->fault->reset) reset_connection(r);
    return MHD_NO;
  }
  count_answer(r);
  response = cut ? cut_response(r) : whole_response(r);
  if (!response) return MHD_NO;
  add_headers(response, r);
  result = MHD_queue_response(r->connection, (unsigned)r->status, response);
  MHD_destroy_response(response);
  return result;
}

/* --- the way of a request --------------------------------------------- */

static double limit_for(const struct sandbox *s, const struct message *m) {
  return message_is_kantata(m) ? s->config.kantata_rate_limit
                               : s->config.rate_limit;
}

static bool enter(struct sandbox *s, const struct message *m,
                  const char *prefix, double limit) {
  struct buf name = { 0 };
  bool bearer, entered;
  buf_fmt(&name, "%s%s", prefix, message_token(m, &bearer));
  entered = name.failed ||
            window_enter(&s->windows, name.data, limit,
                         s->config.count_rejected, clock_ns());
  buf_free(&name);
  return entered;
}

/* Takes a place in the token's window; GET /workspaces has one of its own. */
static bool within_limit(struct sandbox *s, const struct message *m,
                         double *limit) {
  bool kantata = message_is_kantata(m);
  *limit = limit_for(s, m);
  if (!enter(s, m, kantata ? "k " : "s ", *limit)) return false;
  if (!kantata || !s->config.kantata_workspaces_limit ||
      strcmp(m->method, "GET") != 0 ||
      strcmp(m->path, "/api/v1/workspaces") != 0)
    return true;
  *limit = s->config.kantata_workspaces_limit;
  return enter(s, m, "w ", *limit);
}

static void reject(struct request *r, double limit) {
  r->limited = true;
  answer_limited(r, limit);
}

/* The request has arrived: it is counted and logged, and meets its fault. */
static void arrive(struct request *r) {
  struct sandbox *s = r->sandbox;
  const struct message *m = r->message;
  struct entry *e;
  double limit;
  s->stats.requests++;
  r->number = log_add(&s->log, m, (double)(clock_ns() - s->started) / 1e9);
  if (!within_limit(s, m, &limit)) {
    reject(r, limit);
    return;
  }
  r->fault = faults_meet(&s->faults, m->method, m->path);
  e = log_entry(&s->log, r->number);
  if (e && r->fault) e->fault = r->fault->name;
}

static bool spares_effect(const struct request *r) {
  return r->limited || (r->fault && fault_spares_effect(r->fault));
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
  else if (!spares_effect(r)) work(r);
  if (f && f->hang == AFTER) return hang(r);
  if (f) spoil(r, f);
  wait = draw(r->sandbox, &r->sandbox->config.outbound) +
         (f ? f->delay_after : 0);
  if (wait > 0) return wait_for(r, wait, RETURNING);
  return answer(r);
}

static enum MHD_Result after_travel(struct request *r) {
  arrive(r);
  if (r->fault && r->fault->delay > 0)
    return wait_for(r, r->fault->delay, DELAYED);
  return after_delay(r);
}

/* Takes a request up again where it waited. */
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
      return answer(r);
  }
}

/* --- libmicrohttpd's callbacks ---------------------------------------- */

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind,
                                  const char *name, const char *value) {
  struct buf *b = cls;
  size_t i;
  (void)kind;
  if (strcasecmp(name, "Authorization") == 0 ||
      strcasecmp(name, "Proxy-Authorization") == 0)
    return MHD_YES;
  buf_str(b, b->len > 1 ? ",\"" : "\"");
  for (i = 0; name[i]; i++) {
    char c = name[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c + 'a' - 'A');
    if (c != '"' && c != '\\') buf_add(b, &c, 1);
  }
  buf_str(b, "\":");
  buf_quote(b, value ? value : "", value ? strlen(value) : 0);
  return MHD_YES;
}

static void read_head(struct request *r, const char *method) {
  struct message *m = r->message;
  struct buf headers = { 0 };
  const char *authorization =
    MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
                                "Authorization");
  m->method = arena_copy(&m->arena, method, strlen(method));
  if (authorization)
    m->authorization = arena_copy(&m->arena, authorization,
                                  strlen(authorization));
  buf_str(&headers, "{");
  MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_header,
                            &headers);
  buf_str(&headers, "}");
  if (!headers.failed)
    m->headers = arena_copy(&m->arena, headers.data, headers.len);
  buf_free(&headers);
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
  struct request *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->sandbox = cls;
  r->connection = connection;
  r->message = message_new(uri);
  r->total = r->per_page = -1;
  if (r->message) {
    r->kantata = message_is_kantata(r->message);
    return r;
  }
  free(r);
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
    r->too_large = r->too_large || r->message->body.len + *size > MAX_BODY;
    if (!r->too_large) buf_add(&r->message->body, data, *size);
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
  free(r->body);
  free(r);
}

/* --- start and stop --------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct sandbox *s) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)s->config.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
                          MHD_ALLOW_SUSPEND_RESUME,
                          (uint16_t)s->config.port, NULL, NULL,
                          on_request, s,
                          MHD_OPTION_SOCK_ADDR, &address,
                          MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                          MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                          MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                          MHD_OPTION_CONNECTION_LIMIT, 4000u,
                          MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                          (size_t)256 * 1024,
                          MHD_OPTION_END);
}

/* Starts to listen; the threads leave every signal to the host's own. */
bool server_start(struct sandbox *s, struct buf *err) {
  const union MHD_DaemonInfo *info;
  sigset_t all, before;
  if (!timers_start(&s->timers, &s->lock, s))
    return fail(err, "no thread can be started");
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  s->daemon = start_daemon(s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!s->daemon)
    return fail(err, "cannot listen on port %d", (int)s->config.port);
  info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
  s->port = info ? info->port : (int)s->config.port;
  return true;
}

/*
** Waiting requests are let go first: libmicrohttpd must not be stopped
** while connections are suspended.
*/
void server_stop(struct sandbox *s) {
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_mutex_unlock(&s->lock);
  timers_stop(&s->timers);
  if (s->daemon) MHD_stop_daemon(s->daemon);
}
