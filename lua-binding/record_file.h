/*
** Files of records: one JSON object per line, whose last member "sum" is a
** checksum of the line. Journals and plans have this format.
**
** The sum is the CRC-32 (as in zip and PNG) of the line's bytes before its
** member "sum", in eight hexadecimal digits. In a chained file it continues
** from the sum of the previous line, so that lines which were removed, inserted
** or moved are detected too.
**
** The first line after a sync has "synced": the number of bytes of the file
** that were on the disk. It distinguishes blocks that a power cut kept from the
** disk from damage: nothing after such a block was synced.
*/

#ifndef WSL_RECORD_FILE_H
#define WSL_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum {
  WSL_LINE_MOST = 1 << 20,   /* bytes in a line, without its end */
  WSL_SEAL = 18,             /* of them in ,"sum":"xxxxxxxx"} */
  WSL_MARK = 30              /* at most in ,"synced":123 */
};

uint32_t wsl_checksum(uint32_t sum, const char *bytes, size_t size);

/* Appends a JSON object to `buffer` as a line with its line end; returns the
** line's sum. The seal replaces the object's last bracket. `synced`: bytes that
** are on the disk; 0 to omit the member. */
uint32_t wsl_seal(ws_buffer *buffer, const char *json, size_t size,
                  int64_t synced, uint32_t before);

/* The reason why a text cannot become a line; NULL if it can. */
const char *wsl_unfit(const char *json, size_t size);

typedef enum wsl_found {
  WSL_LINE,      /* a line whose sum matches */
  WSL_END,
  WSL_TORN,      /* an incomplete line, not synced, as all after it */
  WSL_DAMAGED,   /* any other incomplete line */
  WSL_FAILED,    /* reading failed: errno */
  WSL_NO_MEMORY
} wsl_found;

typedef struct wsl_reader {
  int fd;                    /* -1: closed */
  bool chained;
  bool ended;                /* no more bytes to come */
  uint32_t sum;              /* of the last line */
  int64_t number;            /* of the last line, from 1 */
  int64_t offset;            /* in the file, of the end of the last line */
  const char *why;           /* why it is torn or damaged */
  const char *line;          /* the last line, until the next is read */
  size_t size;
  ws_buffer bytes;
  size_t at;                 /* the offset of the next line in `bytes` */
} wsl_reader;

/* Initializes a reader of an open file, from its start. It does not use the
** descriptor's file offset. */
void wsl_reader_init(wsl_reader *reader, int fd, bool chained);
wsl_found wsl_reader_next(wsl_reader *reader);

/* Frees its memory; the descriptor is the owner's. */
void wsl_reader_free(wsl_reader *reader);

/* Opens a regular file; -1 with errno if that fails, -2 for another kind of
** file. */
int wsl_open_plain(const char *path, int flags);

#endif
