#include "timer.h"
#include "store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void sift_up(struct timers *t, size_t i) {
  struct timer *moving = t->heap[i];
  while (i > 0 && t->heap[(i - 1) / 2]->at > moving->at) {
    t->heap[i] = t->heap[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  t->heap[i] = moving;
}

static void sift_down(struct timers *t, size_t i) {
  struct timer *moving = t->heap[i];
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= t->count) break;
    if (child + 1 < t->count && t->heap[child + 1]->at < t->heap[child]->at)
      child++;
    if (t->heap[child]->at >= moving->at) break;
    t->heap[i] = t->heap[child];
    i = child;
  }
  t->heap[i] = moving;
}

/* The earliest one, taken out of the heap. */
static struct timer *take_first(struct timers *t) {
  struct timer *first = t->heap[0];
  t->heap[0] = t->heap[--t->count];
  if (t->count) sift_down(t, 0);
  return first;
}

static void wait_for_first(struct timers *t) {
  struct timespec until;
  if (!t->count) {
    pthread_cond_wait(&t->changed, t->lock);
    return;
  }
  until.tv_sec = t->heap[0]->at / 1000000000;
  until.tv_nsec = t->heap[0]->at % 1000000000;
  pthread_cond_timedwait(&t->changed, t->lock, &until);
}

static void *run(void *arg) {
  struct timers *t = arg;
  pthread_mutex_lock(t->lock);
  while (!t->stopping) {
    if (t->count && t->heap[0]->at <= clock_ns()) {
      struct timer *first = take_first(t);
      first->fire(t->host, first, false);
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

/* To be called with the lock held. False when it cannot be kept. */
bool timers_add(struct timers *t, struct timer *timer) {
  if (t->stopping) return false;
  if (t->count == t->room) {
    size_t room = t->room ? t->room * 2 : 64;
    struct timer **heap = realloc(t->heap, room * sizeof *heap);
    if (!heap) return false;
    t->heap = heap;
    t->room = room;
  }
  t->heap[t->count++] = timer;
  sift_up(t, t->count - 1);
  if (t->heap[0] == timer) pthread_cond_signal(&t->changed);
  return true;
}

/* Lets every waiting one go early, and ends the thread. */
void timers_stop(struct timers *t) {
  if (!t->running) return;
  pthread_mutex_lock(t->lock);
  t->stopping = true;
  while (t->count) {
    struct timer *first = take_first(t);
    first->fire(t->host, first, true);
  }
  pthread_cond_signal(&t->changed);
  pthread_mutex_unlock(t->lock);
  pthread_join(t->thread, NULL);
  pthread_cond_destroy(&t->changed);
  free(t->heap);
  t->running = false;
}
