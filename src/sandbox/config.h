/* The options of sandbox.start(). */
#ifndef SANDBOX_CONFIG_H
#define SANDBOX_CONFIG_H

#include "json.h"

struct span {
  double min, max;
};

/* A token, its user, and the user's permissions. */
struct token {
  const char *text;
  int64_t user_id;
  const char *userid, *friendly_name, *role;
  const struct json *space_role_ids;
  bool oauth, read_only;
  bool client;             /* sees no status of a Kantata project */
};

struct config {
  struct arena arena;
  int64_t port;
  double rate_limit, kantata_rate_limit, kantata_workspaces_limit;
  double concurrent_limit; /* requests in flight in a space; 0: no limit */
  const char *window, *limit_by;
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
  bool unique_names, unique_colors, archived_writes;
  /* unclear in the documentation; config.c has the values */
  const char *put, *story_stage, *no_stage, *null_stage_change;
  const char *changes_order, *content_type_filter;
  const char *with_story, *with_parent_zero, *not_found, *paging_headers;
  const char *gzip, *permissions, *kantata_errors;
  int64_t transitions, update_status, default_workflow_delete;
  int64_t max_per_page, same_status;
  int64_t random_seed;
  int64_t date_offset;     /* seconds that the header Date is ahead */
  int64_t time_offset;     /* the same of all times in bodies */
};

bool config_read(struct config *config, const char *text, size_t len,
                 ws_buffer *err);
const struct token *config_token(const struct config *config,
                                 const char *text);
void config_free(struct config *config);
bool span_read(const struct json *value, struct span *span);

#endif
