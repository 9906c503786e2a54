/* Reads the workflows of a snapshot and their stages. */
#include "resources.h"
#include "snapshot_load.h"

#include <stdio.h>
#include <string.h>

static const struct field workflow_fields[] = {
  { "id", F_ID }, { "name", F_TEXT }, { "content_types", F_TEXTS },
  { "is_default", F_BOOL }, { "stages", F_ARRAY }, { NULL, 0 },
};

static const struct field loaded_stage_fields[] = {
  { "id", F_ID }, { "name", F_TEXT },
  { "color", F_TEXT | F_NULL | F_FALSE },  /* false: null, as in Lua */
  { "position", F_INT }, { "is_default", F_BOOL },
  { "allow_publish", F_BOOL }, { "allow_all_stages", F_BOOL },
  { "allow_admin_publish", F_BOOL }, { "allow_all_users", F_BOOL },
  { "allow_admin_change", F_BOOL }, { "allow_editor_change", F_BOOL },
  { "allow_none_for_next_stages", F_BOOL },
  { "story_editing_locked", F_BOOL }, { "auto_remove_assignee", F_BOOL },
  { "after_publish_id", F_ID | F_TEXT | F_NULL }, { "user_ids", F_REFS },
  { "space_role_ids", F_REFS }, { "workflow_stage_ids", F_REFS },
  { NULL, 0 },
};

static const char by_color[] =
  "SELECT id FROM stages WHERE color = ? AND workflow_id = ?";

/* Rejects two stages with the same name in a workflow, as stages are referred
** to by name. */
static bool check_name(struct load *l, const struct json *v) {
  int64_t other;
  if (!store_int(l->db, &other, SQL_STAGE_BY_NAME, "ti", text_of(v, "name"),
                 l->workflow))
    return true;
  return fail(l->err, "workflow '%s' has two stages '%s'", l->workflow_name,
              text_of(v, "name"));
}

/* Rejects a second default stage in a workflow. */
static bool check_default_stage(struct load *l, const struct json *v) {
  const struct json *other = json_get(v, "stages");
  const char *first = NULL;
  for (other = other ? other->child : NULL; other; other = other->next) {
    if (!flag_of(other, "is_default")) continue;
    if (first)
      return fail(l->err, "workflow '%s' has two default stages, '%s' and"
                  " '%s'", l->workflow_name, first, text_of(other, "name"));
    first = text_of(other, "name");
  }
  return true;
}

/* The first pass creates stages. Those without a colour get one in the
** second. */
static bool load_stage(struct load *l, const struct json *v,
                       int64_t number) {
  const struct json *position = json_get(v, "position");
  int64_t id = load_id(l, v);
  bool ok;
  if (!load_need(l, v, "name", "a stage") || !check_name(l, v)) return false;
  ok = store_run(l->db, "INSERT INTO stages(id, space_id, workflow_id,"
                 " name, color, position) VALUES (?,?,?,?,?,?)", "iiitti",
                 id, l->space, l->workflow, text_of(v, "name"),
                 text_of(v, "color"),
                 position ? position->integer : number);
  if (ok) stage_defaults(l->db, id, v);
  return ok;
}

/* Chooses a colour by the stage's number; the next one if it is taken. */
static void hand_out_color(struct load *l, int64_t id, int64_t number) {
  char color[16];
  int64_t taken;
  do
    snprintf(color, sizeof color, "#%06x",
             (unsigned)(0x6c0000 + number++ * 977) & 0xffffff);
  while (store_int(l->db, &taken, by_color, "ti", color, l->workflow));
  store_run(l->db, "UPDATE stages SET color = ? WHERE id = ?", "ti", color,
            id);
}

static bool set_list(struct load *l, int64_t id, const struct json *list,
                     const char *column, const char *sql, int64_t within,
                     const char *what) {
  ws_buffer ids = { 0 }, update = { 0 };
  bool ok = load_references(l, list, sql, within, what, &ids);
  text_format(&update, "UPDATE stages SET %s = ? WHERE id = ?", column);
  if (ok && !update.failed)
    store_run(l->db, ws_buffer_cstring(&update), "ti",
              ws_buffer_cstring(&ids), id);
  ws_buffer_free(&ids);
  ws_buffer_free(&update);
  return ok;
}

static bool set_member(struct load *l, int64_t id, const struct json *v) {
  int64_t stage;
  if (strcmp(v->key, "workflow_stage_ids") == 0)
    return set_list(l, id, v, v->key, SQL_STAGE_BY_NAME, l->workflow, "stage");
  if (strcmp(v->key, "space_role_ids") == 0)
    return set_list(l, id, v, v->key, SQL_ROLE_BY_NAME, l->space, "space role");
  if (strcmp(v->key, "user_ids") == 0)
    return set_list(l, id, v, v->key, SQL_USER_BY_NAME, 1, "user");
  if (strcmp(v->key, "after_publish_id") == 0) {
    if (v->type == JSON_NULL) return true;
    if (!load_reference(l, v, SQL_STAGE_BY_NAME, l->workflow, "stage",
                        &stage))
      return false;
    return store_run(l->db, "UPDATE stages SET after_publish_id = ?"
                     " WHERE id = ?", "ii", stage, id);
  }
  if (strcmp(v->key, "color") == 0 && v->type != JSON_TEXT) return true;
  if (strcmp(v->key, "id") != 0) stage_set(l->db, id, v->key, v);
  return true;
}

/* True if a stage needs a colour: it has none, and not null either. */
static bool lacks_color(const struct json *stage) {
  const struct json *color = json_get(stage, "color");
  return !color || (color->type == JSON_TEXT && !color->len);
}

/* The second pass sets references, now that all stages exist. */
static bool finish_stage(struct load *l, const struct json *v,
                         int64_t number) {
  const struct json *member;
  int64_t id = id_of(v, "id");
  if (!id) store_int(l->db, &id, SQL_STAGE_BY_NAME, "ti", text_of(v, "name"),
                     l->workflow);
  for (member = v->child; member; member = member->next)
    if (!set_member(l, id, member)) return false;
  if (lacks_color(v)) hand_out_color(l, id, number);
  return true;
}

/* Rejects a second default workflow in a space. */
static bool check_default(struct load *l, const struct json *v) {
  ws_buffer name = { 0 };
  bool second = flag_of(v, "is_default") &&
                store_text(l->db, &name, "SELECT name FROM workflows"
                           " WHERE space_id = ? AND is_default", "i",
                           l->space);
  if (second)
    fail(l->err, "space %lld has two default workflows, '%s' and '%s'",
         (long long)l->space, ws_buffer_cstring(&name),
         text_of(v, "name"));
  ws_buffer_free(&name);
  return !second;
}

static bool load_workflow(struct load *l, const struct json *v,
                          int64_t number) {
  const struct json *stages = json_get(v, "stages");
  (void)number;
  if (!load_need(l, v, "name", "a workflow") || !check_default(l, v))
    return false;
  l->workflow = load_id(l, v);
  l->workflow_name = text_of(v, "name");
  return store_run(l->db, "INSERT INTO workflows VALUES (?,?,?,?,?)",
                   "iittb", l->workflow, l->space, l->workflow_name,
                   load_json(l, v, "content_types", "[]"),
                   (int)flag_of(v, "is_default")) &&
         load_each(l, stages, loaded_stage_fields, "field of a stage",
                   load_stage) &&
         check_default_stage(l, v) &&
         load_each(l, stages, loaded_stage_fields, "field of a stage",
                   finish_stage);
}

bool load_workflows(struct load *l, const struct json *v) {
  return load_each(l, json_get(v, "workflows"), workflow_fields,
                   "field of a workflow", load_workflow);
}
