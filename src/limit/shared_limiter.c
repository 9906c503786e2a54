#include "limit/shared_limiter.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/wakeup.h"
#include "limit/limit_file.h"
#include "limit/limiter.h"

/* How long a limiter is kept after its last handle was closed, because a
** script may open a client for each request. */
#define KEPT (5 * WS_SECOND)

/* A handle that is offered a turn loses it if it does not ask in this time. */
#define OFFER_EXPIRES WS_SECOND

typedef struct ws_shared_limiter ws_shared_limiter;

struct ws_shared_limiter {
  ws_shared_limiter *next;
  ws_limiter_handle *handles;
  char *key;
  unsigned generation;   /* of the process: changes with fork */
  ws_limit_file *file;   /* NULL: not shared with other processes */
  ws_time closed_at;     /* when the last handle was closed */
  ws_limiter limiter;    /* used unless there is a file */
};

struct ws_limiter_handle {
  ws_limiter_handle *next;
  ws_shared_limiter *limiter;
  double rate;           /* requests a second that this client allows; 0: any */
  int wake;              /* wakeup of the client's loop: handles with the same
                         ** one belong to one loop */
  bool waiting;          /* has asked for a turn and not got one */
  bool woken;            /* was woken since it asked */
  bool deferred;         /* lets a handle of another loop start first */
  ws_time since;         /* when its call began to wait */
  ws_time offered_at;    /* when it was offered a turn; or WS_NEVER */
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static ws_shared_limiter *limiters;

/* ---------------------------------------------------------------- forks */

void ws_shared_limiter_before_fork(void) {
  pthread_mutex_lock(&guard);
}

void ws_shared_limiter_in_parent(void) {
  pthread_mutex_unlock(&guard);
}

/* The child does not use its parent's limiters and files. */
void ws_shared_limiter_in_child(void) {
  for (ws_shared_limiter *at = limiters; at; at = at->next)
    if (at->file) ws_limit_file_abandon(at->file);
  pthread_mutex_unlock(&guard);
}

/* Locks the table. False in a forked child, where the handle is unusable; the
** table is locked there too. */
static bool lock(const ws_limiter_handle *handle) {
  pthread_mutex_lock(&guard);
  return handle->limiter->generation == ws_process_generation();
}

static void unlock(void) {
  pthread_mutex_unlock(&guard);
}

/* ------------------------------------------------------------- the table */

static ws_shared_limiter *find(const char *key) {
  ws_shared_limiter *at = limiters;
  while (at && (at->generation != ws_process_generation() ||
                strcmp(at->key, key) != 0))
    at = at->next;
  return at;
}

static ws_shared_limiter *add(const char *key) {
  ws_shared_limiter *limiter = ws_calloc(1, sizeof *limiter);
  if (!limiter) return NULL;
  limiter->key = ws_copy(key, strlen(key));
  if (!limiter->key) {
    ws_free(limiter);
    return NULL;
  }
  limiter->generation = ws_process_generation();
  ws_limiter_init(&limiter->limiter, 0);
  limiter->next = limiters;
  limiters = limiter;
  return limiter;
}

static void drop(ws_shared_limiter *limiter) {
  ws_shared_limiter **at = &limiters;
  while (*at != limiter) at = &(*at)->next;
  *at = limiter->next;
  if (limiter->file) ws_limit_file_close(limiter->file);
  ws_free(limiter->key);
  ws_free(limiter);
}

/* Sets the lowest rate of all handles; 0 if none has one. A file keeps a rate
** when its handle is closed, as other processes may use the same one. */
static void update_rate(ws_shared_limiter *limiter) {
  double lowest = 0;
  for (const ws_limiter_handle *at = limiter->handles; at; at = at->next)
    if (at->rate > 0 && (lowest <= 0 || at->rate < lowest))
      lowest = at->rate;
  if (limiter->file) ws_limit_file_lower_rate(limiter->file, lowest);
  else ws_limiter_set_rate(&limiter->limiter, lowest);
}

/* Removes limiters without a handle, unless earlier requests can still delay
** the next: at a rate of one in ten seconds, for ten seconds. */
static void remove_unused(ws_time now) {
  ws_shared_limiter *at = limiters;
  while (at) {
    ws_shared_limiter *next = at->next;
    if (!at->handles && now - at->closed_at > KEPT &&
        ws_limiter_is_idle(&at->limiter, now))
      drop(at);
    at = next;
  }
}

/* False, with `error`, if the limiter shares through another file, or none:
** all clients of a token must use the same file. */
static bool agrees(const ws_shared_limiter *limiter, const char *path,
                   ws_error *error) {
  const char *used = limiter->file ? ws_limit_file_path(limiter->file) : NULL;
  if (!path || (used && strcmp(used, path) == 0)) return true;
  ws_fail(error, WS_INVALID, "rate_limit.shared: another client of this "
          "token %s%.200s", used ? "shares through " : "does not share",
          used ? used : "");
  return false;
}

static ws_shared_limiter *find_or_add(const char *key, double rate,
                                      const char *path, ws_error *error) {
  ws_shared_limiter *limiter;
  remove_unused(ws_now());
  limiter = find(key);
  if (limiter && !limiter->handles && path) {
    drop(limiter);
    limiter = NULL;
  }
  if (limiter) return agrees(limiter, path, error) ? limiter : NULL;
  limiter = add(key);
  if (!limiter) {
    ws_fail_memory(error);
    return NULL;
  }
  if (path) limiter->file = ws_limit_file_open(path, rate, error);
  if (!path || limiter->file) return limiter;
  drop(limiter);
  return NULL;
}

/* ---------------------------------------------------------- open, close */

static bool join(ws_limiter_handle *handle, const char *key,
                 const char *path, ws_error *error) {
  handle->limiter = find_or_add(key, handle->rate, path, error);
  if (!handle->limiter) return false;
  handle->next = handle->limiter->handles;
  handle->limiter->handles = handle;
  update_rate(handle->limiter);
  return true;
}

ws_limiter_handle *ws_limit_open(const char *key, double rate,
                                 const char *path, int wake,
                                 ws_error *error) {
  ws_limiter_handle *handle = ws_calloc(1, sizeof *handle);
  bool joined;
  if (!handle) {
    ws_fail_memory(error);
    return NULL;
  }
  handle->rate = rate;
  handle->wake = wake;
  handle->offered_at = WS_NEVER;
  pthread_mutex_lock(&guard);
  joined = join(handle, key, path, error);
  pthread_mutex_unlock(&guard);
  if (joined) return handle;
  ws_free(handle);
  return NULL;
}

static void wake(ws_limiter_handle *handle) {
  ws_wakeup_signal(handle->wake);
  handle->woken = true;
}

/* Wakes the waiting handles of other loops, or only the deferred ones, because
** their turn may have become earlier. */
static void wake_others(const ws_limiter_handle *handle,
                        bool only_deferred) {
  for (ws_limiter_handle *at = handle->limiter->handles; at; at = at->next)
    if (at->waiting && !at->woken && at->wake != handle->wake &&
        (at->deferred || !only_deferred))
      wake(at);
}

void ws_limit_close(ws_limiter_handle *handle) {
  ws_shared_limiter *limiter = handle->limiter;
  ws_limiter_handle **at = &limiter->handles;
  bool is_usable = lock(handle);
  while (*at != handle) at = &(*at)->next;
  *at = handle->next;
  if (!limiter->handles) {
    limiter->closed_at = ws_now();
    if (limiter->file) drop(limiter);
  }
  else if (is_usable) {
    update_rate(limiter);
    wake_others(handle, false);
  }
  unlock();
  ws_free(handle);
}

/* ---------------------------------------------------------------- turns */

/* The handle that has waited longest, if longer than this one; NULL if this
** one is next. Skips a handle that was offered a turn and did not take it; it
** may ask again later. */
static ws_limiter_handle *find_older(const ws_limiter_handle *handle,
                                     ws_time now) {
  ws_limiter_handle *oldest = NULL;
  ws_time since = handle->since;
  for (ws_limiter_handle *at = handle->limiter->handles; at; at = at->next) {
    if (at == handle || !at->waiting || at->since >= since) continue;
    if (at->offered_at != WS_NEVER && now - at->offered_at > OFFER_EXPIRES)
      continue;
    oldest = at;
    since = at->since;
  }
  return oldest;
}

/* Offers a turn to another handle, and returns when this one may ask again.
** A handle of this loop asks in the same round; one of another loop is woken,
** and its start wakes this one. */
static ws_time offer(ws_limiter_handle *other, ws_limiter_handle *from,
                     ws_time now) {
  if (other->wake == from->wake) return now;
  from->deferred = true;
  if (other->offered_at == WS_NEVER) {
    other->offered_at = now;
    wake(other);
  }
  return other->offered_at + OFFER_EXPIRES + 1;
}

/* True if another handle than this one waits, so that the process still needs
** a turn. */
static bool has_waiting(const ws_limiter_handle *handle) {
  const ws_limiter_handle *at = handle->limiter->handles;
  while (at && !(at != handle && at->waiting)) at = at->next;
  return at != NULL;
}

static bool start_by_file(ws_limiter_handle *handle, const ws_turn *turn,
                          ws_reservation *reservation, ws_time *at,
                          ws_error *error) {
  return ws_limit_file_start(handle->limiter->file, turn->now, turn->group,
                             turn->more || has_waiting(handle),
                             turn->patience, reservation, at, error);
}

static bool start_alone(const ws_limiter_handle *handle, const ws_turn *turn,
                        ws_reservation *reservation, ws_time *at) {
  ws_limiter *limiter = &handle->limiter->limiter;
  *at = ws_limiter_next_start(limiter, turn->now);
  if (*at <= turn->now)
    *reservation = ws_limiter_start(limiter, turn->now, turn->group);
  return true;
}

/* The time of the process's turn, as far as known without reading the file. */
static ws_time next_turn(const ws_limiter_handle *handle, ws_time now) {
  ws_shared_limiter *limiter = handle->limiter;
  return limiter->file ? ws_limit_file_next_turn(limiter->file)
                       : ws_limiter_next_start(&limiter->limiter, now);
}

static bool take_turn(ws_limiter_handle *handle, const ws_turn *turn,
                      ws_reservation *reservation, ws_time *at,
                      ws_error *error) {
  ws_limiter_handle *older = find_older(handle, turn->now);
  if (older) {
    *at = next_turn(handle, turn->now);
    if (*at <= turn->now) *at = offer(older, handle, turn->now);
    return true;
  }
  return handle->limiter->file
           ? start_by_file(handle, turn, reservation, at, error)
           : start_alone(handle, turn, reservation, at);
}

/* The handle waits no more, so those that let it start first may ask again. */
static void end_wait(ws_limiter_handle *handle) {
  handle->waiting = false;
  handle->offered_at = WS_NEVER;
  wake_others(handle, true);
}

bool ws_limit_start(ws_limiter_handle *handle, const ws_turn *turn,
                    ws_reservation *reservation, ws_time *at,
                    ws_error *error) {
  bool good = true;
  *reservation = 0;
  *at = WS_NEVER;
  if (lock(handle)) {
    handle->woken = handle->deferred = false;
    handle->since = turn->since;
    good = take_turn(handle, turn, reservation, at, error);
    handle->waiting = good && *reservation == 0;
    if (!handle->waiting) end_wait(handle);
  }
  unlock();
  return good;
}

ws_time ws_limit_stop_waiting(ws_limiter_handle *handle, ws_time now) {
  ws_limit_file *file = handle->limiter->file;
  bool was_waiting = handle->waiting;   /* only its own loop changes that */
  ws_time due = WS_NEVER;
  if (!was_waiting && !file) return WS_NEVER;
  if (lock(handle)) {
    end_wait(handle);
    if (file) due = ws_limit_file_flush(file, now);
    if (file && !has_waiting(handle)) ws_limit_file_leave(file, now);
    if (was_waiting && has_waiting(handle)) due = now;
  }
  unlock();
  return due;
}

bool ws_limit_is_locked(const ws_limiter_handle *handle) {
  bool is_locked = lock(handle) && handle->limiter->file &&
                   ws_limit_file_is_busy(handle->limiter->file);
  unlock();
  return is_locked;
}

/* ----------------------------------------------------------------- ends */

/* If the end cannot be written now, this handle's loop tries again. */
static void record_end(ws_limiter_handle *handle, ws_reservation reservation,
                       ws_time now, const ws_request_end *end) {
  if (lock(handle)) {
    ws_shared_limiter *limiter = handle->limiter;
    if (!limiter->file)
      ws_limiter_record_end(&limiter->limiter, reservation, end);
    else if (!ws_limit_file_end(limiter->file, now, reservation, end))
      wake(handle);
    wake_others(handle, false);
  }
  unlock();
}

void ws_limit_report_response(ws_limiter_handle *handle,
                              ws_reservation reservation, ws_time written,
                              ws_time answered) {
  const ws_request_end end = {.how = WS_END_RESPONSE, .written = written,
                              .answered = answered};
  record_end(handle, reservation, answered, &end);
}

void ws_limit_report_429(ws_limiter_handle *handle,
                         ws_reservation reservation, ws_time written,
                         ws_time answered, double named_rate,
                         ws_time until) {
  const ws_request_end end = {.how = WS_END_429, .written = written,
                              .answered = answered,
                              .named_rate = named_rate, .hold_until = until};
  record_end(handle, reservation, answered, &end);
}

void ws_limit_report_lost(ws_limiter_handle *handle,
                          ws_reservation reservation, ws_time now) {
  const ws_request_end end = {.how = WS_END_LOST, .answered = now};
  record_end(handle, reservation, now, &end);
}

void ws_limit_report_unsent(ws_limiter_handle *handle,
                            ws_reservation reservation) {
  const ws_request_end end = {.how = WS_END_UNSENT};
  record_end(handle, reservation, ws_now(), &end);
}
