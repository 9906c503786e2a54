/*
** Doubly linked lists. A link is a member of the structure that it lists, and
** is in at most one list.
*/

#ifndef WS_QUEUE_H
#define WS_QUEUE_H

typedef struct ws_queue ws_queue;

typedef struct ws_link {
  struct ws_link *next, *previous;
  ws_queue *queue;           /* the list that it is in, or NULL */
} ws_link;

struct ws_queue {
  ws_link *first, *last;
};

/* Add a link that is in no list: at the end, and at the front. */
void ws_queue_add(ws_queue *queue, ws_link *link);
void ws_queue_add_first(ws_queue *queue, ws_link *link);

/* Removes the link from its list; does nothing if it is in none. */
void ws_queue_remove(ws_link *link);

#endif
