/*
** Fuzzes what the sandbox reads from its user: snapshots and faults.
*/

#include <stdint.h>
#include <stdlib.h>

#include "sandbox/sandbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sandbox *sandbox;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *error = NULL, *text;
  if (!sandbox) sandbox = sandbox_start("{}", 2, &error);
  if (!sandbox) abort();
  if (!sandbox_inject(sandbox, (const char *)data, size, &error)) free(error);
  sandbox_clear_faults(sandbox);
  if (!sandbox_load(sandbox, (const char *)data, size, &error)) free(error);
  text = sandbox_dump(sandbox);
  if (!text) abort();
  free(text);
  return 0;
}
