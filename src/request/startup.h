/*
** Sets up what a process needs once: its memory functions, its fork handlers
** and libcurl.
*/

#ifndef WS_STARTUP_H
#define WS_STARTUP_H

#include "workstage.h"

/* Sets up the process, unless that has been done. May be called from any
** thread. False with `error` if it fails; the next call then tries again. */
bool ws_startup(ws_error *error);

#endif
