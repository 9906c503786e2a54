#include "json/number.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/memory.h"
#include "base/thread_locale.h"

/* ---------------------------------------------------------------- format */

/* Replaces the locale's decimal point, which may be a comma or several bytes,
** by ".": every byte that is not a digit, a sign or an "e" belongs to it. */
static size_t fix_decimal_point(char *text) {
  char *to = text;
  bool seen = false;
  for (const char *from = text; *from; from++) {
    if (strchr("0123456789+-eE", *from))
      *to++ = *from;
    else if (!seen)
      seen = true, *to++ = '.';
  }
  *to = '\0';
  return (size_t)(to - text);
}

size_t ws_number_format(char text[WS_NUMBER_SIZE], double value) {
  if (!isfinite(value))
    return (size_t)snprintf(text, WS_NUMBER_SIZE, "%s", isnan(value) ? "nan"
                            : value < 0 ? "-inf" : "inf");
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, WS_NUMBER_SIZE, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  return fix_decimal_point(text);
}

/* ----------------------------------------------------------------- parse */

/* Reads up to 18 digits, which always fit. */
static bool parse_short(const char *text, size_t size, uint64_t *number) {
  *number = 0;
  for (size_t i = 0; i < size; i++) {
    if (!ws_ascii_is_digit(text[i])) return false;
    *number = *number * 10 + (unsigned)(text[i] - '0');
  }
  return true;
}

/* Reads digits, up to a limit. */
static bool parse_limited(const char *text, size_t size, uint64_t limit,
                          uint64_t *number) {
  *number = 0;
  for (size_t i = 0; i < size; i++) {
    unsigned digit = (unsigned)(text[i] - '0');
    if (!ws_ascii_is_digit(text[i])) return false;
    if (*number > (limit - digit) / 10) return false;
    *number = *number * 10 + digit;
  }
  return true;
}

bool ws_number_parse_integer(const char *text, size_t size, int64_t *value) {
  size_t at = size && text[0] == '-', digits = size - at;
  uint64_t number;
  if (!digits) return false;
  if (digits <= 18 ? !parse_short(text + at, digits, &number)
                   : !parse_limited(text + at, digits,
                                    (uint64_t)INT64_MAX + at, &number))
    return false;
  *value = at ? (int64_t)(0 - number) : (int64_t)number;
  return true;
}

static locale_t c_locale;
static pthread_once_t c_locale_made = PTHREAD_ONCE_INIT;

static void make_c_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The same as strtod, but the decimal point is always ".". */
static double parse_in_c_locale(const char *text) {
  locale_t before;
  double value;
  pthread_once(&c_locale_made, make_c_locale);
  if (!c_locale) return strtod(text, NULL);
  before = uselocale(c_locale);
  value = strtod(text, NULL);
  uselocale(before);
  return value;
}

/* For a number that is longer than the caller's array: JSON does not limit the
** number of digits. */
static bool parse_long(const char *text, size_t size, double *value) {
  char *copy = ws_copy(text, size);
  if (!copy) return false;
  *value = parse_in_c_locale(copy);
  ws_free(copy);
  return true;
}

bool ws_number_parse(const char *text, size_t size, double *value) {
  char copy[64];
  if (size >= sizeof copy) return parse_long(text, size, value);
  memcpy(copy, text, size);
  copy[size] = '\0';
  *value = parse_in_c_locale(copy);
  return true;
}
