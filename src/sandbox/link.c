/* The open connections. */
#include "request.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A timer that closes a connection if it is still idle. */
struct idle {
  struct timer timer;
  uint64_t serial, answered;
};

static struct link *find_link(struct sandbox *s, uint64_t serial) {
  struct link *link = s->links;
  while (link && link->serial != serial) link = link->next;
  return link;
}

static void close_idle(void *host, struct timer *timer, bool stopping) {
  struct idle *idle = (struct idle *)timer;
  struct link *link = find_link(host, idle->serial);
  if (!stopping && link && !link->busy && link->answered == idle->answered)
    shutdown(link->fd, SHUT_RDWR);
  ws_free(idle);
}

/* Closes the connection later, unless it gets another request first. */
void close_when_idle(struct sandbox *s, const struct link *link,
                     double seconds) {
  struct idle *idle = ws_calloc(1, sizeof *idle);
  if (!idle) return;
  idle->timer.fire = close_idle;
  idle->serial = link->serial;
  idle->answered = link->answered;
  if (!timers_add(&s->timers, &idle->timer, seconds)) ws_free(idle);
}

static void link_open(struct sandbox *s, struct MHD_Connection *connection,
                      void **context) {
  const union MHD_ConnectionInfo *info =
    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  struct link *link = ws_calloc(1, sizeof *link);
  *context = link;
  if (!link) return;
  link->fd = info ? info->connect_fd : -1;
  link->serial = ++s->link_count;
  link->next = s->links;
  if (s->links) s->links->previous = link;
  s->links = link;
  s->stats.connections++;
  s->stats.open++;
}

static void link_close(struct sandbox *s, struct link *link) {
  if (!link) return;
  if (link->next) link->next->previous = link->previous;
  if (link->previous) link->previous->next = link->next;
  else s->links = link->next;
  s->stats.open--;
  ws_free(link);
}

/* Called by libmicrohttpd when a connection opens or closes. */
void link_changed(void *cls, struct MHD_Connection *connection,
                  void **context, enum MHD_ConnectionNotificationCode code) {
  struct sandbox *s = cls;
  pthread_mutex_lock(&s->lock);
  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    link_open(s, connection, context);
  else
    link_close(s, *context);
  pthread_mutex_unlock(&s->lock);
}

/* Resets a connection, as a crashed server does. */
void reset_connection(const struct request *r) {
  struct sockaddr nowhere;
  memset(&nowhere, 0, sizeof nowhere);
  nowhere.sa_family = AF_UNSPEC;
  if (r->link) (void)connect(r->link->fd, &nowhere, sizeof nowhere);
}

/* True if the client has closed its connection, or half of it. */
bool client_left(const struct request *r) {
  struct pollfd p = { 0 };
  char byte;
  if (!r->link) return true;
  p.fd = r->link->fd;
  p.events = POLLIN;
  if (poll(&p, 1, 0) <= 0) return false;
  return (p.revents & (POLLHUP | POLLERR)) ||
         recv(p.fd, &byte, 1, MSG_PEEK) <= 0;
}
