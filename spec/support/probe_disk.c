/*
** Loaded into a process (LD_PRELOAD): logs its calls on the files of one
** folder, and ends it at one of them, as a power cut would.
**
** DISK_FOLDER: that folder; DISK_LOG: the log, with a line for each call;
** DISK_CUT: the number of the call at which the process ends, from 1;
** DISK_AFTER: set when it ends behind that call, not before it.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OURS __attribute__((visibility("default")))

enum { DESCRIPTORS = 1024 };

static struct {
  char folder[1024];
  int log;
  long cut, count;
  bool after;
  bool ours[DESCRIPTORS]; /* open in the folder */
} disk = {.log = -1};

OURS int open(const char *path, int flags, ...);

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("DISK_FOLDER"), *log = getenv("DISK_LOG");
  const char *cut = getenv("DISK_CUT");
  if (!folder || !log) return;
  snprintf(disk.folder, sizeof disk.folder, "%s", folder);
  disk.cut = cut ? atol(cut) : 0;
  disk.after = getenv("DISK_AFTER") != NULL;
  disk.log = (int)syscall(SYS_openat, AT_FDCWD, log,
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  unsetenv("LD_PRELOAD");
}

/* True if a path is the folder or in it. */
static bool is_ours(const char *path) {
  size_t size = strlen(disk.folder);
  return disk.log >= 0 && strncmp(path, disk.folder, size) == 0 &&
         (path[size] == '/' || path[size] == '\0');
}

static bool holds(int fd) {
  return disk.log >= 0 && fd >= 0 && fd < DESCRIPTORS && disk.ours[fd];
}

static void end(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
}

/* Before a call of ours. */
static void reach(void) {
  if (++disk.count == disk.cut && !disk.after) end();
}

static unsigned long long inode(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (unsigned long long)status.st_ino : 0;
}

static void put(const char *bytes, size_t size) {
  (void)!syscall(SYS_write, disk.log, bytes, size);
}

/* Logs a call that succeeded; `bytes` follow in hexadecimal. */
static void tell(const char *what, unsigned long long file, long long at,
                 const char *first, const char *second, const char *bytes,
                 size_t size) {
  static char line[1 << 16];
  size_t used = (size_t)snprintf(line, sizeof line, "%s %llu %lld %s %s ",
                                 what, file, at, first, second);
  for (size_t i = 0; i < size && used + 3 < sizeof line; i++)
    used += (size_t)snprintf(line + used, 3, "%02x", (unsigned char)bytes[i]);
  line[used++] = '\n';
  put(line, used);
  if (disk.count == disk.cut && disk.after) end();
}

int open(const char *path, int flags, ...) {
  struct stat status;
  bool ours = is_ours(path), there;
  int fd, mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, int);
    va_end(more);
  }
  there = ours && stat(path, &status) == 0;
  if (ours && !there && (flags & O_CREAT)) reach();
  fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (!ours || fd < 0 || fd >= DESCRIPTORS) return fd;
  disk.ours[fd] = true;
  if (!there) tell("create", inode(fd), 0, path, "-", "", 0);
  return fd;
}

OURS int close(int fd) {
  if (holds(fd)) disk.ours[fd] = false;
  return (int)syscall(SYS_close, fd);
}

OURS ssize_t write(int fd, const void *bytes, size_t size) {
  ssize_t done;
  if (!holds(fd)) return syscall(SYS_write, fd, bytes, size);
  reach();
  done = syscall(SYS_write, fd, bytes, size);
  if (done > 0)
    tell("write", inode(fd), (long long)lseek(fd, 0, SEEK_CUR) - done, "-",
         "-", bytes, (size_t)done);
  return done;
}

OURS int ftruncate(int fd, off_t size) {
  int result;
  if (holds(fd)) reach();
  result = (int)syscall(SYS_ftruncate, fd, size);
  if (holds(fd) && result == 0)
    tell("truncate", inode(fd), (long long)size, "-", "-", "", 0);
  return result;
}

/* Of a file, of a folder with its names, or of all. */
static int sync_it(long number, const char *what, int fd) {
  int result;
  bool ours = holds(fd);
  if (ours) reach();
  result = (int)syscall(number, fd);
  if (ours && result == 0) tell(what, inode(fd), 0, "-", "-", "", 0);
  return result;
}

OURS int fdatasync(int fd) {
  return sync_it(SYS_fdatasync, "sync", fd);
}

OURS int fsync(int fd) {
  return sync_it(SYS_fsync, "sync", fd);
}

OURS int syncfs(int fd) {
  return sync_it(SYS_syncfs, "syncfs", fd);
}

static int move(const char *from, const char *to, unsigned int flags) {
  int result;
  if (is_ours(from)) reach();
  result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
  if (result == 0 && is_ours(from)) tell("rename", 0, 0, from, to, "", 0);
  return result;
}

OURS int rename(const char *from, const char *to) {
  return move(from, to, 0);
}

OURS int renameat2(int at, const char *from, int to_at, const char *to,
                   unsigned int flags) {
  (void)at, (void)to_at;
  return move(from, to, flags);
}

OURS int link(const char *from, const char *to) {
  int result;
  if (is_ours(from)) reach();
  result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && is_ours(from)) tell("link", 0, 0, from, to, "", 0);
  return result;
}

OURS int unlink(const char *path) {
  int result;
  if (is_ours(path)) reach();
  result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (result == 0 && is_ours(path)) tell("unlink", 0, 0, path, "-", "", 0);
  return result;
}

OURS int remove(const char *path) {
  return unlink(path);
}
