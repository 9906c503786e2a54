/*
** Waits for events on any number of descriptors: epoll.
*/

#ifndef WS_POLLER_H
#define WS_POLLER_H

#include <stdbool.h>

enum {
  WS_POLL_IN = 1 << 0,     /* readable */
  WS_POLL_OUT = 1 << 1,    /* writable */
  WS_POLL_ERROR = 1 << 2   /* only reported: an error, or the peer hung up */
};

typedef struct ws_ready {
  int fd;
  unsigned events;
} ws_ready;

/* Opens a poller: a descriptor that is itself readable while there are
** events; negative with errno if that fails. */
int ws_poller_open(void);

/* Watches a descriptor for `events`, or for others than before. False if the
** kernel refuses it. */
bool ws_poller_watch(int poller, int fd, unsigned events);
void ws_poller_remove(int poller, int fd);

/* Waits at most so many milliseconds (-1: without limit) and returns how many
** descriptors are ready; negative if a signal interrupted the wait. */
int ws_poller_wait(int poller, ws_ready *ready, int most, int milliseconds);

#endif
