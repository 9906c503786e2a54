/* What sandbox.start() is given: each option once, with its default. */
#ifndef SANDBOX_CONFIG_H
#define SANDBOX_CONFIG_H

#include "json.h"

struct span {
  double min, max;
};

/* Whose token it is, and what its user may do. */
struct token {
  const char *text;
  int64_t user_id;
  const char *userid, *friendly_name, *role;
  const struct json *space_role_ids;
  bool oauth, read_only;
};

struct config {
  struct arena arena;
  int64_t port;
  double rate_limit, kantata_rate_limit, kantata_workspaces_limit;
  struct span inbound, outbound;
  const struct json *seed, *faults;
  const char *database;
  struct token *tokens;
  size_t token_count;
  double retry_after;      /* seconds; below zero: no header */
  double rate_headers;     /* requests at once; 0: no headers */
  double idle_close;       /* seconds; below zero: never */
  double log;              /* requests kept */
  bool count_rejected, any_space, strict, references, extra_fields;
  bool unique_colors;
  const char *put, *story_stage, *permissions;
  int64_t transitions, update_status, same_status, archived_get;
  int64_t random_seed;
  int64_t clock_offset;    /* seconds that the server is ahead */
};

bool config_read(struct config *config, const char *text, size_t len,
                 struct buf *err);
void config_free(struct config *config);
bool span_read(const struct json *value, struct span *span);

#endif
