/* Reads the Kantata part of a snapshot. */
#include "resources.h"
#include "snapshot_load.h"

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

static bool load_k_user(struct load *l, const struct json *v,
                        int64_t number) {
  if (!load_need(l, v, "full_name", "a user")) return false;
  return store_run(l->db, "INSERT INTO k_users VALUES (?,?,?,?,?,?)",
                   "itttti", load_id(l, v), text_of(v, "full_name"),
                   load_text(v, "email_address", ""), text_of(v, "headline"),
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
  if (!load_need(l, v, "title", "a workspace")) return false;
  if (!key) key = 310;
  return check_status(l, key) &&
         store_run(l->db, "INSERT INTO k_workspaces VALUES"
                   " (?,?,?,?,?,?,?,?)", "itbittbt", id ? id : number,
                   text_of(v, "title"),
                   (int)flag_of(v, "archived"), key,
                   load_text(v, "created_at", l->now),
                   load_text(v, "updated_at", l->now),
                   (int)flag_of(v, "status_hidden"),
                   load_json(l, v, "attributes", "{}"));
}

static bool load_k_change(struct load *l, const struct json *v,
                          int64_t number) {
  const char *at = load_text(v, "created_at", l->now);
  (void)number;
  if (!load_need(l, v, "workspace_id", "a status change") ||
      !load_need(l, v, "to_status_key", "a status change"))
    return false;
  return check_status(l, id_of(v, "to_status_key")) &&
         store_run(l->db, "INSERT INTO k_changes VALUES (?,?,?,?,?,?,?)",
                   "iiiritt", load_id(l, v), id_of(v, "workspace_id"),
                   id_of(v, "user_id"), id_of(v, "from_status_key"),
                   id_of(v, "to_status_key"), at,
                   load_text(v, "updated_at", at));
}

bool load_kantata(struct load *l, const struct json *v) {
  const struct json *key = json_get(v, "disabled_statuses");
  if (!v) return true;
  if (!fields_check(kantata_fields, v, "field of kantata", l->err))
    return false;
  for (key = key ? key->child : NULL; key; key = key->next)
    if (!check_status(l, key->integer) ||
        !store_run(l->db, "INSERT OR IGNORE INTO k_disabled VALUES (?)", "i",
                   key->integer))
      return false;
  return load_each(l, json_get(v, "users"), k_user_fields, "field of a user",
                   load_k_user) &&
         load_each(l, json_get(v, "workspaces"), k_workspace_fields,
                   "field of a workspace", load_k_workspace) &&
         load_each(l, json_get(v, "workspace_status_changes"), k_change_fields,
                   "field of a status change", load_k_change);
}
