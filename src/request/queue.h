/*
** Doubly linked lists of calls. A call is in one list at most.
*/

#ifndef WS_QUEUE_H
#define WS_QUEUE_H

#include "workstage.h"

typedef struct ws_queue {
  ws_call *first, *last;
} ws_queue;

void ws_queue_add(ws_queue *queue, ws_call *call);
void ws_queue_add_first(ws_queue *queue, ws_call *call);
void ws_queue_remove(ws_call *call);

#endif
