/*
** Waits for events on any number of descriptors: with epoll, or with poll on
** other POSIX systems.
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
** events, see ws_poller_host_wait; negative with errno if that fails. */
int ws_poller_open(void);
void ws_poller_close(int poller);

/* Watches a descriptor for `events`, which replace earlier ones. False if that
** fails. */
bool ws_poller_watch(int poller, int fd, unsigned events);
void ws_poller_remove(int poller, int fd);

/* Waits at most `milliseconds` (-1: without limit), writes at most `most` ready
** descriptors, and returns their number; negative if a signal interrupted the
** wait. */
int ws_poller_wait(int poller, ws_ready *ready, int most, int milliseconds);

/* The most milliseconds that a host may sleep on the poller's descriptor before
** it calls ws_poller_wait again; -1: no limit, as the descriptor shows all
** events. With poll it does not show events of sockets. */
int ws_poller_host_wait(int poller);

#endif
