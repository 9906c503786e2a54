#include "request/startup.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/process.h"
#include "limit/shared_limiter.h"

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool started, is_ready;

static void after_fork(void) {
  ws_process_forked();
  ws_shared_limiter_in_child();
}

/* Through the core's functions, which count what is refused; a copy of a
** text needs nothing but room. */
static char *duplicate_text(const char *text) {
  return ws_copy(text, strlen(text));
}

/* What failed for want of memory may go well another time. */
static bool start(ws_error *error) {
  static bool follows_forks;
  unsigned alloc_failures = ws_memory_failures();
  CURLcode code;
  atomic_store(&started, true);
  if (!follows_forks &&
      pthread_atfork(ws_shared_limiter_before_fork,
                     ws_shared_limiter_after_fork, after_fork)) {
    ws_fail_memory(error);
    return false;
  }
  follows_forks = true;
  code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, ws_alloc, ws_free,
                              ws_realloc, duplicate_text, ws_calloc);
  if (code == CURLE_OK) return true;
  if (code == CURLE_OUT_OF_MEMORY || ws_memory_failures() != alloc_failures)
    ws_fail_memory(error);
  else
    ws_fail(error, WS_NETWORK, "libcurl cannot be set up: %s",
            curl_easy_strerror(code));
  return false;
}

/* One function of another family would be handed blocks that are not its
** own, so that they come together or not at all. */
static bool is_complete(const ws_memory *memory) {
  return memory->alloc && memory->calloc && memory->realloc &&
         memory->free && memory->strdup;
}

bool ws_init(const ws_memory *memory) {
  if (atomic_load(&started) || ws_memory_was_used()) return false;
  if (memory && !is_complete(memory)) return false;
  if (memory)
    ws_set_memory(memory->alloc, memory->calloc, memory->realloc,
                  memory->free);
  else
    ws_set_memory(NULL, NULL, NULL, NULL);
  return true;
}

bool ws_startup(ws_error *error) {
  bool well = atomic_load(&is_ready);
  if (well) return true;
  pthread_mutex_lock(&guard);
  well = atomic_load(&is_ready) || start(error);
  if (well) atomic_store(&is_ready, true);
  pthread_mutex_unlock(&guard);
  return well;
}
