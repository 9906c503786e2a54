#include "limit/limit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock_id.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/local_file.h"
#include "base/memory.h"
#include "limit/limit_record.h"

#define FIRST_RETRY (WS_SECOND / 1000)   /* 1, 2, 4 .. 16 ms */
#define LAST_RETRY (16 * FIRST_RETRY)
#define CHECK_PROCESSES_EVERY (3 * WS_SECOND / 10)

/* The lock bytes are beyond the end of any record. */
enum { RECORD_BYTE = 1 << 30, PROCESS_BYTE, NO_PROCESS = -1 };

/* A request of this process: in flight, or ended but not yet recorded. */
typedef struct own_request {
  uint64_t reservation;    /* the caller's number for it */
  uint64_t in_file;        /* its number in the record */
  unsigned group;
  bool ended;
  ws_request_end end;
} own_request;

struct ws_limit_file {
  int fd;
  int process;             /* our number; NO_PROCESS: none yet */
  bool joined;             /* our limit is in the record */
  char *path;
  double limit;
  uint64_t clock;
  dev_t device;
  ino_t inode;
  ws_time departs;         /* our turn according to the record; or WS_NEVER */
  ws_time retry_at;        /* when to try the lock again; 0: at once */
  ws_time retry_pause;
  ws_time busy_since;      /* the lock; WS_NEVER: it is not busy */
  ws_time checked_at;      /* when dead processes were last looked for */
  uint64_t reservations;
  own_request *own;
  int own_count, own_capacity, ended_count;
  size_t size;             /* of the file, when it was last read */
  ws_limit_record record;
  unsigned char bytes[WS_LIMIT_RECORD_SIZE];
};

typedef enum access_result {
  ACCESS_OPEN,             /* locked and read: write_back or unlock follows */
  ACCESS_BUSY,
  ACCESS_FAILED
} access_result;

__attribute__((format(printf, 3, 4)))
static void fail(ws_error *error, const ws_limit_file *file,
                 const char *format, ...) {
  char text[160];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  ws_fail(error, WS_INVALID, "rate_limit.shared: '%.200s' %s", file->path,
          text);
}

/* ------------------------------------------------------- opening a file */

static bool check_file(ws_limit_file *file, ws_error *error) {
  struct stat status;
  if (fstat(file->fd, &status) != 0)
    fail(error, file, "cannot be examined: %s", strerror(errno));
  else if (!S_ISREG(status.st_mode))
    fail(error, file, "is not a regular file");
  else if (status.st_uid != geteuid())
    fail(error, file, "belongs to another user (uid %ld): name a file of "
         "your own", (long)status.st_uid);
  else if (status.st_mode & (S_IWGRP | S_IWOTH))
    fail(error, file, "can be written by other users: run chmod 600 on it, "
         "or name another file");
  else if (!ws_file_is_local(file->fd))
    fail(error, file, "is not on a local file system");
  else {
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return true;
  }
  return false;
}

/* Opens an existing file without O_CREAT: with it, Linux refuses another
** user's file in /tmp with an error that does not show the owner. */
static int open_or_create(const char *path) {
  const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
  int fd;
  do {
    fd = open(path, flags);
    if (fd < 0 && errno == ENOENT)
      fd = open(path, flags | O_CREAT | O_EXCL, 0600);
  } while (fd < 0 && (errno == EEXIST || errno == EINTR));
  return fd;
}

static bool open_file(ws_limit_file *file, ws_error *error) {
  file->fd = open_or_create(file->path);
  if (file->fd >= 0) return check_file(file, error);
  if (errno == ELOOP)
    fail(error, file, "is a symbolic link: name the file itself");
  else
    fail(error, file, "cannot be opened: %s", strerror(errno));
  return false;
}

static void close_file(ws_limit_file *file) {
  if (file->fd >= 0) ws_file_lock_close(file->fd);
  file->fd = -1;
  file->process = NO_PROCESS;
  file->joined = false;
  file->departs = WS_NEVER;
}

/* False if the path now names another file, or none. */
static bool is_in_place(const ws_limit_file *file) {
  struct stat status;
  return lstat(file->path, &status) == 0 &&
         status.st_dev == file->device && status.st_ino == file->inode;
}

/* ---------------------------------------------------- lock and processes */

static bool is_alive(const ws_limit_file *file, int process) {
  return process == file->process ||
         ws_file_is_locked(file->fd, PROCESS_BYTE + process);
}

/* True if another process uses the file. */
static bool has_others(const ws_limit_file *file) {
  for (int process = 0; process < WS_LIMIT_PROCESSES; process++)
    if (process != file->process && is_alive(file, process)) return true;
  return false;
}

static bool fail_lock(const ws_limit_file *file, ws_error *error) {
  if (errno == ENOMEM) ws_fail_memory(error);
  else fail(error, file, "cannot be locked: %s", strerror(errno));
  return false;
}

/* Takes the first free number. */
static bool take_process(ws_limit_file *file, ws_error *error) {
  for (int process = 0; process < WS_LIMIT_PROCESSES; process++)
    switch (ws_file_lock(file->fd, PROCESS_BYTE + process)) {
      case WS_LOCK_TAKEN:
        file->process = process;
        return true;
      case WS_LOCK_FAILED:
        return fail_lock(file, error);
      case WS_LOCK_BUSY:
        break;
    }
  fail(error, file, "is in use by %d clients, the most that can share it",
       WS_LIMIT_PROCESSES);
  return false;
}

static void unlock(const ws_limit_file *file) {
  ws_file_unlock(file->fd, RECORD_BYTE);
}

/* Schedules another try for the busy lock, after a pause that doubles up to
** LAST_RETRY. */
static access_result back_off(ws_limit_file *file, ws_time now) {
  bool is_new = file->busy_since == WS_NEVER ||
                now - file->retry_at > WS_SECOND;
  if (is_new) file->busy_since = now;
  file->retry_at = now + file->retry_pause;
  file->retry_pause *= 2;
  if (file->retry_pause > LAST_RETRY) file->retry_pause = LAST_RETRY;
  return ACCESS_BUSY;
}

static void end_back_off(ws_limit_file *file) {
  file->retry_at = 0;
  file->retry_pause = FIRST_RETRY;
  file->busy_since = WS_NEVER;
}

/* ------------------------------------------------------------ the record */

/* Starts a new record. `unknown`: others may have sent requests that it does
** not have, so nothing starts for one window. */
static void start_afresh(ws_limit_file *file, ws_time now, bool unknown) {
  ws_limiter *limiter = &file->record.limiter;
  ws_limit_record_init(&file->record, file->limit);
  if (unknown)
    ws_limiter_hold(limiter, now + ws_limiter_distance(limiter));
}

/* Applies this process's limit: the first process sets the limit, others can
** only lower it. True if it changed. */
static bool join_limit(ws_limit_file *file) {
  ws_limiter *limiter = &file->record.limiter;
  bool is_lower = file->limit > 0 &&
                  (limiter->limit <= 0 || file->limit < limiter->limit);
  bool is_first = !file->joined && !has_others(file);
  if (!is_lower && !(is_first && file->limit != limiter->limit))
    return false;
  ws_limiter_set_rate(limiter, file->limit);
  return true;
}

/* Counts the requests in flight of dead processes as lost; checks only every
** CHECK_PROCESSES_EVERY. True if the record changed. */
static bool disown_dead(ws_limit_file *file, ws_time now) {
  const ws_limiter *limiter = &file->record.limiter;
  bool seen[WS_LIMIT_PROCESSES] = {false}, changed = false;
  if (now - file->checked_at < CHECK_PROCESSES_EVERY) return false;
  file->checked_at = now;
  for (int i = 0; i < limiter->in_flight_count; i++)
    seen[limiter->in_flight[i].owner] = true;
  for (int i = 0; i < file->record.waiter_count; i++)
    seen[file->record.waiters[i].process] = true;
  for (int process = 0; process < WS_LIMIT_PROCESSES; process++)
    if (seen[process] && !is_alive(file, process) &&
        ws_limit_record_disown(&file->record, (unsigned)process, now))
      changed = true;
  return changed;
}

/* Adds our requests in flight to a new record, after removing everything of
** the process that had our number before. True if the record changed. */
static bool enter_own(ws_limit_file *file, ws_time now) {
  unsigned process = (unsigned)file->process;
  bool changed = ws_limit_record_disown(&file->record, process, now);
  for (int i = 0; i < file->own_count; i++) {
    own_request *own = &file->own[i];
    own->in_file = ws_limit_record_start(&file->record, process, now,
                                         own->group);
    changed = true;
  }
  file->departs = WS_NEVER;
  return changed;
}

/* Applies the ends that are not in the record yet. They are kept until the
** record is written: if that fails, the next access applies them again. */
static bool apply_ends(ws_limit_file *file) {
  for (int i = 0; i < file->own_count; i++) {
    const own_request *own = &file->own[i];
    if (own->ended)
      ws_limiter_record_end(&file->record.limiter, own->in_file, &own->end);
  }
  return file->ended_count > 0;
}

/* Forgets the ended requests, once the record with their ends is written. */
static void drop_ended(ws_limit_file *file) {
  int kept = 0;
  if (file->ended_count == 0) return;
  for (int i = 0; i < file->own_count; i++)
    if (!file->own[i].ended) file->own[kept++] = file->own[i];
  file->own_count = kept;
  file->ended_count = 0;
}

static bool write_back(ws_limit_file *file, ws_time now) {
  size_t size = ws_limit_record_write(&file->record, now, file->clock,
                                      file->bytes);
  if (pwrite(file->fd, file->bytes, size, 0) != (ssize_t)size) return false;
  return file->size <= size || ftruncate(file->fd, (off_t)size) == 0;
}

static bool fail_write(const ws_limit_file *file, ws_error *error) {
  fail(error, file, "cannot be written: %s", strerror(errno));
  return false;
}

/* The reason why a file in this state cannot be used; NULL if it can. A file
** that we already use may get a new record, because it was good when we opened
** it. */
static const char *why_unusable(const ws_limit_file *file,
                                ws_record_state state) {
  if (state == WS_RECORD_FOREIGN)
    return "holds something else: name another file, or delete this one";
  if (state == WS_RECORD_DAMAGED && !file->joined)
    return "is damaged: name another file, or delete this one";
  if (state == WS_RECORD_OTHER_CLOCK && !file->joined && has_others(file))
    return "is in use by a process with another clock, such as that of "
           "another container: name another file";
  return NULL;
}

/* Reads the record, or starts a new one. */
static bool load(ws_limit_file *file, ws_time now, bool *changed,
                 ws_error *error) {
  ssize_t size = pread(file->fd, file->bytes, sizeof file->bytes, 0);
  ws_time clock = ws_now();
  ws_record_state state;
  const char *why;
  if (size < 0) {
    fail(error, file, "cannot be read: %s", strerror(errno));
    return false;
  }
  file->size = (size_t)size;
  state = ws_limit_record_read(&file->record, now > clock ? now : clock,
                               file->clock, file->bytes, (size_t)size);
  if (state == WS_RECORD_GOOD) return true;
  why = why_unusable(file, state);
  if (why) {
    fail(error, file, "%s", why);
    return false;
  }
  start_afresh(file, now, file->joined || has_others(file));
  if (file->joined) enter_own(file, now);
  *changed = true;
  return true;
}

/* Reads the record and brings it up to date, as each access does first. */
static bool update(ws_limit_file *file, ws_time now, bool *changed,
                   ws_error *error) {
  bool is_first = !file->joined;
  if (file->process == NO_PROCESS && !take_process(file, error)) return false;
  if (!load(file, now, changed, error)) return false;
  if (is_first && enter_own(file, now)) *changed = true;
  if (join_limit(file)) *changed = true;
  file->joined = true;
  if (apply_ends(file)) *changed = true;
  if (disown_dead(file, now)) *changed = true;
  if (ws_limit_record_expire(&file->record, now)) *changed = true;
  return true;
}

/* Switches from a file that was deleted or replaced to the one that the path
** names now. The caller then holds for one window, as the requests that others
** sent meanwhile are unknown. */
static bool move_to_new_file(ws_limit_file *file, ws_error *error) {
  close_file(file);
  if (open_file(file, error)) return true;
  close_file(file);
  return false;
}

static access_result lock_in_place(ws_limit_file *file, ws_time now,
                                   bool *moved, ws_error *error) {
  for (;;) {
    if (file->fd < 0 && !move_to_new_file(file, error)) return ACCESS_FAILED;
    switch (ws_file_lock(file->fd, RECORD_BYTE)) {
      case WS_LOCK_BUSY:
        return back_off(file, now);
      case WS_LOCK_FAILED:
        fail_lock(file, error);
        return ACCESS_FAILED;
      case WS_LOCK_TAKEN:
        break;
    }
    end_back_off(file);
    if (is_in_place(file)) return ACCESS_OPEN;
    unlock(file);
    if (!move_to_new_file(file, error)) return ACCESS_FAILED;
    *moved = true;
  }
}

/* Locks the file and reads it. Sets `changed` if the record must be written
** even if the caller changes nothing. */
static access_result open_access(ws_limit_file *file, ws_time now,
                                 bool *changed, ws_error *error) {
  ws_limiter *limiter = &file->record.limiter;
  bool moved = file->fd < 0;
  access_result result;
  if (now < file->retry_at) return ACCESS_BUSY;
  *changed = false;
  result = lock_in_place(file, now, &moved, error);
  if (result != ACCESS_OPEN) return result;
  if (!update(file, now, changed, error)) {
    unlock(file);
    return ACCESS_FAILED;
  }
  if (moved) {
    ws_limiter_hold(limiter, now + ws_limiter_distance(limiter));
    *changed = true;
  }
  return ACCESS_OPEN;
}

/* Writes the record if it changed, and unlocks the file. */
static bool end_access(ws_limit_file *file, ws_time now, bool changed,
                       ws_error *error) {
  bool good = !changed || write_back(file, now) || fail_write(file, error);
  if (good) drop_ended(file);
  unlock(file);
  return good;
}

/* ------------------------------------------------------------- requests */

static bool reserve(ws_limit_file *file) {
  int capacity = file->own_capacity ? 2 * file->own_capacity : 16;
  own_request *own;
  if (file->own_count < file->own_capacity) return true;
  own = ws_realloc(file->own, (size_t)capacity * sizeof *own);
  if (!own) return false;
  file->own = own;
  file->own_capacity = capacity;
  return true;
}

static bool wait_until(ws_limit_file *file, ws_time departs) {
  file->departs = departs;
  return ws_limit_record_wait(&file->record, (unsigned)file->process,
                              departs);
}

/* Starts the request, and queues the process for its next one if `more`. */
static uint64_t start_now(ws_limit_file *file, ws_time now, unsigned group,
                          bool more) {
  unsigned process = (unsigned)file->process;
  own_request *own = &file->own[file->own_count++];
  *own = (own_request){.reservation = ++file->reservations, .group = group};
  own->in_file = ws_limit_record_start(&file->record, process, now, group);
  ws_limit_record_leave(&file->record, process);
  file->departs = WS_NEVER;
  if (more)
    wait_until(file, ws_limit_record_turn(&file->record, process, now));
  return own->reservation;
}

/* Forgets the request that was started last, if any: its start could not be
** written, so the caller does not send it. */
static void take_back(ws_limit_file *file, uint64_t *reservation) {
  if (*reservation) file->own_count--;
  *reservation = 0;
}

/* Sets *at to the next try of the busy lock, or fails if it has been busy for
** `patience`. */
static bool retry_later(ws_limit_file *file, ws_time now, ws_time patience,
                    ws_time *at, ws_error *error) {
  *at = file->retry_at;
  if (file->busy_since == WS_NEVER || now - file->busy_since < patience)
    return true;
  fail(error, file, "has been locked by another process for %.1f s, which "
       "may be stopped", (double)(now - file->busy_since) / 1e6);
  return false;
}

bool ws_limit_file_start(ws_limit_file *file, ws_time now, unsigned group,
                         bool more, ws_time patience, uint64_t *reservation,
                         ws_time *at, ws_error *error) {
  bool changed;
  access_result result;
  *reservation = 0;
  *at = file->departs;
  if (file->departs != WS_NEVER && file->departs > now) return true;
  if (!reserve(file)) {
    ws_fail_memory(error);
    return false;
  }
  result = open_access(file, now, &changed, error);
  if (result == ACCESS_BUSY) return retry_later(file, now, patience, at, error);
  if (result == ACCESS_FAILED) return false;
  *at = ws_limit_record_turn(&file->record, (unsigned)file->process, now);
  if (*at <= now) {
    *reservation = start_now(file, now, group, more);
    changed = true;
  }
  else if (wait_until(file, *at))
    changed = true;
  if (end_access(file, now, changed, error)) return true;
  take_back(file, reservation);
  return false;
}

ws_time ws_limit_file_next_turn(const ws_limit_file *file) {
  ws_time turn = file->departs == WS_NEVER ? 0 : file->departs;
  return turn > file->retry_at ? turn : file->retry_at;
}

bool ws_limit_file_end(ws_limit_file *file, ws_time now,
                       uint64_t reservation, const ws_request_end *end) {
  for (int i = 0; i < file->own_count; i++) {
    own_request *own = &file->own[i];
    if (own->reservation != reservation || own->ended) continue;
    own->ended = true;
    own->end = *end;
    file->ended_count++;
  }
  return ws_limit_file_flush(file, now) == WS_NEVER;
}

/* Moves our turn forward if it has become earlier; true if it has. */
static bool advance(ws_limit_file *file, ws_time now) {
  unsigned process = (unsigned)file->process;
  ws_time turn;
  if (file->departs == WS_NEVER) return false;
  turn = ws_limit_record_turn(&file->record, process, now);
  return turn < file->departs && wait_until(file, turn);
}

ws_time ws_limit_file_flush(ws_limit_file *file, ws_time now) {
  bool changed;
  if (file->ended_count == 0) return WS_NEVER;
  switch (open_access(file, now, &changed, NULL)) {
    case ACCESS_BUSY:
      return file->retry_at;
    case ACCESS_FAILED:
      return now + LAST_RETRY;
    case ACCESS_OPEN:
      break;
  }
  advance(file, now);
  return end_access(file, now, true, NULL) ? WS_NEVER : now + LAST_RETRY;
}

void ws_limit_file_leave(ws_limit_file *file, ws_time now) {
  bool changed;
  if (file->departs == WS_NEVER) return;
  file->departs = WS_NEVER;
  if (open_access(file, now, &changed, NULL) != ACCESS_OPEN) return;
  if (ws_limit_record_leave(&file->record, (unsigned)file->process))
    changed = true;
  end_access(file, now, changed, NULL);
}

bool ws_limit_file_is_busy(const ws_limit_file *file) {
  return file->busy_since != WS_NEVER;
}

void ws_limit_file_lower_rate(ws_limit_file *file, double per_second) {
  if (per_second <= 0 || (file->limit > 0 && per_second >= file->limit))
    return;
  file->limit = per_second;
}

/* ----------------------------------------------------------- open, close */

/* Reads the file at once if its lock is free, so that an unsuitable file is an
** error of ws_limit_file_open. Otherwise the first request reads it. */
static bool join(ws_limit_file *file, ws_error *error) {
  ws_time now = ws_now();
  bool changed;
  if (!open_file(file, error)) return false;
  switch (open_access(file, now, &changed, error)) {
    case ACCESS_OPEN:
      return end_access(file, now, true, error);
    case ACCESS_BUSY:
      return true;
    default:
      return false;
  }
}

ws_limit_file *ws_limit_file_open(const char *path, double per_second,
                                  ws_error *error) {
  ws_limit_file *file = ws_calloc(1, sizeof *file);
  if (file) file->path = ws_copy(path, strlen(path));
  if (!file || !file->path) {
    ws_free(file);
    ws_fail_memory(error);
    return NULL;
  }
  file->fd = -1;
  close_file(file);
  end_back_off(file);
  file->limit = per_second;
  file->clock = ws_clock_id();
  if (join(file, error)) return file;
  ws_limit_file_close(file);
  return NULL;
}

/* Closing the file releases its locks, which shows others that this process no
** longer uses it. */
void ws_limit_file_close(ws_limit_file *file) {
  if (file->fd >= 0 && file->joined) {
    ws_time now = ws_now();
    ws_limit_file_leave(file, now);
    ws_limit_file_flush(file, now);
  }
  close_file(file);
  ws_free(file->own);
  ws_free(file->path);
  ws_free(file);
}

void ws_limit_file_abandon(ws_limit_file *file) {
  if (file->fd >= 0) ws_file_lock_abandon(file->fd);
  file->fd = -1;
}

const char *ws_limit_file_path(const ws_limit_file *file) {
  return file->path;
}
