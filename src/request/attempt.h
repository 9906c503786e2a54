/*
** One attempt of a call: one transfer through libcurl.
*/

#ifndef WS_ATTEMPT_H
#define WS_ATTEMPT_H

#include <curl/curl.h>

#include "base/clock.h"
#include "request/call.h"
#include "request/handle.h"
#include "request/retry.h"
#include "workstage.h"

CURLcode ws_attempt_set_callbacks(ws_handle *handle);
ws_kind ws_attempt_start(ws_call *call, ws_time now);
void ws_attempt_finish(ws_call *call, CURLcode code, ws_outcome *outcome,
                         ws_time *written, ws_time *answered_at);
void ws_attempt_abort(ws_call *call);

#endif
