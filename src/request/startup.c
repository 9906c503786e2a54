#include "request/startup.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/process.h"
#include "limit/shared_limiter.h"

#if LIBCURL_VERSION_NUM < 0x075800
#error "workstage needs libcurl 7.88 or later"
#endif

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool started, is_ready;

/* Runs in the child of a fork. */
static void after_fork(void) {
  ws_process_forked();
  ws_shared_limiter_in_child();
}

/* The strdup for libcurl, which allocates through the core's functions as
** these count failures. */
static char *duplicate_text(const char *text) {
  return ws_copy(text, strlen(text));
}

/* May be tried again after it failed, as memory may have run out. */
static bool start(ws_error *error) {
  static bool has_fork_handlers;
  unsigned alloc_failures = ws_memory_failures();
  CURLcode code;
  atomic_store(&started, true);
  if (!has_fork_handlers &&
      pthread_atfork(ws_shared_limiter_before_fork,
                     ws_shared_limiter_after_fork, after_fork)) {
    ws_fail_memory(error);
    return false;
  }
  has_fork_handlers = true;
  code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, ws_alloc, ws_free,
                              ws_realloc, duplicate_text, ws_calloc);
  if (code == CURLE_OK) return true;
  if (code == CURLE_OUT_OF_MEMORY || ws_memory_failures() != alloc_failures)
    ws_fail_memory(error);
  else
    ws_fail(error, WS_NETWORK, "cannot set up libcurl: %s",
            curl_easy_strerror(code));
  return false;
}

/* True if all functions are set. A mix of two allocators would free each
** other's blocks. */
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
  bool done = atomic_load(&is_ready);
  if (done) return true;
  pthread_mutex_lock(&guard);
  done = atomic_load(&is_ready) || start(error);
  if (done) atomic_store(&is_ready, true);
  pthread_mutex_unlock(&guard);
  return done;
}

const char *ws_libcurl_version(void) {
  return curl_version_info(CURLVERSION_NOW)->version;
}
