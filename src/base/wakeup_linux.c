#include "base/wakeup.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int ws_wakeup_open(void) {
  return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* A write can only fail if the counter is full, and so readable. */
void ws_wakeup_signal(int wakeup) {
  const uint64_t one = 1;
  ssize_t written = write(wakeup, &one, sizeof one);
  (void)written;
}

void ws_wakeup_clear(int wakeup) {
  uint64_t count;
  ssize_t got = read(wakeup, &count, sizeof count);
  (void)got;
}

void ws_wakeup_close(int wakeup) {
  close(wakeup);
}
