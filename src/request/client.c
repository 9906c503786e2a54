#include "request/client.h"

#include <string.h>

#include "base/ascii.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "request/attempt.h"
#include "request/call.h"
#include "request/service.h"

/* ---------------------------------------------------------------- limiter */

/* Start values of the hashes: that of FNV-1a, and an arbitrary second one. */
#define FIRST_BASIS  UINT64_C(14695981039346656037)
#define SECOND_BASIS UINT64_C(7809847782465536322)

/* Appends an FNV-1a hash of the token, with `sum` as the start value. Two such
** hashes identify a token without storing it. */
static void add_digest(ws_buffer *key, const char *token, uint64_t sum) {
  for (; *token; token++)
    sum = (sum ^ (unsigned char)*token) * UINT64_C(1099511628211);
  ws_buffer_add_integer(key, (long long)sum);
}

/* Appends scheme, host and port of a valid base URL, in lower case, as their
** case does not matter. */
static void add_host(ws_buffer *key, const char *base) {
  const char *host = strstr(base, "://") + 3;
  size_t size = (size_t)(host - base) + strcspn(host, "/");
  for (size_t i = 0; i < size; i++)
    ws_buffer_add_char(key, ws_ascii_lower(base[i]));
  ws_buffer_add_char(key, '\n');
}

/* A limiter belongs to a token at a host. It outlives the client, so its key
** does not hold the token itself. */
static ws_limiter_handle *open_limiter(const ws_client *client,
                                       const ws_options *options,
                                       ws_error *error) {
  double rate = options->rate_limit < 0 ? ws_service_rate(options->service)
                                        : options->rate_limit;
  const char *token = ws_options_token(options), *text;
  ws_buffer key = WS_BUFFER_EMPTY;
  ws_limiter_handle *limiter = NULL;
  add_host(&key, client->settings.base);
  add_digest(&key, token, FIRST_BASIS);
  ws_buffer_add_char(&key, ' ');
  add_digest(&key, token, SECOND_BASIS);
  text = ws_buffer_cstring(&key);
  if (key.failed) ws_fail_memory(error);
  else limiter = ws_limit_open(text, rate, options->shared,
                               client->loop->wakeup, error);
  ws_buffer_free(&key);
  return limiter;
}

/* ------------------------------------------------------------------- open */

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

/* Fills in a zeroed client. If it returns false, the caller closes the client,
** whatever was filled in. */
static bool set_up(ws_client *client, const ws_options *options,
                   ws_error *error) {
  ws_settings *settings = &client->settings;
  if (!ws_settings_init(settings, options, error)) return false;
  client->data = settings->data;
  if (!ws_handle_pool_init(&client->handles, (size_t)settings->concurrency)) {
    ws_fail_memory(error);
    return false;
  }
  client->limiter = open_limiter(client, options, error);
  return client->limiter != NULL;
}

ws_client *ws_client_open(ws_loop *loop, const ws_options *given,
                          ws_error *error) {
  ws_options options;
  ws_client *client;
  if (!ws_loop_check_usable(loop, error) ||
      !ws_options_copy(&options, given, error))
    return NULL;
  client = ws_calloc(1, sizeof *client);
  if (!client) {
    ws_fail_memory(error);
    return NULL;
  }
  client->loop = loop;
  client->references = 1;
  loop->references++;
  add_to_loop(client);
  if (set_up(client, &options, error)) return client;
  ws_client_close(client);
  return NULL;
}

void ws_client_set_data(ws_client *client, void *data) {
  client->data = data;
}

void *ws_client_data(const ws_client *client) {
  return client->data;
}

const char *ws_client_base(const ws_client *client) {
  return client->settings.base;
}

int64_t ws_client_requests(const ws_client *client) {
  return client->sent;
}

void ws_client_retries(const ws_client *client, ws_retries *retries) {
  *retries = client->retries;
}

/* ---------------------------------------------------------------- handles */

static ws_handle *create_handle(ws_client *client) {
  const ws_settings *settings = &client->settings;
  ws_handle *handle = ws_handle_create(settings, client->loop);
  if (!handle) return NULL;
  if (ws_attempt_set_callbacks(handle) != CURLE_OK) {
    ws_handle_free(handle);
    return NULL;
  }
  if (settings->configure)
    settings->configure(handle->transfer.easy, settings->data);
  return handle;
}

ws_handle *ws_client_take_handle(ws_client *client) {
  ws_handle *handle = ws_handle_pool_take(&client->handles);
  return handle ? handle : create_handle(client);
}

void ws_client_return_handle(ws_client *client, ws_handle *handle) {
  if (client->closed) ws_handle_free(handle);
  else ws_handle_pool_put(&client->handles, handle);
}

/* ------------------------------------------------------------------ close */

static void cancel_all(ws_queue *queue) {
  while (queue->first)
    ws_call_fail(ws_call_of(queue->first), WS_CANCELLED,
                 "the client was closed");
}

void ws_client_shutdown(ws_client *client) {
  if (client->closed) return;
  client->closed = true;
  cancel_all(&client->queued);
  cancel_all(&client->active);
  ws_handle_pool_free(&client->handles, ws_loop_is_forked(client->loop));
  if (client->limiter) ws_limit_close(client->limiter);
  client->limiter = NULL;
  ws_events_discard(&client->loop->events, client);
  remove_from_loop(client);
}

void ws_client_close(ws_client *client) {
  ws_client_shutdown(client);
  if (!client->loop->clients) ws_loop_drop_connections(client->loop);
  ws_client_release(client);
}

void ws_client_release(ws_client *client) {
  if (--client->references) return;
  ws_settings_free(&client->settings);
  ws_loop_release(client->loop);
  ws_free(client);
}
