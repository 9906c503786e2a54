/* The whole state: created from counts, read from a snapshot, written as
** one. */
#ifndef SANDBOX_SNAPSHOT_H
#define SANDBOX_SNAPSHOT_H

#include "inner.h"

bool seed_create(struct sandbox *s, const struct json *counts,
                ws_buffer *err);
bool seed_read(struct sandbox *s, ws_buffer *err);
bool is_snapshot(const struct json *value);
bool snapshot_load(struct sandbox *s, const struct json *snapshot,
                   ws_buffer *err);
void snapshot_dump(struct sandbox *s, ws_buffer *b);
void snapshot_clear(struct sandbox *s);
void users_ensure(struct sandbox *s);

#endif
