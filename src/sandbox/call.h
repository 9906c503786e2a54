/* One request that a handler processes, and its response. */
#ifndef SANDBOX_CALL_H
#define SANDBOX_CALL_H

#include "fields.h"
#include "form.h"
#include "inner.h"
#include "message.h"

struct user {
  int64_t id;
  const char *role;
  const struct json *space_role_ids;  /* or NULL */
  bool read_only, client;
};

#define MAX_PROBLEMS 16

struct problem {
  const char *field;
  const char *message;
};

/* The shapes of error bodies. */
enum shape {
  SHAPE_STRING,   /* {"error":"..."} */
  SHAPE_ARRAY,    /* ["..."] */
  SHAPE_LIST,     /* {"error":["..."]} */
  SHAPE_FIELDS,   /* {"error":{"name":["..."]}} */
  SHAPE_ERRORS,   /* {"errors":{"name":["..."]}} */
  SHAPE_FLAT,     /* {"name":["..."],"error":"..."} */
  SHAPE_MESSAGE,  /* {"message":"..."} */
  SHAPE_OBJECTS,  /* Kantata's {"errors":[{"type","message","field"}]} */
  SHAPE_STRINGS,  /* {"errors":["..."]} */
  SHAPE_STATUS    /* {"status":400,"error":"..."} */
};

struct call {
  struct sandbox *sandbox;
  struct store *db;
  const struct config *config;
  const struct message *message;
  struct arena arena;
  struct user user;
  int64_t space;              /* Storyblok only */
  int64_t id;                 /* the last number of the path */
  enum shape invalid;         /* of a 422 response to this call */
  const struct json *body;
  char now[TIME_SIZE];
  struct problem problems[MAX_PROBLEMS];
  int problem_count;
  /* the response */
  int status;
  ws_buffer out;
  int64_t total, per_page;    /* headers; below zero: none */
  struct effects effects;
};

void call_serve(struct call *c);
void call_free(struct call *c);

/* params: false if an error response was written */
const char *param(const struct call *c, const char *name);
bool param_given(const struct call *c, const char *name);
bool param_number(struct call *c, const char *name, int64_t least,
                  int64_t *value);
bool param_page(struct call *c, int64_t *page, int64_t *per_page,
                int64_t usual, int64_t most);
bool param_flag(struct call *c, const char *name, int *flag);
const char *ids_as_json(struct call *c, const char *list);
const char *texts_as_json(struct call *c, const char *list);

/* bodies */
const struct json *body_root(struct call *c, const char *key,
                             const struct field *siblings);
bool body_check(struct call *c, const struct field *fields,
                const struct json *object);
bool is_blank(const char *text);
const char *text_of(const struct json *object, const char *name);
int64_t id_of(const struct json *object, const char *name);
bool flag_of(const struct json *object, const char *name);
const char *json_text(struct call *c, const struct json *value);

/* effects */
void effect(struct call *c, enum resource resource, enum verb verb);

/* errors.c */
extern const char *const shape_names[];
enum shape shape_named(const char *name);
void write_error(const struct config *config, ws_buffer *b, bool kantata,
                 enum shape shape, int status,
                 const struct problem *problems, int count);
void answer_error(struct call *c, int status, enum shape shape,
                  const char *text);
void answer_missing(struct call *c);
void problem(struct call *c, const char *field, const char *message);
bool no_problems(struct call *c, int status, enum shape shape);
bool is_valid(struct call *c);

#endif
