#include "allowance.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "fail.h"
#include "limiter.h"
#include "memory.h"

typedef struct ws_allowance ws_allowance;

struct ws_allowance {
  ws_allowance *next;
  ws_share *shares;
  char *key;
  unsigned generation;   /* a forked child does not go on with a parent's */
  ws_limiter limiter;
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
  ws_free(allowance->key);
  ws_free(allowance);
}

/* The lowest rate that a share asks for; 0 when none does. */
static void set_rate(ws_allowance *allowance) {
  double lowest = 0;
  for (const ws_share *at = allowance->shares; at; at = at->next)
    if (at->rate > 0 && (lowest <= 0 || at->rate < lowest))
      lowest = at->rate;
  ws_limiter_rate(&allowance->limiter, lowest);
}

static bool enter(ws_share *share, const char *key) {
  share->allowance = find(key);
  if (!share->allowance) share->allowance = add(key);
  if (!share->allowance) return false;
  share->next = share->allowance->shares;
  share->allowance->shares = share;
  set_rate(share->allowance);
  return true;
}

ws_share *ws_share_open(const char *key, double rate, int wake,
                        ws_error *error) {
  ws_share *share = ws_calloc(1, sizeof *share);
  bool entered = false;
  if (share) {
    share->rate = rate;
    share->wake = wake;
    pthread_mutex_lock(&guard);
    entered = enter(share, key);
    pthread_mutex_unlock(&guard);
  }
  if (entered) return share;
  ws_free(share);
  ws_fail_memory(error);
  return NULL;
}

/* A waiting share of another loop may now have its turn earlier. */
static void wake_others(const ws_share *share) {
  const uint64_t one = 1;
  if (share->allowance->generation != ws_process_generation()) return;
  for (ws_share *at = share->allowance->shares; at; at = at->next)
    if (at->waiting && at->wake != share->wake) {
      ssize_t written = write(at->wake, &one, sizeof one);
      (void)written;
      at->waiting = false;
    }
}

void ws_share_close(ws_share *share) {
  ws_allowance *allowance = share->allowance;
  ws_share **at = &allowance->shares;
  pthread_mutex_lock(&guard);
  while (*at != share) at = &(*at)->next;
  *at = share->next;
  if (allowance->shares) {
    set_rate(allowance);
    wake_others(share);
  }
  else
    drop(allowance);
  pthread_mutex_unlock(&guard);
  ws_free(share);
}

ws_time ws_share_start(ws_share *share, ws_time now, unsigned kind,
                       ws_ticket *ticket) {
  ws_limiter *limiter = &share->allowance->limiter;
  ws_time turn;
  pthread_mutex_lock(&guard);
  turn = ws_limiter_next(limiter, now);
  share->waiting = turn > now;
  if (turn <= now) *ticket = ws_limiter_start(limiter, now, kind);
  pthread_mutex_unlock(&guard);
  return turn;
}

void ws_share_answered(ws_share *share, ws_ticket ticket, ws_time written,
                       ws_time answered) {
  pthread_mutex_lock(&guard);
  ws_limiter_answered(&share->allowance->limiter, ticket, written, answered);
  wake_others(share);
  pthread_mutex_unlock(&guard);
}

void ws_share_rejected(ws_share *share, ws_ticket ticket, ws_time written,
                       ws_time answered, double named_rate, ws_time until) {
  ws_limiter *limiter = &share->allowance->limiter;
  pthread_mutex_lock(&guard);
  ws_limiter_rejected(limiter, ticket, written, answered, named_rate);
  ws_limiter_hold(limiter, until);
  wake_others(share);
  pthread_mutex_unlock(&guard);
}

void ws_share_lost(ws_share *share, ws_ticket ticket, ws_time now) {
  pthread_mutex_lock(&guard);
  ws_limiter_lost(&share->allowance->limiter, ticket, now);
  wake_others(share);
  pthread_mutex_unlock(&guard);
}

void ws_share_unsent(ws_share *share, ws_ticket ticket) {
  pthread_mutex_lock(&guard);
  ws_limiter_unsent(&share->allowance->limiter, ticket);
  wake_others(share);
  pthread_mutex_unlock(&guard);
}
