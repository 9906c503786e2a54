/*
** The kernel's boot id and the process's time namespace. See clock_id.h.
*/

#include "base/clock_id.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

/* FNV-1a, continued from `sum`. */
static uint64_t add(uint64_t sum, const char *bytes, ssize_t size) {
  for (ssize_t i = 0; i < size; i++)
    sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
  return sum;
}

static uint64_t add_boot(uint64_t sum) {
  char text[64];
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return sum;
  sum = add(sum, text, read(fd, text, sizeof text));
  close(fd);
  return sum;
}

static uint64_t add_namespace(uint64_t sum) {
  char text[64];
  return add(sum, text, readlink("/proc/self/ns/time", text, sizeof text));
}

uint64_t ws_clock_id(void) {
  return add_namespace(add_boot(UINT64_C(14695981039346656037)));
}
