#include "limit/shared_limiter.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/process.h"
#include "limit/limit_file.h"
#include "limit/limiter.h"

/* Other processes cannot wake us: how often a turn that hangs on them is
** asked for, in microseconds. */
enum { ASK_EVERY = 10000 };

/* A script may make a client for each request: what the last one used up
** counts for the next. */
#define KEPT (5 * WS_SECOND)

typedef struct ws_shared_limiter ws_shared_limiter;

struct ws_shared_limiter {
  ws_shared_limiter *next;
  ws_limiter_handle *shares;
  char *key;
  unsigned generation;   /* a forked child does not go on with a parent's */
  ws_limit_file *shared;     /* NULL: of this process alone */
  ws_time left;          /* when the last share closed */
  ws_limiter limiter;    /* used unless shared */
};

struct ws_limiter_handle {
  ws_limiter_handle *next;
  ws_shared_limiter *allowance;
  double rate;
  int wake;
  bool waiting;          /* was told to ask again, and has not yet */
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static ws_shared_limiter *allowances;

void ws_shared_limiter_before_fork(void) {
  pthread_mutex_lock(&guard);
}

void ws_shared_limiter_after_fork(void) {
  pthread_mutex_unlock(&guard);
}

/* The child's own clients start anew; the parent's file stays the parent's. */
void ws_shared_limiter_in_child(void) {
  for (ws_shared_limiter *at = allowances; at; at = at->next)
    if (at->shared) ws_limit_file_abandon(at->shared);
  pthread_mutex_unlock(&guard);
}

/* The limiter, to be used until `leave`. NULL in a forked child. */
static ws_limiter *enter(const ws_limiter_handle *share, ws_time now) {
  ws_shared_limiter *allowance = share->allowance;
  pthread_mutex_lock(&guard);
  if (allowance->generation != ws_process_generation()) return NULL;
  if (allowance->shared) return ws_limit_file_lock(allowance->shared, now);
  return &allowance->limiter;
}

static void leave(const ws_limiter_handle *share) {
  ws_shared_limiter *allowance = share->allowance;
  if (allowance->shared &&
      allowance->generation == ws_process_generation())
    ws_limit_file_unlock(allowance->shared);
  pthread_mutex_unlock(&guard);
}

static ws_shared_limiter *find(const char *key) {
  ws_shared_limiter *at = allowances;
  while (at && (at->generation != ws_process_generation() ||
                strcmp(at->key, key) != 0))
    at = at->next;
  return at;
}

static ws_shared_limiter *add(const char *key) {
  ws_shared_limiter *allowance = ws_calloc(1, sizeof *allowance);
  if (!allowance) return NULL;
  allowance->key = ws_copy(key, strlen(key));
  if (!allowance->key) {
    ws_free(allowance);
    return NULL;
  }
  allowance->generation = ws_process_generation();
  ws_limiter_init(&allowance->limiter, 0);
  allowance->next = allowances;
  allowances = allowance;
  return allowance;
}

static void drop(ws_shared_limiter *allowance) {
  ws_shared_limiter **at = &allowances;
  while (*at != allowance) at = &(*at)->next;
  *at = allowance->next;
  if (allowance->shared) ws_limit_file_close(allowance->shared);
  ws_free(allowance->key);
  ws_free(allowance);
}

/* The lowest rate that a share asks for; 0 when none does. In a shared file
** it stays, as other processes may ask for it too. */
static void set_rate(ws_shared_limiter *allowance) {
  double lowest = 0;
  for (const ws_limiter_handle *at = allowance->shares; at; at = at->next)
    if (at->rate > 0 && (lowest <= 0 || at->rate < lowest))
      lowest = at->rate;
  if (allowance->shared) ws_limit_file_lower_rate(allowance->shared, lowest);
  else ws_limiter_set_rate(&allowance->limiter, lowest);
}

/* Forgets what no client has used for a while. */
static void forget_old(ws_time now) {
  ws_shared_limiter *at = allowances;
  while (at) {
    ws_shared_limiter *next = at->next;
    if (!at->shares && now - at->left > KEPT && now > at->limiter.hold_until)
      drop(at);
    at = next;
  }
}

/* Clients of one token cannot share through different files. */
static bool agrees(const ws_shared_limiter *allowance, const char *path,
                   ws_error *error) {
  const char *held =
    allowance->shared ? ws_limit_file_path(allowance->shared) : NULL;
  if (!path || (held && strcmp(held, path) == 0)) return true;
  ws_fail(error, WS_INVALID, "rate_limit.shared: another client of this "
          "token %s%.200s", held ? "shares through " : "does not share",
          held ? held : "");
  return false;
}

static ws_shared_limiter *find_or_add(const char *key, double rate,
                                 const char *path, ws_error *error) {
  ws_shared_limiter *allowance;
  forget_old(ws_now());
  allowance = find(key);
  if (allowance && !allowance->shares && path) {
    drop(allowance);
    allowance = NULL;
  }
  if (allowance) return agrees(allowance, path, error) ? allowance : NULL;
  allowance = add(key);
  if (!allowance) {
    ws_fail_memory(error);
    return NULL;
  }
  if (path) allowance->shared = ws_limit_file_open(path, rate, error);
  if (!path || allowance->shared) return allowance;
  drop(allowance);
  return NULL;
}

static bool join(ws_limiter_handle *share, const char *key, const char *path,
                 ws_error *error) {
  share->allowance = find_or_add(key, share->rate, path, error);
  if (!share->allowance) return false;
  share->next = share->allowance->shares;
  share->allowance->shares = share;
  set_rate(share->allowance);
  return true;
}

ws_limiter_handle *ws_limit_open(const char *key, double rate, const char *path,
                        int wake, ws_error *error) {
  ws_limiter_handle *share = ws_calloc(1, sizeof *share);
  bool joined;
  if (!share) {
    ws_fail_memory(error);
    return NULL;
  }
  share->rate = rate;
  share->wake = wake;
  pthread_mutex_lock(&guard);
  joined = join(share, key, path, error);
  pthread_mutex_unlock(&guard);
  if (joined) return share;
  ws_free(share);
  return NULL;
}

/* A waiting share of another loop may now have its turn earlier. */
static void wake_others(const ws_limiter_handle *share) {
  const uint64_t one = 1;
  for (ws_limiter_handle *at = share->allowance->shares; at; at = at->next)
    if (at->waiting && at->wake != share->wake) {
      ssize_t written = write(at->wake, &one, sizeof one);
      (void)written;
      at->waiting = false;
    }
}

/* The file lets other processes know that this one has gone. */
static void retire(ws_shared_limiter *allowance) {
  allowance->left = ws_now();
  if (allowance->shared) drop(allowance);
}

void ws_limit_close(ws_limiter_handle *share) {
  ws_shared_limiter *allowance = share->allowance;
  ws_limiter_handle **at = &allowance->shares;
  pthread_mutex_lock(&guard);
  while (*at != share) at = &(*at)->next;
  *at = share->next;
  if (!allowance->shares) retire(allowance);
  else if (allowance->generation == ws_process_generation()) {
    set_rate(allowance);
    wake_others(share);
  }
  pthread_mutex_unlock(&guard);
  ws_free(share);
}

ws_time ws_limit_start(ws_limiter_handle *share, ws_time now, unsigned kind,
                       ws_reservation *ticket) {
  ws_limit_file *shared = share->allowance->shared;
  ws_limiter *limiter = enter(share, now);
  ws_time turn = limiter ? ws_limiter_next_start(limiter, now) : WS_NEVER;
  share->waiting = turn > now;
  if (turn <= now) {
    *ticket = ws_limiter_start(limiter, now, kind);
    if (shared) ws_limit_file_add_owner(shared, *ticket);
  }
  else if (shared && turn > now + ASK_EVERY)
    turn = now + ASK_EVERY;
  leave(share);
  return turn;
}

/* A request is in flight no more. */
static void end(const ws_limiter_handle *share, ws_reservation ticket) {
  ws_limit_file *shared = share->allowance->shared;
  if (shared) ws_limit_file_remove_owner(shared, ticket);
  wake_others(share);
}

void ws_limit_record_response(ws_limiter_handle *share,
    ws_reservation ticket, ws_time written, ws_time answered) {
  ws_limiter *limiter = enter(share, answered);
  if (limiter) {
    ws_limiter_record_response(limiter, ticket, written, answered);
    end(share, ticket);
  }
  leave(share);
}

void ws_limit_record_429(ws_limiter_handle *share,
    ws_reservation ticket, ws_time written, ws_time answered,
    double named_rate, ws_time until) {
  ws_limiter *limiter = enter(share, answered);
  if (limiter) {
    ws_limiter_record_429(limiter, ticket, written, answered, named_rate);
    ws_limiter_hold(limiter, until);
    end(share, ticket);
  }
  leave(share);
}

void ws_limit_record_lost(ws_limiter_handle *share,
    ws_reservation ticket, ws_time now) {
  ws_limiter *limiter = enter(share, now);
  if (limiter) {
    ws_limiter_record_lost(limiter, ticket, now);
    end(share, ticket);
  }
  leave(share);
}

void ws_limit_record_unsent(ws_limiter_handle *share, ws_reservation ticket) {
  ws_limiter *limiter = enter(share, ws_now());
  if (limiter) {
    ws_limiter_record_unsent(limiter, ticket);
    end(share, ticket);
  }
  leave(share);
}
