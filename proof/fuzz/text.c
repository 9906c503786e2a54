/*
** Fuzzes what reads single texts of a server or a user: Retry-After, the
** rate that a 429 names, base addresses, and escaping.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "retry.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
  if (!good) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  const char *why;
  double rate;
  ws_buffer escaped = WS_BUFFER_EMPTY;
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  check(ws_retry_after(text, 1.7e9) >= -1);
  rate = ws_retry_named_rate((const char *)data, size);
  check(rate >= 0 && rate <= 1e6);
  if (!ws_url_is_base(text, &why)) check(why && *why);
  ws_url_escape(&escaped, (const char *)data, size, ",");
  check(escaped.size >= size && escaped.size <= 3 * size);
  for (size_t i = 0; i < escaped.size; i++)
    check(escaped.bytes[i] > 0x20 && escaped.bytes[i] < 0x7f &&
          !strchr("&=#?/\"<>", escaped.bytes[i]));
  ws_buffer_free(&escaped);
  free(text);
  return 0;
}
