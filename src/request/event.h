/*
** Events: what a host can be told of each attempt, retry and wait.
*/

#ifndef WS_EVENT_H
#define WS_EVENT_H

#include "request/call.h"
#include "workstage.h"

void ws_event_add(ws_call *call, ws_event_type type, double pause);
void ws_event_discard(ws_loop *loop, const ws_client *client);

#endif
