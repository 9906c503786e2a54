/*
** Fills in the errors that functions of workstage.h return.
*/

#ifndef WS_ERROR_H
#define WS_ERROR_H

#include "workstage.h"

/* Sets kind and message (truncated to fit); does nothing if `error` is
** NULL. */
__attribute__((format(printf, 3, 4)))
void ws_fail(ws_error *error, ws_kind kind, const char *format, ...);

/* Sets kind WS_MEMORY and "not enough memory". */
void ws_fail_memory(ws_error *error);

#endif
