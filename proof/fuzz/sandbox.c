/*
** Fuzzes what the sandbox reads from its user: snapshots and faults.
*/

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sandbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sandbox *sandbox;

static char *dump(void) {
  char *text = sandbox_dump(sandbox);
  if (!text) abort();
  return text;
}

/* Checks that a loaded state is dumped unchanged from then on. */
static void check(void) {
  char *error = NULL, *first = dump(), *again;
  if (!sandbox_load(sandbox, first, strlen(first), &error)) {
    fprintf(stderr, "its own snapshot is refused: %s\n", error);
    abort();
  }
  again = dump();
  if (strcmp(first, again) != 0) {
    fprintf(stderr, "not the same: %s\nand: %s\n", first, again);
    abort();
  }
  free(first);
  free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *error = NULL;
  if (!sandbox) sandbox = sandbox_start("{}", 2, &error);
  if (!sandbox) abort();
  if (!sandbox_inject(sandbox, (const char *)data, size, &error)) free(error);
  sandbox_clear_faults(sandbox);
  if (sandbox_load(sandbox, (const char *)data, size, &error)) check();
  else free(error);
  return 0;
}
