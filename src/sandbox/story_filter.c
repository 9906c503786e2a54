/* Filters and sorts the list of stories. */
#include "stories.h"

#include <stdio.h>
#include <string.h>

#define ANY_SLUG "EXISTS (SELECT 1 FROM json_each(?) p WHERE s.full_slug" \
  " GLOB replace(replace(p.value, '[', '[[]'), '?', '[?]'))"

bool is_plain_name(const char *text, size_t len) {
  return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
                    >= len;
}

static void filter_slugs(struct filter *f) {
  const char *from = param(f->c, "starts_with");
  filter_by_texts(f, "by_slugs", " AND " ANY_SLUG);
  filter_by_texts(f, "excluding_slugs", " AND NOT " ANY_SLUG);
  filter_by_text(f, "with_slug", " AND s.full_slug = ?");
  if (!from || !*from) return;
  filter_text(f, " AND s.full_slug >= ?", from);
  filter_text(f, " AND s.full_slug < ? || char(1114111)", from);
}

/* Adds a condition on the stage, whose column depends on the requested
** version. */
static void filter_stage(struct filter *f, const struct versions *v,
                         const char *name, const char *condition) {
  char sql[240];
  snprintf(sql, sizeof sql, " AND %s %s", v->stage, condition);
  if (name) filter_by_ids(f, name, sql);
  else filter_sql(f, sql);
}

/* has_workflow_stages: true, false, or a list of stages. */
static void filter_stages(struct filter *f, const struct versions *v) {
  static const char *const in = "IN (SELECT value FROM json_each(?))";
  const char *has = param(f->c, "has_workflow_stages");
  filter_stage(f, v, "in_workflow_stages", in);
  if (!has) return;
  if (strcmp(has, "true") == 0 || strcmp(has, "1") == 0)
    filter_stage(f, v, NULL, "IS NOT NULL");
  else if (strcmp(has, "false") == 0 || strcmp(has, "0") == 0)
    filter_stage(f, v, NULL, "IS NULL");
  else
    filter_stage(f, v, "has_workflow_stages", in);
}

static void filter_content(struct filter *f) {
  filter_by_texts(f, "with_tag",
                  " AND EXISTS (SELECT 1 FROM json_each(s.tags) t WHERE"
                  " t.value IN (SELECT value FROM json_each(?)))");
  filter_by_texts(f, "contain_component",
                  " AND EXISTS (SELECT 1 FROM json_each(?) p WHERE"
                  " instr(s.components, json_quote(p.value)) > 0)");
  filter_by_text(f, "reference_search", " AND instr(s.content, ?) > 0");
}

/* Adds one of two conditions, depending on a flag. */
static void filter_flag(struct filter *f, const char *name, const char *yes,
                        const char *no) {
  int flag;
  if (!param_flag(f->c, name, &flag)) f->bad = true;
  else if (flag == 1) filter_sql(f, yes);
  else if (flag == 0 && no) filter_sql(f, no);
}

static void filter_kind(struct filter *f) {
  filter_flag(f, "folder_only", " AND s.is_folder", NULL);
  filter_flag(f, "story_only", " AND NOT s.is_folder", NULL);
  filter_flag(f, "root_folders_only",
              " AND s.is_folder AND instr(s.full_slug, '/') = 0", NULL);
  filter_flag(f, "is_published", " AND s.published", " AND NOT s.published");
  filter_flag(f, "pinned", " AND s.pinned", " AND NOT s.pinned");
  if (!param(f->c, "in_trash")) filter_sql(f, " AND s.deleted_at IS NULL");
  filter_flag(f, "in_trash", " AND s.deleted_at IS NOT NULL",
              " AND s.deleted_at IS NULL");
}

/* Filters the caller's stories: last written by this user, or favourites. */
static void filter_own(struct filter *f) {
  char sql[160];
  long long user = (long long)f->c->user.id;
  snprintf(sql, sizeof sql, " AND coalesce(s.last_author_id, 0) = %lld",
           user);
  filter_flag(f, "mine", sql, NULL);
  snprintf(sql, sizeof sql, " AND EXISTS (SELECT 1 FROM"
           " json_each(s.favourites) WHERE value = %lld)", user);
  filter_flag(f, "favourite", sql, NULL);
}

/* Filters by folder; with_parent=0 is the top level or, by option, no
** filter. */
static void filter_parent(struct filter *f) {
  const char *parent = param(f->c, "with_parent");
  if (!parent) return;
  if (strcmp(parent, "0") != 0)
    filter_by_ids(f, "with_parent", " AND " STORY_PARENT
                  " IN (SELECT value FROM json_each(?))");
  else if (strcmp(f->c->config->with_parent_zero, "filter") == 0)
    filter_sql(f, " AND " STORY_PARENT " IS NULL");
}

static void filter_release(struct filter *f) {
  filter_by_ids(f, "in_release",
                " AND EXISTS (SELECT 1 FROM json_each(s.release_ids) r WHERE"
                " r.value IN (SELECT value FROM json_each(?)))");
  if (param(f->c, "branch_id"))
    filter_refuse(f, "branch_id", "names a branch, and this space has none");
}

static void filter_schedule(struct filter *f) {
  filter_by_date(f, "scheduled_at_gt", " AND s.publish_at > ?");
  filter_by_date(f, "scheduled_at_lt", " AND s.publish_at < ?");
  filter_by_text(f, "scheduled_by_status", " AND s.schedule_status = ?");
}

static void filter_names(struct filter *f) {
  static const char *const in = " AND instr(lower(s.name || char(10) ||"
                                " s.full_slug), lower(?)) > 0";
  filter_by_text(f, "search", in);
  filter_by_text(f, "text_search", in);
}

void story_filters(struct filter *f, const struct versions *v) {
  static const char *const uuids =
    " AND s.uuid IN (SELECT value FROM json_each(?))";
  filter_kind(f);
  filter_stages(f, v);
  filter_by_ids(f, "by_ids", " AND s.id IN (SELECT value FROM json_each(?))");
  filter_by_ids(f, "excluding_ids",
                " AND s.id NOT IN (SELECT value FROM json_each(?))");
  filter_by_texts(f, "by_uuids", uuids);
  filter_by_texts(f, "by_uuids_ordered", uuids);
  filter_slugs(f);
  filter_parent(f);
  filter_content(f);
  filter_own(f);
  filter_release(f);
  filter_schedule(f);
  filter_names(f);
  filter_queries(f);
}

/* --- order ------------------------------------------------------------ */

static const struct { const char *name, *sql; } columns[] = {
  { "id", "s.id" }, { "uuid", "s.uuid" }, { "name", "s.name" },
  { "slug", STORY_SLUG }, { "full_slug", "s.full_slug" },
  { "path", "s.path" }, { "position", "s.position" },
  { "created_at", "s.created_at" }, { "updated_at", "s.updated_at" },
  { "published_at", "s.published_at" }, { "publish_at", "s.publish_at" },
};

/* Adds the column or content field with a name. */
static void add_sorted(ws_buffer *b, const char *name, size_t len) {
  size_t i;
  for (i = 0; i < sizeof columns / sizeof *columns; i++)
    if (strlen(columns[i].name) == len &&
        strncmp(columns[i].name, name, len) == 0) {
      ws_buffer_add_text(b, columns[i].sql);
      return;
    }
  if (strncmp(name, "content.", 8) == 0) {
    name += 8;
    len -= 8;
  }
  text_format(b, "json_extract(s.content, '$.\"%.*s\"')", (int)len, name);
}

/* Sorts by one field. */
struct sorting {
  const char *cast;  /* SQL type, or NULL */
  bool descending, nulls_first;
};

static bool read_sorting(const char *at, size_t len, struct sorting *how) {
  static const char *const words[] = {
    ":asc", ":desc", ":int", ":float", ":nulls_first", ":nulls_last"
  };
  memset(how, 0, sizeof *how);
  while (len) {
    size_t part = 1 + strcspn(at + 1, ":,"), i;
    for (i = 0; i < 6; i++)
      if (strlen(words[i]) == part && strncmp(at, words[i], part) == 0) break;
    if (i == 6) return false;
    if (i == 1) how->descending = true;
    if (i == 2) how->cast = "INTEGER";
    if (i == 3) how->cast = "REAL";
    if (i == 4) how->nulls_first = true;
    at += part;
    len -= part;
  }
  return true;
}

/* One of the chained orders, such as content.price:desc:int:nulls_first. */
static bool add_order(struct filter *f, ws_buffer *order, const char *by,
                      size_t len) {
  size_t name = strcspn(by, ":,");
  struct sorting how;
  ws_buffer field = { 0 };
  if (!is_plain_name(by, name) ||
      !read_sorting(by + name, len - name, &how)) {
    filter_refuse(f, "sort_by", "must be field:asc or field:desc");
    return false;
  }
  if (how.cast) ws_buffer_add_text(&field, "CAST(");
  add_sorted(&field, by, name);
  if (how.cast) text_format(&field, " AS %s)", how.cast);
  if (!field.failed)
    text_format(order, "%s %s NULLS %s, ", ws_buffer_cstring(&field),
                how.descending ? "DESC" : "ASC",
                how.nulls_first ? "FIRST" : "LAST");
  ws_buffer_free(&field);
  return true;
}

/* With by_uuids_ordered, sorts in the order of that list. */
static bool add_uuids_order(struct filter *f, ws_buffer *order) {
  const char *uuids = param(f->c, "by_uuids_ordered");
  if (!uuids || !*uuids) return true;
  if (uuids[strspn(uuids, "0123456789abcdefABCDEF-,")]) {
    filter_refuse(f, "by_uuids_ordered", "must be a list of uuids");
    return false;
  }
  text_format(order, "instr('%s', s.uuid), ", uuids);
  return true;
}

/* Writes the ORDER BY; false if an error response was written. */
bool story_order(struct filter *f, ws_buffer *order) {
  const char *by = param(f->c, "sort_by");
  int custom;
  ws_buffer_add_text(order, " ORDER BY ");
  if (!param_flag(f->c, "custom_sorting", &custom) ||
      !add_uuids_order(f, order))
    return false;
  while (by && *by) {
    size_t len = strcspn(by, ",");
    if (!add_order(f, order, by, len)) return false;
    by += len + (by[len] == ',');
  }
  ws_buffer_add_text(order, custom == 1 ? "s.position, s.id" : "s.id");
  return true;
}
