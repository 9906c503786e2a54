#include "json.h"
#include "base/ascii.h"
#include "json/number.h"
#include "json/utf8.h"
#include "json/writer.h"

#include <string.h>

#define MAX_DEPTH 64
#define LAX_DEPTH 128  /* a dump holds what bodies held, and some more */

struct parser {
  const char *start, *at, *end;
  struct arena *arena;
  const char *why;  /* what is wrong, once something is */
  int depth;
  bool lax;         /* any bytes may stand in a string */
};

static struct json *parse_value(struct parser *p);

static void *wrong(struct parser *p, const char *why) {
  if (!p->why) p->why = why;
  return NULL;
}

static void skip_blanks(struct parser *p) {
  while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at) p->at++;
}

static bool accept(struct parser *p, char c) {
  skip_blanks(p);
  if (p->at >= p->end || *p->at != c) return false;
  p->at++;
  return true;
}

static bool hex4(struct parser *p, unsigned *code) {
  int i;
  *code = 0;
  if (p->end - p->at < 4) return false;
  for (i = 0; i < 4; i++) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = *p->at ? strchr(digits, *p->at) : NULL;
    if (!found) return false;
    *code = *code * 16 + (unsigned)((found - digits) % 16);
    p->at++;
  }
  return true;
}

static char *put_utf8(char *out, unsigned code) {
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xc0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = (char)(0xe0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
  } else {
    *out++ = (char)(0xf0 | code >> 18);
    *out++ = (char)(0x80 | (code >> 12 & 0x3f));
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
  }
  return out;
}

/*
** The part of a string after \u. Halves of surrogate pairs must come in
** pairs; a zero is refused, since no text of the services can hold one.
*/
static char *unescape_unicode(struct parser *p, char *out) {
  unsigned code, low;
  if (!hex4(p, &code) || (code == 0 && !p->lax))
    return wrong(p, "bad \\u escape");
  if (code >= 0xdc00 && code < 0xe000) return wrong(p, "bad \\u escape");
  if (code >= 0xd800 && code < 0xdc00) {
    if (p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u')
      return wrong(p, "half a surrogate pair");
    p->at += 2;
    if (!hex4(p, &low) || low < 0xdc00 || low >= 0xe000)
      return wrong(p, "half a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  return put_utf8(out, code);
}

static char *unescape(struct parser *p, char *out) {
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  const char *found;
  if (p->at >= p->end) return wrong(p, "unfinished string");
  if (*p->at == 'u') {
    p->at++;
    return unescape_unicode(p, out);
  }
  found = *p->at ? strchr(names, *p->at) : NULL;
  if (!found) return wrong(p, "unknown escape");
  p->at++;
  *out++ = values[found - names];
  return out;
}

/* Copies one character that is no escape, if it is valid UTF-8. */
static char *copy_character(struct parser *p, char *out) {
  size_t left = (size_t)(p->end - p->at);
  size_t size = p->lax ? 1 : ws_utf8_length(p->at, left);
  if ((unsigned char)*p->at < 0x20)
    return wrong(p, "control character in a string");
  if (!size) return wrong(p, "invalid UTF-8");
  memcpy(out, p->at, size);
  p->at += size;
  return out + size;
}

/* A string, its first quote read already. Never longer than its source. */
static const char *parse_string(struct parser *p, size_t *len) {
  const char *scan = p->at;
  char *text, *out;
  while (scan < p->end && *scan != '"') scan += *scan == '\\' ? 2 : 1;
  if (scan >= p->end) return wrong(p, "unfinished string");
  text = out = arena_alloc(p->arena, (size_t)(scan - p->at) + 4);
  if (!text) return wrong(p, "out of memory");
  while (p->at < p->end && *p->at != '"') {
    if (*p->at == '\\') {
      p->at++;
      out = unescape(p, out);
    } else {
      out = copy_character(p, out);
    }
    if (!out) return NULL;
  }
  p->at++;
  *len = (size_t)(out - text);
  return text;
}

static struct json *new_value(struct parser *p, enum json_type type) {
  struct json *value = arena_alloc(p->arena, sizeof *value);
  if (!value) return wrong(p, "out of memory");
  value->type = type;
  return value;
}

static bool digits(struct parser *p) {
  const char *from = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
  return p->at > from;
}

/* Reads past a number; says whether it is written as a whole one. */
static bool scan_number(struct parser *p, bool *whole) {
  const char *first;
  *whole = true;
  if (p->at < p->end && *p->at == '-') p->at++;
  first = p->at;
  if (!digits(p) || (*first == '0' && p->at - first > 1)) return false;
  if (p->at < p->end && *p->at == '.') {
    *whole = false;
    p->at++;
    if (!digits(p)) return false;
  }
  if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
    *whole = false;
    p->at++;
    if (p->at < p->end && (*p->at == '+' || *p->at == '-')) p->at++;
    if (!digits(p)) return false;
  }
  return true;
}

static struct json *parse_number(struct parser *p) {
  const char *from = p->at;
  struct json *value;
  bool whole;
  size_t len;
  if (!scan_number(p, &whole)) return wrong(p, "no JSON value");
  len = (size_t)(p->at - from);
  if (len >= 64) return wrong(p, "number too long");
  value = new_value(p, JSON_REAL);
  if (!value) return NULL;
  if (!ws_number_parse(from, len, &value->real))
    return wrong(p, "out of memory");
  if (whole && ws_number_parse_integer(from, len, &value->integer))
    value->type = JSON_INT;
  return value;
}

static struct json *parse_word(struct parser *p) {
  static const struct { const char *word; enum json_type type; } words[] = {
    { "null", JSON_NULL }, { "true", JSON_BOOL }, { "false", JSON_BOOL },
  };
  size_t i;
  for (i = 0; i < sizeof words / sizeof *words; i++) {
    size_t len = strlen(words[i].word);
    struct json *value;
    if ((size_t)(p->end - p->at) < len ||
        memcmp(p->at, words[i].word, len) != 0)
      continue;
    p->at += len;
    value = new_value(p, words[i].type);
    if (value) value->boolean = *words[i].word == 't';
    return value;
  }
  return wrong(p, "no JSON value");
}

static struct json *parse_member(struct parser *p, bool keyed) {
  const char *key = NULL;
  struct json *value;
  size_t len;
  if (keyed) {
    if (!accept(p, '"')) return wrong(p, "a name in quotes expected");
    key = parse_string(p, &len);
    if (!key) return NULL;
    if (!accept(p, ':')) return wrong(p, "':' expected");
  }
  value = parse_value(p);
  if (value) value->key = key;
  return value;
}

static struct json *parse_members(struct parser *p, enum json_type type) {
  char close = type == JSON_OBJECT ? '}' : ']';
  struct json *whole = new_value(p, type), **tail;
  if (!whole) return NULL;
  tail = &whole->child;
  if (accept(p, close)) return whole;
  do {
    *tail = parse_member(p, type == JSON_OBJECT);
    if (!*tail) return NULL;
    tail = &(*tail)->next;
    whole->len++;
  } while (accept(p, ','));
  if (!accept(p, close)) return wrong(p, "',' or a closing bracket expected");
  return whole;
}

static struct json *parse_value(struct parser *p) {
  struct json *value = NULL;
  if (++p->depth > (p->lax ? LAX_DEPTH : MAX_DEPTH))
    return wrong(p, "nested too deeply");
  if (accept(p, '"')) {
    value = new_value(p, JSON_TEXT);
    if (value) value->text = parse_string(p, &value->len);
    if (value && !value->text) value = NULL;
  } else if (accept(p, '{')) {
    value = parse_members(p, JSON_OBJECT);
  } else if (accept(p, '[')) {
    value = parse_members(p, JSON_ARRAY);
  } else if (p->at < p->end && strchr("-0123456789", *p->at) && *p->at) {
    value = parse_number(p);
  } else {
    value = parse_word(p);
  }
  p->depth--;
  return value;
}

static const struct json *parse_text(struct arena *arena, const char *text,
                                     size_t len, bool lax,
                                     ws_buffer *err) {
  struct parser p = { text, text, text + len, arena, NULL, 0, lax };
  struct json *value = parse_value(&p);  skip_blanks(&p);
  if (value && p.at < p.end) value = wrong(&p, "text after the value");
  if (!value)
    fail(err, "%s at byte %ld", p.why ? p.why : "no JSON value",
         (long)(p.at - p.start) + 1);
  return value;
}

/* The tree of a text, or NULL with the reason and its place in `err`. */
const struct json *json_parse(struct arena *arena, const char *text,
                              size_t len, ws_buffer *err) {
  return parse_text(arena, text, len, false, err);
}

/* The same for text of our own, where a logged body may be of any bytes. */
const struct json *json_parse_lax(struct arena *arena, const char *text,
                                  size_t len, ws_buffer *err) {
  return parse_text(arena, text, len, true, err);
}

/* The member of that name, or NULL; the last one where it comes twice. */
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
