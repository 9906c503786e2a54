/*
** Formats and parses numbers in JSON's syntax, independent of the host's
** locale.
*/

#ifndef WS_NUMBER_H
#define WS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest id of the services: 2^53 - 1, the largest integer that JavaScript
** represents exactly. */
#define WS_MAX_ID INT64_C(9007199254740991)

/* Enough for the longest number as text with its NUL, also while it has a
** locale's decimal point of several bytes. */
#define WS_NUMBER_SIZE 48

/* Formats a number with the fewest of 15 to 17 significant digits that parse
** to the same value; as "inf", "-inf" or "nan" if JSON cannot represent it.
** Returns the length. */
size_t ws_number_format(char text[WS_NUMBER_SIZE], double value);

/* Parses decimal digits, with or without a minus sign. False for anything
** else, and for a value that does not fit. */
bool ws_number_parse_integer(const char *text, size_t size, int64_t *value);

/* Parses a number in JSON's syntax, which the caller has checked; a value that
** is too large becomes infinite. False if memory runs out. */
bool ws_number_parse(const char *text, size_t size, double *value);

#endif
