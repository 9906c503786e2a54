/*
** What a request's end means and what comes next: pure tables, no clock and
** no network.
*/

#ifndef WS_RETRY_H
#define WS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "workstage.h"

/* One attempt's end, as far as the decision needs it. */
typedef struct ws_outcome {
  ws_kind kind;
  int status;          /* 0: no answer */
  bool sent;           /* something of the request may have arrived */
} ws_outcome;

typedef enum ws_retry_decision {
  WS_RETRY_NO,            /* report it */
  WS_RETRY_AFTER_PAUSE,            /* send it again after a pause */
  WS_RETRY_AFTER_HOLD_OFF,             /* 429: again,
    after a pause for all of the token */
  WS_RETRY_UNSAFE             /* it may have taken effect; never sent blindly */
} ws_retry_decision;

/* The kind that a complete answer's status stands for. */
ws_kind ws_status_kind(int status);

/* The verdict on an attempt, were there attempts left. */
ws_retry_decision ws_retry_decide(ws_method method, const ws_outcome *outcome);

/* Whether the attempt may have changed something although it failed. */
bool ws_outcome_is_unknown(ws_method method, const ws_outcome *outcome);

/* Seconds before attempt `next` (2, 3 ..): full jitter below a doubling
** bound. */
double ws_retry_pause(int next, double base, double cap, uint64_t *rng_state);

/* Seconds of hold-off after the `rejections`-th 429 in a row: as asked for
** (`retry_after` >= 0), capped, or short, growing and jittered. */
double ws_retry_hold_off(double retry_after, int rejections, double base,
                     double cap, uint64_t *rng_state);

/* The seconds that a Retry-After asks for (seconds or a date, `now` in
** seconds since 1970), or -1. */
double ws_retry_after(const char *value, double now);

/* The requests a second that a 429's text names, or 0. */
double ws_retry_named_rate(const char *body, size_t size);

#endif
