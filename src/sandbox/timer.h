/* Things to do at a certain time, in a thread of their own. */
#ifndef SANDBOX_TIMER_H
#define SANDBOX_TIMER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
** What is to be done. `fire` runs with the lock held and owns the timer
** from then on; `stopping` says that it runs early, only to clean up.
*/
struct timer {
  int64_t at;  /* clock_ns() */
  void (*fire)(void *host, struct timer *timer, bool stopping);
};

struct timers {
  pthread_mutex_t *lock;
  pthread_cond_t changed;
  pthread_t thread;
  void *host;
  struct timer **heap;
  size_t count, room;
  bool running, stopping;
};

bool timers_start(struct timers *t, pthread_mutex_t *lock, void *host);
bool timers_add(struct timers *t, struct timer *timer);
void timers_stop(struct timers *t);

#endif
