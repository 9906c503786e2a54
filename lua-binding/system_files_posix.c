/*
** See system_files.h.
*/

#include "system_files.h"

#include <unistd.h>

bool wsl_sync_once(int fd) {
  return fsync(fd) == 0;
}

bool wsl_sync_file_system(int fd) {
  sync();
  return fsync(fd) == 0;
}

/* A crash between link and unlink leaves both names; the old one is that of a
** temporary file. */
bool wsl_rename_new(const char *from, const char *to) {
  if (link(from, to) != 0) return false;
  unlink(from);
  return true;
}

long wsl_lock_holder(int fd) {
  (void)fd;
  return 0;
}
