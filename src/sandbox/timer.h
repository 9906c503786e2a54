/* Runs functions at given times, in a thread of its own. */
#ifndef SANDBOX_TIMER_H
#define SANDBOX_TIMER_H

#include "base/heap.h"

#include <pthread.h>

/*
** A timer. `fire` is called with the lock held, and owns the timer from then
** on; `stopping` is true if it is called early, only to clean up.
*/
struct timer {
  ws_timer heap;  /* must be first: the heap's entry is the timer */
  void (*fire)(void *host, struct timer *timer, bool stopping);
};

struct timers {
  pthread_mutex_t *lock;
  int changed;  /* a wakeup: an earlier timer, or the end */
  pthread_t thread;
  void *host;
  ws_heap heap;
  bool running, stopping;
};

bool timers_start(struct timers *t, pthread_mutex_t *lock, void *host);
bool timers_add(struct timers *t, struct timer *timer, double seconds);
void timers_stop(struct timers *t);

#endif
