#include <sys/random.h>

#include "base/clock.h"
#include "base/random.h"

uint64_t ws_random_seed(void) {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (long)sizeof seed)
    seed = (uint64_t)ws_now();
  return seed ? seed : 1;
}
