/* Writes stories, so that specs can change the state as editors do. */
#include "stories.h"
#include "json/writer.h"
#include "resources.h"

#include <string.h>

static const struct field story_fields[] = {
  { "name", F_TEXT }, { "slug", F_TEXT }, { "content", F_OBJECT },
  { "is_folder", F_BOOL }, { "tag_list", F_TEXTS },
  { "parent_id", F_INT | F_NULL }, { "path", F_TEXT | F_NULL },
  { "position", F_INT }, { "is_startpage", F_BOOL }, { "pinned", F_BOOL },
  { "publish_at", F_DATE | F_NULL }, { NULL, 0 },
};

static const struct field siblings[] = {
  { "publish", F_INT | F_BOOL }, { "force_update", F_INT | F_BOOL },
  { "release_id", F_ID | F_NULL }, { NULL, 0 },
};

static void check_slug(struct call *c, const char *slug) {
  int64_t other;
  if (store_int(c->db, &other, "SELECT 1 FROM stories WHERE space_id = ?"
                " AND full_slug = ? AND id <> ? AND deleted_at IS NULL",
                "iti", c->space, slug, c->id))
    problem(c, "slug", "has already been taken");
}

static bool check_story(struct call *c, const struct json *story,
                        bool required) {
  const char *name = text_of(story, "name"), *slug = text_of(story, "slug");
  if (name ? !*name : required) problem(c, "name", "can't be blank");
  if (slug ? !*slug : required) problem(c, "slug", "can't be blank");
  if (slug) check_slug(c, slug);
  return is_valid(c);
}

static void add_component(ws_buffer *list, const struct json *name) {
  ws_buffer one = { 0 };
  ws_json_string(&one, name->text, name->len);
  if (!one.failed &&
      !strstr(ws_buffer_cstring(list), ws_buffer_cstring(&one))) {
    if (list->size) ws_buffer_add_text(list, ",");
    ws_buffer_add_text(list, ws_buffer_cstring(&one));
  }
  ws_buffer_free(&one);
}

static void collect(ws_buffer *list, const struct json *v) {
  for (; v; v = v->next) {
    if (v->key && v->type == JSON_TEXT && strcmp(v->key, "component") == 0)
      add_component(list, v);
    collect(list, v->child);
  }
}

/* Stores the components in a story's content, for the filter. */
void story_components(struct store *db, int64_t id,
                      const struct json *content) {
  ws_buffer list = { 0 };
  collect(&list, content->child);
  store_run(db, "UPDATE stories SET components = '[' || ? || ']'"
            " WHERE id = ?", "ti", ws_buffer_cstring(&list), id);
  ws_buffer_free(&list);
}

/* The flags and numbers of a body, each a column of the same name. */
static void set_plain(struct call *c, int64_t id, const struct json *story) {
  static const char *const names[] = {
    "position", "is_startpage", "pinned"
  };
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    const struct json *v = json_get(story, names[i]);
    ws_buffer sql = { 0 };
    if (!v) continue;
    text_format(&sql, "UPDATE stories SET %s = ? WHERE id = ?", names[i]);
    if (!sql.failed)
      store_run(c->db, ws_buffer_cstring(&sql), "ii",
                v->type == JSON_BOOL ? (int64_t)v->boolean : v->integer, id);
    ws_buffer_free(&sql);
  }
}

static void set_content(struct call *c, int64_t id,
                        const struct json *story) {
  const struct json *content = json_get(story, "content");
  store_run(c->db, "UPDATE stories SET name = coalesce(?1, name),"
            " full_slug = coalesce(?2, full_slug),"
            " content = coalesce(?3, content),"
            " content_type = coalesce(json_extract(?3, '$.component'),"
            " content_type), tags = coalesce(?4, tags), updated_at = ?5,"
            " path = coalesce(?7, path), publish_at = coalesce(?8,"
            " publish_at), last_author_id = ?9,"
            " unpublished_changes = published WHERE id = ?6", "tttttitti",
            text_of(story, "name"), text_of(story, "slug"),
            json_text(c, content), json_text(c, json_get(story, "tag_list")),
            c->now, id, text_of(story, "path"), text_of(story, "publish_at"),
            c->user.id);
  set_plain(c, id, story);
  if (content) story_components(c->db, id, content);
}

/* A new story has no stage, unless its workflow has a default one; the
** default workflow applies to folders as well. */
static void enter_default_stage(struct call *c, int64_t story) {
  int64_t stage;
  if (!store_int(c->db, &stage,
                 "SELECT id FROM stages WHERE is_default AND workflow_id ="
                 " (SELECT w.id FROM stories s, workflows w"
                 " WHERE s.id = ?1 AND w.space_id = ?2 AND"
                 " (w.is_default OR EXISTS (SELECT 1 FROM"
                 " json_each(w.content_types) WHERE value ="
                 " s.content_type)) ORDER BY w.is_default, w.id LIMIT 1)",
                 "ii", story, c->space))
    return;
  story_enters(c, story, stage, NULL, 0);
  c->effects.webhooks--;
}

static void answer_story(struct call *c, int status, int64_t id) {
  c->id = id;
  stories_get(c);
  c->status = status;
}

static bool may_publish(struct call *c) {
  int64_t may;
  if (!store_int(c->db, &may, "SELECT g.allow_publish OR"
                 " (g.allow_admin_publish AND ?2) FROM stories s, stages g"
                 " WHERE s.id = ?1 AND g.id = s.workflow_stage_id", "ib",
                 c->id, strcmp(c->user.role, "admin") == 0))
    return true;
  if (!may)
    answer_error(c, 422, SHAPE_STRING,
                 "The workflow stage does not allow to publish");
  return may != 0;
}

/*
** Publishes a story, and moves it to the stage's after_publish_id. False, with
** an error response, if it may not be published.
*/
static bool publish(struct call *c) {
  int64_t next;
  if (!may_publish(c)) return false;
  store_run(c->db, "UPDATE stories SET published = 1,"
            " unpublished_changes = 0, published_at = ? WHERE id = ?", "ti",
            c->now, c->id);
  if (store_int(c->db, &next, "SELECT g.after_publish_id FROM stories s,"
                " stages g, stages n WHERE s.id = ? AND"
                " g.id = s.workflow_stage_id AND n.id = g.after_publish_id",
                "i", c->id))
    story_enters(c, c->id, next, NULL, 0);
  return true;
}

/* True if `lang` is not given, or lists the default language. */
static bool is_default_language(const struct call *c) {
  const char *lang = param(c, "lang");
  return !lang || strstr(lang, "[default]");
}

/* Publishing other languages does not change the default one. */
void stories_publish(struct call *c) {
  struct versions v;
  if (!story_found(c) || !versions_find(c, &v)) return;
  if (is_default_language(c) && !publish(c)) return;
  effect(c, R_STORY, V_UPDATE);
  answer_story(c, 200, c->id);
}

void stories_unpublish(struct call *c) {
  struct versions v;
  if (!story_found(c) || !versions_find(c, &v)) return;
  if (is_default_language(c))
    store_run(c->db, "UPDATE stories SET published = 0 WHERE id = ?", "i",
              c->id);
  effect(c, R_STORY, V_UPDATE);
  answer_story(c, 200, c->id);
}

/* True if `publish` is set, besides the story in the body or in the query. */
static bool asks_to_publish(const struct call *c) {
  const struct json *v = json_get(c->body, "publish");
  const char *text = param(c, "publish");
  if (text) return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
  return v && (v->type == JSON_BOOL ? v->boolean : v->integer != 0);
}

void stories_create(struct call *c) {
  const struct json *story = body_root(c, "story", siblings);
  int64_t id;
  c->id = 0;
  if (!story || !body_check(c, story_fields, story) ||
      !check_story(c, story, true))
    return;
  id = store_new_id(c->db);
  store_run(c->db, "INSERT INTO stories(id, space_id, name, full_slug, uuid,"
            " is_folder, created_at, updated_at) VALUES (?1, ?2, '', '',"
            " printf('%08x-0000-4000-8000-%012x', ?1 / 4294967296,"
            " ?1 % 281474976710656),"
            " ?3, ?4, ?4)", "iibt", id, c->space,
            (int)flag_of(story, "is_folder"), c->now);
  set_content(c, id, story);
  enter_default_stage(c, id);
  c->id = id;
  if (asks_to_publish(c) && !publish(c)) return;
  effect(c, R_STORY, V_CREATE);
  answer_story(c, 201, id);
}

void stories_update(struct call *c) {
  const struct json *story = body_root(c, "story", siblings);
  int64_t locked;
  if (!story || !story_found(c) || !body_check(c, story_fields, story) ||
      !check_story(c, story, false))
    return;
  if (store_int(c->db, &locked, "SELECT 1 FROM stories s, stages g"
                " WHERE s.id = ? AND g.id = s.workflow_stage_id"
                " AND g.story_editing_locked", "i", c->id)) {
    answer_error(c, 422, SHAPE_STRING,
                 "This story is locked in its workflow stage");
    return;
  }
  set_content(c, c->id, story);
  if (asks_to_publish(c) && !publish(c)) return;
  effect(c, R_STORY, V_UPDATE);
  answer_story(c, 200, c->id);
}

/* Moves a story to the trash and out of its stage; the response shows its
** former state. */
void stories_delete(struct call *c) {
  if (!story_found(c)) return;
  stories_get(c);
  store_run(c->db, "DELETE FROM changes WHERE space_id = ? AND story_id = ?",
            "ii", c->space, c->id);
  store_run(c->db, "DELETE FROM release_stages WHERE story_id = ?", "i",
            c->id);
  store_run(c->db, "UPDATE stories SET deleted_at = ?,"
            " workflow_stage_id = NULL, stage_due_date = NULL,"
            " stage_created_at = NULL WHERE id = ?", "ti", c->now, c->id);
  effect(c, R_STORY, V_DELETE);
}
