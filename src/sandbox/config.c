#include "config.h"
#include "fields.h"

#include <stddef.h>
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
  { "with_story", F_TEXT }, { "changes_order", F_TEXT },
  { "content_type_filter", F_TEXT },
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

#define AT(member) offsetof(struct config, member)

/* The values of options that are texts, the default first. */
static const struct { const char *name; const char *choices[4]; size_t at; }
text_choices[] = {
  { "window", { "fixed", "rolling" }, AT(window) },
  { "limit_by", { "token", "user", "space" }, AT(limit_by) },
  { "put", { "keep", "reset" }, AT(put) },
  { "story_stage", { "change", "names", "alternate" }, AT(story_stage) },
  { "no_stage", { "null", "absent", "nulls" }, AT(no_stage) },
  { "null_stage_change", { "refuse", "clear" }, AT(null_stage_change) },
  { "with_story", { "required", "optional" }, AT(with_story) },
  { "changes_order", { "newest", "oldest" }, AT(changes_order) },
  { "content_type_filter", { "both", "content_type", "by_content_type" },
    AT(content_type_filter) },
  { "with_parent_zero", { "filter", "ignore" }, AT(with_parent_zero) },
  { "not_found", { "array", "error" }, AT(not_found) },
  { "paging_headers", { "both", "underscore", "hyphen", "none" },
    AT(paging_headers) },
  { "gzip", { "never", "asked", "always" }, AT(gzip) },
  { "permissions", { "admin", "strict" }, AT(permissions) },
  { "kantata_errors", { "objects", "strings" }, AT(kantata_errors) },
};

/* The same for numbers. `false` stands for 0 where it is allowed. */
static const struct { const char *name; int64_t choices[2]; size_t at; }
number_choices[] = {
  { "transitions", { 403, 422 }, AT(transitions) },
  { "update_status", { 204, 200 }, AT(update_status) },
  { "default_workflow_delete", { 422, 403 }, AT(default_workflow_delete) },
  { "max_per_page", { 100, 1000 }, AT(max_per_page) },
  { "same_status", { 422, 400 }, AT(same_status) },
};

static const struct { const char *name; bool by_default; size_t at; }
flags[] = {
  { "count_rejected", false, AT(count_rejected) },
  { "any_space", false, AT(any_space) },
  { "strict", true, AT(strict) },
  { "references", false, AT(references) },
  { "unique_names", true, AT(unique_names) },
  { "unique_colors", true, AT(unique_colors) },
  { "extra_fields", false, AT(extra_fields) },
  { "archived_writes", true, AT(archived_writes) },
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void *member(struct config *c, size_t at) {
  return (char *)c + at;
}

static void set_defaults(struct config *c) {
  size_t i;
  memset(c, 0, sizeof *c);
  c->rate_limit = 6;
  c->database = ":memory:";
  c->retry_after = -1;
  c->idle_close = -1;
  c->log = 100000;
  c->random_seed = 1;
  for (i = 0; i < COUNT(text_choices); i++)
    *(const char **)member(c, text_choices[i].at) =
      text_choices[i].choices[0];
  for (i = 0; i < COUNT(number_choices); i++)
    *(int64_t *)member(c, number_choices[i].at) =
      number_choices[i].choices[0];
  for (i = 0; i < COUNT(flags); i++)
    *(bool *)member(c, flags[i].at) = flags[i].by_default;
}

static bool text_allowed(const struct json *v, ws_buffer *err) {
  size_t i, j;
  for (i = 0; i < COUNT(text_choices); i++) {
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
  for (i = 0; i < COUNT(number_choices); i++) {
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

/* Reads a span of seconds: a number, or two of them. */
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
  read_number(given, "retry_after", &c->retry_after, -1, -1);
  read_number(given, "rate_headers", &c->rate_headers, 0, 30);
  read_number(given, "idle_close", &c->idle_close, -1, -1);
  read_number(given, "log", &c->log, 0, c->log);
  if (c->log > 10000000) c->log = 10000000;
}

/* Reads the options in the three tables. */
static void read_choices(struct config *c, const struct json *given) {
  const struct json *gzip = json_get(given, "gzip");
  size_t i;
  for (i = 0; i < COUNT(text_choices); i++)
    read_text(given, text_choices[i].name, member(c, text_choices[i].at));
  for (i = 0; i < COUNT(number_choices); i++)
    read_integer(given, number_choices[i].name,
                 member(c, number_choices[i].at));
  for (i = 0; i < COUNT(flags); i++)
    read_bool(given, flags[i].name, member(c, flags[i].at));
  if (gzip && gzip->type == JSON_BOOL)
    c->gzip = gzip->boolean ? "asked" : "never";
}

/* clock_offset sets both clocks unless one of them has an option of its own. */
static void read_clocks(struct config *c, const struct json *given) {
  read_integer(given, "clock_offset", &c->date_offset);
  c->time_offset = c->date_offset;
  read_integer(given, "date_offset", &c->date_offset);
  read_integer(given, "time_offset", &c->time_offset);
}

/* Reads the options from JSON text. The config owns everything they refer
** to. */
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
  read_integer(given, "random_seed", &c->random_seed);
  read_choices(c, given);
  read_clocks(c, given);
  return read_latency(c, json_get(given, "latency"), err) &&
         read_tokens(c, json_get(given, "tokens"), err);
}

/* Returns the token with that text, or NULL. */
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
