/* Growing text, and memory that is freed in one piece. */
#ifndef SANDBOX_BUF_H
#define SANDBOX_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
  char *data;
  size_t len, cap;
  bool failed;  /* memory ran out: the text is not complete */
};

void buf_add(struct buf *b, const char *text, size_t len);
void buf_str(struct buf *b, const char *text);
void buf_fmt(struct buf *b, const char *format, ...)
  __attribute__((format(printf, 2, 3)));
void buf_quote(struct buf *b, const char *text, size_t len);
char *buf_take(struct buf *b);
void buf_free(struct buf *b);

/* Says in `err` what is wrong, and is false, to be returned at once. */
bool fail(struct buf *err, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

bool buf_file(struct buf *b, const char *path, struct buf *err);

struct arena {
  struct block *blocks;
};

void *arena_alloc(struct arena *a, size_t size);
char *arena_copy(struct arena *a, const char *text, size_t len);
void arena_free(struct arena *a);

#endif
