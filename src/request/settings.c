#include "request/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/wipe.h"
#include "json/number.h"
#include "request/headers.h"
#include "request/service.h"
#include "request/url.h"

/* ---------------------------------------------------------------- options */

static void set_defaults(ws_options *options, ws_service service) {
  *options = (ws_options){
    .size = sizeof *options,
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

/* `size` is the size of the host's structure, which is shorter or longer than
** ours if the host was built with an older or newer header. */
void ws_options_init_sized(ws_options *options, size_t size,
                           ws_service service) {
  ws_options defaults;
  size_t known = size < sizeof defaults ? size : sizeof defaults;
  set_defaults(&defaults, service);
  defaults.size = size;
  memset(options, 0, size);
  memcpy(options, &defaults, known);
}

static bool is_zero(const char *bytes, size_t size) {
  while (size && !*bytes) bytes++, size--;
  return size == 0;
}

bool ws_options_copy(ws_options *copy, const ws_options *options,
                     ws_error *error) {
  size_t known = options->size;
  if (known < offsetof(ws_options, token)) {
    ws_fail(error, WS_INVALID, "options: call ws_options_init before setting "
            "any of them");
    return false;
  }
  if (known > sizeof *copy) known = sizeof *copy;
  if (!is_zero((const char *)options + known, options->size - known)) {
    ws_fail(error, WS_INVALID, "options: an option is set that this version "
            "of workstage (" WS_VERSION ") does not have");
    return false;
  }
  set_defaults(copy, options->service);
  memcpy(copy, options, known);
  return true;
}

const char *ws_options_token(const ws_options *options) {
  return options->oauth_token ? options->oauth_token : options->token;
}

/* ----------------------------------------------------------------- checks */

static bool is_visible_ascii(const char *text) {
  for (; *text; text++)
    if (*text < 0x21 || *text > 0x7e) return false;
  return true;
}

static bool check_token(const ws_options *options, ws_error *error) {
  bool oauth = options->oauth_token != NULL;
  const char *name = oauth ? "oauth_token" : "token";
  const char *token = ws_options_token(options);
  if (oauth && options->token)
    ws_fail(error, WS_INVALID, "token and oauth_token: give one of them");
  else if (!token || !*token)
    ws_fail(error, WS_INVALID, "%s: is required", name);
  else if (ws_ascii_starts_with(token, "Bearer "))
    ws_fail(error, WS_INVALID, "%s: give it without the word Bearer%s", name,
            oauth ? "" : ", as oauth_token if it is an OAuth token");
  else if (!is_visible_ascii(token))
    ws_fail(error, WS_INVALID, "%s: contains a space, a line break or another "
            "character that tokens do not have", name);
  else
    return true;
  return false;
}

#define MOST_COUNT 9e15    /* below 2^53: exact as a double */

static bool check_range(const char *name, double value, double low,
                        double high, ws_error *error) {
  char given[WS_NUMBER_SIZE], from[WS_NUMBER_SIZE], to[WS_NUMBER_SIZE];
  if (value >= low && value <= high) return true;
  ws_number_format(given, value);
  ws_number_format(from, low);
  ws_number_format(to, high);
  ws_fail(error, WS_INVALID, "%s: %s is not between %s and %s", name, given,
          from, to);
  return false;
}

static bool check_rate(double rate, ws_error *error) {
  return rate <= 0 || check_range("rate_limit", rate, 0.001, 100000, error);
}

static bool check_numbers(const ws_options *options, ws_error *error) {
  return check_range("timeout", options->timeout, 0.001, 86400, error) &&
         check_range("connect_timeout", options->connect_timeout, 0.001,
                     86400, error) &&
         check_range("concurrency", options->concurrency, 1, 1000, error) &&
         check_range("retry.attempts", options->attempts, 1, WS_MAX_ATTEMPTS,
                     error) &&
         check_range("retry.base", options->retry_base, 0, 3600, error) &&
         check_range("retry.cap", options->retry_cap, 0, 3600, error) &&
         check_range("max_requests", (double)options->max_requests, 0,
                     MOST_COUNT, error) &&
         check_range("max_response", (double)options->max_response, 1,
                     MOST_COUNT, error) &&
         check_rate(options->rate_limit, error);
}

static bool check_user_agent(const char *agent, ws_error *error) {
  for (; agent && *agent; agent++)
    if ((unsigned char)*agent < 0x20) {
      ws_fail(error, WS_INVALID, "user_agent: holds a control character");
      return false;
    }
  return true;
}

/* The message does not show the proxy, as it may hold a password. */
static bool check_given_proxy(const char *proxy, ws_error *error) {
  if (!proxy || !*proxy || ws_url_is_proxy(proxy)) return true;
  ws_fail(error, WS_INVALID, "proxy: is not the URL of a proxy, such as "
          "\"http://proxy.example:3128\"");
  return false;
}

static bool check_base_url(const char *url, ws_error *error) {
  const char *why;
  if (!url || ws_url_is_base(url, &why)) return true;
  ws_fail(error, WS_INVALID, "base_url: %s", why);
  return false;
}

/* Checks all options but the region, see choose_base. */
static bool check(const ws_options *options, ws_error *error) {
  if (options->service != WS_STORYBLOK && options->service != WS_KANTATA) {
    ws_fail(error, WS_INVALID, "service: %d is neither WS_STORYBLOK nor "
            "WS_KANTATA", (int)options->service);
    return false;
  }
  return check_token(options, error) && check_numbers(options, error) &&
         ws_headers_check(options->headers, error) &&
         check_base_url(options->base_url, error) &&
         check_user_agent(options->user_agent, error) &&
         check_given_proxy(options->proxy, error);
}

/* --------------------------------------------------------------- settings */

/* Returns base_url, or else the address of the region. A region that is given
** is checked in both cases. */
static const char *choose_base(const ws_options *options, ws_error *error) {
  const char *base = options->base_url;
  if (options->service == WS_KANTATA)
    return base ? base : ws_kantata_address;
  if (base && !options->region) return base;
  const char *address =
    ws_storyblok_address(options->space_id, options->region, error);
  return address && base ? base : address;
}

static char *copy_base(const char *base) {
  size_t size = strlen(base);
  while (size && base[size - 1] == '/') size--;
  return ws_copy(base, size);
}

/* Reports a malformed proxy in the environment now, so that requests do not
** fail one after another. With no_proxy set, it may never be used. */
static bool check_environment(const ws_settings *settings, ws_error *error) {
  const char *name = ws_url_proxy_variable(settings->base);
  if (settings->proxy || !name || ws_url_is_proxy(getenv(name)) ||
      getenv("no_proxy") || getenv("NO_PROXY"))
    return true;
  ws_fail(error, WS_INVALID, "proxy: the environment variable %s is not the "
          "URL of a proxy, such as \"http://proxy.example:3128\"", name);
  return false;
}

static bool add_authorization(struct curl_slist **list,
                              const ws_options *options) {
  bool bearer = options->oauth_token || options->service == WS_KANTATA;
  const char *token = ws_options_token(options);
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

/* An empty "Expect:" stops libcurl from sending "Expect: 100-continue", and
** waiting for an answer, before a long body. */
static bool add_headers(struct curl_slist **list, const ws_options *options,
                        bool body) {
  const char *const *headers = options->headers;
  if (!add_authorization(list, options)) return false;
  if (!ws_headers_have(headers, "Accept") &&
      !ws_headers_add(list, "Accept: application/json"))
    return false;
  if (body && !ws_headers_have(headers, "Content-Type") &&
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

static void copy_numbers(ws_settings *settings, const ws_options *options) {
  settings->service = options->service;
  settings->max_requests = options->max_requests;
  settings->concurrency = options->concurrency;
  settings->timeout = ws_from_seconds(options->timeout);
  settings->connect_timeout = ws_from_seconds(options->connect_timeout);
  settings->attempts = options->attempts;
  settings->retry_base = options->retry_base;
  settings->retry_cap = options->retry_cap;
  settings->max_response = options->max_response;
  settings->events = options->events;
  settings->data = options->data;
  settings->configure = options->configure;
}

static bool copy_texts(ws_settings *settings, const ws_options *options) {
  const char *agent = options->user_agent;
  if (!agent) agent = "workstage/" WS_VERSION;
  return duplicate_text(&settings->ca_file, options->ca_file) &&
         duplicate_text(&settings->proxy, options->proxy) &&
         duplicate_text(&settings->user_agent, agent) &&
         add_headers(&settings->headers, options, false) &&
         add_headers(&settings->body_headers, options, true);
}

bool ws_settings_init(ws_settings *settings, const ws_options *options,
                      ws_error *error) {
  const char *base;
  if (!check(options, error)) return false;
  base = choose_base(options, error);
  if (!base) return false;
  copy_numbers(settings, options);
  settings->base = copy_base(base);
  if (settings->base && copy_texts(settings, options))
    return check_environment(settings, error);
  ws_fail_memory(error);
  return false;
}

void ws_settings_free(ws_settings *settings) {
  ws_free(settings->base);
  ws_free(settings->ca_file);
  ws_free(settings->proxy);
  ws_free(settings->user_agent);
  ws_headers_free(settings->headers);
  ws_headers_free(settings->body_headers);
}
