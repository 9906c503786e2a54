/* The internal structure of the sandbox. `lock` guards everything below it. */
#ifndef SANDBOX_INNER_H
#define SANDBOX_INNER_H

#include "config.h"
#include "fault.h"
#include "log.h"
#include "stats.h"
#include "store.h"
#include "timer.h"
#include "window.h"

#include <pthread.h>

struct MHD_Daemon;

struct sandbox {
  struct config config;
  struct MHD_Daemon *daemon;
  int port;
  int64_t started;
  struct timers timers;
  pthread_mutex_t lock;
  struct store *db;
  struct faults faults;
  struct windows windows;
  struct log log;
  struct stats stats;
  struct link *links;      /* open connections */
  uint64_t link_count;     /* numbers them */
  uint64_t random;
  int64_t user, k_user;    /* the user of tokens that are not configured */
  uint64_t admitted;       /* in flight, counted if there is a limit */
  bool stopping;
};

bool server_start(struct sandbox *s, ws_buffer *err);
void server_stop(struct sandbox *s);

#endif
