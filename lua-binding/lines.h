/*
** Files of records: one JSON object a line, whose last member "sum" tells
** whether the line is whole. Journals and plans share this form.
**
** The sum is the CRC-32 (as of zip and PNG) of the line's bytes before its
** member "sum", in eight hexadecimal digits. In a file that is chained it
** continues from the sum of the line before, so that a line which was taken
** out, put in or moved shows as well.
**
** The first line after a sync has "synced": how many bytes of the file were
** on the disk then. Blocks that a power cut kept from the disk are told from
** damage by it: nothing that comes after them was synced.
*/

#ifndef WSL_LINES_H
#define WSL_LINES_H

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

/* Appends an object's text to `buffer` as a line with its end; returns the
** line's sum. The text ends with the bracket that the seal replaces. synced:
** bytes that are on the disk; 0 where nothing is said of it. */
uint32_t wsl_seal(ws_buffer *buffer, const char *json, size_t size,
                  int64_t synced, uint32_t before);

/* What is wrong with a text that is to become a line; NULL: nothing. */
const char *wsl_unfit(const char *json, size_t size);

typedef enum wsl_found {
  WSL_LINE,      /* a line, and its sum fits */
  WSL_END,
  WSL_TORN,      /* what was never synced, and is not whole from here on */
  WSL_DAMAGED,   /* another line that is not whole */
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
  const char *why;           /* it is torn or damaged */
  const char *line;          /* the last line, until the next is read */
  size_t size;
  ws_buffer bytes;
  size_t at;                 /* where the next line begins in them */
} wsl_reader;

/* A reader of an open file from its start. It reads at places of its own
** and neither uses nor moves the descriptor's. */
void wsl_reader_init(wsl_reader *reader, int fd, bool chained);
wsl_found wsl_reader_next(wsl_reader *reader);

/* Frees its memory; the descriptor is the owner's. */
void wsl_reader_free(wsl_reader *reader);

/* Opens a plain file; -1 with errno when that fails, -2 for another kind
** of file. */
int wsl_open_plain(const char *path, int flags);

#endif
