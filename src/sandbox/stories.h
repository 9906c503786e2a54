/* Declarations that the files about stories share. */
#ifndef SANDBOX_STORIES_H
#define SANDBOX_STORIES_H

#include "filter.h"

/* SQL for the versions of stories that a call asks for: the current ones, or
** with release_id those of a release, whose stages are their own. */
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

/* The id of the folder that a story is in, or NULL. */
#define STORY_PARENT \
  "(SELECT d.id FROM stories d WHERE d.space_id = s.space_id AND" \
  " d.is_folder AND d.deleted_at IS NULL AND d.full_slug =" \
  " rtrim(rtrim(s.full_slug, replace(s.full_slug, '/', '')), '/')" \
  " AND d.full_slug <> s.full_slug LIMIT 1)"

#define STORY_SLUG \
  "replace(s.full_slug, rtrim(s.full_slug, replace(s.full_slug, '/', ''))," \
  " '')"

#endif
