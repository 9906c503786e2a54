#include "stats.h"

static const char *const resources[RESOURCES] = {
  "workflow_stages", "workflow_stage_changes", "workflows", "stories",
  "workspace_status_changes", "workspaces",
};

static const char *const verbs[VERBS] = { "effects", "updates", "deletes" };

bool effects_any(const struct effects *e) {
  int r, v;
  for (r = 0; r < RESOURCES; r++)
    for (v = 0; v < VERBS; v++)
      if (e->counts[r][v]) return true;
  return false;
}

void effects_add(struct effects *sum, const struct effects *e) {
  int r, v;
  for (r = 0; r < RESOURCES; r++)
    for (v = 0; v < VERBS; v++) sum->counts[r][v] += e->counts[r][v];
  sum->emails += e->emails;
  sum->webhooks += e->webhooks;
}

static void add(ws_buffer *b, const char *name, uint64_t value) {
  text_format(b, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void write_effects(const struct effects *e, ws_buffer *b) {
  int r, v;
  for (v = 0; v < VERBS; v++) {
    text_format(b, ",\"%s\":{", verbs[v]);
    for (r = 0; r < RESOURCES; r++)
      text_format(b, "%s\"%s\":%llu", r ? "," : "", resources[r],
                  (unsigned long long)e->counts[r][v]);
    ws_buffer_add_text(b, "}");
  }
  add(b, "emails", e->emails);
  add(b, "webhooks", e->webhooks);
}

/* Writes the members of a JSON object, without its braces. */
void stats_write(const struct stats *s, ws_buffer *b) {
  int i, found = 0;
  text_format(b, "\"requests\":%llu", (unsigned long long)s->requests);
  add(b, "rejected", s->rejected);
  add(b, "connections", s->connections);
  add(b, "open_connections", s->open);
  add(b, "in_flight", s->in_flight);
  add(b, "max_in_flight", s->max_in_flight);
  add(b, "late", s->late);
  add(b, "late_failed", s->late_failed);
  ws_buffer_add_text(b, ",\"status\":{");
  for (i = 0; i < 600; i++)
    if (s->by_status[i])
      text_format(b, "%s\"%d\":%llu", found++ ? "," : "", i,
                  (unsigned long long)s->by_status[i]);
  ws_buffer_add_text(b, "}");
  write_effects(&s->effects, b);
}
