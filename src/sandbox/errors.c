#include "call.h"

#include <string.h>

const char *const shape_names[] = {
  "string", "array", "list", "fields", "errors", "flat", "message",
  "objects", "strings", "status", NULL
};

/* The shape that a fault names; SHAPE_STRING without a name. */
enum shape shape_named(const char *name) {
  int i;
  for (i = 0; name && shape_names[i]; i++)
    if (strcmp(shape_names[i], name) == 0) return (enum shape)i;
  return SHAPE_STRING;
}

static void quote(struct buf *b, const char *text) {
  buf_quote(b, text, strlen(text));
}

/* A problem as one sentence: "name has already been taken". */
static void quote_sentence(struct buf *b, const struct problem *p) {
  struct buf text = { 0 };
  if (*p->field) buf_fmt(&text, "%s ", p->field);
  buf_str(&text, p->message);
  buf_quote(b, text.data ? text.data : "", text.len);
  buf_free(&text);
}

static bool same_field_before(const struct problem *p, int i) {
  int j;
  for (j = 0; j < i; j++)
    if (strcmp(p[j].field, p[i].field) == 0) return true;
  return false;
}

/* "name":["...","..."] for each field, without braces. */
static void write_fields(struct buf *b, const struct problem *p, int count) {
  int i, j;
  for (i = 0; i < count; i++) {
    if (same_field_before(p, i)) continue;
    if (i) buf_str(b, ",");
    quote(b, *p[i].field ? p[i].field : "base");
    buf_str(b, ":[");
    for (j = i; j < count; j++) {
      if (strcmp(p[j].field, p[i].field) != 0) continue;
      if (j > i) buf_str(b, ",");
      quote(b, p[j].message);
    }
    buf_str(b, "]");
  }
}

static void write_list(struct buf *b, const struct problem *p, int count) {
  int i;
  buf_str(b, "[");
  for (i = 0; i < count; i++) {
    if (i) buf_str(b, ",");
    quote_sentence(b, &p[i]);
  }
  buf_str(b, "]");
}

static const char *error_type(int status) {
  switch (status) {
    case 401: return "oauth";
    case 400:
    case 422: return "validation";
    default: return "system";
  }
}

/* Kantata's objects; `field` comes with validation errors only. */
static void write_objects(struct buf *b, int status, const struct problem *p,
                          int count) {
  const char *type = error_type(status);
  int i;
  buf_str(b, "{\"errors\":[");
  for (i = 0; i < count; i++) {
    buf_fmt(b, "%s{\"type\":\"%s\",\"message\":", i ? "," : "", type);
    quote(b, p[i].message);
    if (*type == 'v') {
      buf_str(b, ",\"field\":");
      quote(b, *p[i].field ? p[i].field : "base");
    }
    buf_str(b, "}");
  }
  buf_str(b, "]}");
}

/* The shape in which a service sends an error that asks for `shape`. */
static enum shape sent_shape(const struct config *config, bool kantata,
                             enum shape shape) {
  bool strings = strcmp(config->kantata_errors, "strings") == 0;
  if (!kantata) return shape == SHAPE_STATUS ? SHAPE_STRING : shape;
  if (shape == SHAPE_STATUS || shape == SHAPE_STRINGS) return shape;
  return strings ? SHAPE_STRINGS : SHAPE_OBJECTS;
}

static void write_sentence(struct buf *b, const char *before,
                           const struct problem *p) {
  buf_str(b, before);
  quote_sentence(b, p);
  buf_str(b, "}");
}

static void write_grouped(struct buf *b, const char *before,
                          const struct problem *p, int count) {
  buf_str(b, before);
  write_fields(b, p, count);
  buf_str(b, "}}");
}

static void write_listed(struct buf *b, const char *before,
                         const struct problem *p, int count) {
  buf_str(b, before);
  write_list(b, p, count);
  buf_str(b, "}");
}

static void write_flat(struct buf *b, const struct problem *p, int count) {
  buf_str(b, "{");
  write_fields(b, p, count);
  write_sentence(b, ",\"error\":", p);
}

static void write_status(struct buf *b, int status,
                         const struct problem *p) {
  buf_fmt(b, "{\"status\":%d", status);
  write_sentence(b, ",\"error\":", p);
}

/* Writes the body of an error. */
void write_error(const struct config *config, struct buf *b, bool kantata,
                 enum shape shape, int status, const struct problem *p,
                 int count) {
  switch (sent_shape(config, kantata, shape)) {
    case SHAPE_STRING: write_sentence(b, "{\"error\":", p); break;
    case SHAPE_MESSAGE: write_sentence(b, "{\"message\":", p); break;
    case SHAPE_ARRAY: write_list(b, p, count); break;
    case SHAPE_LIST: write_listed(b, "{\"error\":", p, count); break;
    case SHAPE_STRINGS: write_listed(b, "{\"errors\":", p, count); break;
    case SHAPE_FIELDS: write_grouped(b, "{\"error\":{", p, count); break;
    case SHAPE_ERRORS: write_grouped(b, "{\"errors\":{", p, count); break;
    case SHAPE_FLAT: write_flat(b, p, count); break;
    case SHAPE_OBJECTS: write_objects(b, status, p, count); break;
    case SHAPE_STATUS: write_status(b, status, p); break;
  }
}

static void answer_problems(struct call *c, int status, enum shape shape) {
  c->status = status;
  c->out.len = 0;
  write_error(c->config, &c->out, message_is_kantata(c->message), shape,
              status, c->problems, c->problem_count);
}

void answer_error(struct call *c, int status, enum shape shape,
                  const char *text) {
  c->problem_count = 0;
  problem(c, "", text);
  answer_problems(c, status, shape);
}

/* A 404: an array of strings, or by option an object. */
void answer_missing(struct call *c) {
  bool array = strcmp(c->config->not_found, "array") == 0;
  answer_error(c, 404, array ? SHAPE_ARRAY : SHAPE_STRING,
               "This record could not be found");
}

void problem(struct call *c, const char *field, const char *message) {
  struct problem *p;
  if (c->problem_count == MAX_PROBLEMS) return;
  p = &c->problems[c->problem_count++];
  p->field = field;
  p->message = message;
}

/* Answers with the problems that were found, if any were. */
bool no_problems(struct call *c, int status, enum shape shape) {
  if (!c->problem_count) return true;
  answer_problems(c, status, shape);
  return false;
}

/* Answers 422, in the shape of this call, with the problems if any. */
bool is_valid(struct call *c) {
  return no_problems(c, 422, c->invalid);
}
