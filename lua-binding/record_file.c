/*
** Files of records, line by line. See record_file.h.
*/

#include "record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/find.h"
#include "binding.h"
#include "files.h"

#define READER "workstage.core.record_file"

enum { CHUNK = 1 << 16, BLOCK = 512 };

static const char mark[] = ",\"synced\":";

/* ---------------------------------------------------------------- seals */

/* CRC-32, half a byte at a time: fast enough for lines that are written a few
** times a second, with a small table. */
uint32_t wsl_checksum(uint32_t sum, const char *bytes, size_t size) {
  static const uint32_t table[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
    0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
    0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C
  };
  const unsigned char *at = (const unsigned char *)bytes;
  sum = ~sum;
  for (size_t i = 0; i < size; i++) {
    sum = table[(sum ^ at[i]) & 15] ^ sum >> 4;
    sum = table[(sum ^ at[i] >> 4) & 15] ^ sum >> 4;
  }
  return ~sum;
}

static void write_seal(char seal[WSL_SEAL + 1], uint32_t sum) {
  snprintf(seal, WSL_SEAL + 1, ",\"sum\":\"%08lx\"}", (unsigned long)sum);
}

uint32_t wsl_seal(ws_buffer *buffer, const char *json, size_t size,
                  int64_t synced, uint32_t before) {
  char seal[WSL_SEAL + 1], said[WSL_MARK + 1] = "";
  size_t length = 0;
  uint32_t sum = wsl_checksum(before, json, size - 1);
  if (synced)
    length = (size_t)snprintf(said, sizeof said, "%s%" PRId64, mark, synced);
  sum = wsl_checksum(sum, said, length);
  write_seal(seal, sum);
  ws_buffer_add(buffer, json, size - 1);
  ws_buffer_add(buffer, said, length);
  ws_buffer_add(buffer, seal, WSL_SEAL);
  ws_buffer_add_char(buffer, '\n');
  return sum;
}

static bool has_control(const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)bytes[i] < 0x20) return true;
  return false;
}

const char *wsl_unfit(const char *json, size_t size) {
  if (size < 3 || json[0] != '{' || json[size - 1] != '}')
    return "the record is not a JSON object with members";
  if (size > WSL_LINE_MOST - WSL_SEAL - WSL_MARK)
    return "the record is larger than 1 MiB";
  if (has_control(json, size))
    return "the record contains a control character";
  return NULL;
}

static uint32_t sum_before(const wsl_reader *reader) {
  return reader->chained ? reader->sum : 0;
}

static const char *check(wsl_reader *reader) {
  char seal[WSL_SEAL + 1];
  const char *line = reader->line;
  size_t size = reader->size;
  uint32_t sum;
  if (size && line[size - 1] == '\r')
    return "it ends with a carriage return, as some editors save it";
  if (size <= WSL_SEAL || line[0] != '{' ||
      memcmp(line + size - WSL_SEAL, ",\"sum\":\"", 8) != 0)
    return "it is not a record with a checksum";
  sum = wsl_checksum(sum_before(reader), line, size - WSL_SEAL);
  write_seal(seal, sum);
  if (memcmp(line + size - WSL_SEAL, seal, WSL_SEAL) != 0)
    return "its checksum does not match";
  reader->sum = sum;
  return NULL;
}

static bool is_nul(const char *bytes, const char *end) {
  while (bytes < end && !*bytes) bytes++;
  return bytes == end;
}

/* True if a line begins with a complete one: then it is not torn, but the line
** end between two lines was lost. False if only NULs follow, as these show that
** the rest did not reach the disk. */
static bool has_lost_end(const wsl_reader *reader) {
  static const char start[] = ",\"sum\":\"";
  const char *at = reader->line, *end = at + reader->size, *hit = at;
  uint32_t sum = sum_before(reader);
  while ((hit = ws_find(hit, (size_t)(end - hit), start)) != NULL &&
         end - hit >= WSL_SEAL) {
    char seal[WSL_SEAL + 1];
    sum = wsl_checksum(sum, at, (size_t)(hit - at));
    write_seal(seal, sum);
    if (memcmp(hit, seal, WSL_SEAL) == 0)
      return !is_nul(hit + WSL_SEAL, end);
    at = hit++;
  }
  return false;
}

/* --------------------------------------------------------------- reader */

void wsl_reader_init(wsl_reader *reader, int fd, bool chained) {
  *reader = (wsl_reader){.fd = fd, .chained = chained,
                         .bytes = WS_BUFFER_EMPTY};
}

void wsl_reader_free(wsl_reader *reader) {
  ws_buffer_free(&reader->bytes);
  reader->at = reader->size = 0;
  reader->line = NULL;
}

/* Reads more bytes, after dropping those of lines that were returned. */
static wsl_found fill(wsl_reader *reader) {
  ws_buffer *bytes = &reader->bytes;
  ssize_t got;
  ws_buffer_remove_range(bytes, 0, reader->at);
  reader->at = 0;
  if (!ws_buffer_reserve(bytes, CHUNK)) return WSL_NO_MEMORY;
  do
    got = pread(reader->fd, bytes->bytes + bytes->size, CHUNK,
                (off_t)(reader->offset + (int64_t)bytes->size));
  while (got < 0 && errno == EINTR);
  if (got < 0) return WSL_FAILED;
  if (got == 0) reader->ended = true;
  bytes->size += (size_t)got;
  return WSL_LINE;
}

/* Finds the next line, and sets `line` and `size` (without the line end). */
static wsl_found find_line(wsl_reader *reader) {
  size_t seen = 0;
  reader->why = NULL;
  for (;;) {
    size_t held = reader->bytes.size - reader->at;
    const char *end = NULL;
    const char *start = held ? reader->bytes.bytes + reader->at : "";
    if (held > seen) end = memchr(start + seen, '\n', held - seen);
    reader->line = start;
    reader->size = end ? (size_t)(end - start) : held;
    if (reader->size > WSL_LINE_MOST) reader->why = "it is longer than 1 MiB";
    else if (!end && reader->ended && held) reader->why = "it is cut off";
    if (end || reader->why) return WSL_LINE;
    if (reader->ended) return WSL_END;
    seen = held;
    wsl_found found = fill(reader);
    if (found != WSL_LINE) return found;
  }
}

/* Sets `last` to true if nothing follows the line that was found. */
static wsl_found is_last(wsl_reader *reader, bool *last) {
  size_t next = reader->at + reader->size + 1;
  wsl_found found = WSL_LINE;
  if (next >= reader->bytes.size && !reader->ended) {
    found = fill(reader);
    next = reader->size + 1;
  }
  *last = next >= reader->bytes.size && reader->ended;
  return found;
}

/* True if a line has NULs instead of a disk block: they end at the end of a
** block, and begin at the start of one or of the line. */
static bool has_hole(const wsl_reader *reader) {
  const char *start = reader->line, *end = start + reader->size, *hole, *at;
  if (!reader->chained || !reader->size) return false;
  at = hole = memchr(start, '\0', reader->size);
  if (!hole) return false;
  while (at < end && !*at) at++;
  return (hole == start || (reader->offset + (hole - start)) % BLOCK == 0) &&
         (reader->offset + (at - start)) % BLOCK == 0;
}

/* The number of bytes that were synced when a line was written. */
static int64_t synced_at(const wsl_reader *reader) {
  size_t size = sizeof mark - 1;
  const char *end = reader->line + reader->size;
  const char *at = ws_find(reader->line, reader->size, mark);
  int64_t bytes = 0;
  if (!at) return 0;
  for (at += size; at < end && *at >= '0' && *at <= '9'; at++)
    if (bytes < INT64_MAX / 10 - 1) bytes = bytes * 10 + (*at - '0');
  return bytes;
}

/* Skips the current line; false if it has no end. */
static bool skip_line(wsl_reader *reader) {
  if (reader->at + reader->size >= reader->bytes.size) return false;
  reader->at += reader->size + 1;
  reader->offset += (int64_t)reader->size + 1;
  return true;
}

/* WSL_DAMAGED if a later line shows that the current, incomplete line had been
** synced; else WSL_TORN. Does not change the reader's position. */
static wsl_found search_whole_line(wsl_reader *reader) {
  int64_t start = reader->offset;
  wsl_found found = WSL_TORN, next;
  while (found == WSL_TORN && skip_line(reader)) {
    next = find_line(reader);
    if (next == WSL_END) break;
    if (next != WSL_LINE) found = next;
    else if (reader->size > WSL_LINE_MOST || synced_at(reader) > start)
      found = WSL_DAMAGED;
  }
  reader->offset = start;
  reader->at = reader->bytes.size = 0;
  reader->ended = false;
  return found;
}

static wsl_found classify_hole(wsl_reader *reader) {
  wsl_found found = search_whole_line(reader);
  reader->why = found == WSL_TORN ? "part of it was not written to the disk" :
                                    "part of it is missing from the disk";
  return found;
}

/* Classifies an incomplete line. The first is never torn: a file without a
** valid line may be any file. */
static wsl_found classify(wsl_reader *reader) {
  bool last = false, lost;
  wsl_found found;
  reader->number++;
  if (reader->number == 1 || reader->size > WSL_LINE_MOST)
    return WSL_DAMAGED;
  if (has_hole(reader)) return classify_hole(reader);
  lost = has_lost_end(reader);
  found = is_last(reader, &last);
  if (found != WSL_LINE) return found;
  if (last && !lost) return WSL_TORN;
  if (last) reader->why = "its end was changed";
  return WSL_DAMAGED;
}

wsl_found wsl_reader_next(wsl_reader *reader) {
  wsl_found found;
  found = find_line(reader);
  if (found != WSL_LINE) return found;
  if (!reader->why) reader->why = check(reader);
  if (reader->why) return classify(reader);
  reader->number++;
  skip_line(reader);
  return WSL_LINE;
}

int wsl_open_plain(const char *path, int flags) {
  struct stat status;
  int fd;
  do
    fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return -1;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
  close(fd);
  return -2;
}

/* ------------------------------------------------------------------ Lua */

const char *wsl_check_path(lua_State *L) {
  size_t size;
  const char *path = luaL_checklstring(L, 1, &size);
  return strlen(path) == size ? path : NULL;
}

int wsl_invalid(lua_State *L, const char *message) {
  lua_pushnil(L);
  lua_pushliteral(L, "invalid");
  lua_pushstring(L, message);
  return 3;
}

int wsl_path_failure(lua_State *L) {
  return wsl_invalid(L, "the path contains a NUL byte");
}

int wsl_file_failure(lua_State *L, const char *kind, const char *path,
                     const char *what) {
  lua_pushnil(L);
  lua_pushstring(L, kind);
  lua_pushfstring(L, "'%s' %s", path, what);
  return 3;
}

int wsl_io_failure(lua_State *L, const char *path, const char *what,
                   int number) {
  lua_pushfstring(L, "%s: %s", what, strerror(number));
  return wsl_file_failure(L, "io", path, lua_tostring(L, -1));
}

int wsl_open_failure(lua_State *L, const char *path, int fd) {
  if (fd == -2)
    return wsl_file_failure(L, "io", path, "is not a regular file");
  return wsl_io_failure(L, path, "cannot be opened", errno);
}

const char *wsl_push_damage(lua_State *L, const char *path,
                           const wsl_reader *reader, wsl_found found) {
  return lua_pushfstring(L, found == WSL_TORN
                         ? "the end of '%s' is torn (line %I: %s)"
                         : "'%s' is damaged in line %I: %s",
                         path, (LUAI_UACINT)reader->number, reader->why);
}

int wsl_found_failure(lua_State *L, const char *path,
                      const wsl_reader *reader, wsl_found found) {
  if (found == WSL_NO_MEMORY) return wsl_no_memory(L);
  if (found == WSL_FAILED)
    return wsl_io_failure(L, path, "cannot be read", errno);
  lua_pushnil(L);
  lua_pushstring(L, found == WSL_TORN ? "torn" : "damaged");
  wsl_push_damage(L, path, reader, found);
  return 3;
}

/* lines(path, chained): a reader of the file's lines. */
static int open_reader(lua_State *L) {
  const char *path = wsl_check_path(L);
  wsl_reader *reader;
  if (!path) return wsl_path_failure(L);
  reader = lua_newuserdatauv(L, sizeof *reader, 1);
  wsl_reader_init(reader, -1, lua_toboolean(L, 2));
  luaL_setmetatable(L, READER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  reader->fd = wsl_open_plain(path, O_RDONLY);
  return reader->fd >= 0 ? 1 : wsl_open_failure(L, path, reader->fd);
}

static int close_reader(lua_State *L) {
  wsl_reader *reader = luaL_checkudata(L, 1, READER);
  if (reader->fd >= 0) close(reader->fd);
  reader->fd = -1;
  wsl_reader_free(reader);
  return 0;
}

/*
** reader:next(): the next line and its number; nil after the last one; nil,
** kind and message if the line is "damaged", if it is the last and "torn", or
** if reading failed ("io").
*/
static int next_line(lua_State *L) {
  wsl_reader *reader = luaL_checkudata(L, 1, READER);
  wsl_found found;
  if (reader->fd < 0) return luaL_error(L, "the file is closed");
  found = wsl_reader_next(reader);
  if (found == WSL_LINE) {
    lua_pushlstring(L, reader->line, reader->size);
    lua_pushinteger(L, (lua_Integer)reader->number);
    return 2;
  }
  if (found == WSL_END) {
    lua_pushnil(L);
    return 1;
  }
  lua_getiuservalue(L, 1, 1);
  return wsl_found_failure(L, lua_tostring(L, -1), reader, found);
}

/* seal(json, before): the line with its line end, and its checksum; or nil,
** "invalid" and a message. */
static int seal(lua_State *L) {
  size_t size;
  const char *json = luaL_checklstring(L, 1, &size);
  const char *why = wsl_unfit(json, size);
  uint32_t sum;
  char *to;
  char end[WSL_SEAL + 1];
  luaL_Buffer line;
  if (why) return wsl_invalid(L, why);
  sum = wsl_checksum((uint32_t)luaL_optinteger(L, 2, 0), json, size - 1);
  write_seal(end, sum);
  to = luaL_buffinitsize(L, &line, size + WSL_SEAL);
  memcpy(to, json, size - 1);
  memcpy(to + size - 1, end, WSL_SEAL);
  to[size - 1 + WSL_SEAL] = '\n';
  luaL_pushresultsize(&line, size + WSL_SEAL);
  lua_pushinteger(L, sum);
  return 2;
}

/* checksum(text, before) */
static int checksum(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_pushinteger(L, wsl_checksum((uint32_t)luaL_optinteger(L, 2, 0), text,
                                  size));
  return 1;
}

static const luaL_Reg functions[] = {
  {"record_file", open_reader},
  {"seal", seal},
  {"checksum", checksum},
  {NULL, NULL}
};

static const luaL_Reg methods[] = {
  {"next", next_line},
  {"close", close_reader},
  {NULL, NULL}
};

static const luaL_Reg meta[] = {
  {"__gc", close_reader},
  {"__close", close_reader},
  {NULL, NULL}
};

void wsl_open_record_file(lua_State *L) {
  wsl_new_type(L, READER, methods, meta);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
