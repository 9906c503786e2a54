/*
** Filling in an error.
*/

#ifndef WS_ERROR_H
#define WS_ERROR_H

#include "workstage.h"

/* Sets kind and message (cut to fit); does nothing when `error` is NULL. */
__attribute__((format(printf, 3, 4)))
void ws_fail(ws_error *error, ws_kind kind, const char *format, ...);

/* The same for memory that ran out. */
void ws_fail_memory(ws_error *error);

#endif
