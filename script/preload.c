/*
** Loaded into a plain interpreter, after the sanitizer's runtime. Removes the
** variable that loads the runtime, as child processes (shells, servers) must
** run without it. Keeps modules loaded until the end, as the stack of a leak
** has no names in an unloaded module, and suppressions need them.
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
