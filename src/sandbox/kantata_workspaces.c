/* Workspaces: the projects of Kantata. */
#include "kantata.h"
#include "resources.h"

#include <stdio.h>
#include <string.h>

/* Fields without a column are kept in `attributes`. */
static const struct field workspace_fields[] = {
  { "status_key", F_INT }, { "title", F_TEXT }, { "archived", F_BOOL },
  { "description", F_TEXT | F_NULL }, { "start_date", F_TEXT | F_NULL },
  { "due_date", F_TEXT | F_NULL }, { "access_level", F_TEXT },
  { "budgeted", F_BOOL }, { "currency", F_TEXT },
  { "price", F_NUMBER | F_TEXT | F_NULL },
  { "stage", F_TEXT }, { "approver_id", F_ID | F_NULL },
  { "custom_fields", F_ARRAY }, { "workspace_group_ids", F_IDS },
  { "external_reference", F_TEXT | F_NULL }, { NULL, 0 },
};

static const struct field no_siblings[] = { { NULL, 0 } };

/* Attributes that are returned only if optional_fields names them. */
static const char *const optional_fields[] = {
  "stage", "provider_lead_name", "client_lead_name", "minutes_logged",
  "total_invoiced", NULL
};

/* Returns SQL that is true if the caller may see the status of workspace w. */
static const char *sees_status(const struct call *c) {
  return c->user.client ? "0" : "NOT w.status_hidden";
}

/*
** Adds the SQL of a workspace w as JSON. A caller who may not see the status
** gets neither the status nor status_key in update_whitelist.
*/
void workspace_sql(const struct call *c, ws_buffer *sql) {
  int i;
  text_format(sql, "json_patch(json_patch(json_object("
              "'id',CAST(w.id AS TEXT),'title',w.title,"
              "'archived',json(iif(w.archived,'true','false')),"
              "'account_id','1','created_at',w.created_at,"
              "'updated_at',w.updated_at,'update_whitelist',"
              "json(iif(%s,'[\"title\",\"archived\",\"status_key\"]',"
              "'[\"title\",\"archived\"]'))), iif(%s,"
              "json_object('status',(SELECT json_object("
              "'key',CAST(t.key AS TEXT),'color',t.color,"
              "'message',t.message) FROM statuses t"
              " WHERE t.key = w.status_key)), '{}')), json_remove(w.attributes,"
              "'$.participants'", sees_status(c), sees_status(c));
  for (i = 0; optional_fields[i]; i++)
    if (!param_lists(c, "optional_fields", optional_fields[i]))
      text_format(sql, ",'$.%s'", optional_fields[i]);
  ws_buffer_add_text(sql, "))");
}

/* --- filters ----------------------------------------------------------- */

/* Filters by archived (only, include, exclude) and include_archived=true. */
static void filter_archived(struct filter *f) {
  const char *archived = param(f->c, "archived");
  int include;
  if (!param_flag(f->c, "include_archived", &include)) {
    f->bad = true;
  } else if (!archived) {
    if (include != 1) filter_sql(f, " AND NOT w.archived");
  } else if (strcmp(archived, "exclude") == 0) {
    filter_sql(f, " AND NOT w.archived");
  } else if (strcmp(archived, "only") == 0) {
    filter_sql(f, " AND w.archived");
  } else if (strcmp(archived, "include") != 0) {
    filter_refuse(f, "archived", "must be only, exclude or include");
  }
}

static void filter_times(struct filter *f) {
  filter_by_date(f, "created_after", " AND w.created_at > ?");
  filter_by_date(f, "created_before", " AND w.created_at < ?");
  filter_by_date(f, "updated_after", " AND w.updated_at > ?");
  filter_by_date(f, "updated_before", " AND w.updated_at < ?");
  filter_by_text(f, "start_date_after",
                 " AND json_extract(w.attributes,'$.start_date') > ?");
  filter_by_text(f, "start_date_before",
                 " AND json_extract(w.attributes,'$.start_date') < ?");
  filter_by_text(f, "due_date_after",
                 " AND json_extract(w.attributes,'$.due_date') > ?");
  filter_by_text(f, "due_date_before",
                 " AND json_extract(w.attributes,'$.due_date') < ?");
}

/* All tokens belong to one account, whose users participate in a project unless
** `participants` lists others. */
static void filter_membership(struct filter *f) {
  int mine, participates;
  char sql[200];
  if (!param_flag(f->c, "on_my_account", &mine) ||
      !param_flag(f->c, "has_participation", &participates)) {
    f->bad = true;
    return;
  }
  if (mine == 0) filter_sql(f, " AND 0");
  if (participates < 0) return;
  snprintf(sql, sizeof sql, " AND (json_extract(w.attributes,"
           " '$.participants') IS NULL OR EXISTS (SELECT 1 FROM json_each("
           "w.attributes, '$.participants') WHERE value = %lld)) = %d",
           (long long)f->c->user.id, participates);
  filter_sql(f, sql);
}

static void filter_stage(struct filter *f) {
  const char *stage = param(f->c, "stage");
  if (!stage) return;
  if (strcmp(stage, "estimate") != 0 && strcmp(stage, "project") != 0)
    filter_refuse(f, "stage", "must be estimate or project");
  else
    filter_text(f, " AND coalesce(json_extract(w.attributes, '$.stage'),"
                " 'project') = ?", stage);
}

/* The text that is searched for words. */
#define SEARCHED \
  "lower(w.id || ' ' || w.title || ' ' || w.attributes)"

/* Terms such as status:'In Progress', with SQL for the text in quotes. */
static const struct { const char *name, *sql; } terms[] = {
  { "status:'", " AND EXISTS (SELECT 1 FROM statuses t WHERE t.key ="
                " w.status_key AND t.message = ?)" },
  { "title:'", " AND w.title = ?" },
  { "description:'", " AND json_extract(w.attributes,'$.description') = ?" },
  { "group:'", " AND EXISTS (SELECT 1 FROM json_each(w.attributes,"
               " '$.workspace_group_ids') WHERE CAST(value AS TEXT) = ?)" },
};

/* Reads one term and returns the rest of the text; NULL if it is not a term. */
static const char *add_term(struct filter *f, const char *at) {
  size_t i, len;
  for (i = 0; i < sizeof terms / sizeof *terms; i++) {
    size_t name = strlen(terms[i].name);
    if (strncmp(at, terms[i].name, name) != 0) continue;
    at += name;
    len = strcspn(at, "'");
    if (!at[len]) return NULL;
    if (i == 0 && f->c->user.client) filter_sql(f, " AND 0");
    if (i == 0) filter_sql(f, " AND NOT w.status_hidden");
    filter_text(f, terms[i].sql, arena_copy(&f->c->arena, at, len));
    return at + len + 1;
  }
  return NULL;
}

/* Filters by words and terms, separated by blanks. `only` is not searched. */
static void filter_search(struct filter *f) {
  const char *at = param(f->c, "search");
  if (!at || param_given(f->c, "only")) return;
  for (at += strspn(at, " "); *at && !f->bad; at += strspn(at, " ")) {
    const char *next = add_term(f, at);
    if (!next) {
      size_t len = strcspn(at, " ");
      filter_text(f, " AND instr(" SEARCHED ", lower(?)) > 0",
                  arena_copy(&f->c->arena, at, len));
      next = at + len;
    }
    at = next;
  }
}

/* Filters by a text at the beginning of any word of the title, ignoring
** case. */
static void filter_matching(struct filter *f) {
  filter_by_text(f, "matching", " AND instr(' ' || lower(w.title),"
                 " ' ' || lower(?)) > 0");
}

static void add_filters(struct filter *f) {
  filter_archived(f);
  filter_by_ids(f, "only", " AND w.id IN (SELECT value FROM json_each(?))");
  filter_by_ids(f, "except",
                " AND w.id NOT IN (SELECT value FROM json_each(?))");
  filter_by_ids(f, "workspace_groups", " AND EXISTS (SELECT 1 FROM"
                " json_each(w.attributes, '$.workspace_group_ids') g"
                " WHERE CAST(g.value AS INTEGER) IN"
                " (SELECT value FROM json_each(?)))");
  filter_matching(f);
  filter_times(f);
  filter_membership(f);
  filter_stage(f);
  filter_search(f);
}

/* --- order -------------------------------------------------------------- */

static const struct { const char *name, *sql; } orders[] = {
  { "updated_at", "w.updated_at" },
  { "created_at", "w.created_at" },
  { "title", "w.title" },
  { "status", "w.status_key" },
  { "start_date", "json_extract(w.attributes,'$.start_date')" },
  { "due_date", "json_extract(w.attributes,'$.due_date')" },
  { "price", "CAST(json_extract(w.attributes,'$.price') AS REAL)" },
  { "percentage_complete",
    "json_extract(w.attributes,'$.percentage_complete')" },
  { "last_viewed", "json_extract(w.attributes,'$.last_viewed')" },
  { "search", "length(w.title)" },
};

static bool find_order(struct filter *f, const char *order,
                       ws_buffer *sql) {
  size_t len = strcspn(order, ":"), i;
  bool down = strcmp(order + len, ":desc") == 0;
  for (i = 0; i < sizeof orders / sizeof *orders; i++) {
    if (strlen(orders[i].name) != len ||
        strncmp(orders[i].name, order, len) != 0)
      continue;
    if (order[len] && !down && strcmp(order + len, ":asc") != 0) break;
    text_format(sql, " ORDER BY %s %s, w.id %s", orders[i].sql,
                down ? "DESC" : "ASC", down ? "DESC" : "ASC");
    return true;
  }
  filter_refuse(f, "order", "must be a known field with :asc or :desc");
  return false;
}

/* By default the last updated ones are first, with `search` the best match. */
static bool add_order(struct filter *f, ws_buffer *sql) {
  const char *order = param(f->c, "order");
  if (!order) order = param_given(f->c, "search") ? "search"
                                                  : "updated_at:desc";
  return find_order(f, order, sql);
}

/* --- calls -------------------------------------------------------------- */

static void answer_workspaces(struct call *c, struct answer *a,
                              struct filter *f, ws_buffer *order) {
  ws_buffer head = { 0 };
  sqlite3_stmt *rows;
  a->total = filter_count(f, "k_workspaces w");
  text_format(order, " LIMIT %lld OFFSET %lld", (long long)a->per_page,
              (long long)a->offset);
  ws_buffer_add_text(&head, "SELECT w.id, ");
  workspace_sql(c, &head);
  ws_buffer_add_text(&head, " FROM k_workspaces w WHERE ");
  rows = head.failed || order->failed
         ? NULL : filter_query(f, ws_buffer_cstring(&head),
                               ws_buffer_cstring(order));
  while (store_row(c->db, rows))
    answer_add(a, sqlite3_column_int64(rows, 0), column_text(rows, 1));
  answer_write(c, a, NULL, NULL);
  ws_buffer_free(&head);
}

void workspaces_list(struct call *c) {
  ws_buffer order = { 0 };
  struct answer a;
  struct filter f;
  if (!answer_page(c, &a, "workspaces")) return;
  filter_start(&f, c, "w.id > ?", 0);
  add_filters(&f);
  if (!f.bad && add_order(&f, &order)) answer_workspaces(c, &a, &f, &order);
  ws_buffer_free(&order);
  filter_free(&f);
}

static void answer_one(struct call *c, int64_t id) {
  ws_buffer order = { 0 };
  struct answer a;
  struct filter f;
  if (!answer_page(c, &a, "workspaces")) return;
  filter_start(&f, c, "w.id = ?", id);
  answer_workspaces(c, &a, &f, &order);
  ws_buffer_free(&order);
  filter_free(&f);
}

/* Hides an archived workspace without include_archived=true. */
void workspaces_get(struct call *c) {
  int64_t archived;
  int include;
  if (!param_flag(c, "include_archived", &include)) return;
  if (store_int(c->db, &archived, "SELECT archived FROM k_workspaces"
                " WHERE id = ?", "i", c->id) && (!archived || include == 1))
    answer_one(c, c->id);
  else
    kantata_missing(c);
}

/* True if the project may be changed; by option false for an archived one. */
bool workspace_writable(struct call *c, int64_t id) {
  int64_t archived;
  store_int(c->db, &archived, "SELECT archived FROM k_workspaces"
            " WHERE id = ?", "i", id);
  if (!archived || c->config->archived_writes) return true;
  problem(c, "base", "The project is archived");
  return is_valid(c);
}

static bool may_set_status(struct call *c, const struct json *workspace) {
  int64_t hidden;
  if (!json_get(workspace, "status_key")) return true;
  store_int(c->db, &hidden, "SELECT status_hidden FROM k_workspaces"
            " WHERE id = ?", "i", c->id);
  if (!hidden && !c->user.client) return true;
  answer_error(c, 403, SHAPE_STRING, "You may not change the status");
  return false;
}

static bool has_column(const char *name) {
  return strcmp(name, "status_key") == 0 || strcmp(name, "title") == 0 ||
         strcmp(name, "archived") == 0;
}

/* Returns SQL for the value of a field as in responses: ids are strings. */
static const char *stored_form(const struct field *f) {
  if (f->types & F_IDS)
    return "(SELECT json_group_array(CAST(value AS TEXT)) FROM json_each(?))";
  if (f->types & F_ID)
    return "(SELECT json_quote(CAST(value AS TEXT)) FROM json_each(?))";
  return "?";
}

static void set_attribute(struct call *c, const struct json *v) {
  const struct field *f = field_find(workspace_fields, v->key);
  ws_buffer sql = { 0 };
  if (!f) return;
  text_format(&sql, "UPDATE k_workspaces SET attributes = json_set("
              "attributes, '$.' || ?, json(%s)) WHERE id = ?",
              stored_form(f));
  if (!sql.failed)
    store_run(c->db, ws_buffer_cstring(&sql), "tti", v->key,
              json_text(c, v), c->id);
  ws_buffer_free(&sql);
}

/* Sets all given fields except the status. */
static void set_attributes(struct call *c, const struct json *workspace) {
  const struct json *archived = json_get(workspace, "archived"), *v;
  store_run(c->db, "UPDATE k_workspaces SET title = coalesce(?, title),"
            " archived = coalesce(?, archived), updated_at = ? WHERE id = ?",
            "ttti", text_of(workspace, "title"),
            !archived ? NULL : archived->boolean ? "1" : "0", c->now, c->id);
  for (v = workspace->child; v; v = v->next)
    if (!has_column(v->key)) set_attribute(c, v);
}

/* Setting the current status is not an error here, and makes no change. */
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
  if (!workspace_writable(c, c->id) || !may_set_status(c, workspace)) return;
  key = json_get(workspace, "status_key");
  if (key && key->integer == from) key = NULL;
  if (key && !status_usable(c, key->integer, "status_key")) return;
  if (key) status_change_insert(c, c->id, from, key->integer);
  set_attributes(c, workspace);
  effect(c, R_KANTATA_WORKSPACE, V_UPDATE);
  answer_one(c, c->id);
}
