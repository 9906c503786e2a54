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

typedef struct ws_allowance ws_allowance;

struct ws_allowance {
  ws_allowance *next;
  ws_share *shares;
  char *key;
  unsigned generation;   /* a forked child does not go on with a parent's */
  ws_shared *shared;     /* NULL: of this process alone */
  ws_time left;          /* when the last share closed */
  ws_limiter limiter;    /* used unless shared */
};

struct ws_share {
  ws_share *next;
  ws_allowance *allowance;
  double rate;
  int wake;
  bool waiting;          /* was told to ask again, and has not yet */
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static ws_allowance *allowances;

void ws_share_before_fork(void) {
  pthread_mutex_lock(&guard);
}

void ws_share_after_fork(void) {
  pthread_mutex_unlock(&guard);
}

/* The child's own clients start anew; the parent's file stays the parent's. */
void ws_share_in_child(void) {
  for (ws_allowance *at = allowances; at; at = at->next)
    if (at->shared) ws_shared_abandon(at->shared);
  pthread_mutex_unlock(&guard);
}

/* The limiter, to be used until `leave`. NULL in a forked child. */
static ws_limiter *enter(const ws_share *share, ws_time now) {
  ws_allowance *allowance = share->allowance;
  pthread_mutex_lock(&guard);
  if (allowance->generation != ws_process_generation()) return NULL;
  if (allowance->shared) return ws_shared_enter(allowance->shared, now);
  return &allowance->limiter;
}

static void leave(const ws_share *share) {
  ws_allowance *allowance = share->allowance;
  if (allowance->shared &&
      allowance->generation == ws_process_generation())
    ws_shared_leave(allowance->shared);
  pthread_mutex_unlock(&guard);
}

static ws_allowance *find(const char *key) {
  ws_allowance *at = allowances;
  while (at && (at->generation != ws_process_generation() ||
                strcmp(at->key, key) != 0))
    at = at->next;
  return at;
}

static ws_allowance *add(const char *key) {
  ws_allowance *allowance = ws_calloc(1, sizeof *allowance);
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

static void drop(ws_allowance *allowance) {
  ws_allowance **at = &allowances;
  while (*at != allowance) at = &(*at)->next;
  *at = allowance->next;
  if (allowance->shared) ws_shared_close(allowance->shared);
  ws_free(allowance->key);
  ws_free(allowance);
}

/* The lowest rate that a share asks for; 0 when none does. In a shared file
** it stays, as other processes may ask for it too. */
static void set_rate(ws_allowance *allowance) {
  double lowest = 0;
  for (const ws_share *at = allowance->shares; at; at = at->next)
    if (at->rate > 0 && (lowest <= 0 || at->rate < lowest))
      lowest = at->rate;
  if (allowance->shared) ws_shared_lower(allowance->shared, lowest);
  else ws_limiter_rate(&allowance->limiter, lowest);
}

/* Forgets what no client has used for a while. */
static void forget_old(ws_time now) {
  ws_allowance *at = allowances;
  while (at) {
    ws_allowance *next = at->next;
    if (!at->shares && now - at->left > KEPT && now > at->limiter.hold)
      drop(at);
    at = next;
  }
}

/* Clients of one token cannot share through different files. */
static bool agrees(const ws_allowance *allowance, const char *path,
                   ws_error *error) {
  const char *held =
    allowance->shared ? ws_shared_path(allowance->shared) : NULL;
  if (!path || (held && strcmp(held, path) == 0)) return true;
  ws_fail(error, WS_INVALID, "rate_limit.shared: another client of this "
          "token %s%.200s", held ? "shares through " : "does not share",
          held ? held : "");
  return false;
}

static ws_allowance *find_or_add(const char *key, double rate,
                                 const char *path, ws_error *error) {
  ws_allowance *allowance;
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
  if (path) allowance->shared = ws_shared_open(path, rate, error);
  if (!path || allowance->shared) return allowance;
  drop(allowance);
  return NULL;
}

static bool join(ws_share *share, const char *key, const char *path,
                 ws_error *error) {
  share->allowance = find_or_add(key, share->rate, path, error);
  if (!share->allowance) return false;
  share->next = share->allowance->shares;
  share->allowance->shares = share;
  set_rate(share->allowance);
  return true;
}

ws_share *ws_share_open(const char *key, double rate, const char *path,
                        int wake, ws_error *error) {
  ws_share *share = ws_calloc(1, sizeof *share);
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
static void wake_others(const ws_share *share) {
  const uint64_t one = 1;
  for (ws_share *at = share->allowance->shares; at; at = at->next)
    if (at->waiting && at->wake != share->wake) {
      ssize_t written = write(at->wake, &one, sizeof one);
      (void)written;
      at->waiting = false;
    }
}

/* The file lets other processes know that this one has gone. */
static void retire(ws_allowance *allowance) {
  allowance->left = ws_now();
  if (allowance->shared) drop(allowance);
}

void ws_share_close(ws_share *share) {
  ws_allowance *allowance = share->allowance;
  ws_share **at = &allowance->shares;
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

ws_time ws_share_start(ws_share *share, ws_time now, unsigned kind,
                       ws_ticket *ticket) {
  ws_shared *shared = share->allowance->shared;
  ws_limiter *limiter = enter(share, now);
  ws_time turn = limiter ? ws_limiter_next(limiter, now) : WS_NEVER;
  share->waiting = turn > now;
  if (turn <= now) {
    *ticket = ws_limiter_start(limiter, now, kind);
    if (shared) ws_shared_began(shared, *ticket);
  }
  else if (shared && turn > now + ASK_EVERY)
    turn = now + ASK_EVERY;
  leave(share);
  return turn;
}

/* A request is in flight no more. */
static void end(const ws_share *share, ws_ticket ticket) {
  ws_shared *shared = share->allowance->shared;
  if (shared) ws_shared_ended(shared, ticket);
  wake_others(share);
}

void ws_share_answered(ws_share *share, ws_ticket ticket, ws_time written,
                       ws_time answered) {
  ws_limiter *limiter = enter(share, answered);
  if (limiter) {
    ws_limiter_answered(limiter, ticket, written, answered);
    end(share, ticket);
  }
  leave(share);
}

void ws_share_rejected(ws_share *share, ws_ticket ticket, ws_time written,
                       ws_time answered, double named_rate, ws_time until) {
  ws_limiter *limiter = enter(share, answered);
  if (limiter) {
    ws_limiter_rejected(limiter, ticket, written, answered, named_rate);
    ws_limiter_hold(limiter, until);
    end(share, ticket);
  }
  leave(share);
}

void ws_share_lost(ws_share *share, ws_ticket ticket, ws_time now) {
  ws_limiter *limiter = enter(share, now);
  if (limiter) {
    ws_limiter_lost(limiter, ticket, now);
    end(share, ticket);
  }
  leave(share);
}

void ws_share_unsent(ws_share *share, ws_ticket ticket) {
  ws_limiter *limiter = enter(share, ws_now());
  if (limiter) {
    ws_limiter_unsent(limiter, ticket);
    end(share, ticket);
  }
  leave(share);
}
