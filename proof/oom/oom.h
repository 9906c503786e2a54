/*
** The parts of the harness: memory that fails (memory.c), the server it talks
** to (server.c), files to begin with (files.c), and the cases (oom.c).
*/

#ifndef OOM_H
#define OOM_H

#include <stdbool.h>
#include <stddef.h>

/* Where an allocation comes from. */
typedef enum source {
  FROM_LUA,   /* lua_Alloc */
  FROM_CORE,  /* the core's functions, as ws_init was given them */
  FROM_CURL,  /* libcurl, through what curl_global_init_mem was given */
  FROM_ALL,   /* any of these: a host with one limit for all of them */
  SOURCES
} source;

/* For how long it fails. */
typedef enum way {
  COLLECT,    /* once; Lua collects its garbage and has the memory then */
  ONCE,       /* once, and Lua's second try */
  ONWARDS,    /* from there on, until the work has ended */
  TO_THE_END, /* the same until the state is closed */
  WAYS
} way;

typedef struct fault {
  bool armed;
  source source;
  way way;
  long at;      /* the allocation that fails first */
  long count;   /* allocations since it was armed */
  long failed;
} fault;

typedef struct held {
  long blocks;
  long bytes;
} held;

extern fault oom_fault;
extern held oom_core, oom_cjson;
extern bool oom_is_ending;   /* the process closes its state and leaves */

void oom_arm(void);

/* lua_Alloc; `data` is a long that counts the bytes in use. */
void *oom_lua_memory(void *data, void *block, size_t old, size_t size);

/* Hands the core its functions; false when it does not take them. */
bool oom_begin(void);

/* Loses a block of the core's. */
void oom_leak(void);

/* Starts the server; returns its first line. */
const char *oom_start_server(const char *command);
void oom_stop_server(void);

/* Sends a line; returns the answer, which the next call overwrites. */
const char *oom_ask(const char *format, ...)
  __attribute__((format(printf, 1, 2)));

/* Makes a folder that is there, or not, hold what another holds: files. */
void oom_copy_folder(const char *from, const char *to);

_Noreturn void oom_die(const char *what);

#endif
