/*
** The core's memory: one set of functions for the whole process, which a
** host may replace before anything else is called (ws_init).
*/

#ifndef WS_MEMORY_H
#define WS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
** Replaces the functions that all memory of the core comes from; four NULLs
** bring libc's back. Not to be called while a block is out or another thread
** is in the core.
*/
void ws_set_memory(void *(*allocate)(size_t size),
                   void *(*zeroed)(size_t count, size_t size),
                   void *(*resize)(void *block, size_t size),
                   void (*release)(void *block));

/* Whether a block was ever asked for: it is too late for other functions. */
bool ws_memory_was_used(void);

/* So often a block could not be had, by the core or by libcurl. */
unsigned ws_memory_failures(void);

void *ws_alloc(size_t size);
void *ws_calloc(size_t count, size_t size);
void *ws_realloc(void *block, size_t size);
void ws_free(void *block);

/* Overwrites what is secret before its block is freed. */
void ws_wipe(void *bytes, size_t size);

/* A copy of `size` bytes with a NUL after them; NULL without memory. */
char *ws_copy(const char *bytes, size_t size);

#endif
