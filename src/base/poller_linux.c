#include "base/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64 };

int ws_poller_open(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

/* The kernel removes closed descriptors from the set and reuses their numbers,
** so this does not remember which are in the set, but tries to add first. */
bool ws_poller_watch(int poller, int fd, unsigned events) {
  struct epoll_event event = {.data = {.fd = fd}};
  if (events & WS_POLL_IN) event.events |= EPOLLIN;
  if (events & WS_POLL_OUT) event.events |= EPOLLOUT;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0) return true;
  return errno == EEXIST && epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) == 0;
}

void ws_poller_remove(int poller, int fd) {
  struct epoll_event unused = {0};
  epoll_ctl(poller, EPOLL_CTL_DEL, fd, &unused);
}

static unsigned events_of(const struct epoll_event *event) {
  unsigned events = 0;
  if (event->events & EPOLLIN) events |= WS_POLL_IN;
  if (event->events & EPOLLOUT) events |= WS_POLL_OUT;
  if (event->events & (EPOLLERR | EPOLLHUP)) events |= WS_POLL_ERROR;
  return events;
}

int ws_poller_wait(int poller, ws_ready *ready, int most, int milliseconds) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = epoll_wait(poller, events,
                         most < EVENTS_AT_ONCE ? most : EVENTS_AT_ONCE,
                         milliseconds);
  for (int i = 0; i < count; i++)
    ready[i] = (ws_ready){events[i].data.fd, events_of(&events[i])};
  return count;
}

void ws_poller_close(int poller) {
  close(poller);
}

/* The descriptor shows all events. */
int ws_poller_host_wait(int poller) {
  (void)poller;
  return -1;
}
