/*
** Out of memory, everywhere: runs each scenario of scenarios.lua again and
** again and fails its 1st, 2nd, 3rd ... allocation, of the Lua state or of
** the core with libcurl, until it is through. See proof/oom/run.
**
**   oom SERVER_COMMAND FOLDER SCENARIOS [NAME]
**
** After each failure the same state does the work once more with all memory
** there; then the state is closed, and nothing may be left: no byte, no
** block, no descriptor. PROOF_CASES: so many failures, spread evenly, for
** each scenario and way to fail (0: each allocation). PROOF_SEED moves where
** they fall. PROOF_FAIL=LUA-ONCE-123 and NAME: that one case alone.
*/

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "workstage_lua.h"

enum { LONGEST = 30, SHOWN = 5 };  /* seconds for a case; failures shown */

typedef enum source { SOURCE_LUA, SOURCE_CORE } source;

typedef enum way {
  COLLECT,   /* once; Lua collects its garbage and has the memory then */
  ONCE,      /* once, and Lua's second try */
  ONWARDS,   /* from there on, until the work has ended */
  TO_THE_END /* the same until the state is closed */
} way;

static const char *const sources[] = {"lua", "core"};
static const char *const ways[] = {"collect", "once", "onwards", "end"};

/* --------------------------------------------------------------- memory */

static struct {
  bool armed;
  source source;
  way way;
  long at;       /* the allocation that fails first */
  long count;    /* allocations since it was armed */
  long failed;
} fault;

static long core_blocks, cjson_blocks;
static size_t core_bytes, cjson_bytes;

static void arm(source source, way way, long at) {
  fault.source = source;
  fault.way = way;
  fault.at = at;
  fault.count = fault.failed = 0;
  fault.armed = true;
}

static bool fails(source from) {
  bool now;
  if (!fault.armed || fault.source != from) return false;
  fault.count++;
  if (fault.way == COLLECT) now = fault.count == fault.at;
  else if (fault.way == ONCE)
    now = fault.count == fault.at ||
          (from == SOURCE_LUA && fault.count == fault.at + 1);
  else now = fault.count >= fault.at;
  if (now)
    fault.failed++;
  return now;
}

/* What does not grow must not fail: Lua relies on it. */
static void *lua_memory(void *data, void *block, size_t old, size_t size) {
  size_t *used = data, held = block ? old : 0;
  void *moved;
  if (size == 0) {
    free(block);
    *used -= held;
    return NULL;
  }
  if (size > held && fails(SOURCE_LUA)) return NULL;
  moved = realloc(block, size);
  if (moved) *used += size - held;
  return moved;
}

/* In front of each block of C's: how large it is. */
typedef union header {
  size_t size;
  max_align_t alignment;
} header;

static void *counted(void *block, size_t size, size_t *bytes, long *blocks) {
  header *head = block;
  if (!head) return NULL;
  head->size = size;
  *bytes += size;
  ++*blocks;
  return head + 1;
}

static void uncounted(void *block, size_t *bytes, long *blocks) {
  header *head = block;
  *bytes -= head[-1].size;
  --*blocks;
}

static void *core_alloc(size_t size) {
  if (fails(SOURCE_CORE)) return NULL;
  return counted(malloc(sizeof(header) + size), size, &core_bytes,
                 &core_blocks);
}

static void *core_calloc(size_t number, size_t size) {
  void *block = core_alloc(number * size);
  return block ? memset(block, 0, number * size) : NULL;
}

static void core_free(void *block) {
  if (!block) return;
  uncounted(block, &core_bytes, &core_blocks);
  free((header *)block - 1);
}

/* Always elsewhere, so that whoever keeps the old address is found out. */
static void *core_realloc(void *block, size_t size) {
  void *moved = core_alloc(size);
  size_t held;
  if (!moved || !block) return moved;
  held = ((header *)block)[-1].size;
  memcpy(moved, block, held < size ? held : size);
  core_free(block);
  return moved;
}

static char *core_strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = core_alloc(size);
  return copy ? memcpy(copy, text, size) : NULL;
}

/* lua-cjson's own, where it is linked from an archive with these in place of
** the C library's: counted, and never refused. */
void *cjson_malloc(size_t size);
void *cjson_realloc(void *block, size_t size);
void cjson_free(void *block);

void *cjson_malloc(size_t size) {
  return counted(malloc(sizeof(header) + size), size, &cjson_bytes,
                 &cjson_blocks);
}

void *cjson_realloc(void *block, size_t size) {
  header *head = block;
  if (!head) return cjson_malloc(size);
  uncounted(block, &cjson_bytes, &cjson_blocks);
  return counted(realloc(head - 1, sizeof(header) + size), size,
                 &cjson_bytes, &cjson_blocks);
}

void cjson_free(void *block) {
  if (!block) return;
  uncounted(block, &cjson_bytes, &cjson_blocks);
  free((header *)block - 1);
}

/* --------------------------------------------------------------- server */

static FILE *to_server, *from_server;
static char url[256];

static void die(const char *what) {
  fprintf(stderr, "oom: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void ask(char *answer, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(to_server, format, arguments);
  va_end(arguments);
  fputc('\n', to_server);
  fflush(to_server);
  if (!fgets(answer, (int)size, from_server)) die("the server is gone");
  answer[strcspn(answer, "\n")] = '\0';
}

static void start_server(const char *command) {
  int in[2], out[2];
  if (pipe(in) || pipe(out)) die("pipe");
  switch (fork()) {
    case -1:
      die("fork");
      break;
    case 0:
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (int fd = 3; fd < 64; fd++) close(fd);
      execl("/bin/sh", "sh", "-c", command, (char *)NULL);
      _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_server = fdopen(in[1], "w");
  from_server = fdopen(out[0], "r");
  if (!to_server || !from_server) die("fdopen");
  if (!fgets(url, sizeof url, from_server)) die("the server did not start");
  url[strcspn(url, "\n")] = '\0';
}

/* ---------------------------------------------------------------- states */

static const char *folder, *script;

#ifdef PROOF_CJSON
extern int luaopen_cjson(lua_State *L);
#endif

static int open_state(lua_State *L) {
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
#ifdef PROOF_CJSON
  lua_pushcfunction(L, luaopen_cjson);
  lua_setfield(L, -2, "cjson");
#endif
  lua_pop(L, 1);
  workstage_preload(L);
  return 0;
}

/* Leaves the scenarios and their order on the stack. */
static int load_scenarios(lua_State *L) {
  lua_settop(L, 0);
  if (luaL_loadfilex(L, script, "t") != LUA_OK) return lua_error(L);
  lua_pushstring(L, url);
  lua_pushstring(L, folder);
  lua_call(L, 2, 2);
  return 2;
}

static lua_State *new_state(size_t *used) {
  lua_State *L = lua_newstate(lua_memory, used);
  if (!L) die("a Lua state");
  lua_pushcfunction(L, open_state);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) die(lua_tostring(L, -1));
  return L;
}

typedef struct scenario {
  char name[64];
  char expect[256];
  char server[256];
  int stories;
} scenario;

/* scenarios[name][step](), the scenarios being at 1. No such step: nil. */
static int call_step(lua_State *L, const scenario *s, const char *step) {
  int status;
  if (!lua_checkstack(L, 8)) return LUA_ERRMEM;
  lua_settop(L, 1);
  lua_getfield(L, 1, s->name);
  if (lua_getfield(L, -1, step) == LUA_TNIL) return LUA_OK;
  status = lua_pcall(L, 0, 1, 0);
  return status;
}

/* The same where memory fails: no string is made on the way. */
static int call_run(lua_State *L) {
  int status;
  arm(fault.source, fault.way, fault.at);
  status = lua_pcall(L, 0, 1, 0);
  fault.armed = fault.way == TO_THE_END;
  return status;
}

static int open_module(lua_State *L) {
  luaL_requiref(L, "workstage", luaopen_workstage, 0);
  lua_pop(L, 1);
  lua_pushliteral(L, "opened");
  return 1;
}

/* ----------------------------------------------------------------- cases */

static long cases, failures, shown, cjson_leaks, cjson_lost;
static const char *case_scenario = "";
static bool verbose, quiet;

static void complain(const char *format, ...) {
  va_list arguments;
  if (quiet) return;
  failures++;
  if (++shown > SHOWN && !verbose) return;
  fprintf(stderr, "oom: %s: %s-%s-%ld: ", case_scenario,
          sources[fault.source], ways[fault.way], fault.at);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

static void on_alarm(int number) {
  static const char text[] = "oom: a case does not end\n";
  ssize_t written = write(2, text, sizeof text - 1);
  (void)written;
  (void)number;
  complain("does not end");
  abort();
}

static int descriptors(void) {
  DIR *at = opendir("/proc/self/fd");
  int count = 0;
  while (at && readdir(at)) count++;
  if (at) closedir(at);
  return count;
}

static const char *text_of(lua_State *L, int index) {
  const char *text = luaL_tolstring(L, index, NULL);
  return text ? text : "";
}

/* Memory that ran out may show as Lua's own error, or in one of ours. */
static bool is_memory(const char *text) {
  return strstr(text, "not enough memory") ||
         strstr(text, "Cannot allocate memory") ||
         strstr(text, "error in error handling");
}

static void check_run(lua_State *L, const scenario *s, int status,
                      bool failed) {
  const char *text = text_of(L, -1);
  if (verbose) fprintf(stderr, "  run: %d %s\n", status, text);
  if (status == LUA_OK && strcmp(text, s->expect) != 0)
    complain("a wrong result: '%s' instead of '%s'", text, s->expect);
  else if (status != LUA_OK && !failed)
    complain("fails with all memory there: %s", text);
  else if (status != LUA_OK && !is_memory(text))
    complain("another error: %s", text);
}

static void check_again(lua_State *L, const scenario *s) {
  char said[256];
  int status;
  if (!s->server[0] && s->stories == 0) ask(said, sizeof said, "reset 0");
  status = call_step(L, s, "again");
  if (status == LUA_OK && lua_isnil(L, -1)) status = call_step(L, s, "run");
  if (verbose) fprintf(stderr, "  again: %d %s\n", status, text_of(L, -1));
  if (status != LUA_OK || strcmp(text_of(L, -1), s->expect) != 0)
    complain("afterwards: '%s' instead of '%s'", text_of(L, -1), s->expect);
  if (!s->server[0]) return;
  ask(said, sizeof said, "judge");
  if (strcmp(said, s->server) != 0)
    complain("the server holds %s instead of %s", said, s->server);
}

/* lua-cjson's buffers are lost when Lua raises inside it. */
static void check_memory(size_t used, size_t bytes, long blocks,
                         int opened) {
  if (used) complain("%zu bytes of Lua's are left", used);
  if (core_bytes != bytes || core_blocks != blocks)
    complain("%ld bytes in %ld blocks of the core's are left",
             (long)(core_bytes - bytes), core_blocks - blocks);
  if (descriptors() != opened) complain("a descriptor is left open");
  if (cjson_blocks) {
    cjson_leaks++;
    cjson_lost += (long)cjson_bytes;
  }
  cjson_bytes = 0;
  cjson_blocks = 0;
}

static void finish(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_istable(L, 1) || lua_getfield(L, 1, "finish") != LUA_TFUNCTION)
    return;
  lua_pcall(L, 0, 0, 0);
}

/* One case; whether the work was through before the allocation came. */
static bool try_case(const scenario *s, bool opening, long *allocations) {
  size_t used = 0, bytes = core_bytes;
  long blocks = core_blocks;
  int opened = descriptors(), status;
  char said[64];
  bool failed;
  lua_State *L;
  alarm(LONGEST);
  ask(said, sizeof said, "reset %d", s->stories);
  L = new_state(&used);
  if (!opening) {
    lua_pushcfunction(L, load_scenarios);
    if (lua_pcall(L, 0, 2, 0) != LUA_OK) die(lua_tostring(L, -1));
    if (call_step(L, s, "prepare") != LUA_OK)
      complain("cannot be prepared: %s", text_of(L, -1));
    lua_settop(L, 1);
    lua_getfield(L, 1, s->name);
    lua_getfield(L, -1, "run");
  }
  else
    lua_pushcfunction(L, open_module);
  status = call_run(L);
  failed = fault.failed > 0;
  *allocations = fault.count;
  if (fault.way != TO_THE_END || !failed) {
    fault.armed = false;
    check_run(L, s, status, failed);
    if (opening) {
      lua_settop(L, 0);
      lua_pushcfunction(L, open_module);
      if (lua_pcall(L, 0, 1, 0) != LUA_OK)
        complain("afterwards: %s", text_of(L, -1));
      lua_settop(L, 0);
    }
    else {
      check_again(L, s);
      finish(L);
    }
  }
  lua_close(L);
  fault.armed = false;
  alarm(0);
  check_memory(used, bytes, blocks, opened);
  cases++;
  return !failed;
}

static void try_ways(const scenario *s, bool opening, long limit,
                     long seed) {
  const char *alone = getenv("PROOF_FROM");
  for (int from = SOURCE_LUA; from <= SOURCE_CORE; from++)
    for (int how = from == SOURCE_CORE ? ONCE : COLLECT; how <= TO_THE_END;
         how++) {
      long total, ignored, step;
      if (alone && *alone && strcmp(alone, sources[from]) != 0) break;
      fault.source = from;
      fault.way = how;
      fault.at = LONG_MAX - 1;
      case_scenario = s->name;
      try_case(s, opening, &total);
      step = limit && total > limit ? total / limit : 1;
      for (long at = 1 + seed % step; at <= total; at += step) {
        fault.source = from;
        fault.way = how;
        fault.at = at;
        if (try_case(s, opening, &ignored)) break;
      }
    }
}

/* A case by its name, as complaints give it: lua-once-123. */
static bool try_named(const scenario *s, bool opening, const char *name) {
  char from[16], how[16];
  long at, ignored;
  if (sscanf(name, "%15[a-z]-%15[a-z]-%ld", from, how, &at) != 3)
    return false;
  verbose = true;
  case_scenario = s->name;
  fault.source = strcmp(from, "lua") == 0 ? SOURCE_LUA : SOURCE_CORE;
  for (int i = COLLECT; i <= TO_THE_END; i++)
    if (strcmp(how, ways[i]) == 0) fault.way = (way)i;
  fault.at = at;
  try_case(s, opening, &ignored);
  return true;
}

static void copy_field(lua_State *L, const char *name, char *to,
                       size_t size) {
  lua_getfield(L, -1, name);
  snprintf(to, size, "%s", lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
  lua_pop(L, 1);
}

static void report(const char *name, long before, long wrong) {
  printf("oom: %-20s %7ld cases %4ld failures\n", name, cases - before,
         failures - wrong);
  fflush(stdout);
}

static long number_of(const char *name, long absent) {
  const char *text = getenv(name);
  return text && *text ? strtol(text, NULL, 10) : absent;
}

/* Once without failures, so that what a process keeps for good is there. */
static void try_scenario(const scenario *s, bool opening) {
  long ignored, before, wrong;
  const char *named = getenv("PROOF_FAIL");
  fault.source = SOURCE_LUA;
  fault.way = COLLECT;
  fault.at = LONG_MAX - 1;
  case_scenario = s->name;
  quiet = true;
  try_case(s, opening, &ignored);
  quiet = false;
  before = cases;
  wrong = failures;
  shown = 0;
  if (!named || !try_named(s, opening, named))
    try_ways(s, opening, number_of("PROOF_CASES", 40),
             number_of("PROOF_SEED", 0));
  report(s->name, before, wrong);
}

int main(int count, char **arguments) {
  const ws_memory functions = {core_alloc, core_calloc, core_realloc,
                               core_free, core_strdup};
  const char *only = count > 4 ? arguments[4] : NULL;
  const scenario opening = {.name = "require", .expect = "opened"};
  size_t used = 0;
  lua_State *L;
  if (count < 4) return 2;
  folder = arguments[2];
  script = arguments[3];
  signal(SIGALRM, on_alarm);
  signal(SIGPIPE, SIG_IGN);
  start_server(arguments[1]);
  if (!ws_init(&functions)) die("ws_init");
  L = new_state(&used);
  lua_pushcfunction(L, load_scenarios);
  if (lua_pcall(L, 0, 2, 0) != LUA_OK) die(lua_tostring(L, -1));
  if (!only || strcmp(only, "require") == 0) try_scenario(&opening, true);
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
    scenario s = {0};
    lua_rawgeti(L, 2, i);
    snprintf(s.name, sizeof s.name, "%s", lua_tostring(L, -1));
    lua_getfield(L, 1, s.name);
    copy_field(L, "expect", s.expect, sizeof s.expect);
    copy_field(L, "server", s.server, sizeof s.server);
    lua_getfield(L, -1, "stories");
    s.stories = (int)lua_tointeger(L, -1);
    lua_settop(L, 2);
    if (!only || strcmp(only, s.name) == 0) try_scenario(&s, false);
  }
  lua_close(L);
  fclose(to_server);
  wait(NULL);
  printf("oom: lua-cjson lost a buffer of its own in %ld cases\n",
         cjson_leaks);
  printf("oom: %ld cases, %ld failures\n", cases, failures);
  return failures ? 1 : 0;
}
