/*
** UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing
** above U+10FFFF.
*/

#ifndef WS_UTF8_H
#define WS_UTF8_H

#include <stddef.h>

/* The length of the character at `bytes`; 0 if it is not valid. `size` is the
** number of bytes left, at least 1. */
size_t ws_utf8_length(const char *bytes, size_t size);

/* The offset of the first byte that is not UTF-8; -1 if there is none. */
ptrdiff_t ws_utf8_find_invalid(const char *bytes, size_t size);

#endif
