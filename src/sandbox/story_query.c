/* filter_query: conditions on the fields of a story's content. */
#include "stories.h"

#include <string.h>

/* The field if it is an array, otherwise an empty array. */
#define ARRAY "iif(json_valid(%s), %s, '[]')"

/* In the SQL, %s is the field. A condition with `list` binds a list of
** texts. */
static const struct { const char *name, *sql; bool list; } operations[] = {
  { "in", "CAST(%s AS TEXT) IN (SELECT value FROM json_each(?))", true },
  { "not_in", "coalesce(CAST(%s AS TEXT) NOT IN"
              " (SELECT value FROM json_each(?)), 1)", true },
  { "like", "%s LIKE replace(?, '*', '%%')", false },
  { "not_like", "coalesce(%s NOT LIKE replace(?, '*', '%%'), 1)", false },
  { "gt_int", "CAST(%s AS INTEGER) > CAST(? AS INTEGER)", false },
  { "lt_int", "CAST(%s AS INTEGER) < CAST(? AS INTEGER)", false },
  { "gt_float", "CAST(%s AS REAL) > CAST(? AS REAL)", false },
  { "lt_float", "CAST(%s AS REAL) < CAST(? AS REAL)", false },
  { "gt_date", "julianday(%s) > julianday(?)", false },
  { "lt_date", "julianday(%s) < julianday(?)", false },
  { "exists", "(%s IS NOT NULL) = (? IN ('1', 'true'))", false },
  { "in_array", "EXISTS (SELECT 1 FROM json_each(" ARRAY ") x WHERE"
                " x.value IN (SELECT value FROM json_each(?)))", true },
  { "all_in_array", "NOT EXISTS (SELECT 1 FROM json_each(?) v WHERE"
                    " v.value NOT IN (SELECT value FROM"
                    " json_each(" ARRAY ")))",
    true },
  { NULL, NULL, false },
};

/* The states that `is` tests. */
static const struct { const char *name, *sql; } states[] = {
  { "empty", "coalesce(%s, '') = ''" },
  { "not_empty", "coalesce(%s, '') <> ''" },
  { "null", "%s IS NULL" },
  { "not_null", "%s IS NOT NULL" },
  { "true", "%s = 1" },
  { "false", "%s = 0" },
  { "empty_array", "%s = '[]'" },
  { "not_empty_array", "%s <> '[]'" },
  { NULL, NULL },
};

/* The parts of a parameter filter_query[field][operation]. */
struct condition {
  const char *field, *operation;
  size_t field_len, operation_len;
  bool alternative;  /* it is inside __or */
};

/* Adds a condition, with `field` for %s in the template. */
static void add_template(struct filter *f, const char *sql,
                         const char *field, const char *value) {
  ws_buffer b = { 0 };
  for (; *sql; sql++) {
    if (sql[0] == '%' && sql[1] == 's') ws_buffer_add_text(&b, field);
    else ws_buffer_add(&b, sql, 1);
    if (sql[0] == '%') sql++;
  }
  if (b.failed) f->bad = true;
  else if (value) filter_text(f, ws_buffer_cstring(&b), value);
  else filter_sql(f, ws_buffer_cstring(&b));
  ws_buffer_free(&b);
}

static void add_state(struct filter *f, const char *field,
                      const char *value) {
  int i;
  for (i = 0; states[i].name; i++) {
    if (strcmp(states[i].name, value) != 0) continue;
    add_template(f, states[i].sql, field, NULL);
    return;
  }
  filter_refuse(f, "filter_query", "asks 'is' for an unknown state");
}

static bool is_operation(const struct condition *k, const char *name) {
  return strlen(name) == k->operation_len &&
         strncmp(name, k->operation, k->operation_len) == 0;
}

static void add_operation(struct filter *f, const char *field,
                          const struct condition *k, const char *value) {
  int i;
  if (is_operation(k, "is")) {
    add_state(f, field, value);
    return;
  }
  for (i = 0; operations[i].name; i++) {
    if (!is_operation(k, operations[i].name)) continue;
    add_template(f, operations[i].sql, field,
                 operations[i].list ? texts_as_json(f->c, value) : value);
    return;
  }
  filter_refuse(f, "filter_query", "has an unknown operation");
}

/* Reads "[name]" and returns the rest; NULL if there is none. */
static const char *take_name(const char *at, const char **name,
                             size_t *len) {
  if (*at != '[') return NULL;
  *name = ++at;
  *len = strcspn(at, "]");
  return at[*len] && is_plain_name(at, *len) ? at + *len + 1 : NULL;
}

/* Reads [field][operation], with [__or][] or [__or][0] before it, and [] after
** operations on arrays. */
static bool read_condition(const char *at, struct condition *k) {
  memset(k, 0, sizeof *k);
  if (strncmp(at, "[__or][", 7) == 0) {
    k->alternative = true;
    at += 7 + strspn(at + 7, "0123456789");
    if (*at++ != ']') return false;
  }
  at = take_name(at, &k->field, &k->field_len);
  if (at) at = take_name(at, &k->operation, &k->operation_len);
  if (!at) return false;
  return !*at || (strcmp(at, "[]") == 0 &&
                  (is_operation(k, "in_array") ||
                   is_operation(k, "all_in_array")));
}

static void add_condition(struct filter *f, const struct condition *k,
                          const char *value) {
  ws_buffer field = { 0 };
  ws_buffer_add_text(&field, "json_extract(s.content, '$.\"");
  ws_buffer_add(&field, k->field, k->field_len);
  ws_buffer_add_text(&field, "\"')");
  if (field.failed) f->bad = true;
  else add_operation(f, ws_buffer_cstring(&field), k, value);
  ws_buffer_free(&field);
}

/* Joins the values of all parameters with one name by commas: a list in
** brackets is sent as one parameter for each member. */
static const char *join_values(struct filter *f, size_t first) {
  const struct message *m = f->c->message;
  ws_buffer b = { 0 };
  const char *joined;
  size_t i;
  for (i = first; i < m->param_count; i++) {
    if (strcmp(m->params[i].name, m->params[first].name) != 0) continue;
    if (i > first) ws_buffer_add_text(&b, ",");
    ws_buffer_add_text(&b, m->params[i].value);
  }
  joined = arena_keep(&f->c->arena, &b);
  return joined ? joined : "";
}

/* True if an earlier parameter of the same name[] has been read, with all
** members of the list. */
static bool came_before(const struct message *m, size_t at) {
  size_t i, len = strlen(m->params[at].name);
  if (len < 2 || strcmp(m->params[at].name + len - 2, "[]") != 0)
    return false;
  for (i = 0; i < at; i++)
    if (strcmp(m->params[i].name, m->params[at].name) == 0) return true;
  return false;
}

/* Adds the conditions: those inside __or, or the others. */
static void add_conditions(struct filter *f, bool alternatives) {
  const struct message *m = f->c->message;
  struct condition k;
  size_t i, count = 0;
  for (i = 0; i < m->param_count && !f->bad; i++) {
    const char *name = m->params[i].name;
    if (strncmp(name, "filter_query[", 13) != 0 || came_before(m, i))
      continue;
    if (!read_condition(name + strlen("filter_query"), &k)) {
      filter_refuse(f, "filter_query", "must be [field][operation]");
      return;
    }
    if (k.alternative != alternatives) continue;
    filter_sql(f, !alternatives ? " AND " : count++ ? " OR " : " AND (");
    add_condition(f, &k, join_values(f, i));
  }
  if (count) filter_sql(f, ")");
}

/* All conditions must be true, and at least one of those inside __or. */
void filter_queries(struct filter *f) {
  add_conditions(f, false);
  add_conditions(f, true);
}
