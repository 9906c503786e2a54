#include "timer.h"

#include <signal.h>
#include <string.h>
#include <time.h>

/* Takes out the timer that fires first; NULL if there is none. */
static struct timer *take_first(struct timers *t) {
  ws_timer *first = ws_heap_top(&t->heap);
  if (first) ws_heap_remove(&t->heap, first);
  return (struct timer *)first;
}

static void wait_for_first(struct timers *t) {
  const ws_timer *first = ws_heap_top(&t->heap);
  struct timespec until;
  if (!first) {
    pthread_cond_wait(&t->changed, t->lock);
    return;
  }
  until.tv_sec = first->due / WS_SECOND;
  until.tv_nsec = first->due % WS_SECOND * 1000;
  pthread_cond_timedwait(&t->changed, t->lock, &until);
}

static void *run(void *arg) {
  struct timers *t = arg;
  pthread_mutex_lock(t->lock);
  while (!t->stopping) {
    const ws_timer *first = ws_heap_top(&t->heap);
    if (first && first->due <= ws_now()) {
      struct timer *timer = take_first(t);
      timer->fire(t->host, timer, false);
    } else {
      wait_for_first(t);
    }
  }
  pthread_mutex_unlock(t->lock);
  return NULL;
}

/* Starts the thread, with every signal left to the host's own threads. */
bool timers_start(struct timers *t, pthread_mutex_t *lock, void *host) {
  pthread_condattr_t attr;
  sigset_t all, before;
  memset(t, 0, sizeof *t);
  t->lock = lock;
  t->host = host;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&t->changed, &attr);
  pthread_condattr_destroy(&attr);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  t->running = pthread_create(&t->thread, NULL, run, t) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!t->running) pthread_cond_destroy(&t->changed);
  return t->running;
}

/* Sets a timer; the lock is held. False if it cannot be set. */
bool timers_add(struct timers *t, struct timer *timer, double seconds) {
  if (t->stopping || !ws_heap_reserve(&t->heap, t->heap.count + 1))
    return false;
  timer->heap.index = 0;
  ws_heap_set(&t->heap, &timer->heap, ws_now() + ws_from_seconds(seconds));
  if (ws_heap_top(&t->heap) == &timer->heap)
    pthread_cond_signal(&t->changed);
  return true;
}

/* Fires all timers early, and ends the thread. */
void timers_stop(struct timers *t) {
  struct timer *timer;
  if (!t->running) return;
  pthread_mutex_lock(t->lock);
  t->stopping = true;
  while ((timer = take_first(t)) != NULL) timer->fire(t->host, timer, true);
  pthread_cond_signal(&t->changed);
  pthread_mutex_unlock(t->lock);
  pthread_join(t->thread, NULL);
  pthread_cond_destroy(&t->changed);
  ws_heap_free(&t->heap);
  t->running = false;
}
