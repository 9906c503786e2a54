#include "request/queue.h"

#include "request/call.h"

void ws_queue_add(ws_queue *queue, ws_call *call) {
  call->queue = queue;
  call->next = NULL;
  call->previous = queue->last;
  if (queue->last) queue->last->next = call;
  else queue->first = call;
  queue->last = call;
}

void ws_queue_add_first(ws_queue *queue, ws_call *call) {
  call->queue = queue;
  call->previous = NULL;
  call->next = queue->first;
  if (queue->first) queue->first->previous = call;
  else queue->last = call;
  queue->first = call;
}

/* Takes the call out of the list that it is in, if it is in one. */
void ws_queue_remove(ws_call *call) {
  ws_queue *queue = call->queue;
  if (!queue) return;
  if (call->next) call->next->previous = call->previous;
  else queue->last = call->previous;
  if (call->previous) call->previous->next = call->next;
  else queue->first = call->next;
  call->queue = NULL;
  call->next = call->previous = NULL;
}
