/*
** See system_files.h.
*/

#include "system_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool wsl_sync_once(int fd) {
  return fdatasync(fd) == 0;
}

bool wsl_sync_file_system(int fd) {
  return syncfs(fd) == 0;
}

/* Uses link and unlink on file systems without RENAME_NOREPLACE, and with a C
** library without renameat2, as musl's. */
bool wsl_rename_new(const char *from, const char *to) {
#if defined(RENAME_NOREPLACE)
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return true;
#else
  errno = ENOSYS;
#endif
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (link(from, to) != 0) return false;
  unlink(from);
  return true;
}

/* Searches the kernel's list of locks. */
long wsl_lock_holder(int fd) {
  struct stat status;
  char line[256];
  long found = 0;
  FILE *list = fstat(fd, &status) == 0 ? fopen("/proc/locks", "re") : NULL;
  if (!list) return 0;
  while (!found && fgets(line, sizeof line, list)) {
    unsigned int high, low;
    unsigned long inode;
    long pid;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
    if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%lu", &pid, &high, &low,
               &inode) == 4 &&
        inode == status.st_ino && high == major(status.st_dev) &&
        low == minor(status.st_dev) && pid > 0)
      found = pid;
  }
  fclose(list);
  return found;
}
