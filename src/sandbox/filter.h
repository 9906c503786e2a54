/* Builds the WHERE clause of a list from the caller's filters. */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include "call.h"

#define MAX_VALUES 48

struct filter {
  struct call *c;
  ws_buffer where;
  struct { char type; const char *text; int64_t number; } values[MAX_VALUES];
  int count;
  bool bad;  /* an error response was written */
};

void filter_start(struct filter *f, struct call *c, const char *where,
                  int64_t number);
void filter_sql(struct filter *f, const char *sql);
void filter_text(struct filter *f, const char *sql, const char *text);
void filter_number(struct filter *f, const char *sql, int64_t number);
void filter_refuse(struct filter *f, const char *name, const char *message);
/* Each adds `sql` if the parameter `name` is given. */
void filter_by_ids(struct filter *f, const char *name, const char *sql);
void filter_by_texts(struct filter *f, const char *name, const char *sql);
void filter_by_text(struct filter *f, const char *name, const char *sql);
void filter_by_flag(struct filter *f, const char *name, const char *sql);
void filter_by_date(struct filter *f, const char *name, const char *sql);

int64_t filter_count(struct filter *f, const char *table);
sqlite3_stmt *filter_query(struct filter *f, const char *head,
                           const char *tail);
void filter_rows(struct filter *f, const char *head, const char *tail,
                 ws_buffer *out);
void filter_free(struct filter *f);

#endif
