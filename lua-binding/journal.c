/*
** The journal's file: one process at a time appends lines, each with one write,
** and syncs them on request. After a failed write or sync the content on the
** disk is unknown, so nothing more is written.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"
#include "files.h"
#include "record_file.h"
#include "system_files.h"

#define JOURNAL "workstage.core.journal"

typedef struct journal {
  int fd;            /* -1: closed */
  pid_t owner;       /* the process that opened it */
  bool unsynced;
  int failed;        /* errno of the write or sync that failed, or 0 */
  const char *what;  /* the message for `failed` */
  uint32_t sum;
  int64_t size;
  int64_t synced;    /* bytes on the disk that the next line records, or 0 */
  ws_buffer line;
  wsl_reader reader; /* while it is opened */
} journal;

static journal *check(lua_State *L) {
  return wsl_self(L, JOURNAL);
}

/* The user value is the path. */
static const char *push_path(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  return lua_tostring(L, -1);
}

static journal *new_journal(lua_State *L, int path) {
  journal *self = lua_newuserdatauv(L, sizeof *self, 1);
  *self = (journal){.fd = -1, .owner = getpid(), .line = WS_BUFFER_EMPTY};
  wsl_reader_init(&self->reader, -1, true);
  luaL_setmetatable(L, JOURNAL);
  lua_pushvalue(L, path);
  lua_setiuservalue(L, -2, 1);
  return self;
}

/* Unlocks before closing: a forked child shares the lock, and would keep it if
** we only closed our descriptor. */
static void release(journal *self) {
  if (self->fd >= 0 && self->owner == getpid()) flock(self->fd, LOCK_UN);
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
  wsl_reader_free(&self->reader);
  ws_buffer_free(&self->line);
}

static int close_journal(lua_State *L) {
  release(check(L));
  return 0;
}

/* ----------------------------------------------------------------- lock */

static bool lock(int fd) {
  int result;
  do
    result = flock(fd, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

static int refuse(lua_State *L, journal *self, const char *path) {
  int number = errno;
  long pid = number == EWOULDBLOCK ? wsl_lock_holder(self->fd) : 0;
  release(self);
  if (number != EWOULDBLOCK)
    return wsl_io_failure(L, path, "cannot be locked", number);
  if (pid > 0)
    lua_pushfstring(L, "is in use by another run (process %I)",
                    (LUAI_UACINT)pid);
  else
    lua_pushliteral(L, "is in use by another run");
  return wsl_file_failure(L, "locked", path, lua_tostring(L, -1));
}

/* ------------------------------------------------------------- opening */

/* Opens a temporary file in the journal's folder and leaves its name on the
** stack. Skips files left by an earlier process. */
static const char *open_beside(lua_State *L, journal *self,
                               const char *path) {
  int top = lua_gettop(L);
  const char *name = NULL;
  errno = EEXIST;
  for (int i = 1; self->fd < 0 && errno == EEXIST && i <= WSL_TEMPORARIES;
       i++) {
    lua_settop(L, top);
    name = wsl_push_temporary(L, path, i);
    self->fd = open(name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC,
                    0600);
  }
  return name;
}

/* Writes the first line and renames the file to `path`; false with errno, and
** without leaving a file, if that fails. */
static bool begin(journal *self, const char *name, const char *path,
                  const char *folder) {
  size_t done;
  int number;
  if (lock(self->fd) &&
      wsl_write_all(self->fd, self->line.bytes, self->line.size, &done) &&
      wsl_sync(self->fd) && wsl_rename_new(name, path)) {
    self->size = self->synced = (int64_t)done;
    name = path;
    if (wsl_sync_folder(folder, self->fd)) return true;
  }
  number = errno;
  unlink(name);
  errno = number;
  return false;
}

/*
** journal_create(path, header): a new journal. It appears under its name only
** after its first line is synced, so a crash leaves no empty journal.
*/
static int create_file(lua_State *L) {
  const char *path = wsl_check_path(L), *folder, *name, *why;
  size_t size;
  const char *header = luaL_checklstring(L, 2, &size);
  journal *self;
  if (!path) return wsl_path_failure(L);
  why = wsl_unfit(header, size);
  if (why) return wsl_invalid(L, why);
  self = lua_touserdata(L, 3);
  self->sum = wsl_seal(&self->line, header, size, 0, 0);
  if (self->line.failed) return wsl_no_memory(L);
  folder = wsl_push_folder(L, path);
  name = open_beside(L, self, path);
  if (self->fd < 0 || !begin(self, name, path, folder)) {
    int number = errno;
    release(self);
    return wsl_io_failure(L, path, "cannot be created", number);
  }
  lua_pop(L, 2);
  return 1;
}

/* False if this is the first line and not that of a journal of this version.
** Lua checks that first, with a better error. */
static bool is_journal(const wsl_reader *reader) {
  static const char start[] = "{\"workstage\":\"journal\",\"version\":1,";
  return reader->number != 1 || (reader->size >= sizeof start &&
         memcmp(reader->line, start, sizeof start - 1) == 0);
}

/* Reads all lines. A valid file ends with WSL_END, or WSL_TORN for its last
** line. */
static wsl_found read_through(wsl_reader *reader) {
  wsl_found found;
  while ((found = wsl_reader_next(reader)) == WSL_LINE)
    if (!is_journal(reader)) {
      reader->why = "it is not a journal of version 1";
      return WSL_DAMAGED;
    }
  if (found == WSL_END && reader->number == 0) {
    reader->number = 1;
    reader->why = "the file is empty";
    return WSL_DAMAGED;
  }
  return found;
}

/* Truncates the file after the last good line. */
static bool cut(journal *self) {
  return ftruncate(self->fd, (off_t)self->size) == 0 && wsl_sync(self->fd);
}

/*
** journal_open(path): a journal to append to, after checking all lines; and
** the error of its torn end, which is removed, or nil.
*/
static int open_file(lua_State *L) {
  const char *path = wsl_check_path(L);
  journal *self;
  wsl_reader *reader;
  wsl_found found;
  if (!path) return wsl_path_failure(L);
  self = lua_touserdata(L, 3);
  reader = &self->reader;
  self->fd = wsl_open_plain(path, O_RDWR | O_APPEND);
  if (self->fd < 0) return wsl_open_failure(L, path, self->fd);
  if (!lock(self->fd)) return refuse(L, self, path);
  reader->fd = self->fd;
  found = read_through(reader);
  if (found != WSL_END && found != WSL_TORN) {
    wsl_found_failure(L, path, reader, found);
    release(self);
    return 3;
  }
  self->size = reader->offset;
  self->sum = reader->sum;
  if (found == WSL_TORN) {
    wsl_push_damage(L, path, reader, found);
    if (!cut(self)) {
      int number = errno;
      release(self);
      return wsl_io_failure(L, path, "cannot be repaired", number);
    }
  }
  else
    lua_pushnil(L);
  wsl_reader_free(reader);
  self->unsynced = true;
  return 2;
}

/*
** journal_lock(path): a file that is locked like a journal until it is closed,
** and open for reading only.
*/
static int lock_file(lua_State *L) {
  const char *path = wsl_check_path(L);
  journal *self;
  if (!path) return wsl_path_failure(L);
  self = lua_touserdata(L, 3);
  self->fd = wsl_open_plain(path, O_RDONLY);
  if (self->fd < 0) return wsl_open_failure(L, path, self->fd);
  return lock(self->fd) ? 1 : refuse(L, self, path);
}

/*
** Calls one of the three functions above with its arguments and a new journal.
** If it raises because memory ran out, closes the file at once, so that it does
** not stay locked until Lua collects it.
*/
static int call_protected(lua_State *L, lua_CFunction function) {
  journal *self;
  lua_settop(L, 2);
  self = new_journal(L, 1);
  lua_insert(L, 1);
  lua_pushcfunction(L, function);
  lua_insert(L, 2);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 3, LUA_MULTRET, 0) == LUA_OK) return lua_gettop(L) - 1;
  release(self);
  return lua_error(L);
}

static int create_journal(lua_State *L) {
  return call_protected(L, create_file);
}

static int open_journal(lua_State *L) {
  return call_protected(L, open_file);
}

static int lock_journal(lua_State *L) {
  return call_protected(L, lock_file);
}

/* ------------------------------------------------------------- writing */

/* Pushes the reason why nothing can be written. A forked child must not write,
** as it would continue after the same line as its parent. */
static int failure(lua_State *L, const journal *self) {
  const char *path = push_path(L);
  if (self->fd < 0) return wsl_file_failure(L, "invalid", path, "is closed");
  if (self->owner != getpid())
    return wsl_file_failure(L, "invalid", path, "belongs to another process");
  return wsl_io_failure(L, path, self->what, self->failed);
}

static bool is_usable(const journal *self) {
  return self->fd >= 0 && !self->failed && self->owner == getpid();
}

static int fail(lua_State *L, journal *self, const char *what) {
  self->failed = errno;
  self->what = what;
  return failure(L, self);
}

/* journal:append(json): adds a line. If only a part of it can be written,
** removes that part. */
static int append(lua_State *L) {
  size_t size, done;
  const char *json = luaL_checklstring(L, 2, &size);
  const char *why = wsl_unfit(json, size);
  journal *self = check(L);
  uint32_t sum;
  if (!is_usable(self)) return failure(L, self);
  if (why) return wsl_invalid(L, why);
  ws_buffer_reset(&self->line);
  sum = wsl_seal(&self->line, json, size, self->synced, self->sum);
  if (self->line.failed) return wsl_no_memory(L);
  if (!wsl_write_all(self->fd, self->line.bytes, self->line.size, &done)) {
    int number = errno;
    if (done) (void)!ftruncate(self->fd, (off_t)self->size);
    errno = number;
    return fail(L, self, "cannot be written");
  }
  self->sum = sum;
  self->size += (int64_t)done;
  self->synced = 0;
  self->unsynced = true;
  lua_pushboolean(L, 1);
  return 1;
}

static int sync_journal(lua_State *L) {
  journal *self = check(L);
  if (!is_usable(self)) return failure(L, self);
  if (self->unsynced && !wsl_sync(self->fd))
    return fail(L, self, "cannot be synced");
  if (self->unsynced) self->synced = self->size;
  self->unsynced = false;
  lua_pushboolean(L, 1);
  return 1;
}

static int journal_size(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check(L)->size);
  return 1;
}

static const luaL_Reg functions[] = {
  {"journal_create", create_journal},
  {"journal_open", open_journal},
  {"journal_lock", lock_journal},
  {NULL, NULL}
};

static const luaL_Reg methods[] = {
  {"append", append},
  {"sync", sync_journal},
  {"size", journal_size},
  {"close", close_journal},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", close_journal},
  {"__close", close_journal},
  {NULL, NULL}
};

void wsl_open_journal(lua_State *L) {
  wsl_new_type(L, JOURNAL, methods, meta);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
