/* The counters. */
#ifndef SANDBOX_STATS_H
#define SANDBOX_STATS_H

#include "text.h"

enum resource {
  R_STAGE, R_CHANGE, R_WORKFLOW, R_STORY, R_KANTATA_CHANGE,
  R_KANTATA_WORKSPACE, RESOURCES
};

enum verb { V_CREATE, V_UPDATE, V_DELETE, VERBS };

/* The effects of one request, or of all. */
struct effects {
  uint64_t counts[RESOURCES][VERBS];
  uint64_t emails, webhooks;
};

struct stats {
  uint64_t requests, rejected, by_status[600];
  uint64_t connections, open, in_flight, max_in_flight;
  uint64_t late, late_failed;  /* late effects: pending; no longer possible */
  struct effects effects;
};

bool effects_any(const struct effects *e);
void effects_add(struct effects *sum, const struct effects *e);
void stats_write(const struct stats *s, ws_buffer *b);

#endif
