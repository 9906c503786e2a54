/* Workflows. */
#include "filter.h"
#include "resources.h"

#include <string.h>

#define WORKFLOW \
  "json_object(" J_COLUMN(w, id) "," J_COLUMN(w, name) "," \
  J_LIST(w, content_types) "," J_BOOL(w, is_default) ")"

static const struct field create_fields[] = {
  { "name", F_TEXT }, { "content_types", F_TEXTS },
  { "workflow_stages", F_ARRAY }, { NULL, 0 },
};

static const struct field update_fields[] = {
  { "name", F_TEXT }, { "content_types", F_TEXTS },
  { "workflow_stages_attributes", F_ARRAY }, { NULL, 0 },
};

static const struct field position_fields[] = {
  { "id", F_ID }, { "position", F_INT }, { NULL, 0 },
};

static const struct field no_siblings[] = { { NULL, 0 } };

bool workflow_exists(struct store *db, int64_t space, int64_t id) {
  int64_t found;
  return store_int(db, &found, "SELECT 1 FROM workflows WHERE id = ?"
                   " AND space_id = ?", "ii", id, space);
}

static void default_stage(struct store *db, int64_t space, int64_t workflow,
                          int position, const char *name,
                          const char *color) {
  store_run(db, "INSERT INTO stages(id, space_id, workflow_id, name, color,"
            " position, is_default, allow_all_stages, allow_publish)"
            " VALUES (?,?,?,?,?,?,?,1,?)", "iiittibb", store_new_id(db),
            space, workflow, name, color, (int64_t)position,
            position == 1, position == 3);
}

int64_t make_default_workflow(struct store *db, int64_t space) {
  int64_t id = store_new_id(db);
  store_run(db, "INSERT INTO workflows(id, space_id, name, is_default)"
            " VALUES (?,?,'Default',1)", "ii", id, space);
  default_stage(db, space, id, 1, "Drafting", "#babcb6");
  default_stage(db, space, id, 2, "Reviewing", "#fbce41");
  default_stage(db, space, id, 3, "Ready to Publish", "#2db47d");
  return id;
}

/* Returns the space's default workflow; creates it if there is none. */
int64_t default_workflow(struct call *c) {
  int64_t id;
  if (store_int(c->db, &id, "SELECT id FROM workflows WHERE space_id = ?"
                " AND is_default", "i", c->space))
    return id;
  effect(c, R_WORKFLOW, V_CREATE);
  return make_default_workflow(c->db, c->space);
}

static void add_stages(struct call *c, int64_t id) {
  c->out.size--;
  ws_buffer_add_text(&c->out, ",\"workflow_stages\":[");
  stages_write(c, &c->out, "g.workflow_id = ?", id);
  ws_buffer_add_text(&c->out, "]}");
}

/* By option, the member is null instead of absent if it was not requested. */
static void add_no_stages(struct call *c) {
  if (!c->config->extra_fields) return;
  c->out.size--;
  ws_buffer_add_text(&c->out, ",\"workflow_stages\":null}");
}

static void add_workflows(struct call *c, sqlite3_stmt *rows, bool stages) {
  int count = 0;
  while (store_row(c->db, rows)) {
    const char *json = column_text(rows, 0);
    if (!json) continue;
    if (count++) ws_buffer_add_text(&c->out, ",");
    ws_buffer_add_text(&c->out, json);
    if (stages) add_stages(c, sqlite3_column_int64(rows, 1));
    else add_no_stages(c);
  }
}

/* Filters by content type. The documentation has two names for the parameter,
** one of which may have no effect. */
static void filter_type(struct filter *f, const char *name) {
  const char *known = f->c->config->content_type_filter;
  if (strcmp(known, "both") == 0 || strcmp(known, name) == 0)
    filter_by_texts(f, name,
                    " AND EXISTS (SELECT 1 FROM json_each(w.content_types) t"
                    " WHERE t.value IN (SELECT value FROM json_each(?)))");
}

static void add_filters(struct filter *f) {
  filter_by_ids(f, "by_ids", " AND w.id IN (SELECT value FROM json_each(?))");
  filter_by_ids(f, "exclude_id",
                " AND w.id NOT IN (SELECT value FROM json_each(?))");
  filter_by_flag(f, "is_default", " AND w.is_default = ?");
  filter_by_text(f, "search", " AND instr(lower(w.name), lower(?)) > 0");
  filter_type(f, "content_type");
  filter_type(f, "by_content_type");
}

void workflows_list(struct call *c) {
  struct filter f;
  int stages;
  if (!param_flag(c, "include_stages", &stages)) return;
  default_workflow(c);
  filter_start(&f, c, "w.space_id = ?", c->space);
  add_filters(&f);
  if (!f.bad) {
    ws_buffer_add_text(&c->out, "{\"workflows\":[");
    add_workflows(c, filter_query(&f, "SELECT " WORKFLOW ", w.id"
                                  " FROM workflows w WHERE ",
                                  " ORDER BY w.id"), stages == 1);
    ws_buffer_add_text(&c->out, "]}");
  }
  filter_free(&f);
}

static bool found(struct call *c) {
  if (workflow_exists(c->db, c->space, c->id)) return true;
  answer_missing(c);
  return false;
}

static void answer_workflow(struct call *c, int status, int64_t id,
                            bool stages) {
  c->status = status;
  ws_buffer_add_text(&c->out, "{\"workflow\":");
  add_workflows(c, store_query(c->db, "SELECT " WORKFLOW ", w.id FROM"
                               " workflows w WHERE w.id = ?", "i", id),
                stages);
  ws_buffer_add_text(&c->out, "}");
}

void workflows_get(struct call *c) {
  int stages;
  if (!param_flag(c, "include_stages", &stages) || !found(c)) return;
  answer_workflow(c, 200, c->id, stages == 1);
}

static void check_name(struct call *c, const struct json *workflow,
                       bool required) {
  const char *name = text_of(workflow, "name");
  if (name ? is_blank(name) : required)
    problem(c, "name", "can't be blank");
}

/* Checks that there is at least one content type, and none is blank. */
static void check_types(struct call *c, const struct json *workflow,
                        bool required) {
  const struct json *types = json_get(workflow, "content_types"), *v;
  bool blank = types ? types->len == 0 : required;
  for (v = types ? types->child : NULL; v; v = v->next)
    blank = blank || is_blank(v->text);
  if (blank) problem(c, "content_types", "can't be blank");
}

/* Rejects the attributes that a stage in a new workflow cannot have. */
static void check_new(struct call *c, const struct json *stage) {
  const struct json *workflow = json_get(stage, "workflow_id");
  if (!c->config->strict) return;
  if (json_get(stage, "id")) problem(c, "id", "is not permitted");
  if (json_get(stage, "allow_none_for_next_stages"))
    problem(c, "allow_none_for_next_stages", "is not permitted");
  if (workflow && workflow->type != JSON_NULL)
    problem(c, "workflow_id", "is not permitted");
}

static bool check_stages(struct call *c, const struct json *workflow) {
  const struct json *list = json_get(workflow, "workflow_stages"), *v;
  for (v = list ? list->child : NULL; v; v = v->next) {
    if (v->type != JSON_OBJECT) {
      problem(c, "workflow_stages", "must be objects");
      return is_valid(c);
    }
    check_new(c, v);
    if (!is_valid(c) || !body_check(c, stage_fields, v))
      return false;
  }
  return true;
}

/* Checks the body that creates a workflow or a duplicate of one. */
static bool check_body(struct call *c, const struct json *workflow) {
  return body_check(c, create_fields, workflow) && check_stages(c, workflow);
}

static int64_t insert_workflow(struct call *c, const struct json *workflow) {
  int64_t id = store_new_id(c->db);
  store_run(c->db, "INSERT INTO workflows(id, space_id, name, content_types)"
            " VALUES (?,?,?,?)", "iitt", id, c->space,
            text_of(workflow, "name"),
            json_text(c, json_get(workflow, "content_types")));
  effect(c, R_WORKFLOW, V_CREATE);
  return id;
}

static bool insert_stages(struct call *c, int64_t id,
                          const struct json *workflow) {
  const struct json *list = json_get(workflow, "workflow_stages"), *v;
  for (v = list ? list->child : NULL; v; v = v->next) {
    if (!stage_valid(c, v, id, 0)) return false;
    stage_insert(c, id, v);
  }
  return true;
}

void workflows_create(struct call *c) {
  const struct json *workflow = body_root(c, "workflow", no_siblings);
  int64_t id;
  if (!workflow || !check_body(c, workflow)) return;
  check_name(c, workflow, true);
  check_types(c, workflow, true);
  if (!is_valid(c)) return;
  id = insert_workflow(c, workflow);
  if (insert_stages(c, id, workflow))
    answer_workflow(c, 201, id, true);
}

static bool is_default(struct call *c) {
  int64_t value;
  store_int(c->db, &value, "SELECT is_default FROM workflows WHERE id = ?",
            "i", c->id);
  return value != 0;
}

static bool set_positions(struct call *c, const struct json *workflow) {
  const struct json *v = json_get(workflow, "workflow_stages_attributes");
  for (v = v ? v->child : NULL; v; v = v->next) {
    const struct json *position = json_get(v, "position");
    if (v->type != JSON_OBJECT || !id_of(v, "id") || !position) {
      problem(c, "workflow_stages_attributes", "need an id and a position");
      return is_valid(c);
    }
    if (!body_check(c, position_fields, v)) return false;
    if (position->integer < 0)
      problem(c, "workflow_stages_attributes", "must not be negative");
    store_run(c->db, "UPDATE stages SET position = ? WHERE id = ?"
              " AND workflow_id = ?", "iii", position->integer,
              id_of(v, "id"), c->id);
    if (store_changed(c->db) == 0)
      problem(c, "workflow_stages_attributes", "name an unknown stage");
  }
  return is_valid(c);
}

void workflows_update(struct call *c) {
  const struct json *workflow = body_root(c, "workflow", no_siblings);
  const struct json *types;
  if (!workflow || !found(c) || !body_check(c, update_fields, workflow))
    return;
  check_name(c, workflow, false);
  types = json_get(workflow, "content_types");
  if (!is_default(c) || (types && types->len))
    check_types(c, workflow, false);
  if (!is_valid(c) || !set_positions(c, workflow))
    return;
  store_run(c->db, "UPDATE workflows SET name = coalesce(?, name),"
            " content_types = coalesce(?, content_types) WHERE id = ?",
            "tti", text_of(workflow, "name"), json_text(c, types), c->id);
  effect(c, R_WORKFLOW, V_UPDATE);
  c->status = 204;
}

void workflows_delete(struct call *c) {
  int64_t stage;
  if (!found(c)) return;
  if (is_default(c)) {
    answer_error(c, (int)c->config->default_workflow_delete, SHAPE_STRING,
                 "The default workflow cannot be deleted");
    return;
  }
  while (store_int(c->db, &stage, "SELECT id FROM stages"
                   " WHERE workflow_id = ?", "i", c->id))
    stage_remove(c->db, c->space, stage);
  store_run(c->db, "UPDATE changes SET workflow_id = NULL"
            " WHERE space_id = ? AND workflow_id = ?", "ii", c->space,
            c->id);
  store_run(c->db, "DELETE FROM workflows WHERE id = ?", "i", c->id);
  effect(c, R_WORKFLOW, V_DELETE);
  c->status = 204;
}

/* Changes the copies' references from the originals to the copies. */
static void redirect(struct call *c, int64_t workflow) {
  store_run(c->db,
            "UPDATE stages SET after_publish_id = coalesce((SELECT copy"
            " FROM copies WHERE stage = after_publish_id), after_publish_id),"
            " workflow_stage_ids = (SELECT json_group_array(coalesce(copy,"
            " value)) FROM json_each(workflow_stage_ids)"
            " LEFT JOIN copies ON stage = value) WHERE workflow_id = ?",
            "i", workflow);
}

static void copy_stage(struct call *c, int64_t workflow, int64_t stage) {
  int64_t id = store_new_id(c->db);
  store_run(c->db,
            "INSERT INTO stages SELECT ?1, space_id, ?2, name, color,"
            " position, is_default, allow_publish, allow_all_stages,"
            " allow_admin_publish, allow_all_users, allow_admin_change,"
            " allow_editor_change, allow_none_for_next_stages,"
            " story_editing_locked, auto_remove_assignee, after_publish_id,"
            " user_ids, space_role_ids, workflow_stage_ids"
            " FROM stages WHERE id = ?3", "iii", id, workflow, stage);
  store_run(c->db, "INSERT INTO copies VALUES (?,?)", "ii", stage, id);
  effect(c, R_STAGE, V_CREATE);
}

/* Copies the stages. The table `copies` maps originals to copies for this
** call. */
static void copy_stages(struct call *c, int64_t workflow) {
  int64_t from = 0;
  store_run(c->db, "DELETE FROM copies", "");
  while (store_int(c->db, &from, "SELECT id FROM stages WHERE workflow_id"
                   " = ? AND id > ? ORDER BY id", "ii", c->id, from))
    copy_stage(c, workflow, from);
  redirect(c, workflow);
}

/* Checks that a copy has another name and none of the original's content
** types. */
static bool check_different(struct call *c, const struct json *workflow) {
  const struct json *types = json_get(workflow, "content_types");
  int64_t same;
  check_name(c, workflow, true);
  check_types(c, workflow, true);
  if (store_int(c->db, &same, "SELECT 1 FROM workflows WHERE id = ?"
                " AND name = ?", "it", c->id, text_of(workflow, "name")))
    problem(c, "name", "must be different from the original's");
  if (types &&
      store_int(c->db, &same, "SELECT 1 FROM workflows w,"
                " json_each(w.content_types) a, json_each(?) b"
                " WHERE w.id = ? AND a.value = b.value", "ti",
                json_text(c, types), c->id))
    problem(c, "content_types", "must be different from the original's");
  return is_valid(c);
}

void workflows_duplicate(struct call *c) {
  const struct json *workflow = body_root(c, "workflow", no_siblings);
  int64_t id;
  if (!workflow || !found(c) || !check_body(c, workflow) ||
      !check_different(c, workflow))
    return;
  id = insert_workflow(c, workflow);
  copy_stages(c, id);
  answer_workflow(c, 201, id, true);
}
