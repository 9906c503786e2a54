/*
** Reading a snapshot. Ids may be left out, and then are handed out; what
** has a name can be referred to by it. The form is in docs/sandbox.md.
*/
#include "fields.h"
#include "resources.h"
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

static const struct field top_fields[] = {
  { "spaces", F_ARRAY }, { "users", F_ARRAY }, { "kantata", F_OBJECT },
  { NULL, 0 },
};

static const struct field user_fields[] = {
  { "id", F_ID }, { "userid", F_TEXT }, { "friendly_name", F_TEXT },
  { "email", F_TEXT | F_NULL }, { "username", F_TEXT | F_NULL },
  { "firstname", F_TEXT | F_NULL }, { "lastname", F_TEXT | F_NULL },
  { NULL, 0 },
};

static const struct field space_fields[] = {
  { "id", F_ID }, { "name", F_TEXT }, { "owner_id", F_ID | F_NULL },
  { "plan", F_TEXT }, { "plan_level", F_INT }, { "workflows", F_ARRAY },
  { "stories", F_ARRAY }, { "space_roles", F_ARRAY },
  { "collaborators", F_ARRAY }, { "releases", F_ARRAY },
  { "workflow_stage_changes", F_ARRAY }, { NULL, 0 },
};

static const struct field role_fields[] = {
  { "id", F_ID }, { "role", F_TEXT }, { "subtitle", F_TEXT | F_NULL },
  { "ext_id", F_TEXT | F_NULL }, { NULL, 0 },
};

static const struct field collaborator_fields[] = {
  { "id", F_ID }, { "user_id", F_ID | F_NULL },
  { "user", F_TEXT | F_OBJECT }, { "role", F_TEXT },
  { "space_role_ids", F_REFS }, { "can_act_as_admin", F_BOOL },
  { "invitation", F_OBJECT | F_NULL }, { NULL, 0 },
};

static const struct field release_fields[] = {
  { "id", F_ID }, { "name", F_TEXT }, { "release_at", F_TEXT | F_NULL },
  { "released", F_BOOL }, { "uuid", F_TEXT | F_NULL },
  { "timezone", F_TEXT | F_NULL }, { "branches_to_deploy", F_IDS },
  { "owner_id", F_ID | F_NULL }, { "stages", F_ARRAY }, { NULL, 0 },
};

/* The stages of the versions in a release. */
static const struct field release_stage_fields[] = {
  { "story_id", F_ID }, { "workflow_stage_id", F_ID | F_NULL },
  { "due_date", F_TEXT | F_NULL }, { "created_at", F_TEXT }, { NULL, 0 },
};

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

static const struct field kantata_fields[] = {
  { "users", F_ARRAY }, { "workspaces", F_ARRAY },
  { "workspace_status_changes", F_ARRAY }, { "disabled_statuses", F_IDS },
  { NULL, 0 },
};

static const struct field k_user_fields[] = {
  { "id", F_ID }, { "full_name", F_TEXT }, { "email_address", F_TEXT },
  { "headline", F_TEXT | F_NULL }, { "photo_path", F_TEXT | F_NULL },
  { NULL, 0 },
};

static const struct field k_workspace_fields[] = {
  { "id", F_ID }, { "title", F_TEXT }, { "archived", F_BOOL },
  { "status_key", F_ID }, { "created_at", F_TEXT },
  { "updated_at", F_TEXT }, { "status_hidden", F_BOOL },
  { "attributes", F_OBJECT }, { NULL, 0 },
};

static const struct field k_change_fields[] = {
  { "id", F_ID }, { "workspace_id", F_ID }, { "user_id", F_ID },
  { "from_status_key", F_ID | F_NULL }, { "to_status_key", F_ID },
  { "created_at", F_TEXT }, { "updated_at", F_TEXT }, { NULL, 0 },
};

/* The state of loading a snapshot. */
struct load {
  struct sandbox *sandbox;
  struct store *db;
  ws_buffer *err;
  struct arena arena;
  int64_t space, workflow, release;
  const char *workflow_name;
  char now[TIME_SIZE];
  char earlier[TIME_SIZE];  /* since when stories are in their stages */
};

typedef bool loader(struct load *l, const struct json *v, int64_t number);

/* Checks and loads each member of a list. */
static bool each(struct load *l, const struct json *list,
                 const struct field *fields, const char *what,
                 loader *load) {
  const struct json *v;
  int64_t number = 0;
  for (v = list ? list->child : NULL; v; v = v->next)
    if (!fields_check(fields, v, what, l->err) || !load(l, v, ++number))
      return false;
  return true;
}

static int64_t id_or_new(struct load *l, const struct json *v) {
  int64_t id = id_of(v, "id");
  return id ? id : store_new_id(l->db);
}

static const char *text_or(const struct json *v, const char *name,
                           const char *other) {
  const char *text = text_of(v, name);
  return text ? text : other;
}

static bool need(struct load *l, const struct json *v, const char *name,
                 const char *what) {
  if (json_get(v, name)) return true;
  return fail(l->err, "%s without a '%s'", what, name);
}

/* A value as JSON text; what is missing and Lua's empty table as `other`. */
static const char *json_or(struct load *l, const struct json *v,
                           const char *name, const char *other) {
  const struct json *found = json_get(v, name);
  ws_buffer b = { 0 };
  const char *text;
  if (!found || found->type == JSON_NULL || !found->len) return other;
  json_write(&b, found);
  text = arena_keep(&l->arena, &b);
  return text ? text : other;
}

/* --- references ------------------------------------------------------- */

static const char by_stage[] =
  "SELECT id FROM stages WHERE name = ? AND workflow_id = ?";
static const char by_role[] =
  "SELECT id FROM roles WHERE role = ? AND space_id = ?";
static const char by_user[] = "SELECT id FROM users WHERE userid = ? AND ?";

static bool resolve(struct load *l, const struct json *v, const char *sql,
                    int64_t within, const char *what, int64_t *id) {
  *id = v->integer;
  if (v->type != JSON_TEXT) return true;
  if (store_int(l->db, id, sql, "ti", v->text, within)) return true;
  return fail(l->err, "unknown %s '%s'", what, v->text);
}

/* An array of ids and names as JSON text of ids, into `b`. */
static bool resolve_all(struct load *l, const struct json *list,
                        const char *sql, int64_t within, const char *what,
                        ws_buffer *b) {
  const struct json *v;
  int64_t id;
  ws_buffer_add_text(b, "[");
  for (v = list ? list->child : NULL; v; v = v->next) {
    if (!resolve(l, v, sql, within, what, &id)) return false;
    text_format(b, "%s%lld", v == list->child ? "" : ",", (long long)id);
  }
  ws_buffer_add_text(b, "]");
  return true;
}

/* --- members of a space ----------------------------------------------- */

static bool load_user(struct load *l, const struct json *v,
                      int64_t number) {
  const char *userid = text_of(v, "userid");
  if (!need(l, v, "userid", "a user")) return false;
  return store_run(l->db, "INSERT INTO users(id, userid, friendly_name,"
                   " place, email, username, firstname, lastname)"
                   " VALUES (?,?,?,?,?,?,?,?)", "ittitttt",
                   id_or_new(l, v), userid,
                   text_or(v, "friendly_name", userid), number,
                   text_of(v, "email"), text_of(v, "username"),
                   text_of(v, "firstname"), text_of(v, "lastname"));
}

static bool load_role(struct load *l, const struct json *v,
                      int64_t number) {
  (void)number;
  if (!need(l, v, "role", "a space role")) return false;
  return store_run(l->db, "INSERT INTO roles VALUES (?,?,?,?,?)", "iittt",
                   id_or_new(l, v), l->space, text_of(v, "role"),
                   text_of(v, "subtitle"), text_of(v, "ext_id"));
}

/* The user of a collaborator: an id, an e-mail address, or described; 0 for
** someone invited, who has none. */
static bool find_user(struct load *l, const struct json *v, int64_t *id) {
  const struct json *user = json_get(v, "user");
  const char *userid = user && user->type == JSON_TEXT
                       ? user->text : text_of(user, "userid");
  *id = id_of(v, "user_id");
  if (!*id) *id = id_of(user, "id");
  if (*id && !user) return true;
  if (!user && json_get(v, "invitation")) return true;
  if (!userid) return fail(l->err, "a collaborator without a user");
  if (!*id && store_int(l->db, id, "SELECT id FROM users WHERE userid = ?",
                        "t", userid))
    return true;
  if (!*id) *id = store_new_id(l->db);
  return store_run(l->db, "INSERT OR IGNORE INTO users(id, userid,"
                   " friendly_name, place) VALUES"
                   " (?,?,?,(SELECT count(*) + 1 FROM users))", "itt", *id,
                   userid, text_or(user, "friendly_name", userid));
}

static bool load_collaborator(struct load *l, const struct json *v,
                              int64_t number) {
  ws_buffer roles = { 0 };
  int64_t user;
  bool ok;
  (void)number;
  ok = find_user(l, v, &user) &&
       resolve_all(l, json_get(v, "space_role_ids"), by_role, l->space,
                   "space role", &roles) &&
       store_run(l->db, "INSERT INTO collaborators VALUES (?,?,?,?,?,?,?)",
                 "iirtttb", id_or_new(l, v), l->space, user,
                 text_or(v, "role", "editor"), ws_buffer_cstring(&roles),
                 json_or(l, v, "invitation", NULL),
                 (int)flag_of(v, "can_act_as_admin"));
  ws_buffer_free(&roles);
  return ok;
}

static bool load_release_stage(struct load *l, const struct json *v,
                               int64_t number) {
  (void)number;
  if (!need(l, v, "story_id", "a release's stage")) return false;
  return store_run(l->db, "INSERT INTO release_stages VALUES (?,?,?,?,?)",
                   "iirtt", l->release, id_of(v, "story_id"),
                   id_of(v, "workflow_stage_id"), text_of(v, "due_date"),
                   text_or(v, "created_at", l->now));
}

static bool load_release(struct load *l, const struct json *v,
                         int64_t number) {
  (void)number;
  if (!need(l, v, "name", "a release")) return false;
  l->release = id_or_new(l, v);
  return store_run(l->db, "INSERT INTO releases VALUES (?,?,?,?,?,?,?,?,?)",
                   "iittbtttr", l->release, l->space, text_of(v, "name"),
                   text_of(v, "release_at"), (int)flag_of(v, "released"),
                   text_of(v, "uuid"), text_of(v, "timezone"),
                   json_or(l, v, "branches_to_deploy", "[]"),
                   id_of(v, "owner_id")) &&
         each(l, json_get(v, "stages"), release_stage_fields,
              "field of a release's stage", load_release_stage);
}

/* --- workflows -------------------------------------------------------- */

static const char by_color[] =
  "SELECT id FROM stages WHERE color = ? AND workflow_id = ?";

/* Stages are referred to by name: no two of a workflow share one. */
static bool check_name(struct load *l, const struct json *v) {
  int64_t other;
  if (!store_int(l->db, &other, by_stage, "ti", text_of(v, "name"),
                 l->workflow))
    return true;
  return fail(l->err, "workflow '%s' has two stages '%s'", l->workflow_name,
              text_of(v, "name"));
}

/* A workflow has one default stage at the most. */
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

/* The first pass. A stage without a colour gets one in the second. */
static bool load_stage(struct load *l, const struct json *v,
                       int64_t number) {
  const struct json *position = json_get(v, "position");
  int64_t id = id_or_new(l, v);
  bool ok;
  if (!need(l, v, "name", "a stage") || !check_name(l, v)) return false;
  ok = store_run(l->db, "INSERT INTO stages(id, space_id, workflow_id,"
                 " name, color, position) VALUES (?,?,?,?,?,?)", "iiitti",
                 id, l->space, l->workflow, text_of(v, "name"),
                 text_of(v, "color"),
                 position ? position->integer : number);
  if (ok) stage_defaults(l->db, id, v);
  return ok;
}

/* A colour by the stage's number; the next one where it has been given. */
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
  bool ok = resolve_all(l, list, sql, within, what, &ids);
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
    return set_list(l, id, v, v->key, by_stage, l->workflow, "stage");
  if (strcmp(v->key, "space_role_ids") == 0)
    return set_list(l, id, v, v->key, by_role, l->space, "space role");
  if (strcmp(v->key, "user_ids") == 0)
    return set_list(l, id, v, v->key, by_user, 1, "user");
  if (strcmp(v->key, "after_publish_id") == 0) {
    if (v->type == JSON_NULL) return true;
    if (!resolve(l, v, by_stage, l->workflow, "stage", &stage)) return false;
    return store_run(l->db, "UPDATE stages SET after_publish_id = ?"
                     " WHERE id = ?", "ii", stage, id);
  }
  if (strcmp(v->key, "color") == 0 && v->type != JSON_TEXT) return true;
  if (strcmp(v->key, "id") != 0) stage_set(l->db, id, v->key, v);
  return true;
}

/* True if a stage is to be given a colour: it has none, and null is one. */
static bool lacks_color(const struct json *stage) {
  const struct json *color = json_get(stage, "color");
  return !color || (color->type == JSON_TEXT && !color->len);
}

/* The second pass: all stages are there and can be referred to by name. */
static bool finish_stage(struct load *l, const struct json *v,
                         int64_t number) {
  const struct json *member;
  int64_t id = id_of(v, "id");
  if (!id) store_int(l->db, &id, by_stage, "ti", text_of(v, "name"),
                     l->workflow);
  for (member = v->child; member; member = member->next)
    if (!set_member(l, id, member)) return false;
  if (lacks_color(v)) hand_out_color(l, id, number);
  return true;
}

/* A space has one default workflow, and never two. */
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
  if (!need(l, v, "name", "a workflow") || !check_default(l, v))
    return false;
  l->workflow = id_or_new(l, v);
  l->workflow_name = text_of(v, "name");
  return store_run(l->db, "INSERT INTO workflows VALUES (?,?,?,?,?)",
                   "iittb", l->workflow, l->space, l->workflow_name,
                   json_or(l, v, "content_types", "[]"),
                   (int)flag_of(v, "is_default")) &&
         each(l, stages, loaded_stage_fields, "field of a stage",
              load_stage) &&
         check_default_stage(l, v) &&
         each(l, stages, loaded_stage_fields, "field of a stage",
              finish_stage);
}

/* --- stories ---------------------------------------------------------- */

/* By name, in the workflow that is named or else the first that has it. */
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
  const char *since = text_or(at, "created_at", stage ? l->earlier : NULL);
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
                   text_or(v, "name", text_of(v, "full_slug")),
                   text_of(v, "full_slug"), story_uuid(l, v, id),
                   (int)flag_of(v, "is_folder"),
                   (int)flag_of(v, "published"), type,
                   json_or(l, v, "content", "{}"),
                   json_or(l, v, "tag_list", "[]"),
                   json_or(l, v, "user_ids", "[]"),
                   json_or(l, v, "space_role_ids", "[]"),
                   json_or(l, v, "release_ids", "[]"),
                   text_or(v, "created_at", l->now),
                   text_or(v, "updated_at", l->now),
                   text_of(v, "published_at"), stage,
                   text_of(at, "due_date"), since,
                   text_of(v, "deleted_at"), text_of(v, "path"),
                   (int)flag_of(v, "is_startpage"),
                   (int)flag_of(v, "pinned"),
                   (int)flag_of(v, "unpublished_changes"),
                   id_of(v, "last_author_id"), text_of(v, "publish_at"),
                   text_of(v, "schedule_status"),
                   json_or(l, v, "favourites", "[]"), id_of(v, "position"));
}

static bool load_story(struct load *l, const struct json *v,
                       int64_t number) {
  const struct json *content = json_get(v, "content");
  int64_t id = id_or_new(l, v), stage;
  (void)number;
  if (!need(l, v, "full_slug", "a story")) return false;
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
  if (!need(l, v, "story_id", "a change")) return false;
  return store_run(l->db,
                   "INSERT INTO changes VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                   "iiirrittrbtt", id_or_new(l, v), l->space,
                   id_of(v, "story_id"), id_of(v, "workflow_stage_id"),
                   id_of(v, "workflow_id"), id_of(v, "user_id"),
                   text_of(v, "due_date"), text_or(v, "created_at", l->now),
                   id_of(v, "release_id"), (int)flag_of(v, "notify"),
                   json_or(l, v, "comment", NULL),
                   json_or(l, v, "assign", NULL));
}

static bool load_space(struct load *l, const struct json *v,
                       int64_t number) {
  int64_t id = id_of(v, "id");
  if (!id && number > 1)
    return fail(l->err, "the second space and later ones need an 'id'");
  if (id && !space_id_valid(id))
    return fail(l->err, "the space's id %lld is in no region's range",
                (long long)id);
  l->space = id ? id : DEFAULT_SPACE;
  store_run(l->db, "INSERT INTO spaces VALUES (?,?,?,?,?)", "itrti",
            l->space, text_or(v, "name", "Space"), id_of(v, "owner_id"),
            text_or(v, "plan", "growth"),
            json_get(v, "plan_level") ? id_of(v, "plan_level") : 400);
  return each(l, json_get(v, "space_roles"), role_fields,
              "field of a space role", load_role) &&
         each(l, json_get(v, "collaborators"), collaborator_fields,
              "field of a collaborator", load_collaborator) &&
         each(l, json_get(v, "releases"), release_fields,
              "field of a release", load_release) &&
         each(l, json_get(v, "workflows"), workflow_fields,
              "field of a workflow", load_workflow) &&
         each(l, json_get(v, "stories"), story_fields, "field of a story",
              load_story) &&
         each(l, json_get(v, "workflow_stage_changes"), change_fields,
              "field of a change", load_change);
}

/* --- Kantata ---------------------------------------------------------- */

static bool load_k_user(struct load *l, const struct json *v,
                        int64_t number) {
  if (!need(l, v, "full_name", "a user")) return false;
  return store_run(l->db, "INSERT INTO k_users VALUES (?,?,?,?,?,?)",
                   "itttti", id_or_new(l, v), text_of(v, "full_name"),
                   text_or(v, "email_address", ""), text_of(v, "headline"),
                   text_of(v, "photo_path"), number);
}

static bool check_status(struct load *l, int64_t key) {
  int64_t found;
  if (store_int(l->db, &found, "SELECT 1 FROM statuses WHERE key = ?", "i",
                key))
    return true;
  return fail(l->err, "unknown status key %lld", (long long)key);
}

static bool load_k_workspace(struct load *l, const struct json *v,
                             int64_t number) {
  int64_t key = id_of(v, "status_key"), id = id_of(v, "id");
  if (!need(l, v, "title", "a workspace")) return false;
  if (!key) key = 310;
  return check_status(l, key) &&
         store_run(l->db, "INSERT INTO k_workspaces VALUES"
                   " (?,?,?,?,?,?,?,?)", "itbittbt", id ? id : number,
                   text_of(v, "title"),
                   (int)flag_of(v, "archived"), key,
                   text_or(v, "created_at", l->now),
                   text_or(v, "updated_at", l->now),
                   (int)flag_of(v, "status_hidden"),
                   json_or(l, v, "attributes", "{}"));
}

static bool load_k_change(struct load *l, const struct json *v,
                          int64_t number) {
  const char *at = text_or(v, "created_at", l->now);
  (void)number;
  if (!need(l, v, "workspace_id", "a status change") ||
      !need(l, v, "to_status_key", "a status change"))
    return false;
  return check_status(l, id_of(v, "to_status_key")) &&
         store_run(l->db, "INSERT INTO k_changes VALUES (?,?,?,?,?,?,?)",
                   "iiiritt", id_or_new(l, v), id_of(v, "workspace_id"),
                   id_of(v, "user_id"), id_of(v, "from_status_key"),
                   id_of(v, "to_status_key"), at,
                   text_or(v, "updated_at", at));
}

static bool load_kantata(struct load *l, const struct json *v) {
  const struct json *key = json_get(v, "disabled_statuses");
  if (!v) return true;
  if (!fields_check(kantata_fields, v, "field of kantata", l->err))
    return false;
  for (key = key ? key->child : NULL; key; key = key->next)
    if (!check_status(l, key->integer) ||
        !store_run(l->db, "INSERT OR IGNORE INTO k_disabled VALUES (?)", "i",
                   key->integer))
      return false;
  return each(l, json_get(v, "users"), k_user_fields, "field of a user",
              load_k_user) &&
         each(l, json_get(v, "workspaces"), k_workspace_fields,
              "field of a workspace", load_k_workspace) &&
         each(l, json_get(v, "workspace_status_changes"), k_change_fields,
              "field of a status change", load_k_change);
}

/* --- the whole -------------------------------------------------------- */

bool is_snapshot(const struct json *v) {
  return json_get(v, "spaces") || json_get(v, "kantata");
}

void snapshot_clear(struct sandbox *s) {
  static const char *const statements[] = {
    "DELETE FROM spaces", "DELETE FROM users", "DELETE FROM roles",
    "DELETE FROM collaborators", "DELETE FROM releases",
    "DELETE FROM release_stages",
    "DELETE FROM workflows", "DELETE FROM stages", "DELETE FROM stories",
    "DELETE FROM changes", "DELETE FROM k_users",
    "DELETE FROM k_workspaces", "DELETE FROM k_changes",
    "DELETE FROM k_disabled",
  };
  size_t i;
  for (i = 0; i < sizeof statements / sizeof *statements; i++)
    store_run(s->db, statements[i], "");
}

static bool load_all(struct load *l, const struct json *snapshot) {
  return fields_check(top_fields, snapshot, "field of a snapshot", l->err) &&
         each(l, json_get(snapshot, "users"), user_fields,
              "field of a user", load_user) &&
         each(l, json_get(snapshot, "spaces"), space_fields,
              "field of a space", load_space) &&
         load_kantata(l, json_get(snapshot, "kantata"));
}

/* Runs when the users of tokens exist: a collaborator may be one of them. */
static bool check_collaborators(struct load *l) {
  int64_t id;
  if (!store_int(l->db, &id, "SELECT user_id FROM collaborators WHERE"
                 " user_id IS NOT NULL AND user_id NOT IN (SELECT id FROM"
                 " users)",
                 ""))
    return true;
  return fail(l->err, "a collaborator has the unknown user_id %lld",
              (long long)id);
}

/* Gives changes without a user to the first one. */
static void assign_changes(struct sandbox *s) {
  store_run(s->db, "UPDATE changes SET user_id = ? WHERE user_id = 0", "i",
            s->user);
  store_run(s->db, "UPDATE k_changes SET user_id = ? WHERE user_id = 0",
            "i", s->k_user);
}

/* Replaces the whole state, or changes nothing and says why. */
bool snapshot_load(struct sandbox *s, const struct json *snapshot,
                   ws_buffer *err) {
  struct load l = { .sandbox = s, .db = s->db, .err = err };
  bool ok;
  clock_iso(l.now, s->config.time_offset);
  clock_iso(l.earlier, s->config.time_offset - 3600);
  ws_buffer_reset(err);
  store_begin(s->db);
  snapshot_clear(s);
  ok = load_all(&l, snapshot);
  if (ok) {
    users_ensure(s);
    assign_changes(s);
    ok = check_collaborators(&l);
  }
  if (!err->size && store_failed(s->db, err)) ok = false;
  store_end(s->db, ok);
  arena_free(&l.arena);
  return ok;
}
