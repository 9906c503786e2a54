/*
** poll. The poller's own descriptor, for hosts, is a pipe: it becomes readable
** with the wakeups and timers that are watched, as these are pipes too, but
** not with sockets. So a host that sleeps on it must check those regularly.
** See poller.h.
*/

#include "base/poller.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/pipe.h"

enum {
  MOST_DESCRIPTORS = 65536,   /* as in pipe_posix.c, which opens pollers */
  FIRST_CAPACITY = 16,
  HOST_WAIT = 10              /* milliseconds: a response is noticed so late */
};

typedef struct poll_set {
  struct pollfd *watched;
  int count, capacity;
  int pipes;             /* the number of watched pipes, which are watched until
                         ** the poller is closed */
  int next;              /* collect continues below this index */
} poll_set;

static _Atomic(poll_set *) pollers[MOST_DESCRIPTORS];

static poll_set *find_poller(int fd) {
  return fd >= 0 && fd < MOST_DESCRIPTORS ? atomic_load(&pollers[fd]) : NULL;
}

int ws_poller_open(void) {
  poll_set *self = ws_calloc(1, sizeof *self);
  int fd;
  if (!self) {
    errno = ENOMEM;
    return -1;
  }
  fd = ws_pipe_open();
  if (fd >= 0) atomic_store(&pollers[fd], self);
  else ws_free(self);
  return fd;
}

void ws_poller_close(int fd) {
  poll_set *self = find_poller(fd);
  if (!self) return;
  atomic_store(&pollers[fd], NULL);
  ws_free(self->watched);
  ws_free(self);
  ws_pipe_close(fd);
}

static int index_of(const poll_set *self, int fd) {
  int i = 0;
  while (i < self->count && self->watched[i].fd != fd) i++;
  return i;
}

static bool reserve(poll_set *self) {
  int capacity = self->capacity ? 2 * self->capacity : FIRST_CAPACITY;
  struct pollfd *watched;
  if (self->count < self->capacity) return true;
  watched = ws_realloc(self->watched, (size_t)capacity * sizeof *watched);
  if (!watched) return false;
  self->watched = watched;
  self->capacity = capacity;
  return true;
}

/* Adds a descriptor; a pipe is joined with the poller's own. */
static bool add(poll_set *self, int own, int fd) {
  if (!reserve(self)) return false;
  if (ws_pipe_is_end(fd)) {
    if (!ws_pipe_join(fd, own)) return false;
    self->pipes++;
  }
  self->watched[self->count++] = (struct pollfd){.fd = fd};
  return true;
}

bool ws_poller_watch(int poller, int fd, unsigned events) {
  poll_set *self = find_poller(poller);
  int index;
  if (!self) return false;
  index = index_of(self, fd);
  if (index == self->count && !add(self, poller, fd)) return false;
  self->watched[index].events =
    (short)((events & WS_POLL_IN ? POLLIN : 0) |
            (events & WS_POLL_OUT ? POLLOUT : 0));
  return true;
}

static void remove_at(poll_set *self, int index) {
  self->watched[index] = self->watched[--self->count];
}

void ws_poller_remove(int poller, int fd) {
  poll_set *self = find_poller(poller);
  int index = self ? index_of(self, fd) : 0;
  if (self && index < self->count) remove_at(self, index);
}

static unsigned events_of(int events) {
  return (events & POLLIN ? WS_POLL_IN : 0U) |
         (events & POLLOUT ? WS_POLL_OUT : 0U) |
         (events & (POLLERR | POLLHUP) ? WS_POLL_ERROR : 0U);
}

/* Collects the ready descriptors, from where the last call stopped: those that
** are ready all the time must not keep others waiting. Removes those that were
** closed while they were watched, as epoll does. */
static int collect(poll_set *self, ws_ready *ready, int most) {
  int count = 0;
  for (int left = self->count; left > 0 && count < most; left--) {
    const struct pollfd *watched;
    if (self->next < 1 || self->next > self->count) self->next = self->count;
    watched = &self->watched[--self->next];
    if (watched->revents & POLLNVAL)
      remove_at(self, self->next);
    else if (watched->revents)
      ready[count++] = (ws_ready){watched->fd, events_of(watched->revents)};
  }
  return count;
}

int ws_poller_wait(int fd, ws_ready *ready, int most, int milliseconds) {
  poll_set *self = find_poller(fd);
  int count = -1;
  if (self) count = poll(self->watched, (nfds_t)self->count, milliseconds);
  return count > 0 ? collect(self, ready, most) : count;
}

int ws_poller_host_wait(int fd) {
  const poll_set *self = find_poller(fd);
  return self && self->count > self->pipes ? HOST_WAIT : -1;
}
