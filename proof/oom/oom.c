/*
** Out of memory, everywhere: runs each scenario of the scripts repeatedly, with
** its 1st, 2nd, 3rd ... allocation failing (of the Lua state, the core, libcurl
** or all three) until no allocation is left. See proof/oom/run.
**
**   oom SERVER_COMMAND FOLDER [NAME ...]
**
** Each case is a separate process, forked from one in which all is loaded.
** After the failure the same state, or a new process, does the work again with
** enough memory; then the state is closed, and no byte, block or descriptor may
** be left. PROOF_CASES: the number of failures, spread evenly, for each source
** and way to fail (0: each allocation), from PROOF_SEED on. PROOF_FROM: only
** one source. PROOF_SCRIPT: another script with scenarios.
** PROOF_FAIL=lua-once-123 and NAME: only that case, with its outcome.
*/

#include "oom.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "workstage_lua.h"

enum { LONGEST = 30, SHOWN = 5 };  /* seconds for a case; failures shown */

static const char *const sources[] = {"lua", "core", "curl", "all"};
static const char *const modes[] = {"collect", "once", "onwards", "end"};

typedef struct scenario {
  char name[64];
  char expect[256];
  char server[256];  /* what it must hold in the end; "": not asked */
  bool is_module;    /* `require` of the name is the work */
  bool is_cold;      /* before libcurl has been used in the process */
  bool has_tls;
} scenario;

/* The report of a case to the process that started it. */
typedef struct report {
  long allocations;
  bool failed;
  bool again;        /* the scenario has a step `again` */
  held kept;         /* of the core's, when all is closed */
  held cjson;
  long complaints;
  char text[1024];
} report;

static report *result;
static held kept;    /* of the core's, by a case without a failure */
static held cjson_kept;
static bool is_measuring;
static const char *folder, *script;  /* script: that of the scenarios */
static char url[256];
static long cases, failures, shown, cjson_leaks, cjson_lost;
static long limit, seed;  /* of the cases of a source and a way */
static bool is_sampled, verbose;
static char **wanted;     /* names of scenarios, NULL after the last; none:
                             all of them */

static bool is_wanted(const char *name) {
  char **at = wanted;
  if (!*at) return true;
  while (*at && strcmp(*at, name) != 0) at++;
  return *at != NULL;
}

/* ---------------------------------------------------------------- states */

#ifdef PROOF_CJSON
extern int luaopen_cjson(lua_State *L);
#endif

static int open_libraries(lua_State *L) {
  luaL_openlibs(L);
#ifdef PROOF_CJSON
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_cjson);
  lua_setfield(L, -2, "cjson");
  lua_pop(L, 1);
#endif
  return 0;
}

static int preload(lua_State *L) {
  workstage_preload(L);
  lua_pushliteral(L, "loaded");
  return 1;
}

/* host(): one round of a host with its own event loop. */
static int go_round(lua_State *L) {
  struct pollfd one = {.fd = workstage_fileno(L), .events = POLLIN};
  if (one.fd < 0) return luaL_error(L, "not enough memory");
  poll(&one, 1, workstage_timeout(L));
  return workstage_step(L) == LUA_OK ? 0 : lua_error(L);
}

/* leak(): for the scenario that checks that a leak is detected. */
static int leak(lua_State *L) {
  (void)L;
  oom_leak();
  return 0;
}

/* Leaves the scenarios and their order on the stack. */
static int load_scenarios(lua_State *L) {
  lua_settop(L, 0);
  if (luaL_loadfilex(L, script, "t") != LUA_OK) return lua_error(L);
  lua_pushstring(L, url);
  lua_pushfstring(L, "%s/case", folder);
  lua_pushcfunction(L, go_round);
  lua_pushcfunction(L, leak);
  lua_call(L, 4, 2);
  return 2;
}

static void must(lua_State *L, lua_CFunction f, int results) {
  lua_pushcfunction(L, f);
  if (lua_pcall(L, 0, results, 0) != LUA_OK) {
    fprintf(stderr, "oom: %s\n", lua_tostring(L, -1));
    exit(2);
  }
}

static lua_State *new_state(long *used) {
  lua_State *L = lua_newstate(oom_lua_memory, used);
  if (!L) oom_die("a Lua state");
  must(L, open_libraries, 0);
  return L;
}

static lua_State *loaded_state(long *used) {
  lua_State *L = new_state(used);
  must(L, preload, 0);
  must(L, load_scenarios, 2);
  lua_gc(L, LUA_GCCOLLECT);
  return L;
}

/* ------------------------------------------------------------- in a case */

static void complain(const char *format, ...) {
  va_list arguments;
  if (result->complaints++) return;
  va_start(arguments, format);
  vsnprintf(result->text, sizeof result->text, format, arguments);
  va_end(arguments);
}

static int descriptors(void) {
  DIR *at = opendir("/proc/self/fd");
  int count = 0;
  while (at && readdir(at)) count++;
  if (at) closedir(at);
  return count;
}

/* A text that is longer than the initial size of Lua's buffers. */
static void make_long_text(lua_State *L) {
  luaL_Buffer buffer;
  luaL_buffinitsize(L, &buffer, LUAL_BUFFERSIZE + 1);
  luaL_pushresultsize(&buffer, 0);
}

static int load_module(lua_State *L) {
  const char *name = lua_tostring(L, lua_upvalueindex(1));
  if (strcmp(name, "preload") == 0) return preload(L);
  lua_getglobal(L, "require");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 1, 0);
  if (strcmp(name, "workstage.core") == 0) make_long_text(L);
  lua_pushliteral(L, "loaded");
  return 1;
}

/* Pushes the function of a step; false if it does not exist. */
static bool push_step(lua_State *L, const scenario *s, const char *step) {
  lua_settop(L, 1);
  if (s->is_module) {
    lua_pushstring(L, s->name);
    lua_pushcclosure(L, load_module, 1);
    return strcmp(step, "run") == 0;
  }
  lua_getfield(L, 1, s->name);
  return lua_getfield(L, -1, step) == LUA_TFUNCTION;
}

/* Calls a step with all memory available; false if the step does not exist. */
static bool call_step(lua_State *L, const scenario *s, const char *step,
                      int *status) {
  oom_fault.armed = false;
  if (!push_step(L, s, step)) return false;
  *status = lua_pcall(L, 0, 1, 0);
  return true;
}

static const char *text_of(lua_State *L, int index) {
  const char *text = luaL_tolstring(L, index, NULL);
  return text ? text : "";
}

static void show(lua_State *L, const char *step, int status) {
  if (verbose) fprintf(stderr, "  %s: %d %s\n", step, status, text_of(L, -1));
}

/* Calls a step that must succeed. */
static void do_step(lua_State *L, const scenario *s, const char *step) {
  int status;
  if (!call_step(L, s, step, &status)) return;
  show(L, step, status);
  if (status != LUA_OK) complain("%s: %s", step, text_of(L, -1));
}

/* Lack of memory is reported by Lua's own error, or by one of ours. */
static bool is_memory(const char *text) {
  return strstr(text, "not enough memory") ||
         strstr(text, "Cannot allocate memory") ||
         strstr(text, "cannot set up libcurl");
}

static void check_server(const scenario *s, const char *when) {
  const char *said;
  if (!s->server[0]) return;
  said = oom_ask("summary");
  if (strcmp(said, s->server) != 0)
    complain("%s the server holds %s instead of %s", when, said, s->server);
}

/* Checks that the result is either complete, or an error about memory. */
static void check_result(const scenario *s, int status, const char *text) {
  if (status == LUA_OK && (!text || strcmp(text, s->expect) != 0))
    complain("a wrong result: '%s' instead of '%s'", text, s->expect);
  else if (status == LUA_OK)
    check_server(s, "after success");
  else if (!oom_fault.failed)
    complain("fails with all memory there: %s", text);
  else if (text && !is_memory(text))
    complain("another error: %s", text);
}

/* Compares the program's results with the server's state. */
static void check_truth(lua_State *L, const scenario *s) {
  if (!s->server[0] || !push_step(L, s, "check")) return;
  lua_pushstring(L, oom_ask("held"));
  if (lua_pcall(L, 1, 1, 0) != LUA_OK || !lua_isnil(L, -1))
    complain("not true: %s (the server holds %s)", text_of(L, -1),
             oom_ask("held"));
}

static void check_again(lua_State *L, const scenario *s) {
  int status = LUA_OK;
  if (!call_step(L, s, "again", &status)) call_step(L, s, "run", &status);
  show(L, "again", status);
  if (status != LUA_OK || strcmp(text_of(L, -1), s->expect) != 0)
    complain("afterwards: '%s' instead of '%s'", text_of(L, -1), s->expect);
  check_server(s, "in the end");
}

/* Checks that a process keeps only what it keeps without failures: by design
** the two blocks of a token's limiter, and what libcurl allocates on first
** use. */
static bool may_keep(const scenario *s, const held *left) {
  if (is_measuring && !s->is_cold)
    return left->blocks == 0 || left->blocks == 2;
  return is_measuring || (left->blocks == 0 && left->bytes == 0) ||
         (left->blocks == kept.blocks && left->bytes == kept.bytes);
}

/* lua-cjson's buffers are lost when Lua raises inside it. */
static void check_memory(const scenario *s, long used, held before,
                         held cjson, int opened) {
  held left = {oom_core.blocks - before.blocks,
               oom_core.bytes - before.bytes};
  if (used) complain("%ld bytes of Lua's are left", used);
  if (descriptors() != opened) complain("a descriptor is left open");
  result->kept = left;
  if (!may_keep(s, &left))
    complain("%ld bytes in %ld blocks of the core's are left", left.bytes,
             left.blocks);
  result->cjson.blocks = oom_cjson.blocks - cjson.blocks;
  result->cjson.bytes = oom_cjson.bytes - cjson.bytes;
}

/* Runs the work while memory fails. No string is created before or after. */
static int do_run(lua_State *L, const scenario *s) {
  int status;
  if (!push_step(L, s, "run")) complain("the step does not exist");
  oom_arm();
  status = lua_pcall(L, 0, 1, 0);
  oom_fault.armed = false;
  result->allocations = oom_fault.count;
  result->failed = oom_fault.failed > 0;
  return status;
}

/* The rest of a case, with memory available again. */
static void go_on(lua_State *L, const scenario *s, int status) {
  show(L, "run", status);
  check_result(s, status, text_of(L, -1));
  check_truth(L, s);
  check_again(L, s);
  do_step(L, s, "finish");
}

static void run_case(lua_State *L, long *used, const scenario *s) {
  held before = oom_core, cjson = oom_cjson;
  int opened = descriptors(), status;
  result->again = !s->is_module && push_step(L, s, "again");
  do_step(L, s, "prepare");
  status = do_run(L, s);
  if (oom_fault.way != TO_THE_END || !result->failed)
    go_on(L, s, status);
  else {
    check_result(s, status, lua_isstring(L, -1) ? lua_tostring(L, -1) : NULL);
    oom_fault.armed = true;
  }
  oom_is_ending = true;
  lua_close(L);
  oom_fault.armed = false;
  check_memory(s, *used, before, cjson, opened);
}

/* A new process continues with the files that are left. */
static void run_afresh(lua_State *L, long *used, const scenario *s) {
  do_step(L, s, "prepare");
  check_truth(L, s);
  check_again(L, s);
  do_step(L, s, "finish");
  (void)used;
}

static void run_set_up(lua_State *L, long *used, const scenario *s) {
  do_step(L, s, "set_up");
  do_step(L, s, "finish");
  (void)used;
}

/* ----------------------------------------------------------------- cases */

static void tell(const scenario *s) {
  failures++;
  if (++shown > SHOWN && !verbose) return;
  fprintf(stderr, "oom: %s: %s-%s-%ld: %s\n", s->name,
          sources[oom_fault.source], modes[oom_fault.way], oom_fault.at,
          result->text);
}

/* Ends the process with exit if a sanitizer checks for leaks then. */
static _Noreturn void leave(void) {
#ifdef __SANITIZE_ADDRESS__
  exit(0);
#else
  _exit(0);
#endif
}

/* Runs a function in a process of its own; true if it succeeded. */
static bool in_child(lua_State *L, long *used, const scenario *s,
                     void (*f)(lua_State *, long *, const scenario *)) {
  int status;
  pid_t child = fork();
  if (child < 0) oom_die("fork");
  if (child == 0) {
    alarm(LONGEST);
    f(L, used, s);
    leave();
  }
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    complain("does not end");
  else if (WIFSIGNALED(status))
    complain("ends with signal %d", WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    complain("ends with status %d", WEXITSTATUS(status));
  if (result->complaints) tell(s);
  return result->complaints == 0;
}

/* Runs one case, whose fault is set; true if an allocation failed in it. */
static bool try_case(lua_State *L, long *used, const scenario *s) {
  char from[512], to[512];
  snprintf(from, sizeof from, "%s/base", folder);
  snprintf(to, sizeof to, "%s/case", folder);
  if (s->server[0]) oom_ask("reset");
  if (!s->is_module) oom_copy_folder(from, to);
  *result = (report){0};
  if (in_child(L, used, s, run_case) && result->failed && result->again &&
      oom_fault.way == TO_THE_END)
    in_child(L, used, s, run_afresh);
  if (result->cjson.blocks > cjson_kept.blocks) {
    cjson_leaks++;
    cjson_lost += result->cjson.bytes - cjson_kept.bytes;
  }
  return result->failed;
}

/* Modules are mostly loaded by Lua itself, so two modes are enough. */
static bool is_tried(const scenario *s, source from, way how) {
  if (s->is_module)
    return from == FROM_LUA && (how == ONCE || how == ONWARDS);
  if (from == FROM_ALL) return how == ONWARDS;
  return how != COLLECT || from == FROM_LUA;
}

/* Fails each allocation of one source, in one mode. Runs differ a little, so it
** also tries those after the last counted one, until one does not occur. */
static void try_way(lua_State *L, long *used, const scenario *s,
                    long total) {
  long step = limit && total > limit ? total / limit : 1;
  bool failed = true;
  if (step > 1) is_sampled = true;
  for (long at = 1 + seed % step; at <= total || failed; at += step) {
    if (total == 0) break;
    oom_fault.at = at;
    failed = try_case(L, used, s);
    if (failed) cases++;
  }
}

/* Counts the allocations without a failure. */
static long count_allocations(lua_State *L, long *used, const scenario *s,
                              source from) {
  oom_fault.source = from;
  oom_fault.way = ONCE;
  oom_fault.at = LONG_MAX - 1;
  try_case(L, used, s);
  return result->allocations;
}

/* The same, to determine what the process keeps. */
static void measure(lua_State *L, long *used, const scenario *s) {
  is_measuring = true;
  count_allocations(L, used, s, FROM_ALL);
  kept = result->kept;
  cjson_kept = result->cjson;
  is_measuring = false;
}

static void try_all(lua_State *L, long *used, const scenario *s) {
  const char *alone = getenv("PROOF_FROM");
  for (int from = FROM_LUA; from < SOURCES; from++) {
    long total;
    if (alone && *alone && strcmp(alone, sources[from]) != 0) continue;
    total = count_allocations(L, used, s, (source)from);
    for (int how = COLLECT; how < WAYS; how++) {
      if (!is_tried(s, (source)from, (way)how)) continue;
      oom_fault.source = (source)from;
      oom_fault.way = (way)how;
      try_way(L, used, s, total);
    }
  }
}

/* A case by its name, as complaints give it: lua-once-123. */
static bool try_named(lua_State *L, long *used, const scenario *s,
                      const char *name) {
  char from[16], how[16];
  if (sscanf(name, "%15[a-z]-%15[a-z]-%ld", from, how, &oom_fault.at) != 3)
    return false;
  verbose = true;
  for (int i = 0; i < SOURCES; i++)
    if (strcmp(from, sources[i]) == 0) oom_fault.source = (source)i;
  for (int i = 0; i < WAYS; i++)
    if (strcmp(how, modes[i]) == 0) oom_fault.way = (way)i;
  if (try_case(L, used, s)) cases++;
  return true;
}

static void try_subject(lua_State *L, long *used, const scenario *s) {
  const char *named = getenv("PROOF_FAIL");
  measure(L, used, s);
  if (!named || !try_named(L, used, s, named)) try_all(L, used, s);
}

static void print(const char *name, long before, long wrong) {
  printf("proof: memory fails in: %s%s|%ld|%ld\n", name,
         is_sampled ? " (sampled)" : "", cases - before, failures - wrong);
  fflush(stdout);
}

/* ------------------------------------------------------------- scenarios */

static void empty_folder(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  oom_copy_folder("/nowhere", path);
}

/* Each case starts with the files and the server's state after `set_up`. */
static void set_up(lua_State *L, long *used, const scenario *s, int stories) {
  char from[512], to[512];
  snprintf(from, sizeof from, "%s/case", folder);
  snprintf(to, sizeof to, "%s/base", folder);
  oom_ask("begin %d", stories);
  empty_folder("case");
  *result = (report){0};
  oom_fault = (fault){0};
  in_child(L, used, s, run_set_up);
  oom_ask("keep");
  oom_copy_folder(from, to);
}

static void try_scenario(lua_State *L, long *used, const scenario *s,
                         int stories) {
  long before = cases, wrong = failures;
  shown = 0;
  is_sampled = false;
  set_up(L, used, s, stories);
  try_subject(L, used, s);
  print(s->name, before, wrong);
}

static void copy_field(lua_State *L, const char *name, char *to,
                       size_t size) {
  lua_getfield(L, -1, name);
  snprintf(to, size, "%s", lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
  lua_pop(L, 1);
}

static int integer_field(lua_State *L, const char *name) {
  int value;
  lua_getfield(L, -1, name);
  value = lua_isboolean(L, -1) ? lua_toboolean(L, -1)
                               : (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Passes the address of a server with TLS to a scenario; starts the server on
** first use. */
static void give_tls(lua_State *L) {
  lua_pushstring(L, oom_ask("tls"));
  lua_setfield(L, 1, "tls");
}

/* The scenarios of a state, the cold ones or the others. */
static void try_scenarios(lua_State *L, long *used, bool cold) {
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
    scenario s = {0};
    int stories;
    lua_rawgeti(L, 2, i);
    snprintf(s.name, sizeof s.name, "%s", lua_tostring(L, -1));
    lua_getfield(L, 1, s.name);
    copy_field(L, "expect", s.expect, sizeof s.expect);
    copy_field(L, "server", s.server, sizeof s.server);
    s.is_cold = integer_field(L, "cold");
    s.has_tls = integer_field(L, "tls");
    stories = integer_field(L, "stories");
    lua_settop(L, 2);
    if (s.is_cold != cold || !is_wanted(s.name)) continue;
    if (s.has_tls) give_tls(L);
    try_scenario(L, used, &s, stories);
  }
}

/* Returns the modules in the order in which `require` finishes loading them. */
static const char find_modules[] =
  "local order, preload, names = {'preload'}, package.preload, {}\n"
  "for name, load in pairs(preload) do\n"
  "  names[#names + 1] = name\n"
  "  preload[name] = function(...)\n"
  "    local value = load(...)\n"
  "    order[#order + 1] = name\n"
  "    return value\n"
  "  end\n"
  "end\n"
  "table.sort(names)\n"
  "for _, name in ipairs(names) do require(name) end\n"
  "return order";

static int list_modules(lua_State *L) {
  if (luaL_loadstring(L, find_modules) != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

/* Loads the modules one by one, each with failures first. */
static void try_modules(void) {
  long used = 0, listed = 0, before = cases, wrong = failures;
  lua_State *L = new_state(&used), *names = new_state(&listed);
  must(names, preload, 0);
  must(names, list_modules, 1);
  shown = 0;
  is_sampled = false;
  lua_settop(L, 0);
  lua_pushnil(L);
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(names, 1); i++) {
    scenario s = {.expect = "loaded", .is_module = true};
    int status;
    lua_rawgeti(names, 1, i);
    snprintf(s.name, sizeof s.name, "%s", lua_tostring(names, -1));
    lua_pop(names, 1);
    if (is_wanted("require") || is_wanted(s.name))
      try_subject(L, &used, &s);
    call_step(L, &s, "run", &status);
    lua_settop(L, 1);
  }
  lua_close(L);
  lua_close(names);
  if (cases > before) print("require", before, wrong);
}

/* Runs once, so that permanent allocations are made. */
static void warm_up(void) {
  long used = 0;
  lua_State *L = loaded_state(&used);
  lua_getfield(L, 1, "warm");
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) oom_die(lua_tostring(L, -1));
  lua_close(L);
}

static long number_of(const char *name) {
  const char *text = getenv(name);
  return text && *text ? strtol(text, NULL, 10) : 0;
}

/* The scenarios of a script: those that must be the first ones first. */
static void try_script(const char *name, bool cold) {
  long used = 0;
  lua_State *L;
  script = name;
  L = loaded_state(&used);
  try_scenarios(L, &used, cold);
  lua_close(L);
}

int main(int count, char **arguments) {
  const char *other = getenv("PROOF_SCRIPT");
  if (count < 3) return 2;
  folder = arguments[2];
  wanted = arguments + 3;
  limit = number_of("PROOF_CASES");
  seed = number_of("PROOF_SEED");
  result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (result == MAP_FAILED) oom_die("mmap");
  signal(SIGPIPE, SIG_IGN);
  snprintf(url, sizeof url, "%s", oom_start_server(arguments[1]));
  if (!oom_begin()) oom_die("ws_init");
  if (other && *other)
    try_script(other, false);
  else {
    try_modules();
    try_script("proof/oom/calls.lua", true);
    warm_up();
    try_script("proof/oom/calls.lua", false);
    try_script("proof/oom/migrations.lua", false);
  }
  oom_stop_server();
  printf("oom: lua-cjson lost %ld bytes of its own in %ld cases\n",
         cjson_lost, cjson_leaks);
  return failures ? 1 : 0;
}
