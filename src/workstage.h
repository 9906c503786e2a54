/*
** workstage: requests to Storyblok's Management API and to Kantata OX.
**
** A loop drives any number of requests. A client holds what the requests of
** one token have in common: address, rate limit, connections. A call is one
** request with its retries. Nothing here needs Lua, prints, exits or installs
** a signal handler.
**
** Threads: any thread may use a loop with its clients and calls, but only one
** at a time; ws_loop_wake is the exception. Different loops are independent.
** Times are seconds, sizes are bytes. Pointers must not be NULL, except where
** a comment says so; `error` may always be NULL, and is only written when the
** function fails.
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
  WS_DECODE,         /* the response is not valid HTTP or gzip */
  WS_TOO_LARGE,      /* body over max_response, or headers too long */
  WS_CANCELLED,
  WS_BUDGET,         /* max_requests is used up */
  WS_MEMORY,         /* memory ran out */
  WS_PENDING         /* the call has not ended yet */
} ws_kind;

/* The name of a kind as users see it: "rate_limited"; "unknown" if there is no
** such kind. */
const char *ws_kind_name(ws_kind kind);

/* The version of the libcurl that is loaded, such as "7.88.1". */
const char *ws_libcurl_version(void);

/* Why a function failed: WS_INVALID (an argument), WS_MEMORY or WS_NETWORK (a
** system call). */
typedef struct ws_error {
  ws_kind kind;
  char message[512];         /* one line: "timeout: -1 is not between .." */
} ws_error;

/* Memory functions for the core and for libcurl, which behave like the C
** library's. All four are required; any thread may call them. */
typedef struct ws_memory {
  void *(*alloc)(size_t size);
  void *(*calloc)(size_t count, size_t size);
  void *(*realloc)(void *block, size_t size);
  void (*free)(void *block);
} ws_memory;

/*
** Sets the process's memory functions; NULL means the C library's. Optional.
** Must come before any other call of this module, and before the host's own
** curl_global_init, as libcurl keeps the functions of the first one. False,
** with nothing changed, if it is too late or a function is missing.
*/
bool ws_init(const ws_memory *memory);

/* ---------------------------------------------------------------- loop */

/* Opens a loop, to be closed with ws_loop_close; NULL with `error` if memory or
** descriptors run out. */
ws_loop *ws_loop_open(ws_error *error);

/* Cancels all calls, runs their completion callbacks, and closes the loop,
** which must not be used any more. Its clients must still be closed and its
** calls freed, before or after: until then their other functions work, and
** ws_call_start fails. */
void ws_loop_close(ws_loop *loop);

/* True in a forked child of the process that opened the loop. The loop, its
** clients and its calls can only be closed and freed there, which leaves the
** parent's connections alone. */
bool ws_loop_is_forked(const ws_loop *loop);

/*
** For a host with an event loop of its own (poll, epoll, select ..): wait until
** the descriptor is readable, but no longer than ws_loop_timeout, then call
** ws_loop_step with a timeout of 0. The descriptor belongs to the loop: do not
** read from it or close it.
*/
int ws_loop_fd(ws_loop *loop);

/* The seconds after which ws_loop_step is due even if the descriptor is not
** readable; 0: now; negative: never. Valid until the next step. A call that is
** started or cancelled meanwhile makes the descriptor readable in time. */
double ws_loop_timeout(ws_loop *loop);

/* Does all work that is due, after waiting for it at most `timeout` seconds
** (negative: without limit; 0 or NaN: not at all). False if a signal
** interrupted the wait, or at once in a forked child. */
bool ws_loop_step(ws_loop *loop, double timeout);

/* Makes the descriptor readable, so that a waiting step returns. May be called
** from any thread, and from a signal handler, while the loop is open. */
void ws_loop_wake(ws_loop *loop);

/* Returns the next call that has ended, or NULL; its owner still has to free
** it. Each call is returned once; calls with a completion callback, and those
** that ws_call_wait waited for, are not returned. */
ws_call *ws_loop_finished(ws_loop *loop);

/* The number of calls that have been started and have not ended. */
size_t ws_loop_pending(const ws_loop *loop);

/* -------------------------------------------------------------- client */

typedef enum ws_service { WS_STORYBLOK, WS_KANTATA } ws_service;

/* The options of a client. One of the tokens is required; each other option
** has the default given last in its comment. */
typedef struct ws_options {
  size_t size;               /* of this structure; set by ws_options_init */
  ws_service service;
  const char *token;         /* Storyblok: sent bare; Kantata: as Bearer */
  const char *oauth_token;   /* sent as Bearer, instead of `token` */
  int64_t space_id;          /* Storyblok: only chooses the region; 0: none */
  const char *region;        /* eu us ca ap cn; NULL: the space id's, or eu */
  const char *base_url;      /* http(s)://host[:port][/path]; NULL: the
                             ** address of the region or of Kantata */
  double rate_limit;         /* requests a second, 0.001 to 100000; 0: no
                             ** limit; negative: Storyblok 6, Kantata 4 */
  const char *shared;        /* file that shares the limit among processes;
                             ** NULL: only the process's clients share it */
  int64_t max_requests;      /* most requests, with retries, that the client
                             ** sends; 0: no limit */
  int concurrency;           /* most requests in flight, 1 to 1000; 8 */
  double timeout;            /* of each attempt, 0.001 to 86400; 60, for
                             ** Kantata 200 */
  double connect_timeout;    /* of each connection, the same range; 10 */
  int attempts;              /* of a call with the first, 1 to 1000; 8 */
  double retry_base;         /* longest pause before attempt 2, 0 to 3600; it
                             ** doubles with each attempt, and a random part
                             ** of it is waited; 0.5 */
  double retry_cap;          /* longest pause before any attempt, 0 to 3600;
                             ** also limits a Retry-After; 30 */
  size_t max_response;       /* longest body, decompressed; 32 MiB */
  const char *ca_file;       /* certificates as PEM; NULL: the system's */
  const char *proxy;         /* URL; "": none; NULL: the environment's */
  const char *const *headers;  /* "Name: value", NULL at the end; not
                             ** Authorization, Content-Length, Expect or
                             ** Transfer-Encoding; NULL: none */
  const char *user_agent;    /* NULL: "workstage/" and the version */
  bool events;               /* collect events for ws_loop_event; false */
  void *data;                /* the host's, see ws_client_data; NULL */

  /* Called with each libcurl easy handle (a CURL *) that the client creates,
  ** and with `data` as given here: after all options are set, and before the
  ** handle's first transfer. It is for options that this module does not have,
  ** such as CURLOPT_INTERFACE or a trace with CURLOPT_DEBUGFUNCTION. Must not
  ** change options that this module sets, nor call this module. NULL: none */
  void (*configure)(void *easy, void *data);
} ws_options;

/* Fills in the defaults; call it before setting anything else. */
#define ws_options_init(options, service) \
  ws_options_init_sized((options), sizeof *(options), (service))
void ws_options_init_sized(ws_options *options, size_t size,
                           ws_service service);

/* Opens a client on the loop, to be closed with ws_client_close; copies all
** options. NULL with `error` if an option is invalid, the file of `shared`
** cannot be used, the loop was opened before a fork, or memory runs out. */
ws_client *ws_client_open(ws_loop *loop, const ws_options *options,
                          ws_error *error);

/* Cancels the client's calls and closes it, after which it must not be used.
** The calls remain for their owners to free, before or after; completion
** callbacks run in the loop's next step. The loop keeps idle connections for
** its other clients, up to 50 seconds, and closes all with its last client. */
void ws_client_close(ws_client *client);

/* A pointer for the host's use; at first `data` of the client's options. */
void ws_client_set_data(ws_client *client, void *data);
void *ws_client_data(const ws_client *client);

/* The address that paths are appended to, without a slash at its end. */
const char *ws_client_base(const ws_client *client);

/* The number of requests sent so far, retries included: those that count
** against max_requests. */
int64_t ws_client_requests(const ws_client *client);

/* The retries of a client's calls so far, and what delayed them. */
typedef struct ws_retries {
  int64_t rate_limited;      /* retries after a 429 */
  int64_t server;            /* retries after a 5xx */
  int64_t network;           /* retries after no response */
  double held;               /* seconds in which a 429 let nothing start */
  double paused;             /* seconds of other pauses: the sum of all
                             ** calls, so it may exceed the time that passed */
} ws_retries;

void ws_client_retries(const ws_client *client, ws_retries *retries);

/* -------------------------------------------------------------- bodies */

/* A value of a request's body, and its name in the object that holds it. The
** type says which of the other members are read. */
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
  const char *text;          /* UTF-8, with a NUL at its end; NULL: a null */
  const struct ws_member *members;  /* of an array or object */
  size_t count;
} ws_member;

typedef enum ws_purpose {
  WS_FOR_CREATE,             /* required fields must be given */
  WS_FOR_UPDATE              /* any fields, but at least one */
} ws_purpose;

/*
** Writes the JSON body of a request: the members in the order of the schema,
** inside the object that the service expects ({"workflow":{..}}). `schema` is
** "storyblok.stage", "storyblok.change", "storyblok.workflow",
** "storyblok.duplicate", "kantata.workspace" or "kantata.change"; the reference
** lists their fields. Unknown and read-only fields, wrong types and missing
** fields are refused: NULL with `error`, whose message names the field. Of two
** members with the same name the last one counts. The body ends with a NUL that
** `*size` does not count; free it with ws_body_free. Needs no loop.
*/
char *ws_body_create(const char *schema, ws_purpose purpose,
                     const ws_member *members, size_t count, size_t *size,
                     ws_error *error);
void ws_body_free(char *body);

/* ---------------------------------------------------------------- call */

typedef enum ws_method {
  WS_GET, WS_POST, WS_PUT, WS_PATCH, WS_DELETE,
  WS_GET_WITH_EFFECT   /* a GET that changes something, such as Storyblok's
                       ** .../publish; like a POST it is not sent again once
                       ** it may have taken effect */
} ws_method;

/* The name of a method ("GET"); NULL if it is unknown. */
const char *ws_method_name(ws_method method);

/* The ws_method of that name in capitals ("GET": WS_GET); -1 if there is
** none. */
int ws_method_from_name(const char *name);

/* A request. Initialise it with {0} or {.path = ..}: all but the path may be
** zero. The times of `deadline` and `start_within` begin with ws_call_start. */
typedef struct ws_request {
  ws_method method;
  const char *path;          /* begins with "/"; percent-encoded */
  const char *query;         /* "a=1&b=2"; percent-encoded; NULL: none */
  const char *body;          /* JSON, sent as application/json; NULL: none */
  size_t body_size;
  const char *const *headers;  /* replace the client's of the same name, NULL
                             ** at the end; NULL: none */
  double timeout;            /* of each attempt, at most 86400; 0: the
                             ** client's */
  double deadline;           /* of all attempts and pauses; 0: none */
  double start_within;       /* no attempt starts later; 0: no limit */
  int attempts;              /* with the first, at most 1000; 0: the client's */
  void *data;                /* the host's, see ws_call_data */

  /* The completion callback, or NULL. Called once when the call has ended,
  ** from ws_loop_step, ws_call_wait or ws_loop_close, never from any other
  ** function. It may start, cancel and free calls (this one as well, unless
  ** ws_call_wait is waiting for it) and open and close clients; it must not
  ** step or close the loop. */
  void (*done)(ws_call *call);
} ws_request;

/* Starts a call, to be freed with ws_call_free; copies all of the request. The
** request is sent at once if the rate limit and `concurrency` allow it. NULL
** with `error` if the request is invalid, the client is closed, or memory runs
** out; all other errors are found in the response. */
ws_call *ws_call_start(ws_client *client, const ws_request *request,
                       ws_error *error);

/* Starts a call that sends nothing and ends as WS_OK after `seconds` (0 to
** 1e9). NULL with `error` as above. */
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

/* Steps the loop until the call has ended, and its completion callback has
** run. False if a signal interrupted the wait, or if there is a new event for
** ws_loop_event: call it again. */
bool ws_call_wait(ws_call *call);

/* Ends a call at once, as WS_CANCELLED; does nothing if it has ended. The
** completion callback runs in the next step. */
void ws_call_cancel(ws_call *call);

/* Cancels the call if it has not ended, and frees it with its response. A
** completion callback that has not run yet is not called any more. */
void ws_call_free(ws_call *call);

/* The outcome of a call, and the response to its last attempt. */
typedef struct ws_response {
  ws_kind kind;              /* WS_PENDING: the call has not ended */
  int status;                /* of HTTP; 0: no response came */
  const char *message;       /* why a call without a response failed; or "" */
  const char *body;          /* ends with a NUL that body_size excludes; "" if
                             ** there is none */
  size_t body_size;
  const char *method;        /* "GET" */
  const char *url;           /* NULL for a call of ws_call_sleep */
  int attempts;              /* those made so far */
  bool ambiguous;            /* the call failed, but may have taken effect: an
                             ** attempt that changes something got no answer */
  bool maybe_applied;        /* the same for a call with any outcome: true also
                             ** if a later attempt succeeded */
  double since_sent;         /* seconds since attempt 1; negative: none */
  double since_answered;     /* seconds since the first byte of the response;
                             ** negative: none */
} ws_response;

/* Describes the outcome. Its pointers are valid until the call is freed; those
** of a call that has not ended, until the loop's next step. */
void ws_call_response(const ws_call *call, ws_response *response);

/* The outcome of a call; WS_PENDING: it has not ended. */
ws_kind ws_call_kind(const ws_call *call);

/* The body of the response, as in ws_response. */
const char *ws_call_body(const ws_call *call, size_t *size);

/* The header Date of the response, which is the service's clock: seconds since
** 1970; negative if there is none. */
double ws_call_date(const ws_call *call);

/* The value of a header of the response, without a NUL at its end, and its
** size; NULL if there is none. The case of the name does not matter. The first
** of several headers of one name counts. */
const char *ws_call_header(const ws_call *call, const char *name,
                           size_t *size);

/* Reads the next header of the response: name and value, neither with a NUL at
** its end. Set `*at` to 0 before the first call; false at the end. */
bool ws_call_next_header(const ws_call *call, size_t *at, const char **name,
                         size_t *name_size, const char **value,
                         size_t *value_size);

/* -------------------------------------------------------------- events */

typedef enum ws_event_type {
  WS_EVENT_REQUEST,          /* an attempt starts */
  WS_EVENT_RESPONSE,         /* an attempt got a response, or failed */
  WS_EVENT_RETRY,            /* another attempt follows, after `pause`; the
                             ** other fields describe the one that failed */
  WS_EVENT_WAIT              /* the rate limit delays the call by `pause` */
} ws_event_type;

typedef struct ws_event {
  ws_event_type type;
  ws_client *client;
  uint64_t id;               /* the same for all events of one call, unique in
                             ** its loop */
  double time;               /* seconds since 1970 */
  const char *method;        /* "GET" */
  char url[256];             /* truncated if longer */
  int attempt;               /* its number, from 1; of a wait: those before */
  size_t sent;               /* size of the request's body */

  /* of WS_EVENT_RESPONSE and WS_EVENT_RETRY */
  int status;                /* of HTTP; 0: no response */
  ws_kind kind;              /* of other events WS_PENDING */
  char message[256];         /* why it failed without a response; or "" */
  double elapsed;            /* seconds from the start of the attempt to the
                             ** first byte of the response, or to its end */
  size_t received;           /* size of the response's body */

  /* of WS_EVENT_RETRY and WS_EVENT_WAIT */
  double pause;              /* seconds; negative: not known in advance */
} ws_event;

/* Takes the oldest event of clients with the option `events`; false if there is
** none. A loop keeps the latest 4096 that have not been taken; those of a
** client are discarded when it is closed. */
bool ws_loop_event(ws_loop *loop, ws_event *event);

#ifdef __cplusplus
}
#endif

#endif
