/*
** The core's memory functions: one set for the whole process, which a host may
** replace before it calls anything else (ws_init).
*/

#ifndef WS_MEMORY_H
#define WS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
** Replaces the functions that allocate the core's memory; NULL restores the C
** library's. Must not be called while a block is allocated or another thread
** uses the core.
*/
void ws_set_memory(void *(*allocate)(size_t size),
                   void *(*zeroed)(size_t count, size_t size),
                   void *(*resize)(void *block, size_t size),
                   void (*release)(void *block));

/* True if a block was ever allocated, so that the functions can no longer be
** replaced. */
bool ws_memory_was_used(void);

/* The number of failed allocations so far, of the core and of libcurl in all
** threads: two equal numbers mean that none failed in between. */
unsigned ws_memory_failures(void);

/* Like the C library's malloc, calloc, realloc and free: NULL if memory runs
** out, and ws_free takes NULL. May be called from any thread. */
void *ws_alloc(size_t size);
void *ws_calloc(size_t count, size_t size);
void *ws_realloc(void *block, size_t size);
void ws_free(void *block);

/* Copies `size` bytes and adds a NUL; NULL if memory runs out. */
char *ws_copy(const char *bytes, size_t size);

#endif
