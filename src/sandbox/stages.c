/* Workflow stages. */
#include "filter.h"
#include "resources.h"

#include <string.h>

#define STAGE \
  "json_object(" J_COLUMN(g, id) "," J_COLUMN(g, name) "," \
  J_COLUMN(g, color) "," J_COLUMN(g, position) "," \
  J_COLUMN(g, workflow_id) "," J_BOOL(g, is_default) "," \
  J_BOOL(g, allow_publish) "," J_BOOL(g, allow_all_stages) "," \
  J_BOOL(g, allow_admin_publish) "," J_BOOL(g, allow_all_users) "," \
  J_BOOL(g, allow_admin_change) "," J_BOOL(g, allow_editor_change) "," \
  J_BOOL(g, allow_none_for_next_stages) "," \
  J_BOOL(g, story_editing_locked) "," \
  J_BOOL(g, auto_remove_assignee) "," J_COLUMN(g, after_publish_id) "," \
  J_LIST(g, user_ids) "," J_LIST(g, space_role_ids) "," \
  J_LIST(g, workflow_stage_ids) ")"

/*
** Each is a column of the same name, except update_position and two members
** that responses may have and that belong to the service's forms.
*/
const struct field stage_fields[] = {
  { "id", F_ID }, { "name", F_TEXT }, { "color", F_TEXT | F_NULL },
  { "position", F_INT }, { "workflow_id", F_ID | F_NULL },
  { "is_default", F_BOOL },
  { "allow_publish", F_BOOL }, { "allow_all_stages", F_BOOL },
  { "allow_admin_publish", F_BOOL }, { "allow_all_users", F_BOOL },
  { "allow_admin_change", F_BOOL }, { "allow_editor_change", F_BOOL },
  { "allow_none_for_next_stages", F_BOOL },
  { "story_editing_locked", F_BOOL }, { "auto_remove_assignee", F_BOOL },
  { "after_publish_id", F_ID | F_NULL }, { "user_ids", F_IDS },
  { "space_role_ids", F_IDS }, { "workflow_stage_ids", F_IDS },
  { "update_position", F_INT | F_BOOL }, { "_new", F_BOOL | F_NULL },
  { "_destroy", F_BOOL | F_NULL }, { NULL, 0 },
};

static const struct field no_siblings[] = { { NULL, 0 } };

static void add_stage(struct call *c, ws_buffer *b, const char *json) {
  size_t len = strlen(json);
  ws_buffer_add(b, json, len - 1);
  if (c->config->extra_fields)
    ws_buffer_add_text(b, ",\"_new\":false,\"_destroy\":false");
  ws_buffer_add_text(b, "}");
}

static int add_stages(struct call *c, ws_buffer *b, sqlite3_stmt *rows) {
  int count = 0;
  while (store_row(c->db, rows)) {
    const char *json = column_text(rows, 0);
    if (count++) ws_buffer_add_text(b, ",");
    if (json) add_stage(c, b, json);
  }
  return count;
}

/* Adds the stages that match a condition with one id, in order of id. */
void stages_write(struct call *c, ws_buffer *b, const char *where,
                  int64_t id) {
  struct filter f;
  filter_start(&f, c, where, id);
  add_stages(c, b, filter_query(&f, "SELECT " STAGE " FROM stages g WHERE ",
                                " ORDER BY g.id"));
  filter_free(&f);
}

void stages_list(struct call *c) {
  struct filter f;
  filter_start(&f, c, "g.space_id = ?", c->space);
  filter_by_ids(&f, "in_workflow",
                " AND g.workflow_id IN (SELECT value FROM json_each(?))");
  filter_by_ids(&f, "by_ids",
                " AND g.id IN (SELECT value FROM json_each(?))");
  filter_by_ids(&f, "exclude_id",
                " AND g.id NOT IN (SELECT value FROM json_each(?))");
  filter_by_text(&f, "search", " AND instr(lower(g.name), lower(?)) > 0");
  if (!f.bad) {
    ws_buffer_add_text(&c->out, "{\"workflow_stages\":[");
    add_stages(c, &c->out,
               filter_query(&f, "SELECT " STAGE " FROM stages g WHERE ",
                            " ORDER BY g.id"));
    ws_buffer_add_text(&c->out, "]}");
  }
  filter_free(&f);
}

static bool stage_exists(struct call *c) {
  int64_t found;
  if (store_int(c->db, &found,
                "SELECT 1 FROM stages WHERE id = ? AND space_id = ?", "ii",
                c->id, c->space))
    return true;
  answer_missing(c);
  return false;
}

static void answer_stage(struct call *c, int status, int64_t id) {
  c->status = status;
  ws_buffer_add_text(&c->out, "{\"workflow_stage\":");
  stages_write(c, &c->out, "g.id = ?", id);
  ws_buffer_add_text(&c->out, "}");
}

void stages_get(struct call *c) {
  if (stage_exists(c)) answer_stage(c, 200, c->id);
}

/*
** True if another stage of the workflow has a name or a colour. NULL means the
** current value of the stage, which may be taken in another workflow.
*/
static bool taken(struct call *c, const char *column, const char *value,
                  int64_t workflow, int64_t id) {
  int64_t found;
  bool name = strcmp(column, "name") == 0;
  return store_int(c->db, &found,
                   name ? "SELECT 1 FROM stages WHERE workflow_id = ?1"
                          " AND id <> ?3 AND name = coalesce(?2,"
                          " (SELECT name FROM stages WHERE id = ?3))"
                        : "SELECT 1 FROM stages WHERE workflow_id = ?1"
                          " AND id <> ?3 AND color = coalesce(?2,"
                          " (SELECT color FROM stages WHERE id = ?3))",
                   "iti", workflow, value, id);
}

/* True if values of the attribute must be unique, which is an option. */
static bool is_unique(const struct call *c, const char *column) {
  return strcmp(column, "color") == 0 ? c->config->unique_colors
                                      : c->config->unique_names;
}

/* True if a name or colour is written: it is sent, or the stage moves to
** another workflow with it. */
static bool is_written(struct call *c, const char *value, int64_t workflow,
                       int64_t id) {
  int64_t same;
  return value || !store_int(c->db, &same, "SELECT 1 FROM stages WHERE"
                             " id = ? AND workflow_id = ?", "ii", id,
                             workflow);
}

/* Checks a name or a colour: required on create, not blank, and unique. */
static void check_unique(struct call *c, const struct json *attributes,
                         const char *column, int64_t workflow, int64_t id) {
  const char *value = text_of(attributes, column);
  if (value ? is_blank(value) : !id) problem(c, column, "can't be blank");
  else if (is_unique(c, column) && is_written(c, value, workflow, id) &&
           taken(c, column, value, workflow, id))
    problem(c, column, "has already been taken");
}

static void check_position(struct call *c, const struct json *attributes,
                           const char *name) {
  const struct json *v = json_get(attributes, name);
  if (v && v->type == JSON_INT && v->integer < 0)
    problem(c, name, "must not be negative");
}

static void check_listed(struct call *c, const struct json *attributes,
                         const char *name, const char *sql) {
  const struct json *list = json_get(attributes, name), *v;
  int64_t found;
  if (!list) return;
  for (v = list->type == JSON_ARRAY ? list->child : list; v;
       v = list->type == JSON_ARRAY ? v->next : NULL)
    if (v->type == JSON_INT &&
        !store_int(c->db, &found, sql, "ii", v->integer, c->space))
      problem(c, name, "is invalid");
}

/* Checks that the objects exist to which a stage refers, if the option says
** so. */
static void check_references(struct call *c, const struct json *attributes) {
  static const char *const a_stage =
    "SELECT 1 FROM stages WHERE id = ? AND space_id = ?";
  check_listed(c, attributes, "workflow_stage_ids", a_stage);
  check_listed(c, attributes, "after_publish_id", a_stage);
  check_listed(c, attributes, "space_role_ids",
               "SELECT 1 FROM roles WHERE id = ? AND space_id = ?");
  check_listed(c, attributes, "user_ids",
               "SELECT 1 FROM users WHERE id = ? AND ?");
}

/*
** Checks the attributes of a stage, except their types. `id` is 0 for a stage
** that does not exist yet.
*/
bool stage_valid(struct call *c, const struct json *attributes,
                 int64_t workflow, int64_t id) {
  check_unique(c, attributes, "name", workflow, id);
  check_unique(c, attributes, "color", workflow, id);
  check_position(c, attributes, "position");
  check_position(c, attributes, "update_position");
  if (c->config->references) check_references(c, attributes);
  return is_valid(c);
}

/* Sets one column from a checked JSON value. */
void stage_set(struct store *db, int64_t id, const char *column,
               const struct json *v) {
  ws_buffer sql = { 0 }, list = { 0 };
  sqlite3_stmt *st;
  text_format(&sql, "UPDATE stages SET %s = ? WHERE id = ?", column);
  st = sql.failed ? NULL : store_prepare(db, ws_buffer_cstring(&sql));
  if (v->type == JSON_ARRAY) json_write(&list, v);
  if (v->type == JSON_NULL) store_bind(st, 1, 't', NULL);
  else if (v->type == JSON_TEXT) store_bind(st, 1, 't', v->text);
  else if (v->type == JSON_ARRAY)
    store_bind(st, 1, 't', ws_buffer_cstring(&list));
  else if (v->type == JSON_BOOL) store_bind(st, 1, 'b', (int)v->boolean);
  else store_bind(st, 1, 'i', v->integer);
  store_bind(st, 2, 'i', id);
  while (store_row(db, st)) continue;
  ws_buffer_free(&sql);
  ws_buffer_free(&list);
}

/*
** A stage that is created without transitions allows all of them: with an empty
** list its stories could not leave it.
*/
void stage_defaults(struct store *db, int64_t id,
                    const struct json *given) {
  if (!json_get(given, "workflow_stage_ids") &&
      !json_get(given, "allow_all_stages") &&
      !json_get(given, "allow_none_for_next_stages"))
    store_run(db, "UPDATE stages SET allow_all_stages = 1 WHERE id = ?",
              "i", id);
}

static void only_default(struct call *c, int64_t workflow, int64_t id) {
  store_run(c->db, "UPDATE stages SET is_default = 0"
            " WHERE workflow_id = ? AND id <> ?", "ii", workflow, id);
}

/*
** Returns the position whose stage swaps places with this one, from
** update_position: its number or, if it is true, `position`. NULL without a
** swap.
*/
static const struct json *swap_position(const struct json *attributes) {
  const struct json *update = json_get(attributes, "update_position");
  if (!update || update->type == JSON_INT) return update;
  return update->boolean ? json_get(attributes, "position") : NULL;
}

static void change_places(struct call *c, int64_t id, int64_t workflow,
                          int64_t position) {
  store_run(c->db,
            "UPDATE stages SET position = (SELECT position FROM stages"
            " WHERE id = ?1) WHERE workflow_id = ?2 AND position = ?3"
            " AND id <> ?1", "iii", id, workflow, position);
  store_run(c->db, "UPDATE stages SET position = ? WHERE id = ?", "ii",
            position, id);
}

/* True for an attribute that is stored unchanged in a column. */
static bool is_plain(const char *name) {
  return field_find(stage_fields, name) && strcmp(name, "id") != 0 &&
         strcmp(name, "workflow_id") != 0 &&
         strcmp(name, "update_position") != 0 && name[0] != '_';
}

static void apply(struct call *c, int64_t id, int64_t workflow,
                  const struct json *attributes) {
  const struct json *place = swap_position(attributes), *v;
  for (v = attributes->child; v; v = v->next)
    if (is_plain(v->key) && !(place && strcmp(v->key, "position") == 0))
      stage_set(c->db, id, v->key, v);
  if (place) change_places(c, id, workflow, place->integer);
  if (flag_of(attributes, "is_default")) only_default(c, workflow, id);
}

/* Creates a stage from checked attributes, by default after the others. */
int64_t stage_insert(struct call *c, int64_t workflow,
                     const struct json *attributes) {
  int64_t id = store_new_id(c->db);
  store_run(c->db,
            "INSERT INTO stages(id, space_id, workflow_id, name, color,"
            " position) SELECT ?1, ?2, ?3, '', '', coalesce(max(position),"
            " 0) + 1 FROM stages WHERE workflow_id = ?3", "iii", id,
            c->space, workflow);
  stage_defaults(c->db, id, attributes);
  apply(c, id, workflow, attributes);
  effect(c, R_STAGE, V_CREATE);
  return id;
}

/*
** Accepts the members of a stage that was read and is sent back: its own `id`,
** and `_new` and `_destroy` unless they are true.
*/
static bool check_body(struct call *c, const struct json *attributes) {
  static const char *const asks[] = { "_new", "_destroy" };
  const struct json *id = json_get(attributes, "id");
  bool strict = c->config->strict;
  size_t i;
  if (id && strict && id->integer != c->id)
    problem(c, "id", "is not permitted");
  for (i = 0; i < sizeof asks / sizeof *asks; i++)
    if (strict && flag_of(attributes, asks[i]))
      problem(c, asks[i], "is not permitted");
  return is_valid(c) &&
         body_check(c, stage_fields, attributes);
}

void stages_create(struct call *c) {
  const struct json *attributes = body_root(c, "workflow_stage",
                                            no_siblings);
  int64_t workflow;
  if (!attributes || !check_body(c, attributes)) return;
  workflow = id_of(attributes, "workflow_id");
  if (!workflow) workflow = default_workflow(c);
  if (!workflow_exists(c->db, c->space, workflow)) {
    answer_missing(c);
    return;
  }
  if (stage_valid(c, attributes, workflow, 0))
    answer_stage(c, 201, stage_insert(c, workflow, attributes));
}

static void reset_left_out(struct call *c, const struct json *attributes) {
  if (strcmp(c->config->put, "reset") != 0) return;
  store_run(c->db,
            "UPDATE stages SET is_default = 0, allow_publish = 0,"
            " allow_all_stages = 0, allow_admin_publish = 1,"
            " allow_all_users = 1, allow_admin_change = 1,"
            " allow_editor_change = 1, allow_none_for_next_stages = 0,"
            " story_editing_locked = 0, auto_remove_assignee = 0,"
            " after_publish_id = NULL, user_ids = '[]',"
            " space_role_ids = '[]', workflow_stage_ids = '[]'"
            " WHERE id = ?", "i", c->id);
  stage_defaults(c->db, c->id, attributes);
}

/* False if the stage is the last one of its workflow, which cannot leave it. */
static bool may_leave(struct call *c, const char *otherwise) {
  int64_t others;
  store_int(c->db, &others,
            "SELECT count(*) FROM stages WHERE id <> ?1 AND workflow_id ="
            " (SELECT workflow_id FROM stages WHERE id = ?1)", "i", c->id);
  if (!others) answer_error(c, 422, SHAPE_STRING, otherwise);
  return others > 0;
}

/* Moves the stage to a workflow. It stays a default stage only if that one has
** none. */
static void put_into(struct call *c, int64_t workflow) {
  store_run(c->db,
            "UPDATE stages SET workflow_id = ?1, is_default = is_default AND"
            " NOT EXISTS (SELECT 1 FROM stages WHERE workflow_id = ?1"
            " AND is_default AND id <> ?2) WHERE id = ?2", "ii", workflow,
            c->id);
}

/* Finds the workflow that the stage moves to, and checks that it may. */
static bool find_target(struct call *c, const struct json *attributes,
                        int64_t *target) {
  int64_t workflow;
  store_int(c->db, &workflow, "SELECT workflow_id FROM stages WHERE id = ?",
            "i", c->id);
  *target = id_of(attributes, "workflow_id");
  if (!*target) *target = workflow;
  if (!workflow_exists(c->db, c->space, *target)) {
    answer_missing(c);
    return false;
  }
  return *target == workflow ||
         may_leave(c, "The last stage of a workflow cannot be moved");
}

void stages_update(struct call *c) {
  const struct json *attributes = body_root(c, "workflow_stage",
                                            no_siblings);
  int64_t target;
  if (!attributes || !stage_exists(c) || !check_body(c, attributes) ||
      !find_target(c, attributes, &target) ||
      !stage_valid(c, attributes, target, c->id))
    return;
  put_into(c, target);
  reset_left_out(c, attributes);
  apply(c, c->id, target, attributes);
  effect(c, R_STAGE, V_UPDATE);
  c->status = 204;
  if (c->config->update_status == 200) answer_stage(c, 200, c->id);
}

/* Deletes a stage and every reference to it; like the service, without an
** error. */
void stage_remove(struct store *db, int64_t space, int64_t id) {
  store_run(db, "UPDATE stories SET workflow_stage_id = NULL,"
            " stage_due_date = NULL, stage_created_at = NULL"
            " WHERE space_id = ? AND workflow_stage_id = ?", "ii", space, id);
  store_run(db, "DELETE FROM release_stages WHERE workflow_stage_id = ?",
            "i", id);
  store_run(db, "UPDATE changes SET workflow_stage_id = NULL"
            " WHERE workflow_stage_id = ?", "i", id);
  store_run(db, "UPDATE stages SET after_publish_id = NULL"
            " WHERE space_id = ? AND after_publish_id = ?", "ii", space, id);
  store_run(db,
            "UPDATE stages SET workflow_stage_ids ="
            " (SELECT json_group_array(value) FROM"
            " json_each(workflow_stage_ids) WHERE value <> ?2)"
            " WHERE space_id = ?1 AND EXISTS (SELECT 1 FROM"
            " json_each(workflow_stage_ids) WHERE value = ?2)", "ii", space,
            id);
  store_run(db, "DELETE FROM stages WHERE id = ?", "i", id);
}

void stages_delete(struct call *c) {
  if (!stage_exists(c) ||
      !may_leave(c, "The last stage of a workflow cannot be deleted"))
    return;
  stage_remove(c->db, c->space, c->id);
  effect(c, R_STAGE, V_DELETE);
  c->status = 204;
}
