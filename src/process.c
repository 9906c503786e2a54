/*
** What belongs to the process as a whole: its memory functions, libcurl's
** set-up, and a count of forks.
*/

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "allowance.h"
#include "engine.h"
#include "fail.h"
#include "memory.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool started;
static atomic_uint generation;
static CURLcode curl_ready;

static void after_fork(void) {
  atomic_fetch_add(&generation, 1);
  ws_share_in_child();
}

/* Through the core's functions, which count what is refused; a copy of a
** text needs nothing but room. */
static char *copy_text(const char *text) {
  return ws_copy(text, strlen(text));
}

static void start(void) {
  atomic_store(&started, true);
  curl_ready = curl_global_init_mem(CURL_GLOBAL_DEFAULT, ws_alloc, ws_free,
                                    ws_realloc, copy_text, ws_calloc);
  pthread_atfork(ws_share_before_fork, ws_share_after_fork, after_fork);
}

/* One function of another family would be handed blocks that are not its
** own, so that they come together or not at all. */
static bool is_complete(const ws_memory *memory) {
  return memory->alloc && memory->calloc && memory->realloc &&
         memory->free && memory->strdup;
}

bool ws_init(const ws_memory *memory) {
  if (atomic_load(&started) || ws_memory_in_use()) return false;
  if (memory && !is_complete(memory)) return false;
  if (memory)
    ws_set_memory(memory->alloc, memory->calloc, memory->realloc,
                  memory->free);
  else
    ws_set_memory(NULL, NULL, NULL, NULL);
  return true;
}

bool ws_process_start(ws_error *error) {
  pthread_once(&once, start);
  if (curl_ready == CURLE_OK) return true;
  ws_fail(error, WS_NETWORK, "libcurl cannot be set up: %s",
          curl_easy_strerror(curl_ready));
  return false;
}

unsigned ws_process_generation(void) {
  return atomic_load(&generation);
}
