/* Bodies of Rails-style form fields: a[b]=1&a[c][]=2. */
#ifndef SANDBOX_FORM_H
#define SANDBOX_FORM_H

#include "json.h"

/* Parses a form into a tree whose values are texts; NULL if memory runs out. */
const struct json *form_parse(struct arena *arena, const char *text,
                              size_t len);

#endif
