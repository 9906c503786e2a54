/*
** What the calls of one token have in common.
*/

#include "request/client.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/url.h"
#include "request/call.h"
#include "request/event.h"
#include "request/loop.h"
#include "request/service.h"

void ws_options_init(ws_options *options, ws_service service) {
  *options = (ws_options){
    .service = service,
    .rate_limit = -1,
    .concurrency = 8,
    .timeout = service == WS_KANTATA ? 200 : 60,
    .connect_timeout = 10,
    .attempts = 8,
    .retry_base = 0.5,
    .retry_cap = 30,
    .max_response = (size_t)32 << 20,
  };
}

/* ------------------------------------------------- judging the options */

static bool is_visible_ascii(const char *text) {
  for (; *text; text++)
    if (*text < 0x21 || *text > 0x7e) return false;
  return true;
}

static bool check_token(const ws_options *options, ws_error *error) {
  bool oauth = options->oauth_token != NULL;
  const char *name = oauth ? "oauth_token" : "token";
  const char *token = oauth ? options->oauth_token : options->token;
  if (oauth && options->token)
    ws_fail(error, WS_INVALID, "token and oauth_token: give one of them");
  else if (!token || !*token)
    ws_fail(error, WS_INVALID, "%s: is required", name);
  else if (strncasecmp(token, "Bearer ", 7) == 0)
    ws_fail(error, WS_INVALID, "%s: give it without the word Bearer%s", name,
            oauth ? "" : ", as oauth_token if it is an OAuth token");
  else if (!is_visible_ascii(token))
    ws_fail(error, WS_INVALID, "%s: holds a blank, a line break or another "
            "character that no token has", name);
  else
    return true;
  return false;
}

static bool check_range(const char *name, double value, double low,
                        double high, ws_error *error) {
  if (value >= low && value <= high) return true;
  ws_fail(error, WS_INVALID, "%s: %g is not between %g and %g", name, value,
          low, high);
  return false;
}

static bool check_numbers(const ws_options *options, ws_error *error) {
  return check_range("timeout", options->timeout, 0.001, 86400, error) &&
         check_range("connect_timeout", options->connect_timeout, 0.001,
                     86400, error) &&
         check_range("concurrency", options->concurrency, 1, 1000, error) &&
         check_range("retry.attempts", options->attempts, 1, 1000, error) &&
         check_range("retry.base", options->retry_base, 0, 3600, error) &&
         check_range("retry.cap", options->retry_cap, 0, 3600, error) &&
         check_range("max_requests", (double)options->max_requests, 0,
                     9e15, error) &&
         check_range("max_response", (double)options->max_response, 1,
                     9e15, error) &&
         (options->rate_limit <= 0 ||
          check_range("rate_limit", options->rate_limit, 0.001, 100000,
                      error));
}

static bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* A header line must be one line, and must not be one that is set here. */
static bool check_header(const char *line, ws_error *error) {
  static const char *const ours[] = {"Authorization", "Content-Length",
                                     "Transfer-Encoding", "Expect"};
  size_t size = 0;
  while (is_token_char(line[size])) size++;
  if (size == 0 || line[size] != ':') {
    ws_fail(error, WS_INVALID, "headers: '%.40s' is no header name", line);
    return false;
  }
  for (const char *at = line + size; *at; at++)
    if ((unsigned char)*at < 0x20 && *at != '\t') {
      ws_fail(error, WS_INVALID, "headers: the value of '%.*s' holds a line "
              "break or another control character", (int)size, line);
      return false;
    }
  for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
    if (strlen(ours[i]) == size && strncasecmp(ours[i], line, size) == 0) {
      ws_fail(error, WS_INVALID, "headers: %s is set by this module%s",
              ours[i], i ? "" : "; give token or oauth_token");
      return false;
    }
  return true;
}

bool ws_headers_check(const char *const *headers, ws_error *error) {
  for (; headers && *headers; headers++)
    if (!check_header(*headers, error)) return false;
  return true;
}

static bool check(const ws_options *options, ws_error *error) {
  const char *agent = options->user_agent;
  const char *why;
  if (!check_token(options, error) || !check_numbers(options, error) ||
      !ws_headers_check(options->headers, error))
    return false;
  if (options->base_url && !ws_url_is_base(options->base_url, &why)) {
    ws_fail(error, WS_INVALID, "base_url: %s", why);
    return false;
  }
  for (; agent && *agent; agent++)
    if ((unsigned char)*agent < 0x20) {
      ws_fail(error, WS_INVALID, "user_agent: holds a control character");
      return false;
    }
  return true;
}

/* The address without the slashes at its end; NULL with `error`. A base_url
** of one's own goes with any space. */
static char *choose_base(const ws_options *options, ws_error *error) {
  const char *address = options->base_url;
  size_t size;
  char *copy;
  if (options->service == WS_STORYBLOK) {
    const char *regional =
      address && !options->region
        ? address
        : ws_storyblok_address(options->space_id, options->region, error);
    if (!regional) return NULL;
    if (!address) address = regional;
  }
  else if (!address)
    address = ws_kantata_address;
  size = strlen(address);
  while (size && address[size - 1] == '/') size--;
  copy = ws_copy(address, size);
  if (!copy) ws_fail_memory(error);
  return copy;
}

/* -------------------------------------------------------- building one */

bool ws_headers_add(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer) *list = longer;
  return longer != NULL;
}

void ws_headers_free(struct curl_slist *list) {
  for (struct curl_slist *at = list; at; at = at->next)
    ws_wipe(at->data, strlen(at->data));
  curl_slist_free_all(list);
}

static bool has_header(const char *const *headers, const char *name) {
  size_t size = strlen(name);
  for (; headers && *headers; headers++)
    if (strncasecmp(*headers, name, size) == 0 && (*headers)[size] == ':')
      return true;
  return false;
}

static bool add_authorization(struct curl_slist **list,
                              const ws_options *options) {
  bool bearer = options->oauth_token || options->service == WS_KANTATA;
  const char *token =
    options->oauth_token ? options->oauth_token : options->token;
  const char *name = bearer ? "Authorization: Bearer " : "Authorization: ";
  size_t size = strlen(name) + strlen(token) + 1;
  char *line = ws_alloc(size);
  bool added;
  if (!line) return false;
  snprintf(line, size, "%s%s", name, token);
  added = ws_headers_add(list, line);
  ws_wipe(line, size);
  ws_free(line);
  return added;
}

static bool add_headers(struct curl_slist **list, const ws_options *options,
                        bool body) {
  const char *const *headers = options->headers;
  if (!add_authorization(list, options)) return false;
  if (!has_header(headers, "Accept") &&
      !ws_headers_add(list, "Accept: application/json"))
    return false;
  if (body && !has_header(headers, "Content-Type") &&
      !ws_headers_add(list, "Content-Type: application/json"))
    return false;
  if (body && !ws_headers_add(list, "Expect:")) return false;
  for (; headers && *headers; headers++)
    if (!ws_headers_add(list, *headers)) return false;
  return true;
}

static bool duplicate_text(char **to, const char *from) {
  if (from) *to = ws_copy(from, strlen(from));
  return !from || *to;
}

static ws_time microseconds(double seconds) {
  return (ws_time)(seconds * 1e6);
}

static bool copy_settings(ws_client *client, const ws_options *options) {
  char agent[] = "workstage/" WS_VERSION;
  client->service = options->service;
  client->max_requests = options->max_requests;
  client->concurrency = options->concurrency;
  client->timeout = microseconds(options->timeout);
  client->connect_timeout = microseconds(options->connect_timeout);
  client->attempts = options->attempts;
  client->retry_base = options->retry_base;
  client->retry_cap = options->retry_cap;
  client->max_response = options->max_response;
  client->events = options->events;
  client->idle = ws_calloc((size_t)options->concurrency,
                           sizeof client->idle[0]);
  return client->idle && duplicate_text(&client->ca_file, options->ca_file) &&
         duplicate_text(&client->proxy, options->proxy) &&
         duplicate_text(&client->user_agent,
                   options->user_agent ? options->user_agent : agent) &&
         add_headers(&client->headers, options, false) &&
         add_headers(&client->body_headers, options, true);
}

/* FNV-1a from a start of one's own: two of them stand for a token where it
** is only told from others. */
static void add_digest(ws_buffer *key, const char *token, uint64_t sum) {
  for (; *token; token++)
    sum = (sum ^ (unsigned char)*token) * UINT64_C(1099511628211);
  ws_buffer_add_integer(key, (long long)sum);
}

/* Scheme and host are the same in whatever case they are written. */
static void add_lower(ws_buffer *key, const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    char c = bytes[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
    ws_buffer_add_char(key, c);
  }
}

/* Opens the limiter of a token at a host (scheme, host and port). It outlives
** the client, so its key holds digests of the token, not the token. */
static ws_limiter_handle *open_limiter(const ws_client *client,
                                       const ws_options *options,
                                       ws_error *error) {
  const char *host = strstr(client->base, "://") + 3;
  size_t size = (size_t)(host - client->base) + strcspn(host, "/");
  double rate = options->rate_limit < 0 ? ws_service_rate(options->service)
                                        : options->rate_limit;
  const char *token =
    options->oauth_token ? options->oauth_token : options->token;
  ws_buffer key = WS_BUFFER_EMPTY;
  const char *text;
  ws_limiter_handle *limiter = NULL;
  add_lower(&key, client->base, size);
  ws_buffer_add_char(&key, '\n');
  add_digest(&key, token, UINT64_C(14695981039346656037));
  ws_buffer_add_char(&key, ' ');
  add_digest(&key, token, UINT64_C(7809847782465536322));
  text = ws_buffer_cstring(&key);
  if (key.failed) ws_fail_memory(error);
  else limiter = ws_limit_open(text, rate, options->shared,
                               client->loop->wake_fd, error);
  ws_buffer_free(&key);
  return limiter;
}

static void add_to_loop(ws_client *client) {
  ws_loop *loop = client->loop;
  client->next = loop->clients;
  if (loop->clients) loop->clients->previous = client;
  loop->clients = client;
}

static void remove_from_loop(ws_client *client) {
  if (client->next) client->next->previous = client->previous;
  if (client->previous) client->previous->next = client->next;
  else client->loop->clients = client->next;
  client->next = client->previous = NULL;
}

ws_client *ws_client_open(ws_loop *loop, const ws_options *options,
                          ws_error *error) {
  ws_client *client;
  if (ws_loop_is_closed(loop) || ws_loop_is_forked(loop)) {
    ws_fail(error, WS_INVALID, "the event loop %s",
            ws_loop_is_closed(loop) ? "is closed"
                                 : "was made before fork: make a new one");
    return NULL;
  }
  if (!check(options, error)) return NULL;
  client = ws_calloc(1, sizeof *client);
  if (!client) {
    ws_fail_memory(error);
    return NULL;
  }
  client->loop = loop;
  client->references = 1;
  loop->references++;
  add_to_loop(client);
  client->base = choose_base(options, error);
  if (client->base && !copy_settings(client, options)) ws_fail_memory(error);
  else if (client->base) client->limiter = open_limiter(client, options, error);
  if (client->limiter) return client;
  ws_client_close(client);
  return NULL;
}

const char *ws_client_base(const ws_client *client) {
  return client->base;
}

int64_t ws_client_requests(const ws_client *client) {
  return client->sent;
}

/* ---------------------------------------------------------------- close */

/* All that closing means but its owner's hold on it. */
void ws_client_shutdown(ws_client *client) {
  if (client->closed) return;
  client->closed = true;
  while (client->queued.first) ws_call_end(client->queued.first, WS_CANCELLED);
  while (client->active.first)
    ws_call_end(client->active.first, WS_CANCELLED);
  while (client->idle_count) {
    ws_handle *handle = client->idle[--client->idle_count];
    if (!ws_loop_is_forked(client->loop)) ws_handle_free(handle);
  }
  if (client->limiter) ws_limit_close(client->limiter);
  client->limiter = NULL;
  ws_event_discard(client->loop, client);
  remove_from_loop(client);
}

void ws_client_close(ws_client *client) {
  ws_client_shutdown(client);
  if (!client->loop->clients) ws_loop_drop_connections(client->loop);
  ws_client_release(client);
}

void ws_client_release(ws_client *client) {
  if (--client->references) return;
  ws_free(client->idle);
  ws_free(client->base);
  ws_free(client->ca_file);
  ws_free(client->proxy);
  ws_free(client->user_agent);
  ws_headers_free(client->headers);
  ws_headers_free(client->body_headers);
  ws_loop_release(client->loop);
  ws_free(client);
}
