/* A received request, independent of its connection. */
#ifndef SANDBOX_MESSAGE_H
#define SANDBOX_MESSAGE_H

#include "text.h"

struct param {
  const char *name, *value;
};

struct message {
  struct arena arena;
  const char *method;
  char *path;                 /* decoded and normalized */
  const char *query;          /* as received, or NULL */
  struct param *params;
  size_t param_count;
  const char *authorization;  /* or NULL */
  const char *content_type;   /* or NULL */
  const char *headers;        /* JSON, without the authorization */
  ws_buffer body;
};

/* Pairs of "a=1&b=2", decoded; the number of them in *count. */
struct param *params_split(struct arena *arena, const char *text,
                           size_t *count);
struct message *message_new(const char *uri);
void message_free(struct message *m);
void message_set_param(struct message *m, const char *name,
                       const char *value);
const char *message_param(const struct message *m, const char *name);
const char *message_token(const struct message *m, bool *bearer);
int64_t message_space(const struct message *m);
bool message_is_kantata(const struct message *m);

#endif
