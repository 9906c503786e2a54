#include "base/sockets.h"

#include <string.h>

#include "base/memory.h"
#include "base/poller.h"

enum { FIRST_CAPACITY = 64 };

/* The entry of a descriptor; NULL if memory runs out. */
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

static void stop_watching(ws_sockets *sockets, ws_socket *socket, int fd) {
  if (socket->watched) ws_poller_remove(sockets->poller, fd);
  socket->watched = 0;
}

static void reset(ws_sockets *sockets, int fd, bool is_connection) {
  ws_socket *socket = entry_of(sockets, fd);
  if (!socket) return;
  stop_watching(sockets, socket, fd);
  socket->is_connection = is_connection;
  socket->wanted = 0;
}

/* If memory runs out, the socket is watched like any other descriptor. */
void ws_sockets_opened(ws_sockets *sockets, int fd) {
  reset(sockets, fd, true);
}

void ws_sockets_closing(ws_sockets *sockets, int fd) {
  reset(sockets, fd, false);
}

bool ws_sockets_watch(ws_sockets *sockets, int fd, unsigned events) {
  ws_socket *socket = entry_of(sockets, fd);
  if (!socket) return false;
  socket->wanted = events;
  if (!events && !socket->is_connection) stop_watching(sockets, socket, fd);
  if (!events || socket->watched == events) return true;
  if (!ws_poller_watch(sockets->poller, fd, events)) return false;
  socket->watched = events;
  return true;
}

bool ws_sockets_accept(ws_sockets *sockets, int fd) {
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
