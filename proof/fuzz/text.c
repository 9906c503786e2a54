/*
** Fuzzes the parsers of single texts from a server or a user: Retry-After, the
** rate in a 429, base addresses, and escaping.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "request/retry.h"
#include "request/url.h"
#include "base/url_escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
  if (!good) abort();
}

static int digit_of(char c) {
  static const char digits[] = "0123456789ABCDEF";
  const char *at = c ? strchr(digits, c) : NULL;
  check(at != NULL);
  return (int)(at - digits);
}

/* Checks that escaped text has no special characters, and decodes to the
** input. */
static void check_escaped(const ws_buffer *text, const char *bytes,
                          size_t size) {
  size_t at = 0, out = 0;
  for (; at < text->size; at++, out++) {
    char c = text->bytes[at];
    check(c > 0x20 && c < 0x7f && !strchr("&=#?/\"<>+[]", c));
    if (c == '%') {
      check(at + 2 < text->size);
      c = (char)(digit_of(text->bytes[at + 1]) * 16 +
                 digit_of(text->bytes[at + 2]));
      at += 2;
    }
    check(out < size && c == bytes[out]);
  }
  check(out == size);
}

static void check_wait(const char *text) {
  double seconds = ws_retry_after(text, 1.7e9);
  size_t digits = strspn(text, "0123456789");
  check(seconds >= -1);
  if (digits && !text[digits] && digits < 16)
    check(seconds == (double)strtoll(text, NULL, 10));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  const char *why;
  double rate;
  ws_buffer escaped = WS_BUFFER_EMPTY;
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  check_wait(text);
  rate = ws_retry_named_rate((const char *)data, size);
  check(rate >= 0 && rate <= 1e6);
  if (!ws_url_is_base(text, &why)) check(why && *why);
  ws_url_escape(&escaped, (const char *)data, size);
  check_escaped(&escaped, text, size);
  ws_buffer_free(&escaped);
  free(text);
  return 0;
}
