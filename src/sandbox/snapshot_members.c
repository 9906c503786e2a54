/* Reads the users, roles, collaborators and releases of a snapshot. */
#include "resources.h"
#include "snapshot_load.h"

static const struct field user_fields[] = {
  { "id", F_ID }, { "userid", F_TEXT }, { "friendly_name", F_TEXT },
  { "email", F_TEXT | F_NULL }, { "username", F_TEXT | F_NULL },
  { "firstname", F_TEXT | F_NULL }, { "lastname", F_TEXT | F_NULL },
  { NULL, 0 },
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

/* Reads the stages of the versions in a release. */
static const struct field release_stage_fields[] = {
  { "story_id", F_ID }, { "workflow_stage_id", F_ID | F_NULL },
  { "due_date", F_TEXT | F_NULL }, { "created_at", F_TEXT }, { NULL, 0 },
};

static bool load_user(struct load *l, const struct json *v,
                      int64_t number) {
  const char *userid = text_of(v, "userid");
  if (!load_need(l, v, "userid", "a user")) return false;
  return store_run(l->db, "INSERT INTO users(id, userid, friendly_name,"
                   " place, email, username, firstname, lastname)"
                   " VALUES (?,?,?,?,?,?,?,?)", "ittitttt",
                   load_id(l, v), userid,
                   load_text(v, "friendly_name", userid), number,
                   text_of(v, "email"), text_of(v, "username"),
                   text_of(v, "firstname"), text_of(v, "lastname"));
}

static bool load_role(struct load *l, const struct json *v,
                      int64_t number) {
  (void)number;
  if (!load_need(l, v, "role", "a space role")) return false;
  return store_run(l->db, "INSERT INTO roles VALUES (?,?,?,?,?)", "iittt",
                   load_id(l, v), l->space, text_of(v, "role"),
                   text_of(v, "subtitle"), text_of(v, "ext_id"));
}

/* Reads the user of a collaborator: an id, an e-mail address, or a table; 0 for
** an invited person, who has none. */
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
                   userid, load_text(user, "friendly_name", userid));
}

static bool load_collaborator(struct load *l, const struct json *v,
                              int64_t number) {
  ws_buffer roles = { 0 };
  int64_t user;
  bool ok;
  (void)number;
  ok = find_user(l, v, &user) &&
       load_references(l, json_get(v, "space_role_ids"), SQL_ROLE_BY_NAME,
                       l->space, "space role", &roles) &&
       store_run(l->db, "INSERT INTO collaborators VALUES (?,?,?,?,?,?,?)",
                 "iirtttb", load_id(l, v), l->space, user,
                 load_text(v, "role", "editor"), ws_buffer_cstring(&roles),
                 load_json(l, v, "invitation", NULL),
                 (int)flag_of(v, "can_act_as_admin"));
  ws_buffer_free(&roles);
  return ok;
}

static bool load_release_stage(struct load *l, const struct json *v,
                               int64_t number) {
  (void)number;
  if (!load_need(l, v, "story_id", "a release's stage")) return false;
  return store_run(l->db, "INSERT INTO release_stages VALUES (?,?,?,?,?)",
                   "iirtt", l->release, id_of(v, "story_id"),
                   id_of(v, "workflow_stage_id"), text_of(v, "due_date"),
                   load_text(v, "created_at", l->now));
}

static bool load_release(struct load *l, const struct json *v,
                         int64_t number) {
  (void)number;
  if (!load_need(l, v, "name", "a release")) return false;
  l->release = load_id(l, v);
  return store_run(l->db, "INSERT INTO releases VALUES (?,?,?,?,?,?,?,?,?)",
                   "iittbtttr", l->release, l->space, text_of(v, "name"),
                   text_of(v, "release_at"), (int)flag_of(v, "released"),
                   text_of(v, "uuid"), text_of(v, "timezone"),
                   load_json(l, v, "branches_to_deploy", "[]"),
                   id_of(v, "owner_id")) &&
         load_each(l, json_get(v, "stages"), release_stage_fields,
                   "field of a release's stage", load_release_stage);
}

bool load_users(struct load *l, const struct json *v) {
  return load_each(l, json_get(v, "users"), user_fields, "field of a user",
                   load_user);
}

/* Reads roles before collaborators, who refer to them. */
bool load_members(struct load *l, const struct json *v) {
  return load_each(l, json_get(v, "space_roles"), role_fields,
                   "field of a space role", load_role) &&
         load_each(l, json_get(v, "collaborators"), collaborator_fields,
                   "field of a collaborator", load_collaborator) &&
         load_each(l, json_get(v, "releases"), release_fields,
                   "field of a release", load_release);
}
