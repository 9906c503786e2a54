/*
** Events wait in a list until the host asks for them, so that no host code
** runs inside libcurl's callbacks.
*/

#include "request/event.h"

#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "request/client.h"
#include "request/loop.h"

struct ws_event_node {
  ws_event_node *next;
  ws_event event;
};

static double wall_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void describe(const ws_call *call, ws_event *event) {
  event->client = call->client;
  event->id = call->id;
  event->time = wall_clock();
  event->method = ws_method_name(call->method);
  snprintf(event->url, sizeof event->url, "%s", call->url);
  event->attempt = call->attempts;
  event->sent = call->body_size;
}

static void describe_end(const ws_call *call, ws_event *event) {
  ws_time end = call->answered_at == WS_NEVER ? ws_now() : call->answered_at;
  event->status = call->status;
  event->kind = call->kind;
  if (call->kind != WS_OK && !call->status)
    snprintf(event->message, sizeof event->message, "%s", call->message);
  event->elapsed = (double)(end - call->started) / 1e6;
  event->received = call->response.size;
}

/* Without memory an event is dropped: it is a report, not a promise. */
void ws_event_add(ws_call *call, ws_event_type type, double pause) {
  ws_loop *loop = call->loop;
  ws_event_node *node;
  if (!call->client || !call->client->events) return;
  node = ws_calloc(1, sizeof *node);
  if (!node) return;
  node->event.type = type;
  node->event.pause = pause;
  describe(call, &node->event);
  if (type != WS_EVENT_REQUEST && type != WS_EVENT_WAIT)
    describe_end(call, &node->event);
  if (loop->last_event) loop->last_event->next = node;
  else loop->first_event = node;
  loop->last_event = node;
}

bool ws_loop_event(ws_loop *loop, ws_event *event) {
  ws_event_node *node = loop->first_event;
  if (!node) return false;
  *event = node->event;
  loop->first_event = node->next;
  if (!node->next) loop->last_event = NULL;
  ws_free(node);
  return true;
}

/* Drops the events of a client, or all of them (NULL). */
void ws_event_discard(ws_loop *loop, const ws_client *client) {
  ws_event_node **at = &loop->first_event, *last = NULL;
  while (*at) {
    ws_event_node *node = *at;
    if (client && node->event.client != client) {
      last = node;
      at = &node->next;
      continue;
    }
    *at = node->next;
    ws_free(node);
  }
  loop->last_event = last;
}
