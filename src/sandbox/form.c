#include "form.h"
#include "message.h"

#include <string.h>

/* Returns the member with that name; creates it as an object if it is
** missing. */
static struct json *member(struct arena *arena, struct json *parent,
                           const char *name, size_t len) {
  struct json **at = &parent->child;
  for (; *at; at = &(*at)->next)
    if (len && strlen((*at)->key) == len &&
        strncmp((*at)->key, name, len) == 0)
      return *at;
  *at = arena_alloc(arena, sizeof **at);
  if (!*at) return NULL;
  (*at)->type = JSON_OBJECT;
  (*at)->key = arena_copy(arena, name, len);
  parent->type = len ? JSON_OBJECT : JSON_ARRAY;
  parent->len++;
  return (*at)->key ? *at : NULL;
}

/* Stores one value at the path in its name. */
static bool put(struct arena *arena, struct json *root,
                const struct param *p) {
  const char *name = p->name;
  size_t len = strcspn(name, "[");
  struct json *at = member(arena, root, name, len);
  for (name += len; at && *name == '['; name += len + (name[len] == ']')) {
    name++;
    len = strcspn(name, "]");
    at = member(arena, at, name, len);
  }
  if (!at) return false;
  at->type = JSON_TEXT;
  at->text = p->value;
  at->len = strlen(p->value);
  return true;
}

const struct json *form_parse(struct arena *arena, const char *text,
                              size_t len) {
  struct json *root = arena_alloc(arena, sizeof *root);
  const char *copy = arena_copy(arena, text, len);
  const struct param *params;
  size_t count = 0, i;
  if (!root || !copy) return NULL;
  root->type = JSON_OBJECT;
  params = params_split(arena, copy, &count);
  for (i = 0; i < count; i++)
    if (!put(arena, root, &params[i])) return NULL;
  return root;
}
