#include "timer.h"
#include "base/wakeup.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { MILLISECOND = 1000 };

/* Removes and returns the timer that fires first; NULL if there is none. */
static struct timer *take_first(struct timers *t) {
  ws_timer *first = ws_heap_top(&t->heap);
  if (first) ws_heap_remove(&t->heap, first);
  return (struct timer *)first;
}

/* poll waits for whole milliseconds, nanosleep for the rest: not every system
** has conditions that wait by the monotonic clock. */
static void sleep_until(struct timers *t, ws_time due) {
  struct pollfd changed = {.fd = t->changed, .events = POLLIN};
  ws_time left = due - ws_now();
  if (left > WS_SECOND) left = WS_SECOND;
  if (left >= MILLISECOND) {
    int most = due == WS_NEVER ? -1 : (int)(left / MILLISECOND);
    if (poll(&changed, 1, most) > 0) ws_wakeup_clear(t->changed);
  } else if (left > 0) {
    nanosleep(&(struct timespec){.tv_nsec = (long)left * 1000}, NULL);
  }
}

static void wait_for_first(struct timers *t) {
  const ws_timer *first = ws_heap_top(&t->heap);
  ws_time due = first ? first->due : WS_NEVER;
  pthread_mutex_unlock(t->lock);
  sleep_until(t, due);
  pthread_mutex_lock(t->lock);
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

/* Starts the thread, which blocks all signals. */
bool timers_start(struct timers *t, pthread_mutex_t *lock, void *host) {
  sigset_t all, before;
  memset(t, 0, sizeof *t);
  t->lock = lock;
  t->host = host;
  t->changed = ws_wakeup_open();
  if (t->changed < 0) return false;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  t->running = pthread_create(&t->thread, NULL, run, t) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!t->running) ws_wakeup_close(t->changed);
  return t->running;
}

/* Sets a timer; the caller holds the lock. False if memory runs out. */
bool timers_add(struct timers *t, struct timer *timer, double seconds) {
  if (t->stopping || !ws_heap_reserve(&t->heap, t->heap.count + 1))
    return false;
  timer->heap.index = 0;
  ws_heap_set(&t->heap, &timer->heap, ws_now() + ws_from_seconds(seconds));
  if (ws_heap_top(&t->heap) == &timer->heap)
    ws_wakeup_signal(t->changed);
  return true;
}

/* Fires all timers early, and ends the thread. */
void timers_stop(struct timers *t) {
  struct timer *timer;
  if (!t->running) return;
  pthread_mutex_lock(t->lock);
  t->stopping = true;
  while ((timer = take_first(t)) != NULL) timer->fire(t->host, timer, true);
  ws_wakeup_signal(t->changed);
  pthread_mutex_unlock(t->lock);
  pthread_join(t->thread, NULL);
  ws_wakeup_close(t->changed);
  ws_heap_free(&t->heap);
  t->running = false;
}
