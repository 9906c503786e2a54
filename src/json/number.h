/*
** Numbers as JSON writes them: to text and back, whatever decimal point the
** host's locale has.
*/

#ifndef WS_NUMBER_H
#define WS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_MAX_ID INT64_C(9007199254740991)  /* 2^53 - 1 */

#define WS_NUMBER_SIZE 48  /* the longest number as text, with its NUL */

/* Writes the shortest of 15 to 17 significant digits that read back as the
** same value; "inf", "-inf" or "nan" where JSON has no number. Returns the
** length. */
size_t ws_number_format(char text[WS_NUMBER_SIZE], double value);

/* Converts decimal digits, with or without a minus sign in front. False if
** there is anything else, or the value does not fit. */
bool ws_number_parse_integer(const char *text, size_t size, int64_t *value);

/* Converts a number in JSON's syntax, which the caller has checked; a value
** that is too large becomes infinite. False if memory runs out. */
bool ws_number_parse(const char *text, size_t size, double *value);

#endif
