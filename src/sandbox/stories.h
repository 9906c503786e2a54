/* Declarations that the files about stories share. */
#ifndef SANDBOX_STORIES_H
#define SANDBOX_STORIES_H

#include "filter.h"

/* SQL for the requested versions of stories: the current ones or, with
** release_id, those of a release, which have stages of their own. */
struct versions {
  char from[160];                   /* tables, with s for the story */
  const char *stage, *due, *since;  /* the stage's columns */
};

bool versions_find(struct call *c, struct versions *v);
bool is_plain_name(const char *text, size_t len);
bool story_found(struct call *c);

/* story_filter.c */
void story_filters(struct filter *f, const struct versions *v);
bool story_order(struct filter *f, ws_buffer *order);

/* story_query.c */
void filter_queries(struct filter *f);

/* SQL for the id of a story's folder, or NULL. */
#define STORY_PARENT \
  "(SELECT d.id FROM stories d WHERE d.space_id = s.space_id AND" \
  " d.is_folder AND d.deleted_at IS NULL AND d.full_slug =" \
  " rtrim(rtrim(s.full_slug, replace(s.full_slug, '/', '')), '/')" \
  " AND d.full_slug <> s.full_slug LIMIT 1)"

#define STORY_SLUG \
  "replace(s.full_slug, rtrim(s.full_slug, replace(s.full_slug, '/', ''))," \
  " '')"

#endif
