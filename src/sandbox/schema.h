/* The tables of the database. */
#ifndef SANDBOX_SCHEMA_H
#define SANDBOX_SCHEMA_H

#include <stddef.h>

extern const char *const schema[];
extern const size_t schema_count;

#endif
