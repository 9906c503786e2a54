/* Stories: lists with their filters, and the little that is written. */
#include "filter.h"
#include "resources.h"

#include <stdio.h>
#include <string.h>

/*
** story.stage comes in two shapes; `shape` is SQL that is 0 for the one
** with dates, 1 for the one with names.
*/
#define STORY_HEAD \
  "SELECT json_object(" J_COLUMN(s, id) "," J_COLUMN(s, name) "," \
  "'slug',replace(s.full_slug,rtrim(s.full_slug," \
  "replace(s.full_slug,'/','')),'')," J_COLUMN(s, full_slug) "," \
  J_COLUMN(s, uuid) "," J_BOOL(s, is_folder) "," J_BOOL(s, published) "," \
  J_COLUMN(s, content_type) "," J_LIST(s, user_ids) "," \
  J_LIST(s, space_role_ids) ",'tag_list',json(s.tags)," \
  J_COLUMN(s, created_at) "," J_COLUMN(s, updated_at) "," \
  J_COLUMN(s, published_at)
#define STORY_STAGE \
  ",'stage',json(CASE WHEN g.id IS NULL THEN NULL WHEN %s THEN" \
  " json_object('workflow_id',g.workflow_id,'workflow_stage_id',g.id," \
  "'workflow_name',w.name,'workflow_stage_name',g.name," \
  "'workflow_stage_color',g.color) ELSE" \
  " json_object('workflow_id',g.workflow_id,'workflow_stage_id',g.id," \
  "'story_id',s.id,'due_date',s.stage_due_date,'created_at'," \
  "s.stage_created_at) END))"
#define STORY_TABLES \
  " LEFT JOIN stages g ON g.id = s.workflow_stage_id" \
  " LEFT JOIN workflows w ON w.id = g.workflow_id"

/* By default lists and single stories differ, and neighbours do. */
static const char *stage_shape(const struct call *c, bool single) {
  if (strcmp(c->config->story_stage, "names") == 0) return "1";
  if (strcmp(c->config->story_stage, "change") == 0) return "0";
  return single ? "(s.id + 1) % 2" : "s.id % 2";
}

#define ANY_SLUG "EXISTS (SELECT 1 FROM json_each(?) p WHERE s.full_slug" \
  " GLOB replace(replace(p.value, '[', '[[]'), '?', '[?]'))"

static void filter_slugs(struct filter *f) {
  const char *from = param(f->c, "starts_with");
  filter_by_texts(f, "by_slugs", " AND " ANY_SLUG);
  filter_by_texts(f, "excluding_slugs", " AND NOT " ANY_SLUG);
  filter_by_text(f, "with_slug", " AND s.full_slug = ?");
  if (!from || !*from) return;
  filter_text(f, " AND s.full_slug >= ?", from);
  filter_text(f, " AND s.full_slug < ? || char(1114111)", from);
}

/* has_workflow_stages: whether there is one, or a list of such stages. */
static void filter_stages(struct filter *f) {
  static const char *const in =
    " AND s.workflow_stage_id IN (SELECT value FROM json_each(?))";
  const char *has = param(f->c, "has_workflow_stages");
  filter_by_ids(f, "in_workflow_stages", in);
  if (!has) return;
  if (strcmp(has, "true") == 0 || strcmp(has, "1") == 0)
    filter_sql(f, " AND s.workflow_stage_id IS NOT NULL");
  else if (strcmp(has, "false") == 0 || strcmp(has, "0") == 0)
    filter_sql(f, " AND s.workflow_stage_id IS NULL");
  else
    filter_by_ids(f, "has_workflow_stages", in);
}

static void filter_content(struct filter *f) {
  filter_by_texts(f, "with_tag",
                  " AND EXISTS (SELECT 1 FROM json_each(s.tags) t WHERE"
                  " t.value IN (SELECT value FROM json_each(?)))");
  filter_by_texts(f, "contain_component",
                  " AND EXISTS (SELECT 1 FROM json_each(?) p WHERE"
                  " instr(s.components, json_quote(p.value)) > 0)");
}

/* The service's filters that are not made here: a list without them would be
** one of stories that were not asked for. */
static void refuse_others(struct filter *f) {
  static const char *const names[] = {
    "by_uuids_ordered", "with_parent", "reference_search", "in_trash",
    "pinned", "mine", "favourite", "scheduled_at_gt", "scheduled_at_lt",
    NULL
  };
  for (int i = 0; names[i]; i++) {
    const char *value = param(f->c, names[i]);
    if (value && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
      filter_refuse(f, names[i], "is a filter that this sandbox lacks");
  }
}

static void filter_kind(struct filter *f) {
  int folders = -1, stories = -1;
  if (!param_flag(f->c, "folder_only", &folders) ||
      !param_flag(f->c, "story_only", &stories))
    f->bad = true;
  if (folders == 1) filter_sql(f, " AND s.is_folder = 1");
  if (stories == 1) filter_sql(f, " AND s.is_folder = 0");
  filter_by_flag(f, "is_published", " AND s.published = ?");
}

static void filter_release(struct filter *f) {
  static const char *const in =
    " AND EXISTS (SELECT 1 FROM json_each(s.release_ids) r WHERE"
    " r.value IN (SELECT value FROM json_each(?)))";
  filter_by_ids(f, "in_release", in);
  filter_by_ids(f, "from_release", in);
}

/* The operations of filter_query; %s is the field of the content. */
static const struct { const char *name, *sql; bool list; } operations[] = {
  { "in", " AND CAST(%s AS TEXT) IN (SELECT value FROM json_each(?))",
    true },
  { "not_in", " AND coalesce(CAST(%s AS TEXT) NOT IN"
              " (SELECT value FROM json_each(?)), 1)", true },
  { "like", " AND %s LIKE replace(?, '*', '%')", false },
  { "not_like", " AND coalesce(%s NOT LIKE replace(?, '*', '%'), 1)",
    false },
  { "gt_int", " AND CAST(%s AS INTEGER) > CAST(? AS INTEGER)", false },
  { "lt_int", " AND CAST(%s AS INTEGER) < CAST(? AS INTEGER)", false },
  { "gt_float", " AND CAST(%s AS REAL) > CAST(? AS REAL)", false },
  { "lt_float", " AND CAST(%s AS REAL) < CAST(? AS REAL)", false },
  { "gt_date", " AND julianday(%s) > julianday(?)", false },
  { "lt_date", " AND julianday(%s) < julianday(?)", false },
  { "gt", " AND CAST(%s AS REAL) > CAST(? AS REAL)", false },
  { "lt", " AND CAST(%s AS REAL) < CAST(? AS REAL)", false },
  { "any_in_array", " AND EXISTS (SELECT 1 FROM json_each(%s) x WHERE"
                    " x.value IN (SELECT value FROM json_each(?)))", true },
  { "all_in_array", " AND NOT EXISTS (SELECT 1 FROM json_each(?) v WHERE"
                    " v.value NOT IN (SELECT value FROM json_each(%s)))",
    true },
  { NULL, NULL, false },
};

/* What `is` asks for. */
static const struct { const char *name, *sql; } states[] = {
  { "empty", " AND coalesce(%s, '') = ''" },
  { "not_empty", " AND coalesce(%s, '') <> ''" },
  { "null", " AND %s IS NULL" },
  { "not_null", " AND %s IS NOT NULL" },
  { "true", " AND %s = 1" },
  { "false", " AND %s = 0" },
  { "empty_array", " AND %s = '[]'" },
  { "not_empty_array", " AND %s <> '[]'" },
  { NULL, NULL },
};

static bool is_name(const char *text, size_t len) {
  return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
                    >= len;
}

/* Puts `field` where the template says %s. */
static void add_template(struct filter *f, const char *sql,
                         const char *field, const char *value) {
  struct buf b = { 0 };
  const char *at;
  while ((at = strstr(sql, "%s")) != NULL) {
    buf_add(&b, sql, (size_t)(at - sql));
    buf_str(&b, field);
    sql = at + 2;
  }
  buf_str(&b, sql);
  if (b.failed) f->bad = true;
  else if (value) filter_text(f, b.data, value);
  else filter_sql(f, b.data);
  buf_free(&b);
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

static void add_operation(struct filter *f, const char *field,
                          const char *name, size_t len, const char *value) {
  int i;
  if (len == 2 && strncmp(name, "is", 2) == 0) {
    add_state(f, field, value);
    return;
  }
  for (i = 0; operations[i].name; i++) {
    if (strlen(operations[i].name) != len ||
        strncmp(operations[i].name, name, len) != 0)
      continue;
    add_template(f, operations[i].sql, field,
                 operations[i].list ? texts_as_json(f->c, value) : value);
    return;
  }
  filter_refuse(f, "filter_query", "has an unknown operation");
}

/* filter_query[field][operation]=value, on the fields of the content. */
static void filter_one_query(struct filter *f, const struct param *p) {
  const char *name = p->name + strlen("filter_query["), *operation;
  size_t len = strcspn(name, "]");
  struct buf field = { 0 };
  operation = name + len;
  if (!is_name(name, len) || strncmp(operation, "][", 2) != 0) {
    filter_refuse(f, "filter_query", "must be [field][operation]");
    return;
  }
  operation += 2;
  buf_str(&field, "json_extract(s.content, '$.\"");
  buf_add(&field, name, len);
  buf_str(&field, "\"')");
  if (field.failed) f->bad = true;
  else add_operation(f, field.data, operation, strcspn(operation, "]"),
                     p->value);
  buf_free(&field);
}

static void filter_queries(struct filter *f) {
  const struct message *m = f->c->message;
  size_t i;
  for (i = 0; i < m->param_count && !f->bad; i++)
    if (strncmp(m->params[i].name, "filter_query[", 13) == 0)
      filter_one_query(f, &m->params[i]);
}

static void filter_names(struct filter *f) {
  static const char *const in = " AND instr(lower(s.name || char(10) ||"
                                " s.full_slug), lower(?)) > 0";
  filter_by_text(f, "search", in);
  filter_by_text(f, "text_search", in);
}

static void add_filters(struct filter *f) {
  refuse_others(f);
  filter_stages(f);
  filter_by_ids(f, "by_ids", " AND s.id IN (SELECT value FROM json_each(?))");
  filter_by_ids(f, "excluding_ids",
                " AND s.id NOT IN (SELECT value FROM json_each(?))");
  filter_by_texts(f, "by_uuids",
                  " AND s.uuid IN (SELECT value FROM json_each(?))");
  filter_slugs(f);
  filter_content(f);
  filter_kind(f);
  filter_release(f);
  filter_names(f);
  filter_queries(f);
}

/* sort_by=field:asc or :desc, on a column or a field of the content. */
static bool add_order(struct filter *f, struct buf *order) {
  static const char *const columns[] = {
    "id", "name", "full_slug", "created_at", "updated_at", "published_at",
    NULL
  };
  const char *by = param(f->c, "sort_by"), *way;
  size_t len = by ? strcspn(by, ":") : 0, i;
  buf_str(order, " ORDER BY ");
  if (!by || !*by) {
    buf_str(order, "s.id");
    return true;
  }
  way = by + len;
  if (!is_name(by, len) || (*way && strncmp(way, ":asc", 4) != 0 &&
                            strncmp(way, ":desc", 5) != 0)) {
    filter_refuse(f, "sort_by", "must be field:asc or field:desc");
    return false;
  }
  for (i = 0; columns[i]; i++)
    if (strlen(columns[i]) == len && strncmp(columns[i], by, len) == 0)
      break;
  if (columns[i]) buf_fmt(order, "s.%s", columns[i]);
  else buf_fmt(order, "json_extract(s.content, '$.\"%.*s\"')", (int)len, by);
  buf_str(order, strncmp(way, ":desc", 5) == 0 ? " DESC, s.id" : ", s.id");
  return true;
}

static void write_page(struct call *c, struct filter *f, struct buf *order,
                       int64_t page, int64_t per_page) {
  char head[1600];
  buf_fmt(order, " LIMIT %lld OFFSET %lld) p CROSS JOIN"
          " stories s ON s.id = p.found" STORY_TABLES,
          (long long)per_page, (page - 1) * (long long)per_page);
  snprintf(head, sizeof head, STORY_HEAD STORY_STAGE
           " FROM (SELECT s.id AS found FROM stories s WHERE ",
           stage_shape(c, false));
  if (order->failed) return;
  buf_str(&c->out, "{\"stories\":[");
  filter_rows(f, head, order->data, &c->out);
  buf_str(&c->out, "]}");
}

void stories_list(struct call *c) {
  struct buf order = { 0 };
  int64_t page, per_page;
  struct filter f;
  if (!param_page(c, &page, &per_page, 25, 100)) return;
  filter_start(&f, c, "s.space_id = ?", c->space);
  add_filters(&f);
  if (!f.bad && add_order(&f, &order)) {
    c->total = filter_count(&f, "stories s");
    c->per_page = per_page;
    write_page(c, &f, &order, page, per_page);
  }
  buf_free(&order);
  filter_free(&f);
}

static bool found(struct call *c) {
  int64_t one;
  if (store_int(c->db, &one, "SELECT 1 FROM stories WHERE id = ?"
                " AND space_id = ?", "ii", c->id, c->space))
    return true;
  answer_missing(c, SHAPE_STRING);
  return false;
}

static void answer_story(struct call *c, int status, int64_t id) {
  char sql[1600];
  c->status = status;
  snprintf(sql, sizeof sql,
           STORY_HEAD ",'content',json(s.content)" STORY_STAGE
           " FROM stories s" STORY_TABLES " WHERE s.id = ?",
           stage_shape(c, true));
  buf_str(&c->out, "{\"story\":");
  store_text(c->db, &c->out, sql, "i", id);
  buf_str(&c->out, "}");
}

void stories_get(struct call *c) {
  if (found(c)) answer_story(c, 200, c->id);
}
