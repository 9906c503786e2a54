#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"

uint64_t ws_random_seed(void) {
  uint64_t seed = 0;
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, &seed, sizeof seed) != (ssize_t)sizeof seed)
    seed = (uint64_t)ws_now() ^ (uint64_t)getpid() << 32;
  if (fd >= 0) close(fd);
  return seed ? seed : 1;
}
