/*
** workstage: requests to Storyblok's Management API and to Kantata OX.
**
** A loop drives any number of requests. A client holds what the requests of
** one token have in common: address, rate limit, connections. A call is one
** request with its retries. Nothing here needs Lua, prints, exits or installs
** a signal handler. Every function may be called from any thread, but a loop
** with its clients and calls from one thread at a time. Times are seconds,
** sizes are bytes.
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

/* The outcome of a call. */
typedef enum ws_kind {
  WS_OK,             /* a 2xx response */
  WS_INVALID,        /* refused by this module, nothing was sent */
  WS_NETWORK,        /* no connection, or it broke */
  WS_TLS,            /* the certificate or the handshake failed */
  WS_TIMEOUT,
  WS_REDIRECT,       /* 3xx: never followed */
  WS_UNAUTHORIZED,   /* 401 */
  WS_FORBIDDEN,      /* 403 */
  WS_NOT_FOUND,      /* 404 */
  WS_REJECTED,       /* any other 4xx */
  WS_RATE_LIMITED,   /* 429, after all attempts */
  WS_SERVER,         /* 5xx */
  WS_DECODE,         /* the response is not valid HTTP */
  WS_TOO_LARGE,      /* body over max_response, or headers too long */
  WS_CANCELLED,
  WS_BUDGET,         /* max_requests is used up */
  WS_MEMORY,         /* memory ran out */
  WS_PENDING         /* the call has not ended yet */
} ws_kind;

/* The name of a kind as users see it: "rate_limited". */
const char *ws_kind_name(ws_kind kind);

/* The version of the libcurl that is loaded, such as "7.88.1". */
const char *ws_libcurl_version(void);

/* Why a function failed. */
typedef struct ws_error {
  ws_kind kind;
  char message[512];
} ws_error;

/* Memory functions for the core and for libcurl. All five are required, and
** must be safe to call from any thread. */
typedef struct ws_memory {
  void *(*alloc)(size_t size);
  void *(*calloc)(size_t count, size_t size);
  void *(*realloc)(void *block, size_t size);
  void (*free)(void *block);
  char *(*strdup)(const char *text);
} ws_memory;

/*
** Sets the process's memory functions; NULL means the C library's. Optional.
** Must come before any other call of this module, and before the host's own
** curl_global_init, as libcurl keeps the functions of the first one. False,
** with nothing changed, if it is too late or a function is missing.
*/
bool ws_init(const ws_memory *memory);

/* ---------------------------------------------------------------- loop */

/* Opens a loop; NULL with `error` if that fails. */
ws_loop *ws_loop_open(ws_error *error);

/* Cancels all calls and frees the loop. Its clients must still be closed and
** its calls freed, before or after. */
void ws_loop_close(ws_loop *loop);

/* True in a forked child of the process that opened the loop; the loop and
** its clients are unusable there. */
bool ws_loop_is_forked(const ws_loop *loop);

/* A descriptor that becomes readable when ws_loop_step has work to do, for
** poll, epoll, select or any event loop. */
int ws_loop_fd(ws_loop *loop);

/* The seconds until the loop needs a step even if its descriptor is not
** readable; negative if it needs none. */
double ws_loop_timeout(ws_loop *loop);

/* Does all work that is due, after waiting for it at most `timeout` seconds
** (negative: without limit; 0 or NaN: not at all). False if a signal
** interrupted the wait. */
bool ws_loop_step(ws_loop *loop, double timeout);

/* Makes the descriptor readable, so that a waiting step returns. May be
** called from any thread while the loop is open. */
void ws_loop_wake(ws_loop *loop);

/* Returns the next call that has ended, each once, or NULL. Calls with a
** completion callback are not returned. */
ws_call *ws_loop_finished(ws_loop *loop);

/* The number of calls that have been started and have not ended. */
size_t ws_loop_pending(const ws_loop *loop);

/* -------------------------------------------------------------- client */

typedef enum ws_service { WS_STORYBLOK, WS_KANTATA } ws_service;

typedef struct ws_options {
  size_t size;               /* of this structure; set by ws_options_init */
  ws_service service;
  const char *token;         /* Storyblok: sent bare; Kantata: as Bearer */
  const char *oauth_token;   /* sent as Bearer, instead of `token` */
  int64_t space_id;          /* Storyblok; 0: none */
  const char *region;        /* eu us ca ap cn; NULL: from the space id */
  const char *base_url;      /* replaces the service's address */
  double rate_limit;         /* requests a second; 0: none; < 0: default */
  const char *shared;        /* file that shares the limit among processes */
  int64_t max_requests;      /* most requests to send; 0: no limit */
  int concurrency;           /* most requests in flight; 8 */
  double timeout;            /* of each attempt; 60, Kantata 200 */
  double connect_timeout;    /* 10 */
  int attempts;              /* of a call, including the first; 8 */
  double retry_base;         /* longest pause before attempt 2; 0.5 */
  double retry_cap;          /* longest pause before any attempt; 30 */
  size_t max_response;       /* longest body; 32 MiB */
  const char *ca_file;       /* certificates as PEM; NULL: the system's */
  const char *proxy;         /* URL; NULL: the environment's; "": none */
  const char *const *headers;  /* "Name: value", NULL at the end */
  const char *user_agent;    /* NULL: "workstage/" and the version */
  bool events;               /* collect events for ws_loop_event */
  void *data;                /* the host's, see ws_client_data */

  /* Called with each libcurl easy handle (a CURL *) that the client creates,
  ** after all options are set and before its first transfer: for options that
  ** this module does not have, such as CURLOPT_INTERFACE or a trace with
  ** CURLOPT_DEBUGFUNCTION. Must not change options that this module sets. */
  void (*configure)(void *easy, void *data);
} ws_options;

/* Fills in the defaults; call it before setting anything else. */
#define ws_options_init(options, service) \
  ws_options_init_sized((options), sizeof *(options), (service))
void ws_options_init_sized(ws_options *options, size_t size,
                           ws_service service);

/* Opens a client on the loop; copies all options. NULL with `error` if an
** option is invalid or memory runs out. */
ws_client *ws_client_open(ws_loop *loop, const ws_options *options,
                          ws_error *error);

/* Cancels the client's calls and frees it; the calls remain for their owners
** to free, before or after. Connections are closed with the loop's last
** client; until then idle ones may serve other clients, or are closed after a
** minute. */
void ws_client_close(ws_client *client);

/* A pointer for the host's use; at first `data` of the client's options. */
void ws_client_set_data(ws_client *client, void *data);
void *ws_client_data(const ws_client *client);

/* The address that paths are appended to, without a slash at its end. */
const char *ws_client_base(const ws_client *client);

/* The number of requests sent so far, retries included. */
int64_t ws_client_requests(const ws_client *client);

/* The retries of a client's calls so far, and what delayed them. */
typedef struct ws_retries {
  int64_t rate_limited;      /* after a 429 */
  int64_t server;            /* after a 5xx */
  int64_t network;           /* after no response */
  double held;               /* seconds in which a 429 let nothing start */
  double paused;             /* seconds of other pauses, each call's added */
} ws_retries;

void ws_client_retries(const ws_client *client, ws_retries *retries);

/* -------------------------------------------------------------- bodies */

/* A value of a request's body, and its name in the object that holds it. */
typedef enum ws_member_type {
  WS_MEMBER_NULL, WS_MEMBER_BOOLEAN, WS_MEMBER_INTEGER, WS_MEMBER_NUMBER,
  WS_MEMBER_TEXT, WS_MEMBER_ARRAY, WS_MEMBER_OBJECT
} ws_member_type;

typedef struct ws_member {
  const char *name;          /* NULL: an item of an array */
  ws_member_type type;
  bool boolean;
  int64_t integer;
  double number;
  const char *text;          /* UTF-8, with a NUL at its end */
  const struct ws_member *members;  /* of an array or object */
  size_t count;
} ws_member;

typedef enum ws_purpose {
  WS_FOR_CREATE,             /* required fields must be given */
  WS_FOR_UPDATE              /* any fields, but at least one */
} ws_purpose;

/*
** Writes the JSON body of a request from members, checked by the schema of
** that name (the reference lists them: "storyblok.change"). Unknown and
** read-only fields, wrong types and missing fields are refused: NULL with
** `error`, whose message names the field. The body ends with a NUL that
** `size` does not count; ws_body_free frees it.
*/
char *ws_body_create(const char *schema, ws_purpose purpose,
                     const ws_member *members, size_t count, size_t *size,
                     ws_error *error);
void ws_body_free(char *body);

/* ---------------------------------------------------------------- call */

typedef enum ws_method {
  WS_GET, WS_POST, WS_PUT, WS_PATCH, WS_DELETE,
  WS_GET_WITH_EFFECT   /* a GET that changes something, such as Storyblok's
                       ** .../publish: never sent twice, like a POST */
} ws_method;

/* The name of a method ("GET"); NULL if it is unknown. */
const char *ws_method_name(ws_method method);

/* The method of that name, in capitals ("GET": WS_GET); -1 if there is none. */
int ws_method_from_name(const char *name);

typedef struct ws_request {
  ws_method method;
  const char *path;          /* begins with "/"; percent-encoded */
  const char *query;         /* "a=1&b=2"; percent-encoded; NULL: none */
  const char *body;          /* JSON; NULL: none */
  size_t body_size;
  const char *const *headers;  /* besides the client's, NULL at the end */
  double timeout;            /* of each attempt; 0: the client's */
  double deadline;           /* of all attempts and pauses; 0: none */
  double start_within;       /* no attempt starts later; 0: no limit */
  int attempts;              /* 0: the client's; 1: no retry; at most 1000 */
  void *data;                /* the host's, see ws_call_data */

  /* The completion callback, or NULL. Called once when the call has ended,
  ** from ws_loop_step, ws_call_wait or ws_loop_close, never from any other
  ** function. It may start, cancel and free calls (this one as well, unless
  ** ws_call_wait is waiting for it) and open and close clients; it must not
  ** step or close the loop. */
  void (*done)(ws_call *call);
} ws_request;

/* Starts a call; copies all of the request. NULL with `error` if the request
** is invalid or memory runs out. */
ws_call *ws_call_start(ws_client *client, const ws_request *request,
                       ws_error *error);

/* Starts a call that sends nothing and ends as WS_OK after `seconds`. */
ws_call *ws_call_sleep(ws_loop *loop, double seconds, ws_error *error);

/* A pointer for the host's use; at first `data` of the request. */
void ws_call_set_data(ws_call *call, void *data);
void *ws_call_data(const ws_call *call);

/* The client of a call; NULL for a call of ws_call_sleep. */
ws_client *ws_call_client(const ws_call *call);

bool ws_call_is_done(const ws_call *call);

/* The body that a call sends, which ends with a NUL that `size` excludes;
** NULL: none. */
const char *ws_call_sent_body(const ws_call *call, size_t *size);

/* Steps the loop until the call has ended. False if a signal interrupted the
** wait, or if there is a new event for ws_loop_event: call it again. */
bool ws_call_wait(ws_call *call);

/* Ends a call at once, as WS_CANCELLED; does nothing if it has ended. */
void ws_call_cancel(ws_call *call);

/* Cancels the call if it has not ended, and frees it with its response. */
void ws_call_free(ws_call *call);

typedef struct ws_response {
  ws_kind kind;              /* WS_PENDING: the call has not ended */
  int status;                /* 0: no response came */
  const char *message;       /* why a call without a response failed */
  const char *body;          /* ends with a NUL that body_size excludes */
  size_t body_size;
  const char *method;
  const char *url;
  int attempts;
  bool ambiguous;            /* it failed, and may have taken effect */
  bool maybe_applied;        /* some attempt may have taken effect, although
                             ** its response was lost */
  double first_sent;         /* seconds since attempt 1; negative: none */
  double answered;           /* seconds since the response; negative: none */
} ws_response;

/* Describes the response; valid until the call is freed. */
void ws_call_response(const ws_call *call, ws_response *response);

/* The outcome of a call; WS_PENDING: it has not ended. */
ws_kind ws_call_kind(const ws_call *call);

/* The body of the response, as in ws_response. */
const char *ws_call_body(const ws_call *call, size_t *size);

/* The response's Date: seconds since 1970; negative if it has none. */
double ws_call_date(const ws_call *call);

/* The value of a header of the response, or NULL. The case of the name does
** not matter. */
const char *ws_call_header(const ws_call *call, const char *name,
                           size_t *size);

/* Reads the next header of the response. Set `*at` to 0 before the first
** call; false at the end. */
bool ws_call_next_header(const ws_call *call, size_t *at, const char **name,
                         size_t *name_size, const char **value,
                         size_t *value_size);

/* -------------------------------------------------------------- events */

typedef enum ws_event_type {
  WS_EVENT_REQUEST,          /* an attempt is sent */
  WS_EVENT_RESPONSE,         /* an attempt got a response, or failed */
  WS_EVENT_RETRY,            /* another attempt follows, after `pause` */
  WS_EVENT_WAIT              /* the rate limit delays the call by `pause` */
} ws_event_type;

typedef struct ws_event {
  ws_event_type type;
  ws_client *client;
  uint64_t id;               /* of the call, unique in its loop */
  double time;               /* seconds since 1970 */
  const char *method;
  char url[256];             /* truncated if longer */
  int attempt;
  int status;
  ws_kind kind;
  char message[256];         /* why it failed without a response; or empty */
  double elapsed;            /* of the attempt */
  double pause;              /* negative: not known in advance */
  size_t sent;               /* size of the request's body */
  size_t received;           /* size of the response's body */
} ws_event;

/* Takes the oldest event; false if there is none. A loop keeps the latest
** 4096 events that have not been taken. */
bool ws_loop_event(ws_loop *loop, ws_event *event);

#ifdef __cplusplus
}
#endif

#endif
