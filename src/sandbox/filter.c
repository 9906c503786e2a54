#include "filter.h"

#include <stdio.h>
#include <string.h>

void filter_start(struct filter *f, struct call *c, const char *where,
                  int64_t number) {
  memset(f, 0, sizeof *f);
  f->c = c;
  filter_number(f, where, number);
}

void filter_sql(struct filter *f, const char *sql) {
  ws_buffer_add_text(&f->where, sql);
}

void filter_refuse(struct filter *f, const char *name, const char *message) {
  if (f->bad) return;
  f->bad = true;
  problem(f->c, name, message);
  no_problems(f->c, 400, SHAPE_STRING);
}

void filter_text(struct filter *f, const char *sql, const char *text) {
  if (f->count == MAX_VALUES) {
    filter_refuse(f, "filters", "are too many");
    return;
  }
  ws_buffer_add_text(&f->where, sql);
  f->values[f->count].type = 't';
  f->values[f->count++].text = text;
}

void filter_number(struct filter *f, const char *sql, int64_t number) {
  filter_text(f, sql, NULL);
  if (f->bad) return;
  f->values[f->count - 1].type = 'i';
  f->values[f->count - 1].number = number;
}

/*
** Returns a parameter that is a list. Refuses the form name[]=1&name[]=2, which
** the services do not promise to read: ignoring it would list everything.
*/
static const char *list_param(struct filter *f, const char *name) {
  char brackets[64];
  snprintf(brackets, sizeof brackets, "%s[]", name);
  if (param(f->c, brackets))
    filter_refuse(f, name, "must be one list with commas");
  return f->bad ? NULL : param(f->c, name);
}

void filter_by_ids(struct filter *f, const char *name, const char *sql) {
  const char *text = list_param(f, name), *json;
  if (!text) return;
  json = ids_as_json(f->c, text);
  if (json) filter_text(f, sql, json);
  else filter_refuse(f, name, "must be a list of ids");
}

void filter_by_texts(struct filter *f, const char *name, const char *sql) {
  const char *text = list_param(f, name);
  if (text) filter_text(f, sql, texts_as_json(f->c, text));
}

void filter_by_text(struct filter *f, const char *name, const char *sql) {
  const char *text = param(f->c, name);
  if (text) filter_text(f, sql, text);
}

void filter_by_flag(struct filter *f, const char *name, const char *sql) {
  int flag;
  if (!param_flag(f->c, name, &flag)) f->bad = true;
  else if (flag >= 0) filter_number(f, sql, flag);
}

void filter_by_date(struct filter *f, const char *name, const char *sql) {
  const char *text = param(f->c, name);
  char date[TIME_SIZE];
  if (!text) return;
  if (store_date(f->c->db, text, date))
    filter_text(f, sql, arena_copy(&f->c->arena, date, strlen(date)));
  else
    filter_refuse(f, name, "must be an ISO 8601 date");
}

/* Prepares the query of head, filters and tail, with the filters' values
** bound. */
sqlite3_stmt *filter_query(struct filter *f, const char *head,
                           const char *tail) {
  ws_buffer sql = { 0 };
  sqlite3_stmt *st = NULL;
  int i;
  ws_buffer_add_text(&sql, head);
  ws_buffer_add_text(&sql, ws_buffer_cstring(&f->where));
  ws_buffer_add_text(&sql, tail);
  if (!sql.failed && !f->where.failed)
    st = store_prepare(f->c->db, ws_buffer_cstring(&sql));
  ws_buffer_free(&sql);
  for (i = 0; st && i < f->count; i++) {
    if (f->values[i].type == 't')
      store_bind(st, i + 1, 't', f->values[i].text);
    else
      store_bind(st, i + 1, 'i', f->values[i].number);
  }
  return st;
}

int64_t filter_count(struct filter *f, const char *table) {
  ws_buffer head = { 0 };
  sqlite3_stmt *st;
  int64_t count = 0;
  text_format(&head, "SELECT count(*) FROM %s WHERE ", table);
  st = head.failed ? NULL : filter_query(f, ws_buffer_cstring(&head), "");
  ws_buffer_free(&head);
  while (store_row(f->c->db, st)) count = sqlite3_column_int64(st, 0);
  return count;
}

/* Adds the first column of each row to `out`, separated by commas. */
void filter_rows(struct filter *f, const char *head, const char *tail,
                 ws_buffer *out) {
  sqlite3_stmt *st = filter_query(f, head, tail);
  int rows = 0;
  while (store_row(f->c->db, st)) {
    const char *text = column_text(st, 0);
    if (rows++) ws_buffer_add_text(out, ",");
    if (text) ws_buffer_add_text(out, text);
  }
}

void filter_free(struct filter *f) {
  ws_buffer_free(&f->where);
}
