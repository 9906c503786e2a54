#include "base/process.h"

#include <stdatomic.h>

static atomic_uint generation;

void ws_process_forked(void) {
  atomic_fetch_add(&generation, 1);
}

unsigned ws_process_generation(void) {
  return atomic_load(&generation);
}
