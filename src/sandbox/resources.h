/* The handlers of calls, and functions that resources share. */
#ifndef SANDBOX_RESOURCES_H
#define SANDBOX_RESOURCES_H

#include "call.h"

void stages_list(struct call *c);
void stages_get(struct call *c);
void stages_create(struct call *c);
void stages_update(struct call *c);
void stages_delete(struct call *c);

void changes_list(struct call *c);
void changes_create(struct call *c);

void workflows_list(struct call *c);
void workflows_get(struct call *c);
void workflows_create(struct call *c);
void workflows_update(struct call *c);
void workflows_delete(struct call *c);
void workflows_duplicate(struct call *c);

void stories_list(struct call *c);
void stories_get(struct call *c);
void stories_create(struct call *c);
void stories_update(struct call *c);
void stories_delete(struct call *c);
void stories_publish(struct call *c);
void stories_unpublish(struct call *c);

void members_me(struct call *c);
void members_user_info(struct call *c);
void members_spaces(struct call *c);
void members_space(struct call *c);
void members_roles(struct call *c);
void members_collaborators(struct call *c);
void members_releases(struct call *c);

void k_users_me(struct call *c);
void status_changes_list(struct call *c);
void status_changes_get(struct call *c);
void status_changes_create(struct call *c);
void workspaces_list(struct call *c);
void workspaces_get(struct call *c);
void workspaces_update(struct call *c);

/* router.c */
bool space_id_valid(int64_t id);

/* stages.c */
extern const struct field stage_fields[];
void stage_defaults(struct store *db, int64_t id, const struct json *given);
void stage_set(struct store *db, int64_t id, const char *column,
               const struct json *value);
void stage_remove(struct store *db, int64_t space, int64_t id);
int64_t stage_insert(struct call *c, int64_t workflow,
                     const struct json *attributes);
void stages_write(struct call *c, ws_buffer *b, const char *where,
                  int64_t id);
bool stage_valid(struct call *c, const struct json *attributes,
                 int64_t workflow, int64_t id);

/* stories_write.c */
void story_components(struct store *db, int64_t id,
                      const struct json *content);

/* workflows.c */
int64_t default_workflow(struct call *c);
int64_t make_default_workflow(struct store *db, int64_t space);
bool workflow_exists(struct store *db, int64_t space, int64_t id);

/* changes.c */
void story_enters(struct call *c, int64_t story, int64_t stage,
                  const char *due_date, int64_t release);
bool user_may_change(struct call *c, int64_t stage);

#endif
