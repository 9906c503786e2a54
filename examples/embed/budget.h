/*
** Memory that is counted and limited: of each Lua state, and of workstage's
** core with libcurl, which all states of a process share.
*/

#ifndef BUDGET_H
#define BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* What a state may use. A limit of 0 is none. */
typedef struct budget {
  size_t limit;
  size_t used;
  size_t most;        /* that was used at any time */
  unsigned refused;   /* number of failed allocations */
} budget;

/* A lua_Alloc; its data is a budget. */
void *budget_alloc(void *data, void *block, size_t old, size_t size);

/* Has the core and libcurl take their memory from here, which is to be
** called before anything else of workstage; false when it is too late. */
bool core_memory_init(void);

/* The bytes and blocks that they hold. */
size_t core_memory_used(void);
size_t core_memory_blocks(void);

#endif
