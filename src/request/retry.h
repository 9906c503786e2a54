/*
** Classifies the outcome of an attempt and decides if the request may be sent
** again: pure functions, without clock and network.
*/

#ifndef WS_RETRY_H
#define WS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "workstage.h"

/* The outcome of an attempt, as far as the decision needs it. */
typedef struct ws_outcome {
  ws_kind kind;
  int status;          /* 0: no response */
  bool sent;           /* some of the request may have reached the service */
  bool unresolved;     /* the host's name, or the proxy's, was not found */
  bool stale;          /* the service had closed the idle connection */
} ws_outcome;

typedef enum ws_retry_decision {
  WS_RETRY_NO,               /* report the outcome */
  WS_RETRY_AFTER_PAUSE,      /* send it again after a pause */
  WS_RETRY_AFTER_HOLD_OFF,   /* 429: pause all requests of the token first */
  WS_RETRY_UNSAFE            /* it may have taken effect: do not send again */
} ws_retry_decision;

/* The kind that the status of a complete response means. */
ws_kind ws_status_kind(int status);

/* Decides what to do after an attempt, assuming that attempts are left. */
ws_retry_decision ws_retry_decide(ws_method method,
                                  const ws_outcome *outcome);

/* True if the attempt failed but may have changed something. */
bool ws_outcome_is_unknown(ws_method method, const ws_outcome *outcome);

/* The number of attempts to allow after an outcome: two if the host's name
** was not found, else `attempts`. A host that has been `reached` before gets
** all of them, as its name is right. */
int ws_retry_attempts(int attempts, const ws_outcome *outcome, bool reached);

/* Seconds before attempt number `next` (2, 3 ..): a random part of a limit,
** which is `base` seconds for attempt 2 and doubles with each attempt, up to
** `cap` ("full jitter"). `rng_state`: see base/random.h. */
double ws_retry_pause(int next, double base, double cap, uint64_t *rng_state);

/* Seconds to hold off after the `rejections`-th 429 in a row: what the service
** asked for (`retry_after` >= 0), but at most `cap`. If it asked for nothing:
** half of a limit that doubles each time, plus a random part of the rest. */
double ws_retry_hold_off(double retry_after, int rejections, double base,
                         double cap, uint64_t *rng_state);

/* The seconds that a Retry-After header asks for; -1 if it begins neither with
** a number nor with a date. `now` is the service's time, in seconds since 1970,
** for dates. */
double ws_retry_after(const char *value, double now);

/* The rate that the text of a 429 names, in requests a second; 0 if none. */
double ws_retry_named_rate(const char *body, size_t size);

#endif
