/*
** Sets up what a process needs once: its memory functions, its fork handlers
** and libcurl.
*/

#ifndef WS_STARTUP_H
#define WS_STARTUP_H

#include "workstage.h"

/* Sets the process up if that was not done before; false with `error` if it
** fails, and the next call tries again. */
bool ws_startup(ws_error *error);

#endif
