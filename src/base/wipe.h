#ifndef WS_WIPE_H
#define WS_WIPE_H

#include <stddef.h>
#include <string.h>

/* Overwrites a secret, so that it does not stay in freed memory. Calls memset
** through a volatile pointer, because compilers remove a plain call. */
static inline void ws_wipe(void *bytes, size_t size) {
  void *(*const volatile set)(void *, int, size_t) = memset;
  if (size) set(bytes, 0, size);
}

#endif
