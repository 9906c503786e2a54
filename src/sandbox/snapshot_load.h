/*
** Loading a snapshot, shared by the files that load its parts: snapshot.c
** (the whole, and a space), snapshot_members.c, snapshot_workflows.c,
** snapshot_stories.c and snapshot_kantata.c.
*/
#ifndef SANDBOX_SNAPSHOT_LOAD_H
#define SANDBOX_SNAPSHOT_LOAD_H

#include "fields.h"
#include "inner.h"

/* The state of loading a snapshot. */
struct load {
  struct sandbox *sandbox;
  struct store *db;
  ws_buffer *err;
  struct arena arena;
  int64_t space, workflow, release;
  const char *workflow_name;
  char now[TIME_SIZE];
  char earlier[TIME_SIZE];  /* since when stories are in their stages */
};

typedef bool loader(struct load *l, const struct json *v, int64_t number);

/* Statements that find an id by a name and what it is unique in. */
#define SQL_STAGE_BY_NAME \
  "SELECT id FROM stages WHERE name = ? AND workflow_id = ?"
#define SQL_ROLE_BY_NAME \
  "SELECT id FROM roles WHERE role = ? AND space_id = ?"
#define SQL_USER_BY_NAME "SELECT id FROM users WHERE userid = ? AND ?"

bool load_each(struct load *l, const struct json *list,
               const struct field *fields, const char *what, loader *load);
int64_t load_id(struct load *l, const struct json *v);
const char *load_text(const struct json *v, const char *name,
                      const char *other);
bool load_need(struct load *l, const struct json *v, const char *name,
               const char *what);
const char *load_json(struct load *l, const struct json *v,
                      const char *name, const char *other);
bool load_reference(struct load *l, const struct json *v, const char *sql,
                    int64_t within, const char *what, int64_t *id);
bool load_references(struct load *l, const struct json *list,
                     const char *sql, int64_t within, const char *what,
                     ws_buffer *b);

/* The parts of a snapshot. `v` is the object that has them as lists. */
bool load_users(struct load *l, const struct json *v);
bool load_members(struct load *l, const struct json *v);
bool load_workflows(struct load *l, const struct json *v);
bool load_stories(struct load *l, const struct json *v);
bool load_kantata(struct load *l, const struct json *v);

#endif
