/*
** The traditional locks of fcntl belong to a process: two descriptors of a
** file do not exclude each other, and closing either one ends the locks of
** both. A list of this process's locks makes up for that. See file_lock.h.
*/

#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* A lock of this process, or (`byte` is CLOSED) a descriptor that its owner
** closed, but that stays open because closing it would end other locks. */
typedef struct held_lock {
  struct held_lock *next;
  dev_t device;
  ino_t inode;
  int fd;
  off_t byte;
} held_lock;

enum { CLOSED = -1 };

/* Guards `held`. It is free during a fork, see limit/shared_limiter.h. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static held_lock *held;

static int control(int fd, int command, short type, off_t byte) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET,
                       .l_start = byte, .l_len = 1};
  int result;
  do
    result = fcntl(fd, command, &lock);
  while (result != 0 && errno == EINTR);
  return result != 0 ? -1 : lock.l_type;
}

static bool is_of_file(const held_lock *lock, const struct stat *file) {
  return lock->device == file->st_dev && lock->inode == file->st_ino;
}

static held_lock **find(const struct stat *file, off_t byte) {
  held_lock **at = &held;
  while (*at && !(is_of_file(*at, file) && (*at)->byte == byte))
    at = &(*at)->next;
  return at;
}

static bool add(int fd, const struct stat *file, off_t byte) {
  held_lock *lock = ws_alloc(sizeof *lock);
  if (!lock) return false;
  *lock = (held_lock){held, file->st_dev, file->st_ino, fd, byte};
  held = lock;
  return true;
}

static void drop(held_lock **at) {
  held_lock *lock = *at;
  *at = lock->next;
  ws_free(lock);
}

static ws_lock_result take(int fd, const struct stat *file, off_t byte) {
  if (*find(file, byte)) return WS_LOCK_BUSY;
  if (control(fd, F_SETLK, F_WRLCK, byte) == -1)
    return errno == EAGAIN || errno == EACCES ? WS_LOCK_BUSY
                                              : WS_LOCK_FAILED;
  if (add(fd, file, byte)) return WS_LOCK_TAKEN;
  control(fd, F_SETLK, F_UNLCK, byte);
  errno = ENOMEM;
  return WS_LOCK_FAILED;
}

ws_lock_result ws_file_lock(int fd, off_t byte) {
  struct stat file;
  ws_lock_result result;
  if (fstat(fd, &file) != 0) return WS_LOCK_FAILED;
  pthread_mutex_lock(&guard);
  result = take(fd, &file, byte);
  pthread_mutex_unlock(&guard);
  return result;
}

void ws_file_unlock(int fd, off_t byte) {
  struct stat file;
  held_lock **at;
  if (fstat(fd, &file) != 0) return;
  pthread_mutex_lock(&guard);
  at = find(&file, byte);
  if (*at && (*at)->fd == fd) {
    control(fd, F_SETLK, F_UNLCK, byte);
    drop(at);
  }
  pthread_mutex_unlock(&guard);
}

bool ws_file_is_locked(int fd, off_t byte) {
  struct stat file;
  const held_lock *mine;
  bool is_locked;
  if (fstat(fd, &file) != 0) return true;
  pthread_mutex_lock(&guard);
  mine = *find(&file, byte);
  is_locked = mine ? mine->fd != fd
                   : control(fd, F_GETLK, F_WRLCK, byte) != F_UNLCK;
  pthread_mutex_unlock(&guard);
  return is_locked;
}

/* Releases the locks of a descriptor; true if other descriptors have locks on
** its file. */
static bool release_all(int fd, const struct stat *file) {
  bool has_others = false;
  held_lock **at = &held;
  while (*at) {
    if (is_of_file(*at, file) && (*at)->fd == fd && (*at)->byte >= 0) {
      control(fd, F_SETLK, F_UNLCK, (*at)->byte);
      drop(at);
      continue;
    }
    if (is_of_file(*at, file) && (*at)->byte >= 0) has_others = true;
    at = &(*at)->next;
  }
  return has_others;
}

static void close_waiting(const struct stat *file) {
  for (held_lock **at = find(file, CLOSED); *at; at = find(file, CLOSED)) {
    close((*at)->fd);
    drop(at);
  }
}

/* If memory for the list runs out, the descriptor is never closed. */
void ws_file_lock_close(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0) return;
  pthread_mutex_lock(&guard);
  if (release_all(fd, &file)) {
    add(fd, &file, CLOSED);
  } else {
    close_waiting(&file);
    close(fd);
  }
  pthread_mutex_unlock(&guard);
}

/* A child does not inherit its parent's locks, so that no descriptor has to
** wait for others either. It has only one thread yet: the guard is not
** needed. */
void ws_file_lock_abandon(int fd) {
  for (held_lock **at = &held; *at;) {
    bool waits = (*at)->byte == CLOSED;
    if (waits) close((*at)->fd);
    if (waits || (*at)->fd == fd) drop(at);
    else at = &(*at)->next;
  }
  close(fd);
}
