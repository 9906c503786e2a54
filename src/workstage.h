/*
** workstage: requests to Storyblok's Management API and to Kantata OX.
**
** A loop drives any number of requests; a client holds what requests of one
** token have in common; a call is one request with its retries. Nothing
** here knows Lua, prints, exits or installs a signal handler. Every
** function may be called from any thread, but a loop and what belongs to it
** from one thread at a time. Times are seconds, sizes bytes.
*/

#ifndef WORKSTAGE_H
#define WORKSTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ws_loop ws_loop;
typedef struct ws_client ws_client;
typedef struct ws_call ws_call;

/* What became of a call. ws_kind_name gives the word that users see. */
typedef enum ws_kind {
  WS_OK,
  WS_INVALID,        /* refused here, nothing was sent */
  WS_NETWORK,
  WS_TLS,
  WS_TIMEOUT,
  WS_REDIRECT,       /* 3xx: never followed */
  WS_UNAUTHORIZED,   /* 401 */
  WS_FORBIDDEN,      /* 403 */
  WS_NOT_FOUND,      /* 404 */
  WS_REJECTED,       /* other 4xx */
  WS_RATE_LIMITED,   /* 429, after all attempts */
  WS_SERVER,         /* 5xx */
  WS_DECODE,         /* not an HTTP answer that can be read */
  WS_TOO_LARGE,      /* above max_response */
  WS_CANCELLED,
  WS_BUDGET,         /* max_requests is used up */
  WS_MEMORY          /* memory ran out */
} ws_kind;

const char *ws_kind_name(ws_kind kind);

typedef struct ws_error {
  ws_kind kind;
  char message[512];
} ws_error;

/* Memory for the core and for libcurl; all five, and safe in any thread. */
typedef struct ws_memory {
  void *(*alloc)(size_t size);
  void *(*calloc)(size_t count, size_t size);
  void *(*realloc)(void *block, size_t size);
  void (*free)(void *block);
  char *(*strdup)(const char *text);
} ws_memory;

/*
** Sets the process's memory functions; NULL means the C library's. To be
** called before anything else here, if at all, and before the host's own
** curl_global_init, if it has one: libcurl keeps the functions of the first.
** False, with nothing changed, when it is too late or one is missing.
*/
bool ws_init(const ws_memory *memory);

/* ---------------------------------------------------------------- loop */

/* A new loop, or NULL with the reason in `error`. */
ws_loop *ws_loop_open(ws_error *error);

/* Cancels what its clients have under way and frees the loop. Its clients
** and calls stay for their owners to free, before or after. */
void ws_loop_close(ws_loop *loop);

/* Whether it was made before a fork, and this is the child: it is of no use
** here, and neither are its clients. */
bool ws_loop_is_forked(const ws_loop *loop);

/* A descriptor that becomes readable when ws_loop_step has work to do: for
** epoll, poll, select or any event loop. */
int ws_loop_fd(ws_loop *loop);

/* The seconds until the loop wants a step although its descriptor is still;
** negative when there is no such moment. */
double ws_loop_timeout(ws_loop *loop);

/* Does what there is to do, after waiting for it at most `timeout` seconds
** (negative: as long as it takes; 0: not at all). False when a signal cut
** the wait short. */
bool ws_loop_step(ws_loop *loop, double timeout);

/* Makes its descriptor readable: a step that waits returns. May be called
** from any thread while the loop is open. */
void ws_loop_wake(ws_loop *loop);

/* The next call that has ended since it was last asked, or NULL. */
ws_call *ws_loop_finished(ws_loop *loop);

/* How many calls have been started and not ended yet. */
size_t ws_loop_pending(const ws_loop *loop);

/* -------------------------------------------------------------- client */

typedef enum ws_service { WS_STORYBLOK, WS_KANTATA } ws_service;

typedef struct ws_options {
  ws_service service;
  const char *token;         /* Storyblok: sent bare; Kantata: as Bearer */
  const char *oauth_token;   /* sent as Bearer, in place of `token` */
  int64_t space_id;          /* Storyblok; 0: none */
  const char *region;        /* eu us ca ap cn; NULL: from the space id */
  const char *base_url;      /* in place of the service's address */
  double rate_limit;         /* requests a second; 0: none; < 0: default */
  const char *shared;        /* file that processes share it through */
  int64_t max_requests;      /* 0: as many as it takes */
  int concurrency;           /* requests in flight, 8 */
  double timeout;            /* each attempt, 60 (Kantata 200) */
  double connect_timeout;    /* 10 */
  int attempts;              /* counts the first, 8 */
  double retry_base;         /* first pause at most, 0.5 */
  double retry_cap;          /* longest pause, 30 */
  size_t max_response;       /* 32 MiB */
  const char *ca_file;       /* PEM; NULL: the system's */
  const char *proxy;         /* NULL: the environment's; "": none */
  const char *const *headers;  /* "Name: value", NULL at the end */
  const char *user_agent;
  bool events;               /* collect them for ws_loop_event */
} ws_options;

/* Fills in the defaults. */
void ws_options_init(ws_options *options, ws_service service);

/* A client on that loop (everything is copied), or NULL with `error`. */
ws_client *ws_client_open(ws_loop *loop, const ws_options *options,
                          ws_error *error);

/* Cancels its calls and frees it; calls stay for their owners to free, before
** or after. The last client of a loop takes all connections along; until then
** idle ones may serve the others, or go after a minute. */
void ws_client_close(ws_client *client);

/* The address that paths are appended to, without a slash at its end. */
const char *ws_client_base(const ws_client *client);

/* Requests sent so far, retries included. */
int64_t ws_client_requests(const ws_client *client);

/* ---------------------------------------------------------------- call */

typedef enum ws_method { WS_GET, WS_POST, WS_PUT, WS_PATCH,
                         WS_DELETE } ws_method;

const char *ws_method_name(ws_method method);

/* The method of that name ("GET"), or -1. */
int ws_method_from_name(const char *name);

typedef struct ws_request {
  ws_method method;
  const char *path;          /* begins with "/", escaped */
  const char *query;         /* "a=1&b=2", escaped; NULL: none */
  const char *body;          /* JSON; NULL: none */
  size_t body_size;
  const char *const *headers;  /* more of them, NULL at the end */
  double timeout;            /* each attempt; 0: the client's */
  double deadline;           /* all attempts and waiting; 0: none */
  double start_within;       /* no attempt begins later; 0: no limit */
  int attempts;              /* 0: the client's; 1: no retry */
} ws_request;

/* Starts a call (everything is copied), or NULL with `error`. */
ws_call *ws_call_start(ws_client *client, const ws_request *request,
                       ws_error *error);

/* A call that sends nothing and ends after so many seconds. */
ws_call *ws_call_sleep(ws_loop *loop, double seconds, ws_error *error);

/* A pointer of the host's own, NULL at first, by which it finds its way back
** from a finished call. */
void ws_call_set_data(ws_call *call, void *data);
void *ws_call_data(const ws_call *call);

bool ws_call_is_done(const ws_call *call);

/* Steps the loop until the call has ended; false when a signal came first,
** or an event that ws_loop_event gives out: call it again. */
bool ws_call_wait(ws_call *call);

/* Ends a call at once, as WS_CANCELLED, unless it has ended already. */
void ws_call_cancel(ws_call *call);

/* Cancels it if need be and frees it with its answer. */
void ws_call_free(ws_call *call);

typedef struct ws_response {
  ws_kind kind;
  int status;                /* 0: no answer */
  const char *message;       /* the cause of a failure without an answer */
  const char *body;          /* ends with a NUL that body_size leaves out */
  size_t body_size;
  const char *method;
  const char *url;
  int attempts;              /* requests sent */
  bool ambiguous;            /* it failed, and may have taken effect */
  bool unsure;               /* an earlier attempt may have taken effect */
  double first_sent;         /* seconds since then; negative: never sent */
  double answered;           /* seconds since the answer; negative: none */
} ws_response;

/* The answer of a call that has ended; valid until the call is freed. */
void ws_call_response(const ws_call *call, ws_response *answer);

/* The answer's Date, seconds since 1970; negative when it has none. */
double ws_call_date(const ws_call *call);

/* The value of a header of the answer, or NULL. */
const char *ws_call_header(const ws_call *call, const char *name,
                           size_t *size);

/* Walks the headers: `*at` is 0 at first; false at the end. */
bool ws_call_next_header(const ws_call *call, size_t *at, const char **name,
                         size_t *name_size, const char **value,
                         size_t *value_size);

/* -------------------------------------------------------------- events */

typedef enum ws_event_type {
  WS_EVENT_REQUEST,          /* an attempt leaves */
  WS_EVENT_RESPONSE,         /* an attempt was answered, or failed */
  WS_EVENT_RETRY,            /* it will be sent again, after `pause` */
  WS_EVENT_WAIT              /* it waits for its turn (rate limit) */
} ws_event_type;

typedef struct ws_event {
  ws_event_type type;
  ws_client *client;
  uint64_t id;               /* of the call, unique in its loop */
  double time;               /* seconds since 1970 */
  const char *method;
  char url[256];             /* cut, if longer */
  int attempt;
  int status;
  ws_kind kind;
  char message[256];         /* why it failed, without a status; else empty */
  double elapsed;            /* of the attempt */
  double pause;
  size_t sent;               /* body bytes */
  size_t received;
} ws_event;

/* The next event since it was last asked; false when there is none. */
bool ws_loop_event(ws_loop *loop, ws_event *event);

#ifdef __cplusplus
}
#endif

#endif
