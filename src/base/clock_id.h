/*
** Identifies the clock of ws_now, which differs between boots and between time
** namespaces.
*/

#ifndef WS_CLOCK_ID_H
#define WS_CLOCK_ID_H

#include <stdint.h>

/* A number that is the same for all processes with this clock, and differs from
** that of other clocks as far as the system can tell. */
uint64_t ws_clock_id(void);

#endif
