/* Dates and times in ISO 8601. */
#ifndef SANDBOX_DATE_H
#define SANDBOX_DATE_H

#include <stdbool.h>

#define DATE_SIZE 32

/* Writes the form that SQLite can convert: 2026-12-01T10:00:00.000+02:00. */
bool date_read(const char *text, char out[DATE_SIZE]);

#endif
