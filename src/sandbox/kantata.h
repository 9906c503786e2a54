/* Kantata's response format. */
#ifndef SANDBOX_KANTATA_H
#define SANDBOX_KANTATA_H

#include "filter.h"

struct answer {
  const char *kind;  /* "workspace_status_changes" or "workspaces" */
  int64_t total, page, per_page;
  struct buf results, objects;
  int count;
};

bool answer_page(struct call *c, struct answer *a, const char *kind);
void answer_add(struct answer *a, int64_t id, const char *json);
void answer_write(struct call *c, struct answer *a, const char *users,
                  const char *workspaces);
void kantata_missing(struct call *c);
bool include_asks(const struct call *c, const char *what);

/* kantata_workspaces.c, with "w" as the table */
#define WORKSPACE \
  "json_object('id',CAST(w.id AS TEXT),'title',w.title," \
  "'archived',json(iif(w.archived,'true','false'))," \
  "'created_at',w.created_at,'updated_at',w.updated_at," \
  "'status',(SELECT json_object('key',CAST(t.key AS TEXT)," \
  "'color',t.color,'message',t.message) FROM statuses t" \
  " WHERE t.key = w.status_key))"

/* kantata_changes.c */
int64_t status_change_insert(struct call *c, int64_t workspace,
                             int64_t from, int64_t to);
bool status_usable(struct call *c, int64_t key, const char *field);

#endif
