/*
** Suggestions for mistyped names.
*/

#ifndef WS_NEAREST_H
#define WS_NEAREST_H

#include <stddef.h>

/* Returns the index of the name that a mistyped one most likely means; -1 if
** none of the `count` names is near enough. A name with one mistake comes
** first, then one that has the mistyped name as a word, then one with more
** mistakes. Ignores the case of ASCII letters, and takes "-" and " " as
** "_". */
int ws_nearest_name(const char *const names[], size_t count, const char *name,
                    size_t size);

#endif
