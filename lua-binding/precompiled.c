/*
** Bytecode of the module's Lua files: when it may be used, and loading it. See
** workstage/precompiled.lua.
*/

#include "binding.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL where the program does not export it. */
#pragma weak lua_ident

enum { SEAL = sizeof(uint64_t), LONGEST = 1 << 24 };

typedef struct text {
  char *bytes;
  size_t size;
} text;

/* ---------------------------------------------------------------- seals */

/* Mixes eight bytes into the hash. */
static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
  return hash ^ hash >> 32;
}

static uint64_t add(uint64_t hash, text it) {
  uint64_t word;
  hash = mix(hash, it.size);
  for (; it.size >= sizeof word; it.size -= sizeof word) {
    memcpy(&word, it.bytes, sizeof word);
    hash = mix(hash, word);
    it.bytes += sizeof word;
  }
  word = 0;
  memcpy(&word, it.bytes, it.size);
  return mix(hash, word);
}

/* Writes the hash of four texts: Lua, path, source and bytecode. */
static void write_seal(const text parts[4], char seal[SEAL]) {
  uint64_t sum = 0;
  for (int i = 0; i < 4; i++) sum = add(sum, parts[i]);
  memcpy(seal, &sum, SEAL);
}

static text check_text(lua_State *L, int index) {
  text it;
  it.bytes = (char *)(uintptr_t)luaL_checklstring(L, index, &it.size);
  return it;
}

/* bytecode_seal(lua, path, source, bytecode): what a file of bytecode begins
** with. */
static int bytecode_seal(lua_State *L) {
  char seal[SEAL];
  text parts[4];
  for (int i = 0; i < 4; i++) parts[i] = check_text(L, i + 1);
  write_seal(parts, seal);
  lua_pushlstring(L, seal, SEAL);
  return 1;
}

/* -------------------------------------------------------------- loading */

/* Files are read into memory of the state that the collector does not count:
** it would otherwise run more often while the module is loaded. */
static bool resize(lua_State *L, text *it, size_t size) {
  void *data;
  lua_Alloc allocate = lua_getallocf(L, &data);
  it->bytes = allocate(data, it->bytes, it->size, size);
  it->size = it->bytes ? size : 0;
  return it->bytes != NULL;
}

/* Reads a whole file; false if that is not possible. */
static bool read_whole(lua_State *L, int fd, text *it) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size <= 0 || status.st_size > LONGEST ||
      !resize(L, it, (size_t)status.st_size))
    return false;
  return read(fd, it->bytes, it->size) == (ssize_t)it->size;
}

static bool read_file(lua_State *L, const char *path, text *it) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && read_whole(L, fd, it);
  if (fd >= 0) close(fd);
  return good;
}

/* Pushes the chunk if the file's seal is right, and returns true. */
static bool push_chunk(lua_State *L, text file, text source) {
  char seal[SEAL];
  text parts[4] = {check_text(L, 1), check_text(L, 2), source, file};
  if (file.size < SEAL) return false;
  parts[3].bytes += SEAL;
  parts[3].size -= SEAL;
  write_seal(parts, seal);
  return memcmp(seal, file.bytes, SEAL) == 0 &&
         luaL_loadbufferx(L, parts[3].bytes, parts[3].size, parts[1].bytes,
                          "b") == LUA_OK;
}

/* load_bytecode(lua, path, file): the chunk that the file contains; nil if it
** was compiled by another Lua, or from another text than `path` now has. */
static int load_bytecode(lua_State *L) {
  text file = {NULL, 0}, source = {NULL, 0};
  const char *path = luaL_checkstring(L, 2), *name = luaL_checkstring(L, 3);
  bool good;
  luaL_checkstring(L, 1);
  good = read_file(L, name, &file) && read_file(L, path, &source) &&
         push_chunk(L, file, source);
  resize(L, &file, 0);
  resize(L, &source, 0);
  if (!good) lua_pushnil(L);
  return 1;
}

static const luaL_Reg functions[] = {
  {"bytecode_seal", bytecode_seal},
  {"load_bytecode", load_bytecode},
  {NULL, NULL}
};

void wsl_open_precompiled(lua_State *L) {
  const char *release = lua_ident;
  luaL_setfuncs(L, functions, 0);
  if (!release) return;
  lua_pushstring(L, release);
  lua_setfield(L, -2, "lua_ident");
}
