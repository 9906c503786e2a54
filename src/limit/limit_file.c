#include "limit/limit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

enum {
  SLOTS = 256,
  BOOT_ID = 36,
  REAP_EVERY = 300000     /* microseconds */
};

static const char magic[] = "workstage shared limit 1";

typedef struct ws_owner {
  uint64_t ticket;
  uint32_t slot;
  uint32_t used;
} ws_owner;

/* What the file holds. The lock bytes lie behind it. */
typedef struct ws_record {
  char magic[sizeof magic + 7];
  char boot[BOOT_ID + 4];   /* the clock starts anew with each boot */
  uint64_t size;
  uint64_t sum;             /* of what follows: a write may have been cut */
  ws_limiter limiter;
  ws_owner owners[WS_LIMITER_IN_FLIGHT];
} ws_record;

struct ws_limit_file {
  int fd;
  int slot;
  char *path;
  double limit;
  ws_time reaped;
  ws_record record;
};

/* --------------------------------------------------------------- locks */

static int lock_range(int fd, int command, short type, off_t start) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET,
                       .l_start = start, .l_len = 1};
  int result;
  do
    result = fcntl(fd, command, &lock);
  while (result != 0 && errno == EINTR);
  return result != 0 ? -1 : lock.l_type;
}

static off_t slot_byte(int slot) {
  return (off_t)sizeof(ws_record) + 1 + slot;
}

static bool lock_record(const ws_limit_file *shared) {
  return lock_range(shared->fd, F_OFD_SETLKW, F_WRLCK, 0) != -1;
}

static void unlock_record(const ws_limit_file *shared) {
  lock_range(shared->fd, F_OFD_SETLK, F_UNLCK, 0);
}

static bool is_alive(const ws_limit_file *shared, int slot) {
  return slot == shared->slot ||
         lock_range(shared->fd, F_OFD_GETLK, F_WRLCK, slot_byte(slot)) !=
           F_UNLCK;
}

/* -------------------------------------------------------------- content */

/* FNV-1a over words: to notice a write that was cut short, no more. */
static uint64_t sum_of(const ws_record *record) {
  const char *at = (const char *)&record->limiter;
  const char *end = (const char *)record + sizeof *record;
  uint64_t sum = UINT64_C(14695981039346656037), word;
  for (; (size_t)(end - at) >= sizeof word; at += sizeof word) {
    memcpy(&word, at, sizeof word);
    sum = (sum ^ word) * UINT64_C(1099511628211);
  }
  return sum;
}

static void read_boot_id(char boot[BOOT_ID + 4]) {
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  memset(boot, 0, BOOT_ID + 4);
  if (fd < 0) return;
  if (read(fd, boot, BOOT_ID) != BOOT_ID) memset(boot, 0, BOOT_ID + 4);
  close(fd);
}

/* A fresh limiter. What left in the second before is not known when an
** older record was lost, so that second is waited out. */
static void start_anew(ws_limit_file *shared, ws_time hold) {
  ws_record *record = &shared->record;
  memset(record, 0, sizeof *record);
  memcpy(record->magic, magic, sizeof magic);
  read_boot_id(record->boot);
  record->size = sizeof *record;
  ws_limiter_init(&record->limiter, shared->limit);
  if (hold) ws_limiter_hold(&record->limiter, hold);
}

static bool same_boot(const ws_record *record) {
  char boot[BOOT_ID + 4];
  read_boot_id(boot);
  return memcmp(boot, record->boot, BOOT_ID) == 0;
}

/* Whether the file holds something of another make. */
static bool is_foreign(const ws_record *record, ssize_t got) {
  if (got <= 0) return false;
  return got < (ssize_t)offsetof(ws_record, limiter) ||
         memcmp(record->magic, magic, sizeof magic) != 0 ||
         record->size != sizeof *record;
}

static bool is_whole(const ws_record *record, ssize_t got) {
  return got == (ssize_t)sizeof *record && record->sum == sum_of(record);
}

static ssize_t read_record(ws_limit_file *shared) {
  return pread(shared->fd, &shared->record, sizeof shared->record, 0);
}

static bool write_record(ws_limit_file *shared) {
  ws_record *record = &shared->record;
  record->sum = sum_of(record);
  return pwrite(shared->fd, record, sizeof *record, 0) ==
         (ssize_t)sizeof *record;
}

/* --------------------------------------------------------------- owners */

static void give_up(ws_limit_file *shared, ws_owner *owner, ws_time now) {
  ws_limiter_record_lost(&shared->record.limiter, owner->ticket, now);
  owner->used = 0;
}

/* Gives up the requests of processes that have died. */
static void reap(ws_limit_file *shared, ws_time now) {
  ws_owner *owners = shared->record.owners;
  int known = -1;
  bool alive = true;
  if (now - shared->reaped < REAP_EVERY) return;
  shared->reaped = now;
  for (int i = 0; i < WS_LIMITER_IN_FLIGHT; i++) {
    if (!owners[i].used) continue;
    if ((int)owners[i].slot != known) {
      known = (int)owners[i].slot;
      alive = is_alive(shared, known);
    }
    if (!alive) give_up(shared, &owners[i], now);
  }
}

void ws_limit_file_add_owner(ws_limit_file *shared, uint64_t ticket) {
  ws_owner *owners = shared->record.owners;
  int i = 0;
  while (i < WS_LIMITER_IN_FLIGHT && owners[i].used) i++;
  if (i < WS_LIMITER_IN_FLIGHT)
    owners[i] = (ws_owner){ticket, (uint32_t)shared->slot, 1};
}

void ws_limit_file_remove_owner(ws_limit_file *shared, uint64_t ticket) {
  ws_owner *owners = shared->record.owners;
  for (int i = 0; i < WS_LIMITER_IN_FLIGHT; i++)
    if (owners[i].used && owners[i].ticket == ticket) owners[i].used = 0;
}

/* ----------------------------------------------------------- open, close */

static bool is_local(int fd) {
  static const unsigned long remote[] = {
    0x6969 /* NFS */, 0x517B /* SMB */, 0xFF534D42 /* CIFS */,
    0xFE534D42 /* SMB2 */,
  };
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return false;
  for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
    if (((unsigned long)system.f_type & 0xFFFFFFFF) == remote[i])
      return false;
  return true;
}

static bool open_file(ws_limit_file *shared, ws_error *error) {
  struct stat status;
  const char *path = shared->path;
  shared->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (shared->fd < 0 || fstat(shared->fd, &status) != 0)
    ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s': %s", path,
            strerror(errno));
  else if (!S_ISREG(status.st_mode))
    ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s' is no plain "
            "file", path);
  else if (!is_local(shared->fd))
    ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s' is not on a "
            "local file system", path);
  else
    return true;
  return false;
}

/* Takes the first free slot, and with it what a dead process left there. */
static bool take_slot(ws_limit_file *shared) {
  for (int slot = 0; slot < SLOTS; slot++)
    if (lock_range(shared->fd, F_OFD_SETLK, F_WRLCK, slot_byte(slot)) !=
        -1) {
      shared->slot = slot;
      return true;
    }
  return false;
}

static bool others_live(const ws_limit_file *shared) {
  for (int slot = 0; slot < SLOTS; slot++)
    if (slot != shared->slot && is_alive(shared, slot)) return true;
  return false;
}

/* Whoever comes first sets the limit; of several the lowest counts. */
static void join_limit(ws_limit_file *shared) {
  ws_limiter *limiter = &shared->record.limiter;
  bool lower = shared->limit > 0 &&
               (limiter->limit <= 0 || shared->limit < limiter->limit);
  if (lower || !others_live(shared))
    ws_limiter_set_rate(limiter, shared->limit);
}

static bool join(ws_limit_file *shared, ws_error *error) {
  ws_time now = ws_now();
  ssize_t got = read_record(shared);
  if (is_foreign(&shared->record, got)) {
    ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s' holds something "
            "else; name a file of its own, or delete this one", shared->path);
    return false;
  }
  if (!take_slot(shared)) {
    ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s' is shared by %d "
            "clients already", shared->path, SLOTS);
    return false;
  }
  if (got <= 0 || !same_boot(&shared->record)) start_anew(shared, 0);
  else if (!is_whole(&shared->record, got))
    start_anew(shared, now + WS_SECOND);
  for (int i = 0; i < WS_LIMITER_IN_FLIGHT; i++) {
    ws_owner *owner = &shared->record.owners[i];
    if (owner->used && (int)owner->slot == shared->slot)
      give_up(shared, owner, now);
  }
  join_limit(shared);
  if (write_record(shared)) return true;
  ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s' cannot be "
          "written: %s", shared->path, strerror(errno));
  return false;
}

ws_limit_file *ws_limit_file_open(const char *path, double per_second,
                          ws_error *error) {
  ws_limit_file *shared = ws_calloc(1, sizeof *shared);
  bool joined = false;
  if (shared) shared->path = ws_copy(path, strlen(path));
  if (!shared || !shared->path) {
    ws_free(shared);
    ws_fail_memory(error);
    return NULL;
  }
  shared->slot = -1;
  shared->limit = per_second;
  if (open_file(shared, error) && lock_record(shared)) {
    joined = join(shared, error);
    unlock_record(shared);
  }
  if (joined) return shared;
  ws_limit_file_close(shared);
  return NULL;
}

void ws_limit_file_lower_rate(ws_limit_file *shared, double per_second) {
  if (per_second <= 0 || (shared->limit > 0 && per_second >= shared->limit))
    return;
  shared->limit = per_second;
  ws_limit_file_lock(shared, ws_now());
  join_limit(shared);
  ws_limit_file_unlock(shared);
}

/* Closing the file lets go of its locks. */
void ws_limit_file_close(ws_limit_file *shared) {
  if (shared->fd >= 0) close(shared->fd);
  ws_free(shared->path);
  ws_free(shared);
}

void ws_limit_file_abandon(ws_limit_file *shared) {
  if (shared->fd >= 0) close(shared->fd);
  shared->fd = -1;
}

const char *ws_limit_file_path(const ws_limit_file *shared) {
  return shared->path;
}

/* A record that cannot be read goes on from what this process knew. */
ws_limiter *ws_limit_file_lock(ws_limit_file *shared, ws_time now) {
  ssize_t got;
  lock_record(shared);
  got = read_record(shared);
  if (!is_whole(&shared->record, got)) start_anew(shared, now + WS_SECOND);
  reap(shared, now);
  return &shared->record.limiter;
}

void ws_limit_file_unlock(ws_limit_file *shared) {
  write_record(shared);
  unlock_record(shared);
}
