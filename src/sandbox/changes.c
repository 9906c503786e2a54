/* Workflow stage changes: the moves of stories. */
#include "filter.h"
#include "resources.h"

#include <stdio.h>
#include <string.h>

#define CHANGE \
  "json_object(" J_COLUMN(h, id) "," J_COLUMN(h, workflow_stage_id) "," \
  J_COLUMN(h, workflow_id) "," J_COLUMN(h, user_id) "," \
  J_COLUMN(h, due_date) "," J_COLUMN(h, created_at) ")"

static const struct field change_fields[] = {
  { "story_id", F_ID }, { "workflow_stage_id", F_ID | F_NULL },
  { "due_date", F_DATE | F_NULL }, { NULL, 0 },
};

static const struct field siblings[] = {
  { "release_id", F_ID | F_NULL }, { "notify", F_BOOL },
  { "comment", F_OBJECT | F_NULL }, { "assign", F_OBJECT | F_NULL },
  { NULL, 0 },
};

static const struct field comment_fields[] = {
  { "message", F_TEXT }, { NULL, 0 },
};

static const struct field assign_fields[] = {
  { "user_ids", F_IDS }, { "space_role_ids", F_IDS }, { NULL, 0 },
};

/* Responds with the changes that match a filter. Their order is undocumented,
** and therefore an option. */
static void list_story(struct call *c, struct filter *f) {
  bool newest_first = strcmp(c->config->changes_order, "newest") == 0;
  const char *way = newest_first ? "DESC" : "ASC";
  int64_t page, per_page;
  char tail[120];
  if (f->bad || !param_page(c, &page, &per_page, 25, 100)) return;
  c->total = filter_count(f, "changes h");
  c->per_page = per_page;
  snprintf(tail, sizeof tail,
           " ORDER BY h.created_at %s, h.id %s LIMIT %lld OFFSET %lld",
           way, way, (long long)per_page, (page - 1) * (long long)per_page);
  ws_buffer_add_text(&c->out, "{\"workflow_stage_changes\":[");
  filter_rows(f, "SELECT " CHANGE " FROM changes h WHERE ", tail, &c->out);
  ws_buffer_add_text(&c->out, "]}");
}

/* The reference requires with_story, the types do not: an option decides. */
void changes_list(struct call *c) {
  bool optional = strcmp(c->config->with_story, "optional") == 0;
  struct filter f;
  if (!param_given(c, "with_story") && !optional) {
    problem(c, "with_story", "is missing");
    no_problems(c, 400, SHAPE_STRING);
    return;
  }
  filter_start(&f, c, "h.space_id = ?", c->space);
  filter_by_ids(&f, "with_story",
                " AND h.story_id IN (SELECT value FROM json_each(?))");
  list_story(c, &f);
  filter_free(&f);
}

static bool listed(struct call *c, const char *json, int64_t id) {
  int64_t found;
  return store_int(c->db, &found,
                   "SELECT 1 FROM json_each(?) WHERE value = ?", "ti", json,
                   id);
}

static bool shares_role(struct call *c, const char *roles) {
  const struct json *v = c->user.space_role_ids;
  for (v = v ? v->child : NULL; v; v = v->next)
    if (listed(c, roles, v->integer)) return true;
  return false;
}

/* True if the stage's lists and flags, from its row, allow the caller. */
static bool row_allows(struct call *c, sqlite3_stmt *row) {
  bool admin = strcmp(c->user.role, "admin") == 0;
  bool editor = strcmp(c->user.role, "editor") == 0;
  const char *users = column_text(row, 3), *roles = column_text(row, 4);
  return sqlite3_column_int(row, 0) ||
         (admin && sqlite3_column_int(row, 1)) ||
         (editor && sqlite3_column_int(row, 2)) ||
         (users && listed(c, users, c->user.id)) ||
         (roles && shares_role(c, roles));
}

/*
** True if the caller may move stories out of a stage. An admin always may,
** unless the permissions are strict.
*/
bool user_may_change(struct call *c, int64_t stage) {
  const char *rule = c->config->permissions;
  sqlite3_stmt *row;
  bool may = true;
  if (!rule) return true;
  if (strcmp(rule, "admin") == 0 && strcmp(c->user.role, "admin") == 0)
    return true;
  row = store_query(c->db,
                    "SELECT allow_all_users, allow_admin_change,"
                    " allow_editor_change, user_ids, space_role_ids"
                    " FROM stages WHERE id = ?", "i", stage);
  if (store_row(c->db, row)) may = row_allows(c, row);
  if (row) sqlite3_reset(row);
  return may;
}

/*
** True if stories may move from one stage to another. They may always enter
** from another workflow, enter from no stage, and stay where they are.
*/
static bool transition_allowed(struct call *c, int64_t from, int64_t to) {
  int64_t allowed;
  if (!from || !to || from == to || !c->config->transitions) return true;
  store_int(c->db, &allowed,
            "SELECT f.workflow_id <> t.workflow_id OR"
            " (NOT f.allow_none_for_next_stages AND (f.allow_all_stages OR"
            " EXISTS (SELECT 1 FROM json_each(f.workflow_stage_ids)"
            " WHERE value = t.id)))"
            " FROM stages f, stages t WHERE f.id = ? AND t.id = ?", "ii",
            from, to);
  return allowed != 0;
}

/* Returns the stage of a story, or of its version in a release; 0 for none. */
static int64_t stage_of(struct call *c, int64_t story, int64_t release) {
  int64_t stage;
  if (!release ||
      !store_int(c->db, &stage, "SELECT workflow_stage_id FROM"
                 " release_stages WHERE story_id = ? AND release_id = ?",
                 "ii", story, release))
    store_int(c->db, &stage, "SELECT workflow_stage_id FROM stories"
              " WHERE id = ?", "i", story);
  return stage;
}

static bool move_allowed(struct call *c, int64_t story, int64_t to) {
  int64_t from = stage_of(c, story, id_of(c->body, "release_id"));
  if (from && !user_may_change(c, from)) {
    answer_error(c, 403, SHAPE_STRING,
                 "You are not allowed to change this workflow stage");
    return false;
  }
  if (transition_allowed(c, from, to)) return true;
  answer_error(c, (int)c->config->transitions, SHAPE_STRING,
               "The workflow stage does not allow to move on to this stage");
  return false;
}

/* Sets the stage of a story's version in a release, and adds the story to
** it. */
static void enter_in_release(struct call *c, int64_t story, int64_t stage,
                             const char *due_date, int64_t release) {
  store_run(c->db, "INSERT OR REPLACE INTO release_stages VALUES (?,?,?,?,?)",
            "iirtt", release, story, stage, due_date, c->now);
  store_run(c->db, "UPDATE stories SET release_ids = json_insert(release_ids,"
            " '$[#]', ?1) WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM"
            " json_each(release_ids) WHERE value = ?1)", "ii", release,
            story);
}

/*
** Moves a story into a stage (0: none) and applies the stage's effects; with a
** release, only sets the stage of the version in it.
*/
void story_enters(struct call *c, int64_t story, int64_t stage,
                  const char *due_date, int64_t release) {
  c->effects.webhooks++;
  if (release) {
    enter_in_release(c, story, stage, due_date, release);
    return;
  }
  store_run(c->db, "UPDATE stories SET workflow_stage_id = ?,"
            " stage_due_date = ?, stage_created_at = ? WHERE id = ?",
            "rtti", stage, due_date, stage ? c->now : NULL, story);
  store_run(c->db, "UPDATE stories SET user_ids = '[]',"
            " space_role_ids = '[]' WHERE id = ? AND EXISTS (SELECT 1 FROM"
            " stages WHERE id = ? AND auto_remove_assignee)", "ii", story,
            stage);
}

static void assign_story(struct call *c, int64_t story,
                         const struct json *assign) {
  const struct json *users = json_get(assign, "user_ids");
  const struct json *roles = json_get(assign, "space_role_ids");
  if (users)
    store_run(c->db, "UPDATE stories SET user_ids = ? WHERE id = ?", "ti",
              json_text(c, users), story);
  if (roles)
    store_run(c->db, "UPDATE stories SET space_role_ids = ? WHERE id = ?",
              "ti", json_text(c, roles), story);
}

static int64_t insert_change(struct call *c, int64_t story, int64_t stage,
                             const char *due_date) {
  int64_t id = store_new_id(c->db), workflow;
  store_int(c->db, &workflow, "SELECT workflow_id FROM stages WHERE id = ?",
            "i", stage);
  store_run(c->db,
            "INSERT INTO changes(id, space_id, story_id, workflow_stage_id,"
            " workflow_id, user_id, due_date, created_at, release_id,"
            " notify, comment, assign) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            "iiirrittrbtt", id, c->space, story, stage, workflow,
            c->user.id, due_date, c->now, id_of(c->body, "release_id"),
            (int)flag_of(c->body, "notify"),
            json_text(c, json_get(c->body, "comment")),
            json_text(c, json_get(c->body, "assign")));
  return id;
}

static bool check_siblings(struct call *c) {
  const struct json *comment = json_get(c->body, "comment");
  const struct json *assign = json_get(c->body, "assign");
  if (comment && comment->type == JSON_OBJECT) {
    if (!body_check(c, comment_fields, comment)) return false;
  }
  return !assign || assign->type != JSON_OBJECT ||
         body_check(c, assign_fields, assign);
}

static bool exists(struct call *c, const char *sql, int64_t id) {
  int64_t found;
  return store_int(c->db, &found, sql, "ii", id, c->space);
}

static bool check_release(struct call *c) {
  int64_t release = id_of(c->body, "release_id");
  if (release && !exists(c, "SELECT 1 FROM releases WHERE id = ?"
                         " AND space_id = ?", release))
    problem(c, "release_id", "must exist");
  return is_valid(c);
}

/* True for a change to no stage, if the option allows null. */
static bool leaves_stages(const struct call *c, const struct json *change) {
  const struct json *stage = json_get(change, "workflow_stage_id");
  return stage && stage->type == JSON_NULL &&
         strcmp(c->config->null_stage_change, "clear") == 0;
}

static bool check_required(struct call *c, const struct json *change) {
  if (!id_of(change, "story_id")) problem(c, "story_id", "can't be blank");
  if (!id_of(change, "workflow_stage_id") && !leaves_stages(c, change))
    problem(c, "workflow_stage_id", "can't be blank");
  return is_valid(c);
}

/* Checks that story and stage exist, and reads the due date. */
static bool check_change(struct call *c, const struct json *change,
                         char due_date[TIME_SIZE]) {
  const char *due = text_of(change, "due_date");
  if (!check_required(c, change) || !check_siblings(c)) return false;
  *due_date = '\0';
  if (due && !store_date(c->db, due, due_date))
    problem(c, "due_date", "is not a date");
  if (!leaves_stages(c, change) &&
      !exists(c, "SELECT 1 FROM stages WHERE id = ? AND space_id = ?",
              id_of(change, "workflow_stage_id")))
    problem(c, "workflow_stage_id", "must exist");
  if (!exists(c, "SELECT 1 FROM stories WHERE id = ? AND space_id = ?"
              " AND deleted_at IS NULL", id_of(change, "story_id"))) {
    answer_missing(c);
    return false;
  }
  return is_valid(c) && check_release(c);
}

/* Not idempotent: a POST that is sent twice makes two changes. */
void changes_create(struct call *c) {
  const struct json *change = body_root(c, "workflow_stage_change",
                                        siblings);
  char due[TIME_SIZE];
  int64_t story, stage, id;
  if (!change || !body_check(c, change_fields, change)) return;
  if (!check_change(c, change, due)) return;
  story = id_of(change, "story_id");
  stage = id_of(change, "workflow_stage_id");
  if (!move_allowed(c, story, stage)) return;
  id = insert_change(c, story, stage, *due ? due : NULL);
  story_enters(c, story, stage, *due ? due : NULL,
               id_of(c->body, "release_id"));
  assign_story(c, story, json_get(c->body, "assign"));
  if (flag_of(c->body, "notify")) c->effects.emails++;
  effect(c, R_CHANGE, V_CREATE);
  c->status = 201;
  ws_buffer_add_text(&c->out, "{\"workflow_stage_change\":");
  store_text(c->db, &c->out, "SELECT " CHANGE " FROM changes h"
             " WHERE h.id = ?", "i", id);
  ws_buffer_add_text(&c->out, "}");
}
