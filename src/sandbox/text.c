#include "text.h"
#include "json/number.h"
#include "json/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void format_with(ws_buffer *b, const char *format, va_list args)
  __attribute__((format(printf, 2, 0)));

static void format_with(ws_buffer *b, const char *format, va_list args) {
  va_list again;
  int size;
  va_copy(again, args);
  size = vsnprintf(NULL, 0, format, args);
  if (size >= 0 && ws_buffer_reserve(b, (size_t)size + 1)) {
    vsnprintf(b->bytes + b->size, (size_t)size + 1, format, again);
    b->size += (size_t)size;
  }
  va_end(again);
}

void text_format(ws_buffer *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  format_with(b, format, args);
  va_end(args);
}

void text_number(ws_buffer *b, double value) {
  char digits[WS_NUMBER_SIZE];
  ws_buffer_add(b, digits, ws_number_format(digits, value));
}

void text_quote_bytes(ws_buffer *b, const char *bytes, size_t size) {
  size_t i;
  if (!memchr(bytes, '\0', size) && ws_json_string(b, bytes, size)) return;
  ws_buffer_add_text(b, "{\"" TEXT_BYTES "\":\"");
  for (i = 0; i < size; i++)
    text_format(b, "%02x", (unsigned)(unsigned char)bytes[i]);
  ws_buffer_add_text(b, "\"}");
}

char *text_take(ws_buffer *b) {
  char *text;
  ws_buffer_add_char(b, '\0');
  text = b->failed ? NULL : b->bytes;
  if (!text) ws_buffer_free(b);
  memset(b, 0, sizeof *b);
  return text;
}

bool fail(ws_buffer *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  ws_buffer_reset(err);
  format_with(err, format, args);
  va_end(args);
  return false;
}

bool text_read_file(ws_buffer *b, const char *path, ws_buffer *err) {
  char part[8192];
  size_t got;
  FILE *file = fopen(path, "rb");
  bool ok;
  if (!file) return fail(err, "%s", strerror(errno));
  do {
    got = fread(part, 1, sizeof part, file);
    ws_buffer_add(b, part, got);
  } while (got == sizeof part);
  ok = !ferror(file) && !b->failed;
  fclose(file);
  return ok || fail(err, "it cannot be read");
}
