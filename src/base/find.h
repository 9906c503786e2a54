#ifndef WS_FIND_H
#define WS_FIND_H

#include <stddef.h>

/* The first occurrence of a text, which must not be empty, in `size` bytes;
** NULL if there is none. As memmem, which POSIX lacks. */
const char *ws_find(const char *bytes, size_t size, const char *text);

#endif
