/*
** Events wait in a list until the host takes them, so that no code of the
** host runs inside libcurl's callbacks.
*/

#ifndef WS_EVENT_H
#define WS_EVENT_H

#include "workstage.h"

typedef struct ws_event_node ws_event_node;

typedef struct ws_events {
  ws_event_node *first, *last;
  size_t count;
  bool has_new;              /* one was added since ws_events_notice */
} ws_events;

/* Adds a copy of the event; drops the oldest one if there are too many, and
** this one if memory runs out. */
void ws_events_add(ws_events *events, const ws_event *event);

/* Takes the oldest event; false if there is none. */
bool ws_events_take(ws_events *events, ws_event *event);

/* True if an event was added since the last call, and is still in the list. */
bool ws_events_notice(ws_events *events);

/* Removes the events of a client, or all (NULL). */
void ws_events_discard(ws_events *events, const ws_client *client);

#endif
