#include "request/queue.h"

#include <stddef.h>

void ws_queue_add(ws_queue *queue, ws_link *link) {
  *link = (ws_link){.previous = queue->last, .queue = queue};
  if (queue->last) queue->last->next = link;
  else queue->first = link;
  queue->last = link;
}

void ws_queue_add_first(ws_queue *queue, ws_link *link) {
  *link = (ws_link){.next = queue->first, .queue = queue};
  if (queue->first) queue->first->previous = link;
  else queue->last = link;
  queue->first = link;
}

void ws_queue_remove(ws_link *link) {
  ws_queue *queue = link->queue;
  if (!queue) return;
  if (link->next) link->next->previous = link->previous;
  else queue->last = link->previous;
  if (link->previous) link->previous->next = link->next;
  else queue->first = link->next;
  *link = (ws_link){0};
}
