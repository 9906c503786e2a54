#include "request/event.h"

#include "base/memory.h"

enum { MOST_EVENTS = 4096 };

struct ws_event_node {
  ws_event_node *next;
  ws_event event;
};

void ws_events_add(ws_events *events, const ws_event *event) {
  ws_event_node *node = ws_calloc(1, sizeof *node);
  ws_event oldest;
  if (!node) return;
  if (events->count >= MOST_EVENTS) ws_events_take(events, &oldest);
  node->event = *event;
  if (events->last) events->last->next = node;
  else events->first = node;
  events->last = node;
  events->count++;
  events->has_new = true;
}

bool ws_events_take(ws_events *events, ws_event *event) {
  ws_event_node *node = events->first;
  if (!node) return false;
  *event = node->event;
  events->first = node->next;
  if (!node->next) events->last = NULL;
  events->count--;
  ws_free(node);
  return true;
}

bool ws_events_notice(ws_events *events) {
  bool is_new = events->has_new && events->first;
  events->has_new = false;
  return is_new;
}

void ws_events_discard(ws_events *events, const ws_client *client) {
  ws_event_node **at = &events->first, *last = NULL;
  while (*at) {
    ws_event_node *node = *at;
    if (client && node->event.client != client) {
      last = node;
      at = &node->next;
      continue;
    }
    *at = node->next;
    events->count--;
    ws_free(node);
  }
  events->last = last;
}
