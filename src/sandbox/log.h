/* The log of requests, in order of arrival. */
#ifndef SANDBOX_LOG_H
#define SANDBOX_LOG_H

#include "message.h"

struct entry {
  double at;           /* seconds since the start */
  char *text;          /* method, path, query, headers, body as JSON */
  const char *fault;   /* its name lives as long as the sandbox */
  int status;          /* 0: no response (yet) */
  bool effect;
};

struct log {
  struct entry *entries;  /* a ring */
  size_t capacity, limit;
  uint64_t next;          /* number of the next request, from 1 */
};

uint64_t log_add(struct log *log, const struct message *m, double at);
struct entry *log_entry(struct log *log, uint64_t number);
void log_write(struct log *log, uint64_t from, ws_buffer *b);
void log_free(struct log *log);

#endif
