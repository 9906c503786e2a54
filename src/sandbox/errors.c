#include "call.h"

#include <string.h>

/* By the names that faults give the shapes. */
enum shape shape_named(const char *name) {
  static const char *const names[] = {
    "string", "array", "list", "fields", "errors", "flat"
  };
  int i;
  for (i = 0; name && i < 6; i++)
    if (strcmp(names[i], name) == 0) return (enum shape)i;
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

static void write_kantata(struct buf *b, int status, const struct problem *p,
                          int count) {
  const char *type = status == 401 ? "oauth"
                   : status == 400 || status == 422 ? "validation"
                                                    : "system";
  int i;
  buf_str(b, "{\"errors\":[");
  for (i = 0; i < count; i++) {
    buf_fmt(b, "%s{\"type\":\"%s\",\"message\":", i ? "," : "", type);
    quote(b, p[i].message);
    buf_str(b, ",\"field\":");
    quote(b, *p[i].field ? p[i].field : "base");
    buf_str(b, "}");
  }
  buf_str(b, "]}");
}

/* Writes an error's body: Kantata has one shape, Storyblok has them all. */
void write_error(struct buf *b, bool kantata, enum shape shape, int status,
                 const struct problem *p, int count) {
  if (kantata) {
    write_kantata(b, status, p, count);
    return;
  }
  switch (shape) {
    case SHAPE_STRING:
      buf_str(b, "{\"error\":");
      quote_sentence(b, &p[0]);
      break;
    case SHAPE_ARRAY:
      write_list(b, p, count);
      return;
    case SHAPE_LIST:
      buf_str(b, "{\"error\":");
      write_list(b, p, count);
      break;
    case SHAPE_FIELDS:
    case SHAPE_ERRORS:
      buf_str(b, shape == SHAPE_FIELDS ? "{\"error\":{" : "{\"errors\":{");
      write_fields(b, p, count);
      buf_str(b, "}");
      break;
    case SHAPE_FLAT:
      buf_str(b, "{");
      write_fields(b, p, count);
      buf_str(b, ",\"error\":");
      quote_sentence(b, &p[0]);
      break;
  }
  buf_str(b, "}");
}

static void answer_problems(struct call *c, int status, enum shape shape) {
  c->status = status;
  c->out.len = 0;
  write_error(&c->out, message_is_kantata(c->message), shape, status,
              c->problems, c->problem_count);
}

void answer_error(struct call *c, int status, enum shape shape,
                  const char *text) {
  c->problem_count = 0;
  problem(c, "", text);
  answer_problems(c, status, shape);
}

/* A 404; Storyblok has two shapes for it. */
void answer_missing(struct call *c, enum shape shape) {
  answer_error(c, 404, shape, "This record could not be found");
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
