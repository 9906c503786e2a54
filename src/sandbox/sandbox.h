/*
** The sandbox: an emulator of Storyblok's and Kantata's services. Options,
** faults, snapshots and results are JSON text; the caller frees results. The
** functions may be called from any thread. docs/sandbox.md describes the
** options.
*/
#ifndef WORKSTAGE_SANDBOX_H
#define WORKSTAGE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sandbox;

/* Functions that fail put a message into *error, to be freed by ws_free(). */
struct sandbox *sandbox_start(const char *options, size_t len, char **error);
void sandbox_stop(struct sandbox *s);
int sandbox_port(const struct sandbox *s);
char *sandbox_stats(struct sandbox *s);
char *sandbox_requests(struct sandbox *s, uint64_t from);
bool sandbox_inject(struct sandbox *s, const char *faults, size_t len,
                    char **error);
void sandbox_clear_faults(struct sandbox *s);
bool sandbox_load(struct sandbox *s, const char *snapshot, size_t len,
                  char **error);
char *sandbox_dump(struct sandbox *s);

#endif
