/*
** The settings of a client: its options, checked and copied.
*/

#ifndef WS_SETTINGS_H
#define WS_SETTINGS_H

#include <curl/curl.h>

#include "base/clock.h"
#include "workstage.h"

enum { WS_MAX_ATTEMPTS = 1000 };

typedef struct ws_settings {
  ws_service service;
  char *base;                       /* without a slash at its end */
  char *ca_file;
  char *proxy;                      /* NULL: the environment's */
  char *user_agent;
  struct curl_slist *headers;       /* with authorization */
  struct curl_slist *body_headers;  /* the same with a content type */
  int64_t max_requests;             /* 0: no limit */
  int concurrency;
  ws_time timeout;
  ws_time connect_timeout;
  int attempts;
  double retry_base, retry_cap;     /* seconds */
  size_t max_response;
  bool events;
  void *data;
  void (*configure)(void *easy, void *data);
} ws_settings;

/* Copies options, also those of another version of the header: options that
** it lacks get their defaults. False, with `error`, if that is impossible. */
bool ws_options_copy(ws_options *copy, const ws_options *options,
                     ws_error *error);

/* Fills in zeroed settings. False, with `error`, if an option is invalid or
** memory runs out; call ws_settings_free in either case. */
bool ws_settings_init(ws_settings *settings, const ws_options *options,
                      ws_error *error);
void ws_settings_free(ws_settings *settings);

/* Returns oauth_token if it is set, else token. */
const char *ws_options_token(const ws_options *options);

#endif
