/*
** Loaded before a plain interpreter, behind the sanitizer's runtime. What the
** interpreter starts (shells, servers) must run without that runtime, so the
** variable that loads it goes. And modules stay loaded at the end: a leak's
** stack in a module that is gone has no names, for us or for suppressions.
*/

#include <stdlib.h>

int dlclose(void *handle);

__attribute__((constructor)) static void forget_preload(void) {
  unsetenv("LD_PRELOAD");
}

int dlclose(void *handle) {
  (void)handle;
  return 0;
}
