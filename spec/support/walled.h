/*
** Text followed by a page that cannot be read, so that reading past its end
** crashes.
*/

#ifndef WS_SPEC_WALLED_H
#define WS_SPEC_WALLED_H

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum { WS_WALLED_ROOM = 1 << 20 };

/* A copy, which lasts until the next one; the bytes themselves where they
** are too many for one. */
static inline const char *ws_walled(const char *bytes, size_t size) {
  static char *copy;
  if (!copy) {
    void *pages = mmap(NULL, 2 * WS_WALLED_ROOM, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return bytes;
    copy = pages;
    mprotect(copy + WS_WALLED_ROOM, WS_WALLED_ROOM, PROT_NONE);
  }
  if (size > WS_WALLED_ROOM) return bytes;
  return memcpy(copy + WS_WALLED_ROOM - size, bytes, size);
}

#endif
