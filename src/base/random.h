/*
** Random numbers for pauses between attempts. Not for secrets.
*/

#ifndef WS_RANDOM_H
#define WS_RANDOM_H

#include <stdint.h>

/* A start value that differs from run to run; never 0. */
uint64_t ws_random_seed(void);

/* A number from 0 up to, but not including, 1. `state` starts with a seed that
** is not 0, and changes with each call. */
double ws_random(uint64_t *state);

#endif
