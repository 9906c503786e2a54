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
static atomic_bool has_begun;   /* start() was called: too late for ws_init */
static atomic_bool is_ready;    /* start() has succeeded */

/* Runs in the child of a fork. */
static void in_child(void) {
  ws_process_forked();
  ws_shared_limiter_in_child();
}

/* libcurl allocates through the core's functions, because they count failed
** allocations. This is its strdup. */
static char *duplicate_text(const char *text) {
  return ws_copy(text, strlen(text));
}

/* May be called again after it failed, as memory may have run out. libcurl is
** never cleaned up: other code of the process may use it as well. */
static bool start(ws_error *error) {
  static bool has_fork_handlers;
  unsigned alloc_failures = ws_memory_failures();
  CURLcode code;
  atomic_store(&has_begun, true);
  if (!has_fork_handlers &&
      pthread_atfork(ws_shared_limiter_before_fork,
                     ws_shared_limiter_in_parent, in_child)) {
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
  return memory->alloc && memory->calloc && memory->realloc && memory->free;
}

bool ws_init(const ws_memory *memory) {
  if (atomic_load(&has_begun) || ws_memory_was_used()) return false;
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
