/*
** Open file description locks. See file_lock.h.
*/

#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int control(int fd, int command, short type, off_t byte) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET,
                       .l_start = byte, .l_len = 1};
  int result;
  do
    result = fcntl(fd, command, &lock);
  while (result != 0 && errno == EINTR);
  return result != 0 ? -1 : lock.l_type;
}

ws_lock_result ws_file_lock(int fd, off_t byte) {
  if (control(fd, F_OFD_SETLK, F_WRLCK, byte) != -1) return WS_LOCK_TAKEN;
  return errno == EAGAIN || errno == EACCES ? WS_LOCK_BUSY : WS_LOCK_FAILED;
}

void ws_file_unlock(int fd, off_t byte) {
  control(fd, F_OFD_SETLK, F_UNLCK, byte);
}

bool ws_file_is_locked(int fd, off_t byte) {
  return control(fd, F_OFD_GETLK, F_WRLCK, byte) != F_UNLCK;
}

void ws_file_lock_close(int fd) {
  close(fd);
}

void ws_file_lock_abandon(int fd) {
  close(fd);
}
