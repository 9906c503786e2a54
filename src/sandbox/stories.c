/* Reads stories: in lists and one by one. */
#include "stories.h"
#include "resources.h"

#include <stdio.h>
#include <string.h>

#define STORY_HEAD \
  "SELECT json_object(" J_COLUMN(s, id) "," J_COLUMN(s, name) "," \
  "'slug'," STORY_SLUG "," J_COLUMN(s, full_slug) "," \
  J_COLUMN(s, path) ",'parent_id',coalesce(" STORY_PARENT ",0)," \
  J_COLUMN(s, uuid) "," J_BOOL(s, is_folder) "," \
  J_BOOL(s, is_startpage) "," J_COLUMN(s, position) "," \
  J_BOOL(s, pinned) "," J_BOOL(s, unpublished_changes) "," \
  "'tag_list',json(s.tags)," J_COLUMN(s, created_at) "," \
  J_COLUMN(s, updated_at) "," J_COLUMN(s, published_at) "," \
  J_COLUMN(s, publish_at) "," J_COLUMN(s, deleted_at) "," \
  J_COLUMN(s, last_author_id) ",'current_version_id',NULL," \
  "'base_version_id',NULL,'main_version_id',NULL"

/* Only in lists; %d is 1 if the summary was requested. */
#define STORY_LISTED \
  "," J_BOOL(s, published) "," J_COLUMN(s, content_type) "," \
  J_LIST(s, release_ids) ",'content_summary',json(iif(%d, s.content, NULL))"

/* Only in single stories; there `published` of a folder is null. */
#define STORY_SINGLE \
  ",'published',json(CASE WHEN s.is_folder THEN NULL WHEN s.published" \
  " THEN 'true' ELSE 'false' END),'content',json(s.content)," \
  J_LIST(s, user_ids) "," J_LIST(s, space_role_ids) "," \
  "'is_scheduled',json(iif(s.publish_at IS NULL, 'false', 'true'))," \
  "'preview_token',json_object('token','secret-' || s.uuid,'timestamp'," \
  "'1780000000')"

/* The stage; without one null or, by option, an object of nulls. */
#define STAGE_CHANGE \
  "json_object('workflow_id',g.workflow_id,'workflow_stage_id',g.id," \
  "'story_id',iif(g.id IS NULL, NULL, s.id),'due_date',%s,'created_at',%s)"
#define STAGE_NAMES \
  "json_object('workflow_id',g.workflow_id,'workflow_stage_id',g.id," \
  "'workflow_name',w.name,'workflow_stage_name',g.name," \
  "'workflow_stage_color',g.color)"
#define STORY_STAGE \
  ",'stage',json(CASE WHEN g.id IS NULL AND %d THEN NULL" \
  " WHEN %s THEN " STAGE_NAMES " ELSE " STAGE_CHANGE " END))"
#define STAGE_TABLES \
  " LEFT JOIN stages g ON g.id = %s" \
  " LEFT JOIN workflows w ON w.id = g.workflow_id"

/* Returns SQL that is true if the stage has names. With "alternate", lists and
** single stories differ, and so do consecutive ids. */
static const char *stage_has_names(const struct call *c, bool single) {
  if (strcmp(c->config->story_stage, "names") == 0) return "1";
  if (strcmp(c->config->story_stage, "change") == 0) return "0";
  return single ? "(s.id + 1) % 2" : "s.id % 2";
}

static bool is_nulls(const struct call *c) {
  return strcmp(c->config->no_stage, "nulls") == 0;
}

/*
** Finds the versions that release_id selects; false, with a 403, if the release
** does not exist.
*/
bool versions_find(struct call *c, struct versions *v) {
  const char *text = param(c, "release_id");
  int64_t release = 0;
  v->stage = "s.workflow_stage_id";
  v->due = "s.stage_due_date";
  v->since = "s.stage_created_at";
  snprintf(v->from, sizeof v->from, "stories s");
  if (!text || !*text) return true;
  if (!store_int(c->db, &release, "SELECT id FROM releases WHERE"
                 " space_id = ? AND CAST(id AS TEXT) = ?", "it", c->space,
                 text)) {
    answer_error(c, 403, SHAPE_STRING, "No access to this release");
    return false;
  }
  v->stage = "coalesce(v.workflow_stage_id, s.workflow_stage_id)";
  v->due = "iif(v.story_id IS NULL, s.stage_due_date, v.due_date)";
  v->since = "coalesce(v.created_at, s.stage_created_at)";
  snprintf(v->from, sizeof v->from, "stories s LEFT JOIN release_stages v"
           " ON v.story_id = s.id AND v.release_id = %lld",
           (long long)release);
  return true;
}

static void add_stage(struct call *c, ws_buffer *sql,
                      const struct versions *v, bool single) {
  text_format(sql, STORY_STAGE, !is_nulls(c), stage_has_names(c, single),
                  v->due, v->since);
}

/* Members that a parameter of the list requests. */
static bool add_asked(struct call *c, ws_buffer *sql) {
  int summary, alternates, translations;
  if (!param_flag(c, "with_summary", &summary) ||
      !param_flag(c, "with_alts", &alternates) ||
      !param_flag(c, "with_translated_stories", &translations))
    return false;
  text_format(sql, STORY_LISTED, summary == 1);
  if (alternates == 1) ws_buffer_add_text(sql, ",'alternates',json('[]')");
  if (translations == 1)
    ws_buffer_add_text(sql, ",'translated_stories',json('[]')");
  return true;
}

/* Selects the ids of the page first, so that only its stories are built. */
static void write_page(struct call *c, struct filter *f,
                       const struct versions *v, ws_buffer *order,
                       int64_t page, int64_t per_page) {
  ws_buffer head = { 0 };
  text_format(order, " LIMIT %lld OFFSET %lld) p CROSS JOIN %s",
              (long long)per_page, (page - 1) * (long long)per_page, v->from);
  text_format(order, STAGE_TABLES " WHERE s.id = p.found", v->stage);
  ws_buffer_add_text(&head, STORY_HEAD);
  if (add_asked(c, &head)) {
    add_stage(c, &head, v, false);
    text_format(&head, " FROM (SELECT s.id AS found FROM %s WHERE ", v->from);
    ws_buffer_add_text(&c->out, "{\"stories\":[");
    if (!head.failed && !order->failed)
      filter_rows(f, ws_buffer_cstring(&head), ws_buffer_cstring(order),
                  &c->out);
    ws_buffer_add_text(&c->out, "]}");
  }
  ws_buffer_free(&head);
}

void stories_list(struct call *c) {
  ws_buffer order = { 0 };
  struct versions v;
  int64_t page, per_page;
  struct filter f;
  if (!param_page(c, &page, &per_page, 25, c->config->max_per_page) ||
      !versions_find(c, &v))
    return;
  filter_start(&f, c, "s.space_id = ?", c->space);
  story_filters(&f, &v);
  if (!f.bad && story_order(&f, &order)) {
    c->total = filter_count(&f, v.from);
    c->per_page = per_page;
    write_page(c, &f, &v, &order, page, per_page);
  }
  ws_buffer_free(&order);
  filter_free(&f);
}

/* False, with a 404, if the space does not have the story. */
bool story_found(struct call *c) {
  int64_t one;
  if (store_int(c->db, &one, "SELECT 1 FROM stories WHERE id = ?"
                " AND space_id = ? AND deleted_at IS NULL", "ii", c->id,
                c->space))
    return true;
  answer_missing(c);
  return false;
}

/* Removes the member `stage` of a story without one, if the option says so. */
static void leave_out_stage(struct call *c, ws_buffer *story) {
  static const char null_stage[] = ",\"stage\":null}";
  size_t len = sizeof null_stage - 1;
  if (strcmp(c->config->no_stage, "absent") != 0 || story->size < len ||
      memcmp(story->bytes + story->size - len, null_stage, len) != 0)
    return;
  story->size -= len;
  ws_buffer_add_text(story, "}");
}

void stories_get(struct call *c) {
  ws_buffer sql = { 0 };
  struct versions v;
  if (!story_found(c) || !versions_find(c, &v)) return;
  ws_buffer_add_text(&sql, STORY_HEAD STORY_SINGLE);
  add_stage(c, &sql, &v, true);
  text_format(&sql, " FROM %s", v.from);
  text_format(&sql, STAGE_TABLES " WHERE s.id = ?", v.stage);
  c->status = 200;
  ws_buffer_add_text(&c->out, "{\"story\":");
  if (!sql.failed)
    store_text(c->db, &c->out, ws_buffer_cstring(&sql), "i", c->id);
  leave_out_stage(c, &c->out);
  ws_buffer_add_text(&c->out, "}");
  ws_buffer_free(&sql);
}
