/*
** An epoll set for libcurl's sockets. See sockets.h.
*/

#include "base/sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 64 };

/* What is known of a descriptor; NULL without memory. */
static ws_socket *entry_of(ws_sockets *sockets, int fd) {
  int capacity = sockets->capacity ? sockets->capacity : FIRST_CAPACITY;
  ws_socket *known;
  if (fd < sockets->capacity) return &sockets->known[fd];
  while (capacity <= fd) capacity *= 2;
  known = ws_realloc(sockets->known, (size_t)capacity * sizeof known[0]);
  if (!known) return NULL;
  memset(known + sockets->capacity, 0,
         (size_t)(capacity - sockets->capacity) * sizeof known[0]);
  sockets->known = known;
  sockets->capacity = capacity;
  return &known[fd];
}

/* A descriptor's number may come back before its removal was seen, so that
** an addition may find it there and a change may not. */
static bool add(ws_sockets *sockets, int fd, uint32_t events, bool change) {
  struct epoll_event event = {.events = events, .data = {.fd = fd}};
  int what = change ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(sockets->epoll, what, fd, &event) == 0) return true;
  if (errno != EEXIST && errno != ENOENT) return false;
  what = change ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return epoll_ctl(sockets->epoll, what, fd, &event) == 0;
}

static void stop_watching(ws_sockets *sockets, ws_socket *socket, int fd) {
  struct epoll_event none = {0};
  if (socket->watched) epoll_ctl(sockets->epoll, EPOLL_CTL_DEL, fd, &none);
  socket->watched = 0;
}

/* Without memory it is watched as any other socket is. */
void ws_sockets_opened(ws_sockets *sockets, int fd) {
  ws_socket *socket = entry_of(sockets, fd);
  if (!socket) return;
  stop_watching(sockets, socket, fd);
  socket->is_connection = true;
  socket->wanted = 0;
}

void ws_sockets_closing(ws_sockets *sockets, int fd) {
  ws_socket *socket = entry_of(sockets, fd);
  if (!socket) return;
  stop_watching(sockets, socket, fd);
  socket->is_connection = false;
  socket->wanted = 0;
}

bool ws_sockets_watch(ws_sockets *sockets, int fd, uint32_t events) {
  ws_socket *socket = entry_of(sockets, fd);
  if (!socket) return false;
  socket->wanted = events;
  if (!events && !socket->is_connection) stop_watching(sockets, socket, fd);
  if (!events || socket->watched == events) return true;
  if (!add(sockets, fd, events, socket->watched != 0)) return false;
  socket->watched = events;
  return true;
}

bool ws_sockets_is_wanted(ws_sockets *sockets, int fd) {
  ws_socket *socket = entry_of(sockets, fd);
  if (!socket) return true;
  if (socket->wanted) return true;
  stop_watching(sockets, socket, fd);
  return false;
}

void ws_sockets_free(ws_sockets *sockets) {
  ws_free(sockets->known);
  sockets->known = NULL;
  sockets->capacity = 0;
}
