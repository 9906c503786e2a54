/*
** Reads a snapshot. Missing ids are assigned; objects with a name can be
** referred to by it. docs/sandbox.md describes the format.
*/
#include "resources.h"
#include "snapshot.h"
#include "snapshot_load.h"

static const struct field top_fields[] = {
  { "spaces", F_ARRAY }, { "users", F_ARRAY }, { "kantata", F_OBJECT },
  { NULL, 0 },
};

static const struct field space_fields[] = {
  { "id", F_ID }, { "name", F_TEXT }, { "owner_id", F_ID | F_NULL },
  { "plan", F_TEXT }, { "plan_level", F_INT }, { "workflows", F_ARRAY },
  { "stories", F_ARRAY }, { "space_roles", F_ARRAY },
  { "collaborators", F_ARRAY }, { "releases", F_ARRAY },
  { "workflow_stage_changes", F_ARRAY }, { NULL, 0 },
};

/* Checks and loads each member of a list. */
bool load_each(struct load *l, const struct json *list,
                      const struct field *fields, const char *what,
                      loader *load) {
  const struct json *v;
  int64_t number = 0;
  for (v = list ? list->child : NULL; v; v = v->next)
    if (!fields_check(fields, v, what, l->err) || !load(l, v, ++number))
      return false;
  return true;
}

int64_t load_id(struct load *l, const struct json *v) {
  int64_t id = id_of(v, "id");
  return id ? id : store_new_id(l->db);
}

const char *load_text(const struct json *v, const char *name,
                             const char *other) {
  const char *text = text_of(v, name);
  return text ? text : other;
}

bool load_need(struct load *l, const struct json *v, const char *name,
                      const char *what) {
  if (json_get(v, name)) return true;
  return fail(l->err, "%s without a '%s'", what, name);
}

/* Converts a value to JSON text; missing ones and Lua's empty table become
** `other`. */
const char *load_json(struct load *l, const struct json *v,
                             const char *name, const char *other) {
  const struct json *found = json_get(v, name);
  ws_buffer b = { 0 };
  const char *text;
  if (!found || found->type == JSON_NULL || !found->len) return other;
  json_write(&b, found);
  text = arena_keep(&l->arena, &b);
  return text ? text : other;
}

bool load_reference(struct load *l, const struct json *v, const char *sql,
                           int64_t within, const char *what, int64_t *id) {
  *id = v->integer;
  if (v->type != JSON_TEXT) return true;
  if (store_int(l->db, id, sql, "ti", v->text, within)) return true;
  return fail(l->err, "unknown %s '%s'", what, v->text);
}

/* Converts an array of ids and names to JSON text of ids, in `b`. */
bool load_references(struct load *l, const struct json *list,
                            const char *sql, int64_t within, const char *what,
                            ws_buffer *b) {
  const struct json *v;
  int64_t id;
  ws_buffer_add_text(b, "[");
  for (v = list ? list->child : NULL; v; v = v->next) {
    if (!load_reference(l, v, sql, within, what, &id)) return false;
    text_format(b, "%s%lld", v == list->child ? "" : ",", (long long)id);
  }
  ws_buffer_add_text(b, "]");
  return true;
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
            l->space, load_text(v, "name", "Space"), id_of(v, "owner_id"),
            load_text(v, "plan", "growth"),
            json_get(v, "plan_level") ? id_of(v, "plan_level") : 400);
  return load_members(l, v) && load_workflows(l, v) && load_stories(l, v);
}

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
         load_users(l, snapshot) &&
         load_each(l, json_get(snapshot, "spaces"), space_fields,
                   "field of a space", load_space) &&
         load_kantata(l, json_get(snapshot, "kantata"));
}

/* Checks the users of collaborators, once those of tokens exist, which a
** collaborator may be. */
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

/* Assigns changes without a user to the first one. */
static void assign_changes(struct sandbox *s) {
  store_run(s->db, "UPDATE changes SET user_id = ? WHERE user_id = 0", "i",
            s->user);
  store_run(s->db, "UPDATE k_changes SET user_id = ? WHERE user_id = 0",
            "i", s->k_user);
}

/* Replaces the whole state; changes nothing on error. */
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
