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
  char *ca_file;                    /* NULL: the system's */
  char *proxy;                      /* "": none; NULL: the environment's */
  char *user_agent;
  struct curl_slist *headers;       /* with authorization */
  struct curl_slist *body_headers;  /* the same, for requests with a body */
  int64_t max_requests;             /* 0: no limit */
  int concurrency;
  ws_time timeout;                  /* of an attempt */
  ws_time connect_timeout;
  int attempts;                     /* of a call, including the first */
  double retry_base, retry_cap;     /* seconds */
  size_t max_response;              /* bytes of a body, decompressed */
  bool events;
  void *data;                       /* the host's, for `configure` */
  void (*configure)(void *easy, void *data);  /* see ws_options */
} ws_settings;

/* Copies the options of a host that was built with any version of the header.
** Options that its version lacks get their defaults. False, with `error`, if it
** did not call ws_options_init, or sets an option that this version lacks. */
bool ws_options_copy(ws_options *copy, const ws_options *options,
                     ws_error *error);

/* Fills in zeroed settings. False, with `error`, if an option is invalid or
** memory runs out; call ws_settings_free in either case. */
bool ws_settings_init(ws_settings *settings, const ws_options *options,
                      ws_error *error);
void ws_settings_free(ws_settings *settings);

/* Returns oauth_token if it is set, else token, which may be NULL. */
const char *ws_options_token(const ws_options *options);

#endif
