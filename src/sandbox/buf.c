#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
** Makes room for `more` bytes and a final zero. A buffer that could not
** grow stays failed, so that callers check once, at the end.
*/
static bool buf_room(struct buf *b, size_t more) {
  size_t cap = b->cap ? b->cap : 256;
  char *data;
  if (b->failed) return false;
  if (b->data && b->cap - b->len > more) return true;
  while (cap - b->len <= more) cap *= 2;
  data = realloc(b->data, cap);
  if (!data) {
    b->failed = true;
    return false;
  }
  b->data = data;
  b->cap = cap;
  return true;
}

void buf_add(struct buf *b, const char *text, size_t len) {
  if (!buf_room(b, len)) return;
  if (len) memcpy(b->data + b->len, text, len);
  b->len += len;
  b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *text) {
  buf_add(b, text, strlen(text));
}

static void buf_vfmt(struct buf *b, const char *format, va_list args)
  __attribute__((format(printf, 2, 0)));

static void buf_vfmt(struct buf *b, const char *format, va_list args) {
  va_list again;
  int len;
  va_copy(again, args);
  len = vsnprintf(NULL, 0, format, args);
  if (len >= 0 && buf_room(b, (size_t)len + 1)) {
    vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
    b->len += (size_t)len;
  }
  va_end(again);
}

void buf_fmt(struct buf *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  buf_vfmt(b, format, args);
  va_end(args);
}

bool fail(struct buf *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  err->len = 0;
  buf_vfmt(err, format, args);
  va_end(args);
  return false;
}

/* Adds text as a JSON string: quoted, with the escapes that JSON needs. */
void buf_quote(struct buf *b, const char *text, size_t len) {
  size_t i, from = 0;
  buf_add(b, "\"", 1);
  for (i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    buf_add(b, text + from, i - from);
    if (c == '"' || c == '\\') buf_fmt(b, "\\%c", c);
    else buf_fmt(b, "\\u%04x", c);
    from = i + 1;
  }
  buf_add(b, text + from, len - from);
  buf_add(b, "\"", 1);
}

/*
** Hands the text over to the caller, who frees it; the buffer is empty
** then. NULL when memory ran out.
*/
char *buf_take(struct buf *b) {
  char *data;
  buf_room(b, 0);
  if (b->failed) {
    buf_free(b);
    return NULL;
  }
  data = b->data;
  if (data) data[b->len] = '\0';
  memset(b, 0, sizeof *b);
  return data;
}

void buf_free(struct buf *b) {
  free(b->data);
  memset(b, 0, sizeof *b);
}

/* Adds the contents of a file. */
bool buf_file(struct buf *b, const char *path, struct buf *err) {
  char part[8192];
  size_t got;
  FILE *file = fopen(path, "rb");
  bool ok;
  if (!file) return fail(err, "%s", strerror(errno));
  do {
    got = fread(part, 1, sizeof part, file);
    buf_add(b, part, got);
  } while (got == sizeof part);
  ok = !ferror(file) && !b->failed;
  fclose(file);
  return ok || fail(err, "it cannot be read");
}

struct block {
  struct block *next;
  size_t used, size;
  max_align_t data[];
};

static struct block *block_new(struct arena *a, size_t size) {
  struct block *block;
  size_t room = size > 4000 ? size : 4000;
  block = malloc(sizeof *block + room);
  if (!block) return NULL;
  block->next = a->blocks;
  block->used = 0;
  block->size = room;
  a->blocks = block;
  return block;
}

/* Zeroed memory that lives as long as the arena; NULL when there is none. */
void *arena_alloc(struct arena *a, size_t size) {
  struct block *block = a->blocks;
  void *memory;
  size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
  if (!block || block->size - block->used < size) block = block_new(a, size);
  if (!block) return NULL;
  memory = (char *)block->data + block->used;
  block->used += size;
  return memset(memory, 0, size);
}

char *arena_copy(struct arena *a, const char *text, size_t len) {
  char *copy = arena_alloc(a, len + 1);
  if (copy && len) memcpy(copy, text, len);
  return copy;
}

void arena_free(struct arena *a) {
  while (a->blocks) {
    struct block *next = a->blocks->next;
    free(a->blocks);
    a->blocks = next;
  }
}
