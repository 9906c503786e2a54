/* A request that the server processes, and its connection. */
#ifndef SANDBOX_REQUEST_H
#define SANDBOX_REQUEST_H

#include "call.h"

#include <microhttpd.h>

/* An open connection. `serial` is never reused. */
struct link {
  struct link *next, *previous;
  uint64_t serial;
  int fd;
  uint64_t answered;  /* requests so far */
  bool busy;
};

enum phase { READING, TRAVELLING, DELAYED, RETURNING, HANGING };

/* A request, from its first line to the last byte of its response. */
struct request {
  struct timer timer;  /* must be first: the timer is the request */
  struct sandbox *sandbox;
  struct MHD_Connection *connection;
  struct link *link;
  struct message *message;
  enum phase phase;
  bool started, kantata, too_large, limited, takes_gzip, admitted;
  bool packed;         /* the body is in gzip */
  uint64_t number;     /* in the log */
  const struct fault *fault;
  int64_t hang_until;
  /* the response */
  int status;
  char *body;
  size_t body_len;
  int64_t total, per_page;
};

/* link.c */
void link_changed(void *cls, struct MHD_Connection *connection,
                  void **context, enum MHD_ConnectionNotificationCode code);
void close_when_idle(struct sandbox *s, const struct link *link,
                     double seconds);
void reset_connection(const struct request *r);
bool client_left(const struct request *r);

/* work.c */
void request_work(struct request *r);

/* answer.c */
void answer_text(struct request *r, int status, enum shape shape,
                 const char *text);
void answer_limited(struct request *r, double limit);
void answer_apply_fault(struct request *r, const struct fault *f);
enum MHD_Result answer_queue(struct request *r);

#endif
