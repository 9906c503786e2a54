/* Faults: the requests that they apply to, and their effects. */
#ifndef SANDBOX_FAULT_H
#define SANDBOX_FAULT_H

#include "json.h"

enum moment { NEVER, BEFORE, AFTER };  /* relative to the effect */

struct fault {
  /* which requests */
  const char *name, *method, *path;
  int64_t after, count;    /* matches to skip; maximum number, or -1 */
  double chance;
  uint64_t random;
  int64_t matched, fired;
  bool enabled;
  /* their effects */
  int status;              /* 0: that of the request */
  const struct json *body, *headers, *effect;
  const struct json *query;  /* parameters that replace those sent */
  const char *shape;
  double retry_after;      /* seconds; below zero: no header */
  enum moment close, hang;
  bool reset, malformed, html;
  double hold;             /* seconds that a hanging request is held */
  double delay, delay_after, late;
  double idle_close;       /* seconds; below zero: no */
  int64_t truncate;        /* bytes sent; -1: all, -2: half of them */
};

struct fault_batch {
  struct fault_batch *next;
  struct arena arena;
  struct fault *faults;
  size_t count;
};

struct faults {
  struct fault_batch *first;
  size_t count;
};

bool faults_add(struct faults *all, const char *text, size_t len,
                int64_t seed, ws_buffer *err);
void faults_clear(struct faults *all);
void faults_free(struct faults *all);
struct fault *faults_find(struct faults *all, const char *method,
                          const char *path);
bool fault_skips_effect(const struct fault *fault);
uint64_t random_start(int64_t seed);

#endif
