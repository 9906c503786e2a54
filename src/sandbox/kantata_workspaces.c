/* Workspaces: the projects of Kantata. */
#include "kantata.h"
#include "resources.h"

#include <stdio.h>
#include <string.h>

static const struct field workspace_fields[] = {
  { "status_key", F_INT }, { "title", F_TEXT }, { "archived", F_BOOL },
  { NULL, 0 },
};

static const struct field no_siblings[] = { { NULL, 0 } };

/* archived = only, include or, by default, exclude */
static void filter_archived(struct filter *f) {
  const char *archived = param(f->c, "archived");
  if (!archived || strcmp(archived, "exclude") == 0)
    filter_sql(f, " AND w.archived = 0");
  else if (strcmp(archived, "only") == 0)
    filter_sql(f, " AND w.archived = 1");
  else if (strcmp(archived, "include") != 0)
    filter_refuse(f, "archived", "must be only, exclude or include");
}

static const char *order_sql(struct filter *f) {
  static const struct { const char *name, *sql; } orders[] = {
    { "created_at:asc", "w.created_at, w.id" },
    { "created_at:desc", "w.created_at DESC, w.id DESC" },
    { "updated_at:asc", "w.updated_at, w.id" },
    { "updated_at:desc", "w.updated_at DESC, w.id DESC" },
    { "title:asc", "w.title, w.id" },
    { "title:desc", "w.title DESC, w.id DESC" },
  };
  const char *order = param(f->c, "order");
  size_t i;
  if (!order) return "w.id";
  for (i = 0; i < sizeof orders / sizeof *orders; i++)
    if (strcmp(orders[i].name, order) == 0) return orders[i].sql;
  filter_refuse(f, "order", "must be created_at, updated_at or title,"
                " with :asc or :desc");
  return NULL;
}

static void answer_workspaces(struct call *c, struct answer *a,
                              struct filter *f, const char *order) {
  sqlite3_stmt *rows;
  char tail[160];
  a->total = filter_count(f, "k_workspaces w");
  snprintf(tail, sizeof tail, " ORDER BY %s LIMIT %lld OFFSET %lld", order,
           (long long)a->per_page, (a->page - 1) * (long long)a->per_page);
  rows = filter_query(f, "SELECT w.id, " WORKSPACE
                      " FROM k_workspaces w WHERE ", tail);
  while (store_row(c->db, rows))
    answer_add(a, sqlite3_column_int64(rows, 0), column_text(rows, 1));
  answer_write(c, a, NULL, NULL);
}

void workspaces_list(struct call *c) {
  struct answer a;
  struct filter f;
  const char *order;
  if (!answer_page(c, &a, "workspaces")) return;
  filter_start(&f, c, "w.id > ?", 0);
  filter_archived(&f);
  filter_by_ids(&f, "only", " AND w.id IN (SELECT value FROM json_each(?))");
  filter_by_text(&f, "search", " AND instr(lower(w.title), lower(?)) > 0");
  order = order_sql(&f);
  if (!f.bad && order) answer_workspaces(c, &a, &f, order);
  filter_free(&f);
}

static void answer_one(struct call *c, int64_t id) {
  struct answer a;
  struct filter f;
  if (!answer_page(c, &a, "workspaces")) return;
  a.page = 1;
  filter_start(&f, c, "w.id = ?", id);
  answer_workspaces(c, &a, &f, "w.id");
  filter_free(&f);
}

/* An archived one is hidden by the default filter, unless an option says. */
static bool visible(struct call *c) {
  const char *archived = param(c, "archived");
  int64_t hidden;
  if (!store_int(c->db, &hidden, "SELECT archived FROM k_workspaces"
                 " WHERE id = ?", "i", c->id))
    return false;
  return !hidden || c->config->archived_get == 200 ||
         (archived && strcmp(archived, "exclude") != 0);
}

void workspaces_get(struct call *c) {
  if (visible(c)) answer_one(c, c->id);
  else kantata_missing(c);
}

static void set_title_archived(struct call *c,
                               const struct json *workspace) {
  const struct json *archived = json_get(workspace, "archived");
  const char *title = text_of(workspace, "title");
  if (title)
    store_run(c->db, "UPDATE k_workspaces SET title = ?, updated_at = ?"
              " WHERE id = ?", "tti", title, c->now, c->id);
  if (archived)
    store_run(c->db, "UPDATE k_workspaces SET archived = ?, updated_at = ?"
              " WHERE id = ?", "bti", (int)archived->boolean, c->now, c->id);
}

/* The same status again is no error here, and makes no change. */
void workspaces_update(struct call *c) {
  const struct json *workspace = body_root(c, "workspace", no_siblings);
  const struct json *key;
  int64_t from;
  if (!workspace || !body_check(c, workspace_fields, workspace)) return;
  if (!store_int(c->db, &from, "SELECT status_key FROM k_workspaces"
                 " WHERE id = ?", "i", c->id)) {
    kantata_missing(c);
    return;
  }
  key = json_get(workspace, "status_key");
  if (key && key->integer == from) key = NULL;
  if (key && !status_usable(c, key->integer, "status_key")) return;
  if (key) status_change_insert(c, c->id, from, key->integer);
  set_title_archived(c, workspace);
  effect(c, R_KANTATA_WORKSPACE, V_UPDATE);
  answer_one(c, c->id);
}
