/*
** The sockets that a loop's poller watches for libcurl.
**
** libcurl asks to watch a connection while a request waits for it, and to stop
** while it is idle. Two system calls for each request are saved by keeping it
** in the poller until it is closed. If an idle connection has an event (usually
** because the server closed it), it is removed then.
*/

#ifndef WS_SOCKETS_H
#define WS_SOCKETS_H

#include <stdbool.h>

typedef struct ws_socket {
  unsigned wanted;     /* events that libcurl waits for; 0: none */
  unsigned watched;    /* events that the poller waits for; 0: not in it */
  bool is_connection;  /* ws_sockets_opened was called for it */
} ws_socket;

typedef struct ws_sockets {
  int poller;
  int capacity;
  ws_socket *known;    /* by descriptor, `capacity` of them */
} ws_sockets;

/* Records that the socket of a connection was opened. */
void ws_sockets_opened(ws_sockets *sockets, int fd);

/* Records that the socket of a connection is about to be closed. */
void ws_sockets_closing(ws_sockets *sockets, int fd);

/* Records that libcurl waits for `events` (WS_POLL_*; 0: none). False if the
** socket cannot be watched. */
bool ws_sockets_watch(ws_sockets *sockets, int fd, unsigned events);

/* To be called when the poller reports an event of the socket: true if libcurl
** waits for it. Otherwise stops watching the socket. */
bool ws_sockets_accept(ws_sockets *sockets, int fd);

void ws_sockets_free(ws_sockets *sockets);

#endif
