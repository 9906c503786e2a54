#include "base/open_socket.h"

#include <sys/socket.h>

int ws_open_socket(int family, int type, int protocol) {
  return socket(family, type | SOCK_CLOEXEC, protocol);
}
