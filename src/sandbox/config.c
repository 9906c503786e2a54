#include "config.h"
#include "fields.h"

#include <string.h>

#define NUMBER_OR_FALSE (F_NUMBER | F_FALSE)

static const struct field options[] = {
  { "port", F_INT },
  { "rate_limit", NUMBER_OR_FALSE },
  { "window", F_TEXT },
  { "limit_by", F_TEXT },
  { "concurrent_limit", NUMBER_OR_FALSE },
  { "kantata_rate_limit", NUMBER_OR_FALSE },
  { "kantata_workspaces_limit", NUMBER_OR_FALSE },
  { "latency", F_NUMBER | F_OBJECT },
  { "seed", F_FALSE | F_TEXT | F_OBJECT },
  { "faults", F_TEXT | F_ARRAY },
  { "database", F_TEXT },
  { "tokens", F_OBJECT | F_TEXTS },
  { "retry_after", NUMBER_OR_FALSE },
  { "rate_headers", F_NUMBER | F_BOOL },
  { "idle_close", NUMBER_OR_FALSE },
  { "log", F_NUMBER | F_BOOL },
  { "count_rejected", F_BOOL },
  { "any_space", F_BOOL },
  { "strict", F_BOOL },
  { "references", F_BOOL },
  { "unique_names", F_BOOL },
  { "unique_colors", F_BOOL },
  { "extra_fields", F_BOOL },
  { "put", F_TEXT },
  { "story_stage", F_TEXT },
  { "no_stage", F_TEXT },
  { "null_stage_change", F_TEXT },
  { "with_story", F_TEXT },
  { "with_parent_zero", F_TEXT },
  { "not_found", F_TEXT },
  { "paging_headers", F_TEXT },
  { "gzip", F_TEXT | F_BOOL },
  { "max_per_page", F_INT },
  { "default_workflow_delete", F_INT },
  { "permissions", F_TEXT | F_FALSE },
  { "transitions", F_INT | F_FALSE },
  { "update_status", F_INT },
  { "same_status", F_INT },
  { "kantata_errors", F_TEXT },
  { "archived_writes", F_BOOL },
  { "random_seed", F_INT },
  { "clock_offset", F_INT },
  { "date_offset", F_INT },
  { "time_offset", F_INT },
  { NULL, 0 },
};

static const struct field token_fields[] = {
  { "id", F_ID }, { "userid", F_TEXT }, { "friendly_name", F_TEXT },
  { "role", F_TEXT }, { "space_role_ids", F_IDS }, { "oauth", F_BOOL },
  { "read_only", F_BOOL }, { "client", F_BOOL }, { NULL, 0 },
};

/* The texts and numbers that an option can be, where only a few can. The
** first one is the default. */
static const struct { const char *name; const char *choices[4]; }
text_choices[] = {
  { "window", { "fixed", "rolling" } },
  { "limit_by", { "token", "user", "space" } },
  { "put", { "keep", "reset" } },
  { "story_stage", { "change", "names", "alternate" } },
  { "no_stage", { "null", "absent", "nulls" } },
  { "null_stage_change", { "refuse", "clear" } },
  { "with_story", { "required", "optional" } },
  { "with_parent_zero", { "filter", "ignore" } },
  { "not_found", { "array", "error" } },
  { "paging_headers", { "both", "underscore", "hyphen", "none" } },
  { "gzip", { "never", "asked", "always" } },
  { "permissions", { "admin", "strict" } },
  { "kantata_errors", { "objects", "strings" } },
};

static const struct { const char *name; int64_t choices[2]; }
number_choices[] = {
  { "transitions", { 403, 422 } },
  { "update_status", { 204, 200 } },
  { "default_workflow_delete", { 422, 403 } },
  { "max_per_page", { 100, 1000 } },
  { "same_status", { 422, 400 } },
};

static void set_defaults(struct config *c) {
  memset(c, 0, sizeof *c);
  c->rate_limit = 6;
  c->window = "fixed";
  c->limit_by = "token";
  c->database = ":memory:";
  c->retry_after = -1;
  c->idle_close = -1;
  c->log = 100000;
  c->strict = true;
  c->unique_names = true;
  c->unique_colors = true;
  c->put = "keep";
  c->story_stage = "change";
  c->no_stage = "null";
  c->null_stage_change = "refuse";
  c->with_story = "required";
  c->with_parent_zero = "filter";
  c->not_found = "array";
  c->paging_headers = "both";
  c->gzip = "never";
  c->permissions = "admin";
  c->transitions = 403;
  c->update_status = 204;
  c->default_workflow_delete = 422;
  c->max_per_page = 100;
  c->same_status = 422;
  c->kantata_errors = "objects";
  c->archived_writes = true;
  c->random_seed = 1;
}

static bool text_allowed(const struct json *v, ws_buffer *err) {
  size_t i, j;
  for (i = 0; i < sizeof text_choices / sizeof *text_choices; i++) {
    if (v->type != JSON_TEXT || strcmp(text_choices[i].name, v->key) != 0)
      continue;
    for (j = 0; j < 4 && text_choices[i].choices[j]; j++)
      if (strcmp(v->text, text_choices[i].choices[j]) == 0) return true;
    fail(err, "option '%s' must be one of", v->key);
    for (j = 0; j < 4 && text_choices[i].choices[j]; j++)
      text_format(err, "%s '%s'", j ? "," : "", text_choices[i].choices[j]);
    return false;
  }
  return true;
}

static bool number_allowed(const struct json *v, ws_buffer *err) {
  size_t i;
  for (i = 0; i < sizeof number_choices / sizeof *number_choices; i++) {
    const int64_t *choices = number_choices[i].choices;
    if (v->type != JSON_INT || strcmp(number_choices[i].name, v->key) != 0)
      continue;
    if (v->integer == choices[0] || v->integer == choices[1]) return true;
    return fail(err, "option '%s' must be %d or %d", v->key,
                (int)choices[0], (int)choices[1]);
  }
  return true;
}

static bool may_be_negative(const char *name) {
  return strcmp(name, "random_seed") == 0 || strstr(name, "_offset");
}

static bool check_values(const struct json *given, ws_buffer *err) {
  const struct json *v;
  for (v = given->child; v; v = v->next) {
    bool number = v->type == JSON_INT || v->type == JSON_REAL;
    bool limit = strstr(v->key, "limit") != NULL;
    if (limit && number && v->real > 0 && v->real < 1)
      return fail(err, "option '%s' must be 1 or more, or false", v->key);
    if (number && v->real < 0 && !may_be_negative(v->key))
      return fail(err, "option '%s' must not be negative", v->key);
    if (!text_allowed(v, err) || !number_allowed(v, err)) return false;
  }
  return true;
}

static void read_number(const struct json *given, const char *name,
                        double *value, double off, double on) {
  const struct json *v = json_get(given, name);
  if (!v) return;
  if (v->type == JSON_BOOL) *value = v->boolean ? on : off;
  else *value = v->real;
}

static void read_integer(const struct json *given, const char *name,
                         int64_t *value) {
  const struct json *v = json_get(given, name);
  if (v) *value = v->type == JSON_INT ? v->integer : 0;
}

static void read_bool(const struct json *given, const char *name,
                      bool *value) {
  const struct json *v = json_get(given, name);
  if (v) *value = v->boolean;
}

static void read_text(const struct json *given, const char *name,
                      const char **value) {
  const struct json *v = json_get(given, name);
  if (v) *value = v->type == JSON_TEXT ? v->text : NULL;
}

/* A span of seconds: a number, or two of them. */
bool span_read(const struct json *v, struct span *span) {
  if (!v) return true;
  if (v->type == JSON_INT || v->type == JSON_REAL) {
    span->min = span->max = v->real;
  } else {
    if (v->type != JSON_ARRAY || v->len != 2) return false;
    if (v->child->type != JSON_INT && v->child->type != JSON_REAL)
      return false;
    span->min = v->child->real;
    span->max = v->child->next->real;
  }
  return span->min >= 0 && span->max >= span->min;
}

static bool read_latency(struct config *c, const struct json *v,
                         ws_buffer *err) {
  static const struct field fields[] = {
    { "inbound", F_NUMBER | F_ARRAY }, { "outbound", F_NUMBER | F_ARRAY },
    { NULL, 0 },
  };
  if (!v) return true;
  if (v->type != JSON_OBJECT && v->type != JSON_ARRAY) {
    c->inbound.min = c->inbound.max = v->real / 2;
    c->outbound = c->inbound;
    return true;
  }
  if (!fields_check(fields, v, "latency", err)) return false;
  if (span_read(json_get(v, "inbound"), &c->inbound) &&
      span_read(json_get(v, "outbound"), &c->outbound))
    return true;
  return fail(err, "option 'latency': seconds or { min, max } expected");
}

static bool read_token(struct token *t, const struct json *v,
                       ws_buffer *err) {
  static const struct json empty = { .type = JSON_ARRAY };
  memset(t, 0, sizeof *t);
  t->role = "admin";
  t->space_role_ids = &empty;
  t->text = v->key ? v->key : v->text;
  if (!t->text || !*t->text)
    return fail(err, "option 'tokens': an empty token");
  if (v->type == JSON_TEXT) return true;
  if (!fields_check(token_fields, v, "field of a token", err)) return false;
  read_integer(v, "id", &t->user_id);
  read_text(v, "userid", &t->userid);
  read_text(v, "friendly_name", &t->friendly_name);
  read_text(v, "role", &t->role);
  read_bool(v, "oauth", &t->oauth);
  read_bool(v, "read_only", &t->read_only);
  read_bool(v, "client", &t->client);
  if (json_get(v, "space_role_ids"))
    t->space_role_ids = json_get(v, "space_role_ids");
  return true;
}

static bool read_tokens(struct config *c, const struct json *list,
                        ws_buffer *err) {
  const struct json *v;
  if (!list || !list->len) return true;
  c->tokens = arena_alloc(&c->arena, list->len * sizeof *c->tokens);
  if (!c->tokens) return fail(err, "out of memory");
  for (v = list->child; v; v = v->next)
    if (!read_token(&c->tokens[c->token_count++], v, err)) return false;
  return true;
}

static void read_limits(struct config *c, const struct json *given) {
  read_number(given, "rate_limit", &c->rate_limit, 0, 0);
  c->kantata_rate_limit = c->rate_limit;
  read_number(given, "kantata_rate_limit", &c->kantata_rate_limit, 0, 0);
  read_number(given, "kantata_workspaces_limit",
              &c->kantata_workspaces_limit, 0, 0);
  read_number(given, "concurrent_limit", &c->concurrent_limit, 0, 0);
  read_text(given, "window", &c->window);
  read_text(given, "limit_by", &c->limit_by);
  read_number(given, "retry_after", &c->retry_after, -1, -1);
  read_number(given, "rate_headers", &c->rate_headers, 0, 30);
  read_number(given, "idle_close", &c->idle_close, -1, -1);
  read_number(given, "log", &c->log, 0, c->log);
  if (c->log > 10000000) c->log = 10000000;
}

/* gzip = true stands for "asked", false for "never". */
static void read_gzip(struct config *c, const struct json *v) {
  if (!v) return;
  if (v->type == JSON_BOOL) c->gzip = v->boolean ? "asked" : "never";
  else c->gzip = v->text;
}

/* Where the services' documents leave it open. */
static void read_readings(struct config *c, const struct json *given) {
  read_text(given, "put", &c->put);
  read_text(given, "story_stage", &c->story_stage);
  read_text(given, "no_stage", &c->no_stage);
  read_text(given, "null_stage_change", &c->null_stage_change);
  read_text(given, "with_story", &c->with_story);
  read_text(given, "with_parent_zero", &c->with_parent_zero);
  read_text(given, "not_found", &c->not_found);
  read_text(given, "paging_headers", &c->paging_headers);
  read_text(given, "permissions", &c->permissions);
  read_text(given, "kantata_errors", &c->kantata_errors);
  read_gzip(c, json_get(given, "gzip"));
  read_integer(given, "transitions", &c->transitions);
  read_integer(given, "update_status", &c->update_status);
  read_integer(given, "default_workflow_delete",
               &c->default_workflow_delete);
  read_integer(given, "max_per_page", &c->max_per_page);
  read_integer(given, "same_status", &c->same_status);
}

static void read_rules(struct config *c, const struct json *given) {
  read_bool(given, "count_rejected", &c->count_rejected);
  read_bool(given, "any_space", &c->any_space);
  read_bool(given, "strict", &c->strict);
  read_bool(given, "references", &c->references);
  read_bool(given, "unique_names", &c->unique_names);
  read_bool(given, "unique_colors", &c->unique_colors);
  read_bool(given, "extra_fields", &c->extra_fields);
  read_bool(given, "archived_writes", &c->archived_writes);
  read_integer(given, "random_seed", &c->random_seed);
}

/* clock_offset sets both clocks, unless one of them is given by itself. */
static void read_clocks(struct config *c, const struct json *given) {
  read_integer(given, "clock_offset", &c->date_offset);
  c->time_offset = c->date_offset;
  read_integer(given, "date_offset", &c->date_offset);
  read_integer(given, "time_offset", &c->time_offset);
}

/* Reads the options, JSON text. What they refer to lives in the config. */
bool config_read(struct config *c, const char *text, size_t len,
                 ws_buffer *err) {
  const struct json *given;
  set_defaults(c);
  given = json_parse(&c->arena, text, len, err);
  if (!given || !fields_check(options, given, "option", err)) return false;
  if (!check_values(given, err)) return false;
  read_integer(given, "port", &c->port);
  if (c->port > 65535) return fail(err, "option 'port' must be below 65536");
  read_text(given, "database", &c->database);
  c->seed = json_get(given, "seed");
  c->faults = json_get(given, "faults");
  read_limits(c, given);
  read_rules(c, given);
  read_readings(c, given);
  read_clocks(c, given);
  return read_latency(c, json_get(given, "latency"), err) &&
         read_tokens(c, json_get(given, "tokens"), err);
}

/* What is known of a token, or NULL. */
const struct token *config_token(const struct config *config,
                                 const char *text) {
  size_t i;
  for (i = 0; i < config->token_count; i++)
    if (strcmp(config->tokens[i].text, text) == 0) return &config->tokens[i];
  return NULL;
}

void config_free(struct config *c) {
  arena_free(&c->arena);
}
