/*
** Suggestions for mistyped names.
*/

#ifndef WS_NEAREST_H
#define WS_NEAREST_H

#include <stddef.h>

/* The index of the name that a mistyped one most likely means; -1 if none of
** the `count` names is near enough. Compares ASCII without regard to case,
** and takes "-" and " " for "_". */
int ws_nearest_name(const char *const names[], size_t count, const char *name,
                    size_t size);

#endif
