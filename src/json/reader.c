#include "json/reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "json/number.h"
#include "json/utf8.h"

void ws_reader_init(ws_reader *reader, const char *bytes, size_t size,
                    ws_buffer *unescaped) {
  *reader = (ws_reader){.start = bytes, .at = bytes, .end = bytes + size,
                        .unescaped = unescaped};
}

/* Records the first error; false, for the caller to return. */
static bool fail(ws_reader *r, const char *expected) {
  if (!r->error) r->error = expected;
  return false;
}

static bool fail_memory(ws_reader *r) {
  r->no_memory = true;
  return fail(r, "memory");
}

/* ------------------------------------------------------------- characters */

static inline void skip_blanks(ws_reader *r) {
  const char *at = r->at, *end = r->end;
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' ||
                      *at == '\t'))
    at++;
  r->at = at;
}

/* The next character that is not whitespace; NUL at the end. */
static inline char peek(ws_reader *r) {
  skip_blanks(r);
  if (r->at == r->end) return '\0';
  return *r->at;
}

static inline bool take(ws_reader *r, char c) {
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

/* ---------------------------------------------------------------- strings */

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS    EACH_BYTE(0x80)

/* True if one of eight bytes is a quote, a backslash, a control character or
** not ASCII. */
static inline bool has_special(const char *bytes) {
  uint64_t word, quote, slash;
  memcpy(&word, bytes, sizeof word);
  quote = word ^ EACH_BYTE('"');
  slash = word ^ EACH_BYTE('\\');
  return (((word - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) |
           (slash - EACH_BYTE(1)) | word) & HIGH_BITS) != 0;
}

/* The position of the next special character, or the end. */
static inline const char *find_special(const char *at, const char *end) {
  while (end - at >= 8 && !has_special(at)) at += 8;
  while (at < end && (unsigned char)*at >= 0x20 &&
         (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
    at++;
  return at;
}

/* Skips one UTF-8 character. */
static bool skip_utf8(ws_reader *r) {
  size_t length = ws_utf8_length(r->at, (size_t)(r->end - r->at));
  if (!length) return fail(r, "UTF-8");
  r->at += length;
  return true;
}

/* Reads four hexadecimal digits; negative if there are none. */
static long read_hex(ws_reader *r) {
  long code = 0;
  if (r->end - r->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char c = ws_ascii_lower(*r->at++);
    if (ws_ascii_is_digit(c)) code = code * 16 + (c - '0');
    else if (c >= 'a' && c <= 'f') code = code * 16 + (c - 'a' + 10);
    else return -1;
  }
  return code;
}

/* Reads the code point of \uXXXX, or of a surrogate pair; negative if it is
** malformed or half of a pair. */
static long read_code_point(ws_reader *r) {
  long high = read_hex(r), low;
  if (high < 0xD800 || high > 0xDFFF) return high;
  if (high > 0xDBFF || !take(r, '\\') || !take(r, 'u')) return -1;
  low = read_hex(r);
  if (low < 0xDC00 || low > 0xDFFF) return -1;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static void add_utf8(ws_buffer *buffer, long code) {
  unsigned c = (unsigned)code;
  if (c < 0x80) {
    ws_buffer_add_char(buffer, (char)c);
    return;
  }
  if (c < 0x800)
    ws_buffer_add_char(buffer, (char)(0xC0 | c >> 6));
  else if (c < 0x10000)
    ws_buffer_add_char(buffer, (char)(0xE0 | c >> 12));
  else
    ws_buffer_add_char(buffer, (char)(0xF0 | c >> 18));
  if (c >= 0x10000) ws_buffer_add_char(buffer, (char)(0x80 | (c >> 12 & 63)));
  if (c >= 0x800) ws_buffer_add_char(buffer, (char)(0x80 | (c >> 6 & 63)));
  ws_buffer_add_char(buffer, (char)(0x80 | (c & 63)));
}

/* Reads an escape, after its backslash. */
static bool read_escape(ws_reader *r) {
  static const char names[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  char c = '\0';
  if (r->at < r->end) c = *r->at++;
  if (c == 'u') {
    long code = read_code_point(r);
    if (code < 0) return fail(r, "the code of a character");
    add_utf8(r->unescaped, code);
    return true;
  }
  for (const char *name = names; *name; name += 2)
    if (*name == c) {
      ws_buffer_add_char(r->unescaped, name[1]);
      return true;
    }
  return fail(r, "an escape");
}

/* Skips characters up to the next quote or backslash. */
static bool skip_run(ws_reader *r) {
  for (;;) {
    r->at = find_special(r->at, r->end);
    if (r->at == r->end) return fail(r, "a quotation mark");
    if (*r->at == '"' || *r->at == '\\') return true;
    if ((unsigned char)*r->at < 0x20)
      return fail(r, "an escape for the control character");
    if (!skip_utf8(r)) return false;
  }
}

/* Reads a string that has escapes; `start` is its beginning, and the reader is
** at its first backslash. */
static bool read_escaped(ws_reader *r, const char *start) {
  ws_buffer_reset(r->unescaped);
  while (r->at[0] == '\\') {
    ws_buffer_add(r->unescaped, start, (size_t)(r->at - start));
    r->at++;
    if (!read_escape(r)) return false;
    start = r->at;
    if (!skip_run(r)) return false;
  }
  ws_buffer_add(r->unescaped, start, (size_t)(r->at - start));
  if (r->unescaped->failed) return fail_memory(r);
  r->at++;
  r->text = r->unescaped->bytes ? r->unescaped->bytes : "";
  r->size = r->unescaped->size;
  return true;
}

/* Reads a string, after its opening quote. Without escapes, `text` points into
** the source. */
static bool read_string(ws_reader *r) {
  const char *start = r->at;
  if (!skip_run(r)) return false;
  if (*r->at == '\\') return read_escaped(r, start);
  r->text = start;
  r->size = (size_t)(r->at - start);
  r->at++;
  return true;
}

/* ---------------------------------------------------------------- numbers */

static bool skip_digits(ws_reader *r) {
  const char *start = r->at;
  while (r->at < r->end && ws_ascii_is_digit(*r->at)) r->at++;
  return r->at > start;
}

/* Skips fraction and exponent; sets `is_plain` if there is neither. */
static bool skip_fraction(ws_reader *r, bool *is_plain) {
  *is_plain = true;
  if (take(r, '.')) {
    *is_plain = false;
    if (!skip_digits(r)) return fail(r, "a digit");
  }
  if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
    *is_plain = false;
    r->at++;
    if (!take(r, '+')) take(r, '-');
    if (!skip_digits(r)) return fail(r, "a digit");
  }
  return true;
}

static ws_json_type read_number(ws_reader *r) {
  const char *start = r->at;
  bool is_plain;
  take(r, '-');
  if (!take(r, '0') && !skip_digits(r))
    return fail(r, start < r->end && *start == '-' ? "a digit"
                                                   : "a value"),
           WS_JSON_ERROR;
  if (!skip_fraction(r, &is_plain)) return WS_JSON_ERROR;
  size_t size = (size_t)(r->at - start);
  if (is_plain && ws_number_parse_integer(start, size, &r->integer))
    return WS_JSON_INTEGER;
  if (!ws_number_parse(start, size, &r->number))
    return fail_memory(r), WS_JSON_ERROR;
  if (!isfinite(r->number)) {
    r->at = start;
    return fail(r, "a number below 1.8e308"), WS_JSON_ERROR;
  }
  return WS_JSON_NUMBER;
}

/* ----------------------------------------------------------------- values */

static ws_json_type read_word(ws_reader *r, const char *word,
                              ws_json_type type) {
  size_t size = strlen(word);
  if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
    return fail(r, "a value"), WS_JSON_ERROR;
  r->at += size;
  return type;
}

static ws_json_type open_bracket(ws_reader *r, ws_json_type type) {
  if (r->depth >= WS_READER_MAX_DEPTH)
    return fail(r, "at most 1000 levels"), WS_JSON_ERROR;
  r->at++;
  r->depth++;
  r->is_first = true;
  return type;
}

ws_json_type ws_reader_next(ws_reader *r) {
  char c = peek(r);
  if (r->error) return WS_JSON_ERROR;
  r->is_first = false;
  switch (c) {
    case '"':
      r->at++;
      return read_string(r) ? WS_JSON_STRING : WS_JSON_ERROR;
    case '{': return open_bracket(r, WS_JSON_OBJECT);
    case '[': return open_bracket(r, WS_JSON_ARRAY);
    case 'n': return read_word(r, "null", WS_JSON_NULL);
    case 't': return read_word(r, "true", WS_JSON_TRUE);
    case 'f': return read_word(r, "false", WS_JSON_FALSE);
    default: return read_number(r);
  }
}

/* Goes to the next element, after a comma unless it is the first. False at
** the closing bracket. */
static bool next_element(ws_reader *r, char bracket, const char *expected) {
  char c = peek(r);
  bool was_first = r->is_first;
  if (r->error) return false;
  r->is_first = false;
  if (c == bracket) {
    r->at++;
    r->depth--;
    return false;
  }
  if (was_first) return true;
  if (c != ',') return fail(r, expected);
  r->at++;
  return true;
}

bool ws_reader_item(ws_reader *r) {
  return next_element(r, ']', "',' or ']'");
}

bool ws_reader_member(ws_reader *r, const char **name, size_t *size) {
  if (!next_element(r, '}', "',' or '}'")) return false;
  if (peek(r) != '"') return fail(r, "a name");
  r->at++;
  if (!read_string(r)) return false;
  *name = r->text;
  *size = r->size;
  if (peek(r) != ':') return fail(r, "':'");
  r->at++;
  return true;
}

/* The kinds of the open brackets, one bit each, so that ws_reader_skip needs
** no recursion. */
typedef struct brackets {
  uint64_t are_objects[WS_READER_MAX_DEPTH / 64 + 1];
} brackets;

static void note_bracket(brackets *b, int depth, bool is_object) {
  uint64_t bit = UINT64_C(1) << depth % 64;
  if (is_object) b->are_objects[depth / 64] |= bit;
  else b->are_objects[depth / 64] &= ~bit;
}

static bool skip_element(ws_reader *r, const brackets *b) {
  const char *name;
  size_t size;
  bool is_object = b->are_objects[r->depth / 64] >> r->depth % 64 & 1;
  return is_object ? ws_reader_member(r, &name, &size) : ws_reader_item(r);
}

void ws_reader_skip(ws_reader *r) {
  int outside = r->depth;
  brackets b;
  ws_json_type type = ws_reader_next(r);
  while (!r->error) {
    if (type == WS_JSON_OBJECT || type == WS_JSON_ARRAY)
      note_bracket(&b, r->depth, type == WS_JSON_OBJECT);
    while (r->depth > outside && !skip_element(r, &b) && !r->error) continue;
    if (r->depth == outside) return;
    type = ws_reader_next(r);
  }
}

bool ws_reader_finish(ws_reader *r) {
  if (r->error) return false;
  skip_blanks(r);
  return r->at == r->end || fail(r, "the end");
}

void ws_reader_describe(const ws_reader *r, char *text, size_t size) {
  unsigned char c = r->at < r->end ? (unsigned char)*r->at : 0;
  size_t byte = (size_t)(r->at - r->start) + 1;
  if (r->no_memory)
    snprintf(text, size, "not enough memory");
  else if (r->at >= r->end)
    snprintf(text, size, "expected %s, but it ends at byte %zu", r->error,
             byte - 1);
  else if (c > 0x20 && c < 0x7f)
    snprintf(text, size, "expected %s at byte %zu, found '%c'", r->error,
             byte, c);
  else
    snprintf(text, size, "expected %s at byte %zu, found 0x%02X", r->error,
             byte, c);
}
