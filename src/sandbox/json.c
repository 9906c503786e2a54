#include "json.h"
#include "json/reader.h"
#include "json/writer.h"

#include <string.h>

#define MAX_DEPTH 64
#define RESULT_DEPTH 128  /* a dump has the bodies' values inside more levels */

/* The state of building a tree from a text. */
struct builder {
  ws_reader reader;
  ws_buffer unescaped;
  struct arena *arena;
  const char *why;  /* an error that the reader does not know */
  int depth, max_depth;
};

static struct json *build(struct builder *b);

static void *refuse(struct builder *b, const char *why) {
  if (!b->why) b->why = why;
  return NULL;
}

static struct json *new_value(struct builder *b, enum json_type type) {
  struct json *value = arena_alloc(b->arena, sizeof *value);
  if (!value) return refuse(b, "out of memory");
  value->type = type;
  return value;
}

/* Copies a string. Rejects NUL bytes, as no text of the services has one. */
static const char *keep(struct builder *b, const char *text, size_t size) {
  const char *copy;
  if (memchr(text, '\0', size)) return refuse(b, "a zero in a string");
  copy = arena_copy(b->arena, text, size);
  return copy ? copy : refuse(b, "out of memory");
}

static struct json *build_text(struct builder *b) {
  struct json *value = new_value(b, JSON_TEXT);
  if (!value) return NULL;
  value->len = b->reader.size;
  value->text = keep(b, b->reader.text, b->reader.size);
  return value->text ? value : NULL;
}

static struct json *build_number(struct builder *b, bool whole) {
  struct json *value = new_value(b, whole ? JSON_INT : JSON_REAL);
  if (!value) return NULL;
  if (whole) value->integer = b->reader.integer;
  value->real = whole ? (double)b->reader.integer : b->reader.number;
  return value;
}

static struct json *build_members(struct builder *b, bool keyed) {
  struct json *whole = new_value(b, keyed ? JSON_OBJECT : JSON_ARRAY);
  struct json **tail = whole ? &whole->child : NULL;
  const char *name, *key = NULL;
  size_t size;
  while (tail && !b->why &&
         (keyed ? ws_reader_member(&b->reader, &name, &size)
                : ws_reader_item(&b->reader))) {
    if (keyed) key = keep(b, name, size);
    if (keyed && !key) return NULL;
    *tail = build(b);
    if (!*tail) return NULL;
    (*tail)->key = key;
    tail = &(*tail)->next;
    whole->len++;
  }
  return whole;
}

static struct json *build_flag(struct builder *b, bool flag) {
  struct json *value = new_value(b, JSON_BOOL);
  if (value) value->boolean = flag;
  return value;
}

/* Builds the next value; NULL on error. */
static struct json *build(struct builder *b) {
  struct json *value = NULL;
  if (b->depth == b->max_depth) return refuse(b, "nested too deeply");
  b->depth++;
  switch (ws_reader_next(&b->reader)) {
    case WS_JSON_ERROR: break;
    case WS_JSON_NULL: value = new_value(b, JSON_NULL); break;
    case WS_JSON_TRUE: value = build_flag(b, true); break;
    case WS_JSON_FALSE: value = build_flag(b, false); break;
    case WS_JSON_INTEGER: value = build_number(b, true); break;
    case WS_JSON_NUMBER: value = build_number(b, false); break;
    case WS_JSON_STRING: value = build_text(b); break;
    case WS_JSON_ARRAY: value = build_members(b, false); break;
    case WS_JSON_OBJECT: value = build_members(b, true); break;
  }
  b->depth--;
  return value;
}

static const struct json *parse(struct arena *arena, const char *text,
                                size_t len, int max_depth, ws_buffer *err) {
  struct builder b = { .arena = arena, .max_depth = max_depth };
  struct json *value;
  char reason[200];
  ws_reader_init(&b.reader, text, len, &b.unescaped);
  value = build(&b);
  if (!b.why && ws_reader_finish(&b.reader)) {
    ws_buffer_free(&b.unescaped);
    return value;
  }
  ws_reader_describe(&b.reader, reason, sizeof reason);
  fail(err, "%s", b.why ? b.why : reason);
  ws_buffer_free(&b.unescaped);
  return NULL;
}

/* Parses a text into a tree; NULL with the reason in `err` on error. */
const struct json *json_parse(struct arena *arena, const char *text,
                              size_t len, ws_buffer *err) {
  return parse(arena, text, len, MAX_DEPTH, err);
}

/* The same for text that the sandbox wrote, which may be nested deeper. */
const struct json *json_parse_result(struct arena *arena, const char *text,
                                     size_t len, ws_buffer *err) {
  return parse(arena, text, len, RESULT_DEPTH, err);
}

/* Returns the member with that name, or NULL; the last one if it is
** repeated. */
const struct json *json_get(const struct json *object, const char *key) {
  const struct json *member, *found = NULL;
  if (!object || object->type != JSON_OBJECT) return NULL;
  for (member = object->child; member; member = member->next)
    if (strcmp(member->key, key) == 0) found = member;
  return found;
}

static void write_members(ws_buffer *b, const struct json *value) {
  const struct json *member;
  bool keyed = value->type == JSON_OBJECT;
  ws_buffer_add_text(b, keyed ? "{" : "[");
  for (member = value->child; member; member = member->next) {
    if (member != value->child) ws_buffer_add_text(b, ",");
    if (keyed) ws_json_string(b, member->key, strlen(member->key));
    if (keyed) ws_buffer_add_text(b, ":");
    json_write(b, member);
  }
  ws_buffer_add_text(b, keyed ? "}" : "]");
}

void json_write(ws_buffer *b, const struct json *value) {
  switch (value->type) {
    case JSON_NULL: ws_buffer_add_text(b, "null"); break;
    case JSON_BOOL:
      ws_buffer_add_text(b, value->boolean ? "true" : "false");
      break;
    case JSON_INT: ws_json_integer(b, value->integer); break;
    case JSON_REAL: ws_json_number(b, value->real); break;
    case JSON_TEXT: ws_json_string(b, value->text, value->len); break;
    case JSON_ARRAY:
    case JSON_OBJECT: write_members(b, value); break;
  }
}
