/*
** Tells processes apart whose clocks (ws_now) have nothing in common: those
** of another boot, or of another time namespace.
*/

#ifndef WS_CLOCK_ID_H
#define WS_CLOCK_ID_H

#include <stdint.h>

/* A number that is the same for all processes of this clock; 0 if the system
** does not tell. */
uint64_t ws_clock_id(void);

#endif
