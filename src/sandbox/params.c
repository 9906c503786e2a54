/* Reads query parameters and bodies. */
#include "call.h"
#include "json/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *param(const struct call *c, const char *name) {
  return message_param(c->message, name);
}

/* True if a required parameter is present and not empty. */
bool param_given(const struct call *c, const char *name) {
  const char *text = param(c, name);
  return text && *text;
}

static bool bad_param(struct call *c, const char *name, const char *what) {
  problem(c, name, what);
  return no_problems(c, 400, SHAPE_STRING);
}

/* Reads a number of at least `least`; without the parameter, `value` is
** unchanged. */
bool param_number(struct call *c, const char *name, int64_t least,
                  int64_t *value) {
  const char *text = param(c, name);
  char *end;
  long long number;
  if (!text) return true;
  errno = 0;
  number = strtoll(text, &end, 10);
  if (end == text || *end || errno || number < least)
    return bad_param(c, name, least ? "must be a number from 1 on"
                                    : "must be a number from 0 on");
  *value = number;
  return true;
}

/* Reads page and per_page, and limits per_page to `most`. */
bool param_page(struct call *c, int64_t *page, int64_t *per_page,
                int64_t usual, int64_t most) {
  *page = 1;
  *per_page = usual;
  if (!param_number(c, "page", 1, page) ||
      !param_number(c, "per_page", 1, per_page))
    return false;
  if (*per_page > most) *per_page = most;
  if (*page > WS_MAX_ID / most) *page = WS_MAX_ID / most;
  return true;
}

/* Sets `flag` to 1 or 0, or to -1 if the parameter is absent. */
bool param_flag(struct call *c, const char *name, int *flag) {
  const char *text = param(c, name);
  *flag = -1;
  if (!text) return true;
  if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0) *flag = 1;
  else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0) *flag = 0;
  else return bad_param(c, name, "must be true or false");
  return true;
}

/* Converts "1,2,3" to "[1,2,3]"; NULL if one of them is not an id. */
const char *ids_as_json(struct call *c, const char *list) {
  size_t len = strlen(list), digits = 0, i;
  char *json = arena_alloc(&c->arena, len + 3);
  if (!json) return NULL;
  json[0] = '[';
  for (i = 0; i < len; i++) {
    bool digit = list[i] >= '0' && list[i] <= '9';
    if (!digit && (list[i] != ',' || !digits)) return NULL;
    if (digit && digits == 0 && list[i] == '0') return NULL;
    digits = digit ? digits + 1 : 0;
    if (digits > 16) return NULL;
    json[i + 1] = list[i];
  }
  if (len && !digits) return NULL;
  json[len + 1] = ']';
  return json;
}

/* Converts "a,b" to "[\"a\",\"b\"]". */
const char *texts_as_json(struct call *c, const char *list) {
  ws_buffer b = { 0 };
  ws_buffer_add_text(&b, "[");
  for (;;) {
    size_t len = strcspn(list, ",");
    ws_json_string(&b, list, len);
    if (!list[len]) break;
    list += len + 1;
    ws_buffer_add_text(&b, ",");
  }
  ws_buffer_add_text(&b, "]");
  return arena_keep(&c->arena, &b);
}

static const char *must_be(struct call *c, const struct field *f) {
  ws_buffer b = { 0 };
  const char *text;
  text_format(&b, "must be %s%s", field_wants(f),
              f->types & F_NULL ? " or null" : "");
  text = arena_keep(&c->arena, &b);
  return text ? text : "is invalid";
}

/*
** Returns the object under the body's root key. Besides it, only the members in
** `siblings` (NULL-terminated) are allowed.
*/
const struct json *body_root(struct call *c, const char *key,
                             const struct field *siblings) {
  const struct json *root = json_get(c->body, key), *v;
  if (!c->body || c->body->type != JSON_OBJECT || !root) {
    problem(c, key, "is missing or empty");
    no_problems(c, 400, SHAPE_STRING);
    return NULL;
  }
  for (v = c->body->child; v; v = v->next) {
    const struct field *f = field_find(siblings, v->key);
    if (v == root) continue;
    if (!f && c->config->strict) problem(c, v->key, "is not permitted");
    else if (f && !field_fits(f, v)) problem(c, v->key, must_be(c, f));
  }
  if (root->type != JSON_OBJECT) problem(c, key, "must be an object");
  return is_valid(c) ? root : NULL;
}

static bool read_text_integer(struct json *v) {
  char *end;
  errno = 0;
  v->integer = strtoll(v->text, &end, 10);
  if (*end || errno || !*v->text) return false;
  v->type = JSON_INT;
  return true;
}

/* Converts a number or flag that was sent as text, which Kantata accepts. */
static void read_text_value(const struct field *f, struct json *v) {
  bool flag = (f->types & F_BOOL) && (strcmp(v->text, "true") == 0 ||
                                      strcmp(v->text, "false") == 0);
  if (flag) {
    v->type = JSON_BOOL;
    v->boolean = *v->text == 't';
  } else if ((f->types & (F_INT | F_ID)) && *v->text) {
    read_text_integer(v);
  } else if ((f->types & F_NULL) && !*v->text) {
    v->type = JSON_NULL;
  }
}

/* The same for a list of ids. */
static void read_text_ids(const struct json *list) {
  struct json *v;
  for (v = list->child; v; v = v->next)
    if (v->type == JSON_TEXT) read_text_integer(v);
}

/* Converts an object's texts to the types of their fields. */
static void read_texts(const struct field *fields, const struct json *object) {
  struct json *v;
  for (v = object->child; v; v = v->next) {
    const struct field *f = field_find(fields, v->key);
    if (f && v->type == JSON_TEXT && !(f->types & F_TEXT))
      read_text_value(f, v);
    if (f && v->type == JSON_ARRAY && (f->types & F_IDS)) read_text_ids(v);
  }
}

/* Rejects unknown names, then wrong types, with 422. */
bool body_check(struct call *c, const struct field *fields,
                const struct json *object) {
  const struct json *v;
  if (message_is_kantata(c->message)) read_texts(fields, object);
  for (v = object->child; v; v = v->next)
    if (!field_find(fields, v->key) && c->config->strict)
      problem(c, v->key, "is not permitted");
  if (!is_valid(c)) return false;
  for (v = object->child; v; v = v->next) {
    const struct field *f = field_find(fields, v->key);
    if (f && !field_fits(f, v)) problem(c, v->key, must_be(c, f));
  }
  return is_valid(c);
}

bool is_blank(const char *text) {
  return text[strspn(text, " \t\r\n")] == '\0';
}

const char *text_of(const struct json *object, const char *name) {
  const struct json *v = json_get(object, name);
  return v && v->type == JSON_TEXT ? v->text : NULL;
}

int64_t id_of(const struct json *object, const char *name) {
  const struct json *v = json_get(object, name);
  return v && v->type == JSON_INT ? v->integer : 0;
}

bool flag_of(const struct json *object, const char *name) {
  const struct json *v = json_get(object, name);
  return v && v->type == JSON_BOOL && v->boolean;
}

const char *json_text(struct call *c, const struct json *value) {
  ws_buffer b = { 0 };
  if (!value) return NULL;
  json_write(&b, value);
  return arena_keep(&c->arena, &b);
}
