#include "base/random.h"

/* xorshift64*; the upper 53 bits of the product are used, as they are the
** most evenly distributed. */
double ws_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  x *= UINT64_C(2685821657736338717);
  return (double)(x >> 11) / 9007199254740992.0;
}
