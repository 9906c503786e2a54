/*
** Sets up what a process needs once: its memory functions, its fork handlers
** and libcurl.
*/

#ifndef WS_STARTUP_H
#define WS_STARTUP_H

#include "workstage.h"

/* Does so the first time; false with `error` if it fails, and tries again
** with the next call. */
bool ws_startup(ws_error *error);

#endif
