#include "call.h"
#include "json/writer.h"

#include <string.h>

const char *const shape_names[] = {
  "string", "array", "list", "fields", "errors", "flat", "message",
  "objects", "strings", "status", NULL
};

/* Returns the shape that a fault names; SHAPE_STRING without a name. */
enum shape shape_named(const char *name) {
  int i;
  for (i = 0; name && shape_names[i]; i++)
    if (strcmp(shape_names[i], name) == 0) return (enum shape)i;
  return SHAPE_STRING;
}

static void quote(ws_buffer *b, const char *text) {
  ws_json_string(b, text, strlen(text));
}

/* Writes a problem as one sentence: "name has already been taken". */
static void quote_sentence(ws_buffer *b, const struct problem *p) {
  ws_buffer text = { 0 };
  if (*p->field) text_format(&text, "%s ", p->field);
  ws_buffer_add_text(&text, p->message);
  ws_json_string(b, ws_buffer_cstring(&text), text.size);
  ws_buffer_free(&text);
}

static bool same_field_before(const struct problem *p, int i) {
  int j;
  for (j = 0; j < i; j++)
    if (strcmp(p[j].field, p[i].field) == 0) return true;
  return false;
}

/* Writes "name":["...","..."] for each field, without braces. */
static void write_fields(ws_buffer *b, const struct problem *p, int count) {
  int i, j;
  for (i = 0; i < count; i++) {
    if (same_field_before(p, i)) continue;
    if (i) ws_buffer_add_text(b, ",");
    quote(b, *p[i].field ? p[i].field : "base");
    ws_buffer_add_text(b, ":[");
    for (j = i; j < count; j++) {
      if (strcmp(p[j].field, p[i].field) != 0) continue;
      if (j > i) ws_buffer_add_text(b, ",");
      quote(b, p[j].message);
    }
    ws_buffer_add_text(b, "]");
  }
}

static void write_list(ws_buffer *b, const struct problem *p, int count) {
  int i;
  ws_buffer_add_text(b, "[");
  for (i = 0; i < count; i++) {
    if (i) ws_buffer_add_text(b, ",");
    quote_sentence(b, &p[i]);
  }
  ws_buffer_add_text(b, "]");
}

static const char *error_type(int status) {
  switch (status) {
    case 401: return "oauth";
    case 400:
    case 422: return "validation";
    default: return "system";
  }
}

/* Writes Kantata's error objects; only validation errors have `field`. */
static void write_objects(ws_buffer *b, int status, const struct problem *p,
                          int count) {
  const char *type = error_type(status);
  int i;
  ws_buffer_add_text(b, "{\"errors\":[");
  for (i = 0; i < count; i++) {
    text_format(b, "%s{\"type\":\"%s\",\"message\":", i ? "," : "", type);
    quote(b, p[i].message);
    if (*type == 'v') {
      ws_buffer_add_text(b, ",\"field\":");
      quote(b, *p[i].field ? p[i].field : "base");
    }
    ws_buffer_add_text(b, "}");
  }
  ws_buffer_add_text(b, "]}");
}

/* Returns the shape that the service uses for an error of `shape`. */
static enum shape sent_shape(const struct config *config, bool kantata,
                             enum shape shape) {
  bool strings = strcmp(config->kantata_errors, "strings") == 0;
  if (!kantata) return shape == SHAPE_STATUS ? SHAPE_STRING : shape;
  if (shape == SHAPE_STATUS || shape == SHAPE_STRINGS) return shape;
  return strings ? SHAPE_STRINGS : SHAPE_OBJECTS;
}

static void write_sentence(ws_buffer *b, const char *before,
                           const struct problem *p) {
  ws_buffer_add_text(b, before);
  quote_sentence(b, p);
  ws_buffer_add_text(b, "}");
}

static void write_grouped(ws_buffer *b, const char *before,
                          const struct problem *p, int count) {
  ws_buffer_add_text(b, before);
  write_fields(b, p, count);
  ws_buffer_add_text(b, "}}");
}

static void write_listed(ws_buffer *b, const char *before,
                         const struct problem *p, int count) {
  ws_buffer_add_text(b, before);
  write_list(b, p, count);
  ws_buffer_add_text(b, "}");
}

static void write_flat(ws_buffer *b, const struct problem *p, int count) {
  ws_buffer_add_text(b, "{");
  write_fields(b, p, count);
  write_sentence(b, ",\"error\":", p);
}

static void write_status(ws_buffer *b, int status,
                         const struct problem *p) {
  text_format(b, "{\"status\":%d", status);
  write_sentence(b, ",\"error\":", p);
}

/* Writes the body of an error. */
void write_error(const struct config *config, ws_buffer *b, bool kantata,
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
  ws_buffer_reset(&c->out);
  write_error(c->config, &c->out, message_is_kantata(c->message), shape,
              status, c->problems, c->problem_count);
}

void answer_error(struct call *c, int status, enum shape shape,
                  const char *text) {
  c->problem_count = 0;
  problem(c, "", text);
  answer_problems(c, status, shape);
}

/* Responds with 404: an array of strings or, by option, an object. */
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

/* Responds with the problems that were found, if there are any. */
bool no_problems(struct call *c, int status, enum shape shape) {
  if (!c->problem_count) return true;
  answer_problems(c, status, shape);
  return false;
}

/* Responds with 422, in the shape of this call, and the problems if there are
** any. */
bool is_valid(struct call *c) {
  return no_problems(c, 422, c->invalid);
}
