/*
** Fuzzes the reader of journals and plans: it returns whole lines or an error,
** and reads the lines that it has sealed itself.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
  if (!good) abort();
}

static wsl_found read_all(const char *bytes, size_t size, bool chained,
                          int64_t *lines) {
  int fd = memfd_create("lines", MFD_CLOEXEC);
  wsl_reader reader;
  wsl_found found;
  check(fd >= 0 && (size == 0 || write(fd, bytes, size) == (ssize_t)size));
  wsl_reader_init(&reader, fd, chained);
  while ((found = wsl_reader_next(&reader)) == WSL_LINE)
    check(reader.size > 0 && reader.line && reader.offset <= (int64_t)size);
  *lines = reader.number;
  if (found == WSL_TORN || found == WSL_DAMAGED) check(reader.why != NULL);
  wsl_reader_free(&reader);
  close(fd);
  return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ws_buffer sealed = WS_BUFFER_EMPTY;
  int64_t lines;
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  read_all(text, size, true, &lines);
  read_all(text, size, false, &lines);
  if (!wsl_unfit(text, size)) {
    uint32_t sum = wsl_seal(&sealed, text, size, 0, 0);
    wsl_seal(&sealed, text, size, 0, sum);
    check(read_all(sealed.bytes, sealed.size, true, &lines) == WSL_END);
    check(lines == 2);
    sealed.bytes[size / 2] ^= 1;
    check(read_all(sealed.bytes, sealed.size, true, &lines) != WSL_END);
  }
  ws_buffer_free(&sealed);
  free(text);
  return 0;
}
