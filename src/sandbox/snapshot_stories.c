/* Reads the stories of a snapshot and their stage changes. */
#include "resources.h"
#include "snapshot_load.h"

static const struct field story_fields[] = {
  { "id", F_ID }, { "name", F_TEXT }, { "full_slug", F_TEXT },
  { "uuid", F_TEXT }, { "is_folder", F_BOOL }, { "published", F_BOOL },
  { "content_type", F_TEXT | F_NULL }, { "content", F_OBJECT },
  { "tag_list", F_TEXTS }, { "user_ids", F_IDS },
  { "space_role_ids", F_IDS }, { "release_ids", F_IDS },
  { "created_at", F_TEXT }, { "updated_at", F_TEXT },
  { "published_at", F_TEXT | F_NULL }, { "deleted_at", F_TEXT | F_NULL },
  { "path", F_TEXT | F_NULL }, { "position", F_INT },
  { "is_startpage", F_BOOL }, { "pinned", F_BOOL },
  { "unpublished_changes", F_BOOL }, { "last_author_id", F_ID | F_NULL },
  { "publish_at", F_TEXT | F_NULL }, { "schedule_status", F_TEXT | F_NULL },
  { "favourites", F_IDS },
  { "stage", F_ID | F_TEXT | F_OBJECT | F_NULL }, { NULL, 0 },
};

static const struct field story_stage_fields[] = {
  { "workflow_stage_id", F_ID }, { "stage", F_TEXT },
  { "workflow", F_TEXT }, { "due_date", F_TEXT | F_NULL },
  { "created_at", F_TEXT | F_NULL }, { NULL, 0 },
};

static const struct field change_fields[] = {
  { "id", F_ID }, { "story_id", F_ID },
  { "workflow_stage_id", F_ID | F_NULL }, { "workflow_id", F_ID | F_NULL },
  { "user_id", F_ID }, { "due_date", F_TEXT | F_NULL },
  { "created_at", F_TEXT }, { "release_id", F_ID | F_NULL },
  { "notify", F_BOOL }, { "comment", F_OBJECT | F_NULL },
  { "assign", F_OBJECT | F_NULL }, { NULL, 0 },
};

/* Finds a stage by name: in the named workflow, or else in the first one that
** has it. */
static bool find_stage(struct load *l, const char *name,
                       const char *workflow, int64_t *id) {
  if (store_int(l->db, id, "SELECT g.id FROM stages g, workflows w"
                " WHERE w.id = g.workflow_id AND g.space_id = ?"
                " AND g.name = ? AND coalesce(w.name = ?, 1)"
                " ORDER BY w.is_default, w.id", "itt", l->space, name,
                workflow))
    return true;
  return fail(l->err, "unknown stage '%s'", name);
}

static bool known_stage(struct load *l, int64_t id) {
  int64_t found;
  if (store_int(l->db, &found, "SELECT 1 FROM stages WHERE id = ? AND"
                " space_id = ?", "ii", id, l->space))
    return true;
  return fail(l->err, "unknown stage %lld", (long long)id);
}

static bool story_stage(struct load *l, const struct json *v, int64_t *id) {
  *id = 0;
  if (!v || v->type == JSON_NULL) return true;
  if (v->type == JSON_TEXT) return find_stage(l, v->text, NULL, id);
  if (v->type == JSON_INT) {
    *id = v->integer;
    return known_stage(l, *id);
  }
  if (!fields_check(story_stage_fields, v, "field of a story's stage",
                    l->err))
    return false;
  *id = id_of(v, "workflow_stage_id");
  if (*id) return known_stage(l, *id);
  if (!text_of(v, "stage")) return true;
  return find_stage(l, text_of(v, "stage"), text_of(v, "workflow"), id);
}

static const char *story_uuid(struct load *l, const struct json *v,
                              int64_t id) {
  ws_buffer b = { 0 };
  const char *uuid = text_of(v, "uuid");
  if (uuid) return uuid;
  text_format(&b, "%08x-0000-4000-8000-%012llx", (unsigned)(id >> 32),
              (unsigned long long)id & 0xffffffffffffu);
  uuid = arena_keep(&l->arena, &b);
  return uuid ? uuid : "";
}

static bool insert_story(struct load *l, const struct json *v, int64_t id,
                         int64_t stage) {
  const struct json *at = json_get(v, "stage");
  const char *since = load_text(at, "created_at", stage ? l->earlier : NULL);
  const char *type = text_of(v, "content_type");
  if (!type) type = text_of(json_get(v, "content"), "component");
  return store_run(l->db,
                   "INSERT INTO stories(id, space_id, name, full_slug,"
                   " uuid, is_folder, published, content_type, content,"
                   " tags, user_ids, space_role_ids, release_ids,"
                   " created_at, updated_at, published_at,"
                   " workflow_stage_id, stage_due_date, stage_created_at,"
                   " deleted_at, path, is_startpage, pinned,"
                   " unpublished_changes, last_author_id, publish_at,"
                   " schedule_status, favourites, position)"
                   " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
                   "?,?,?,?,?,?)", "iitttbbtttttttttrttttbbbrttti", id,
                   l->space,
                   load_text(v, "name", text_of(v, "full_slug")),
                   text_of(v, "full_slug"), story_uuid(l, v, id),
                   (int)flag_of(v, "is_folder"),
                   (int)flag_of(v, "published"), type,
                   load_json(l, v, "content", "{}"),
                   load_json(l, v, "tag_list", "[]"),
                   load_json(l, v, "user_ids", "[]"),
                   load_json(l, v, "space_role_ids", "[]"),
                   load_json(l, v, "release_ids", "[]"),
                   load_text(v, "created_at", l->now),
                   load_text(v, "updated_at", l->now),
                   text_of(v, "published_at"), stage,
                   text_of(at, "due_date"), since,
                   text_of(v, "deleted_at"), text_of(v, "path"),
                   (int)flag_of(v, "is_startpage"),
                   (int)flag_of(v, "pinned"),
                   (int)flag_of(v, "unpublished_changes"),
                   id_of(v, "last_author_id"), text_of(v, "publish_at"),
                   text_of(v, "schedule_status"),
                   load_json(l, v, "favourites", "[]"), id_of(v, "position"));
}

static bool load_story(struct load *l, const struct json *v,
                       int64_t number) {
  const struct json *content = json_get(v, "content");
  int64_t id = load_id(l, v), stage;
  (void)number;
  if (!load_need(l, v, "full_slug", "a story")) return false;
  if (!story_stage(l, json_get(v, "stage"), &stage) ||
      !insert_story(l, v, id, stage))
    return false;
  if (content) story_components(l->db, id, content);
  else
    store_run(l->db, "UPDATE stories SET components ="
              " json_array(content_type) WHERE id = ? AND content_type"
              " IS NOT NULL", "i", id);
  return true;
}

static bool load_change(struct load *l, const struct json *v,
                        int64_t number) {
  (void)number;
  if (!load_need(l, v, "story_id", "a change")) return false;
  return store_run(l->db,
                   "INSERT INTO changes VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                   "iiirrittrbtt", load_id(l, v), l->space,
                   id_of(v, "story_id"), id_of(v, "workflow_stage_id"),
                   id_of(v, "workflow_id"), id_of(v, "user_id"),
                   text_of(v, "due_date"), load_text(v, "created_at", l->now),
                   id_of(v, "release_id"), (int)flag_of(v, "notify"),
                   load_json(l, v, "comment", NULL),
                   load_json(l, v, "assign", NULL));
}

bool load_stories(struct load *l, const struct json *v) {
  return load_each(l, json_get(v, "stories"), story_fields, "field of a story",
                   load_story) &&
         load_each(l, json_get(v, "workflow_stage_changes"), change_fields,
                   "field of a change", load_change);
}
