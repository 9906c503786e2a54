#include "base/find.h"

#include <string.h>

const char *ws_find(const char *bytes, size_t size, const char *text) {
  size_t length = strlen(text);
  const char *end = bytes + size;
  while ((size_t)(end - bytes) >= length) {
    const char *at = memchr(bytes, *text, (size_t)(end - bytes) - length + 1);
    if (!at || memcmp(at, text, length) == 0) return at;
    bytes = at + 1;
  }
  return NULL;
}
