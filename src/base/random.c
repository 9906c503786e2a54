#include "base/random.h"

#include <sys/random.h>

#include "base/clock.h"

uint64_t ws_random_seed(void) {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (long)sizeof seed)
    seed = (uint64_t)ws_now();
  return seed ? seed : 1;
}

/* xorshift64*: the upper 53 bits of its product are even enough. */
double ws_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  x *= UINT64_C(2685821657736338717);
  return (double)(x >> 11) / 9007199254740992.0;
}
