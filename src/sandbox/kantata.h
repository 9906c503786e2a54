/* Kantata's response format. */
#ifndef SANDBOX_KANTATA_H
#define SANDBOX_KANTATA_H

#include "filter.h"

struct answer {
  const char *kind;  /* "workspace_status_changes" or "workspaces" */
  int64_t total, page, per_page, offset;
  ws_buffer results, objects;
  int count;
};

bool answer_page(struct call *c, struct answer *a, const char *kind);
void answer_add(struct answer *a, int64_t id, const char *json);
void answer_write(struct call *c, struct answer *a, const char *users,
                  const char *workspaces);
void kantata_missing(struct call *c);
bool param_lists(const struct call *c, const char *param_name,
                 const char *name);

#define K_USER \
  "json_object('id',CAST(u.id AS TEXT),'full_name',u.full_name," \
  "'email_address',u.email_address,'headline',u.headline," \
  "'photo_path',u.photo_path)"

/* kantata_workspaces.c */
bool workspace_writable(struct call *c, int64_t id);
void workspace_sql(const struct call *c, ws_buffer *sql);

/* kantata_changes.c */
int64_t status_change_insert(struct call *c, int64_t workspace,
                             int64_t from, int64_t to);
bool status_usable(struct call *c, int64_t key, const char *field);

#endif
