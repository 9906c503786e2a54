/* Workspace status changes. */
#include "kantata.h"
#include "resources.h"

#include <stdio.h>
#include <string.h>

/* user_id and workspace_id are present only if the object is included: %d is 0
** or 1. */
#define STATUS_CHANGE \
  "SELECT h.id, json_patch(json_patch(json_object(" \
  "'id',CAST(h.id AS TEXT),'created_at',h.created_at," \
  "'updated_at',h.updated_at," \
  "'to_status_key',CAST(h.to_status_key AS TEXT)," \
  "'to_message',t.message,'to_color',t.color," \
  "'from_status_key',CAST(h.from_status_key AS TEXT)," \
  "'from_message',f.message,'from_color',f.color)," \
  " iif(%d, json_object('user_id',CAST(h.user_id AS TEXT)), '{}'))," \
  " iif(%d, json_object('workspace_id',CAST(h.workspace_id AS TEXT))," \
  " '{}')), h.user_id, h.workspace_id FROM (SELECT * FROM k_changes h WHERE "
#define STATUS_TABLES \
  ") h JOIN statuses t ON t.key = h.to_status_key" \
  " LEFT JOIN statuses f ON f.key = h.from_status_key"
static const struct field change_fields[] = {
  { "workspace_id", F_ID }, { "to_status_key", F_INT }, { NULL, 0 },
};

static const struct field no_siblings[] = { { NULL, 0 } };

/* Writes the included objects of a response, each once. */
struct included {
  ws_buffer users, workspaces;
  bool with_users, with_workspaces;
};

static void include_one(struct call *c, ws_buffer *b, const char *sql,
                        int64_t id) {
  ws_buffer key = { 0 };
  text_format(&key, "\"%lld\":", (long long)id);
  if (!key.failed && !strstr(ws_buffer_cstring(b), ws_buffer_cstring(&key))) {
    if (b->size) ws_buffer_add_text(b, ",");
    ws_buffer_add_text(b, ws_buffer_cstring(&key));
    if (!store_text(c->db, b, sql, "i", id)) ws_buffer_add_text(b, "null");
  }
  ws_buffer_free(&key);
}

static void include_workspace(struct call *c, ws_buffer *b, int64_t id) {
  ws_buffer sql = { 0 };
  ws_buffer_add_text(&sql, "SELECT ");
  workspace_sql(c, &sql);
  ws_buffer_add_text(&sql, " FROM k_workspaces w WHERE w.id = ?");
  if (!sql.failed) include_one(c, b, ws_buffer_cstring(&sql), id);
  ws_buffer_free(&sql);
}

static void add_changes(struct call *c, struct answer *a,
                        struct included *with, sqlite3_stmt *rows) {
  while (store_row(c->db, rows)) {
    answer_add(a, sqlite3_column_int64(rows, 0), column_text(rows, 1));
    if (with->with_users)
      include_one(c, &with->users, "SELECT " K_USER " FROM k_users u"
                  " WHERE u.id = ?", sqlite3_column_int64(rows, 2));
    if (with->with_workspaces)
      include_workspace(c, &with->workspaces, sqlite3_column_int64(rows, 3));
  }
}

/* Rejects names of objects that cannot be included. */
static bool check_include(struct call *c) {
  const char *list = param(c, "include");
  while (list && *list) {
    size_t len = strcspn(list, ",");
    if (!(len == 4 && strncmp(list, "user", len) == 0) &&
        !(len == 9 && strncmp(list, "workspace", len) == 0))
      problem(c, "include", "must be user or workspace");
    list += len + (list[len] == ',');
  }
  return no_problems(c, 400, SHAPE_STRING);
}

/* Responds with the changes that match a filter, in an order. */
static void answer_changes(struct call *c, struct answer *a,
                           struct filter *f, const char *way) {
  struct included with = { 0 };
  char head[1200], tail[400];
  with.with_users = param_lists(c, "include", "user");
  with.with_workspaces = param_lists(c, "include", "workspace");
  a->total = filter_count(f, "k_changes h");
  snprintf(head, sizeof head, STATUS_CHANGE, with.with_users,
           with.with_workspaces);
  snprintf(tail, sizeof tail,
           " ORDER BY h.created_at %s, h.id %s LIMIT %lld OFFSET %lld"
           STATUS_TABLES " ORDER BY h.created_at %s, h.id %s", way, way,
           (long long)a->per_page, (long long)a->offset,
           way, way);
  add_changes(c, a, &with, filter_query(f, head, tail));
  answer_write(c, a, ws_buffer_cstring(&with.users),
               ws_buffer_cstring(&with.workspaces));
  ws_buffer_free(&with.users);
  ws_buffer_free(&with.workspaces);
}

static const char *order_way(struct filter *f) {
  const char *order = param(f->c, "order");
  if (!order || strcmp(order, "created_at:desc") == 0) return "DESC";
  if (strcmp(order, "created_at:asc") == 0 ||
      strcmp(order, "created_at") == 0)
    return "ASC";
  filter_refuse(f, "order", "must be created_at:asc or created_at:desc");
  return NULL;
}

static void add_filters(struct filter *f) {
  filter_by_ids(f, "workspace_id",
                " AND h.workspace_id IN (SELECT value FROM json_each(?))");
  filter_by_ids(f, "only", " AND h.id IN (SELECT value FROM json_each(?))");
  filter_by_date(f, "created_after", " AND h.created_at > ?");
  filter_by_date(f, "created_before", " AND h.created_at < ?");
  filter_by_date(f, "updated_after", " AND h.updated_at > ?");
  filter_by_date(f, "updated_before", " AND h.updated_at < ?");
}

void status_changes_list(struct call *c) {
  struct answer a;
  struct filter f;
  const char *way;
  if (!param_given(c, "workspace_id")) {
    problem(c, "workspace_id", "is required");
    no_problems(c, 400, SHAPE_STRING);
    return;
  }
  if (!check_include(c) || !answer_page(c, &a, "workspace_status_changes"))
    return;
  filter_start(&f, c, "h.id > ?", 0);
  add_filters(&f);
  way = order_way(&f);
  if (!f.bad && way) answer_changes(c, &a, &f, way);
  filter_free(&f);
}

static void answer_one(struct call *c, int64_t id) {
  struct answer a;
  struct filter f;
  if (!answer_page(c, &a, "workspace_status_changes")) return;
  a.page = 1;
  filter_start(&f, c, "h.id = ?", id);
  answer_changes(c, &a, &f, "ASC");
  filter_free(&f);
}

void status_changes_get(struct call *c) {
  int64_t found;
  if (!check_include(c)) return;
  if (store_int(c->db, &found, "SELECT 1 FROM k_changes WHERE id = ?", "i",
                c->id))
    answer_one(c, c->id);
  else
    kantata_missing(c);
}

int64_t status_change_insert(struct call *c, int64_t workspace,
                             int64_t from, int64_t to) {
  int64_t id = store_new_id(c->db);
  store_run(c->db, "INSERT INTO k_changes(id, workspace_id, user_id,"
            " from_status_key, to_status_key, created_at, updated_at)"
            " VALUES (?,?,?,?,?,?,?)", "iiiiitt", id, workspace, c->user.id,
            from, to, c->now, c->now);
  store_run(c->db, "UPDATE k_workspaces SET status_key = ?, updated_at = ?"
            " WHERE id = ?", "iti", to, c->now, workspace);
  effect(c, R_KANTATA_CHANGE, V_CREATE);
  return id;
}

/* Checks that a status exists and is not switched off in this account. */
bool status_usable(struct call *c, int64_t key, const char *field) {
  int64_t found;
  if (!store_int(c->db, &found, "SELECT 1 FROM statuses WHERE key = ?", "i",
                 key))
    problem(c, field, "is not a known status");
  else if (store_int(c->db, &found, "SELECT 1 FROM k_disabled WHERE key = ?",
                     "i", key))
    problem(c, field, "is disabled for this account");
  return is_valid(c);
}

void status_changes_create(struct call *c) {
  const struct json *change = body_root(c, "workspace_status_change",
                                        no_siblings);
  int64_t workspace, to, from;
  if (!change || !check_include(c) ||
      !body_check(c, change_fields, change))
    return;
  workspace = id_of(change, "workspace_id");
  to = id_of(change, "to_status_key");
  if (!workspace) problem(c, "workspace_id", "is required");
  if (!to) problem(c, "to_status_key", "is required");
  if (!is_valid(c)) return;
  if (!store_int(c->db, &from, "SELECT status_key FROM k_workspaces"
                 " WHERE id = ?", "i", workspace)) {
    kantata_missing(c);
    return;
  }
  if (!workspace_writable(c, workspace)) return;
  if (!status_usable(c, to, "to_status_key")) return;
  if (from == to) {
    problem(c, "to_status_key", "Project already has specified status");
    no_problems(c, (int)c->config->same_status, SHAPE_STRING);
    return;
  }
  answer_one(c, status_change_insert(c, workspace, from, to));
}
