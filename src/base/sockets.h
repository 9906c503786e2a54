/*
** Which sockets a loop's epoll set watches for libcurl.
**
** libcurl wants a connection watched while a request waits on it and not
** while it is idle: two system calls a request. A connection stays in the
** set instead until it is closed; should it stir while idle, which is the
** server's closing it as a rule, it is taken out then.
*/

#ifndef WS_SOCKETS_H
#define WS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ws_socket {
  uint32_t wanted;     /* what libcurl waits for; 0: nothing */
  uint32_t watched;    /* what the set watches it for; 0: it is not in it */
  bool is_connection;  /* its opening and its closing are told */
} ws_socket;

typedef struct ws_sockets {
  int epoll;
  int capacity;
  ws_socket *known;    /* by descriptor */
} ws_sockets;

/* A connection's socket was opened. */
void ws_sockets_opened(ws_sockets *sockets, int fd);

/* A connection's socket is about to be closed. */
void ws_sockets_closing(ws_sockets *sockets, int fd);

/* libcurl waits for `events` of epoll's on it, 0: for none. False: it cannot
** be watched. */
bool ws_sockets_watch(ws_sockets *sockets, int fd, uint32_t events);

/* Whether libcurl waits for the socket, on which something happened. */
bool ws_sockets_is_wanted(ws_sockets *sockets, int fd);

void ws_sockets_free(ws_sockets *sockets);

#endif
