/*
** Stores the writing end of each pipe under the number of its reading end. See
** pipe.h.
*/

#include "base/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

/* Descriptors from here on cannot be the ends of pipes. */
enum { MOST_DESCRIPTORS = 65536 };

/* 0: none; else the descriptor plus 1. */
static atomic_int writing_ends[MOST_DESCRIPTORS];

static int writing_end(int end) {
  if (end < 0 || end >= MOST_DESCRIPTORS) return -1;
  return atomic_load(&writing_ends[end]) - 1;
}

bool ws_pipe_is_end(int fd) {
  return writing_end(fd) >= 0;
}

static bool set_flags(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int ws_pipe_open(void) {
  int ends[2], number;
  if (pipe(ends) != 0) return -1;
  number = ends[0] < MOST_DESCRIPTORS ? 0 : EMFILE;
  if (!number && set_flags(ends[0]) && set_flags(ends[1])) {
    atomic_store(&writing_ends[ends[0]], ends[1] + 1);
    return ends[0];
  }
  if (!number) number = errno;
  close(ends[0]);
  close(ends[1]);
  errno = number;
  return -1;
}

/* A write can only fail if the pipe is full, and so readable. */
void ws_pipe_signal(int end) {
  ssize_t written = write(writing_end(end), "", 1);
  (void)written;
}

void ws_pipe_clear(int end) {
  char bytes[64];
  while (read(end, bytes, sizeof bytes) == (ssize_t)sizeof bytes) {}
}

/* Keeps the descriptor numbers of `end`, and makes them refer to `with`. */
bool ws_pipe_join(int end, int with) {
  return dup2(with, end) >= 0 &&
         dup2(writing_end(with), writing_end(end)) >= 0 && set_flags(end) &&
         set_flags(writing_end(end));
}

void ws_pipe_close(int end) {
  int other = writing_end(end);
  if (other < 0) return;
  atomic_store(&writing_ends[end], 0);
  close(end);
  close(other);
}
