/* A request as it came in, apart from any connection. */
#ifndef SANDBOX_MESSAGE_H
#define SANDBOX_MESSAGE_H

#include "buf.h"

struct param {
  const char *name, *value;
};

struct message {
  struct arena arena;
  const char *method;
  const char *path;           /* decoded, without a trailing slash */
  const char *query;          /* as it came, or NULL */
  struct param *params;
  size_t param_count;
  const char *authorization;  /* or NULL */
  const char *headers;        /* JSON, without the authorization */
  struct buf body;
};

struct message *message_new(const char *uri);
void message_free(struct message *m);
const char *message_param(const struct message *m, const char *name);
const char *message_token(const struct message *m, bool *bearer);
bool message_is_kantata(const struct message *m);

#endif
