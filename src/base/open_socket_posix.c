/*
** A child that another thread starts between the two calls inherits the
** socket. See open_socket.h.
*/

#include "base/open_socket.h"

#include <fcntl.h>
#include <sys/socket.h>

int ws_open_socket(int family, int type, int protocol) {
  int fd = socket(family, type, protocol);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}
