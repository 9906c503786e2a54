/*
** A program that embeds Lua, and workstage in it, with no file on disk.
**
**   host URL [STATES [KILOBYTES [MILLISECONDS]]]
**
** Two threads run a script in Lua states, each STATES of them one after
** another (1). A state may use so many kilobytes (0: as many as it likes);
** where they do not suffice it ends with an error, and the next one begins.
** A thread waits in a poll of its own, for its requests and for the end:
** Ctrl-C, or the MILLISECONDS, cancel what is under way. URL is the address
** of a sandbox (`workstage sandbox`); WORKSTAGE_RATE_LIMIT the requests a
** second that all states together may send.
*/

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>
#include <workstage_lua.h>

#include "budget.h"

#ifdef HOST_CJSON
extern int luaopen_cjson(lua_State *L);
#endif

enum { THREADS = 2 };

/* The host reads the table that the script returns: the task, whose field
** `done` is true once it has ended, and counts of results. */
static const char script[] =
  "local url, rate = ...\n"
  "local workstage = require 'workstage'\n"
  "local job = { responses = 0, failures = 0 }\n"
  "\n"
  "job.task = workstage.loop:spawn(function()\n"
  "  local space <close> = assert(workstage.storyblok {\n"
  "    space_id = 288868932106293, token = 'token', base_url = url,\n"
  "    rate_limit = rate > 0 and rate, proxy = false,\n"
  "  })\n"
  "  local page = assert(space.stories:page { per_page = 5 })\n"
  "  workstage.map(page, function(story)\n"
  "    local stage = story.stage.workflow_stage_id\n"
  "    return space.changes:create {\n"
  "      story_id = story.id, workflow_stage_id = stage, comment = 'host',\n"
  "    }\n"
  "  end, {\n"
  "    on_result = function(_, result, err)\n"
  "      if result then job.responses = job.responses + 1\n"
  "      else job.failures, job.why = job.failures + 1, tostring(err) end\n"
  "    end,\n"
  "  })\n"
  "  return true\n"
  "end)\n"
  "return job\n";

typedef struct worker {
  pthread_t thread;
  const char *url;
  double rate;
  int stop_fd;          /* readable once all is to end */
  int states;
  size_t limit;
  bool stopped;
  budget memory;        /* of the state at work */
  size_t most;          /* that a state used */
  int done, cancelled, out_of_memory, failed;
  lua_Integer responses;
  char why[256];        /* the last one failed */
} worker;

/* ----------------------------------------------------------------- a state */

static void open_modules(lua_State *L) {
  luaL_openlibs(L);
#ifdef HOST_CJSON
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_cjson);
  lua_setfield(L, -2, "cjson");
  lua_pop(L, 1);
#endif
  workstage_preload(L);
}

/* Leaves the script's job on the stack, at 2. */
static void start_job(lua_State *L, const worker *self) {
  if (luaL_loadbufferx(L, script, sizeof script - 1, "=job", "t") != LUA_OK)
    lua_error(L);
  lua_pushstring(L, self->url);
  lua_pushnumber(L, self->rate);
  lua_call(L, 2, 1);
}

static bool is_done(lua_State *L) {
  bool done;
  lua_getfield(L, 2, "task");
  lua_getfield(L, -1, "done");
  done = lua_toboolean(L, -1);
  lua_pop(L, 2);
  return done;
}

/* Calls a method of the job's task. */
static void call_task(lua_State *L, const char *method, int results) {
  lua_getfield(L, 2, "task");
  lua_getfield(L, -1, method);
  lua_insert(L, -2);
  lua_call(L, 1, results);
}

/* One round of the thread's own loop. */
static void wait_and_step(lua_State *L, worker *self) {
  struct pollfd fds[2] = {
    {.fd = workstage_fileno(L), .events = POLLIN},
    {.fd = self->stopped ? -1 : self->stop_fd, .events = POLLIN},
  };
  if (poll(fds, 2, workstage_timeout(L)) < 0 && errno != EINTR)
    luaL_error(L, "poll: %s", strerror(errno));
  if (fds[1].revents) {
    self->stopped = true;
    call_task(L, "cancel", 0);
  }
  if (workstage_step(L) != LUA_OK) lua_error(L);
}

/* Errors are tables that know their text; a host wants the text. */
static int raise_text(lua_State *L) {
  luaL_tolstring(L, -1, NULL);
  return lua_error(L);
}

/* Raises what kept the task, or one of its requests, from its end. */
static void read_job(lua_State *L, worker *self) {
  lua_getfield(L, 2, "responses");
  self->responses += lua_tointeger(L, -1);
  call_task(L, "wait", 2);
  if (lua_isnil(L, -2)) raise_text(L);
  if (lua_getfield(L, 2, "why") != LUA_TNIL) raise_text(L);
  self->done++;
}

/* All that a state does, in a protected call: whatever runs out of memory in
** it ends here. */
static int run(lua_State *L) {
  worker *self = lua_touserdata(L, 1);
  open_modules(L);
  start_job(L, self);
  while (!is_done(L)) wait_and_step(L, self);
  read_job(L, self);
  return 0;
}

static void count_error(lua_State *L, worker *self, int status) {
  const char *why = lua_tostring(L, -1);
  snprintf(self->why, sizeof self->why, "%s", why ? why : "no text");
  if (status == LUA_ERRMEM || strstr(self->why, "not enough memory"))
    self->out_of_memory++;
  else if (self->stopped)
    self->cancelled++;
  else
    self->failed++;
}

static void run_state(worker *self) {
  lua_State *L;
  int status;
  self->memory = (budget){.limit = self->limit};
  L = lua_newstate(budget_alloc, &self->memory);
  if (L) {
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, self);
    status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK) count_error(L, self, status);
    lua_close(L);
  }
  else
    self->out_of_memory++;
  if (self->memory.most > self->most) self->most = self->memory.most;
  if (self->memory.used == 0) return;
  self->failed++;
  snprintf(self->why, sizeof self->why, "%zu bytes were left behind",
           self->memory.used);
}

/* ----------------------------------------------------------------- threads */

static void *work(void *data) {
  worker *self = data;
  for (int i = 0; i < self->states && !self->stopped; i++) run_state(self);
  return NULL;
}

static int stop_pipe[2];

static void on_signal(int number) {
  ssize_t written = write(stop_pipe[1], "", 1);
  (void)number;
  (void)written;
}

static void stop_on(int number) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(number, &action, NULL);
}

static void stop_after(long milliseconds) {
  struct itimerval when = {.it_value = {milliseconds / 1000,
                                        milliseconds % 1000 * 1000}};
  setitimer(ITIMER_REAL, &when, NULL);
}

static void print(int number, const worker *self) {
  printf("thread %d: %d done, %d cancelled, %d out of memory, %d failed; "
         "%lld responses, %zu bytes at most\n", number, self->done,
         self->cancelled, self->out_of_memory, self->failed,
         (long long)self->responses, self->most);
  if (self->failed) printf("thread %d: %s\n", number, self->why);
}

static void print_memory(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("core: %zu bytes in %zu blocks\n", core_memory_used(),
         core_memory_blocks());
  printf("resident: %ld KiB at most\n", usage.ru_maxrss);
}

static long argument(char *argv[], int argc, int i, long absent) {
  return i < argc ? strtol(argv[i], NULL, 10) : absent;
}

int main(int argc, char *argv[]) {
  worker workers[THREADS];
  const char *rate = getenv("WORKSTAGE_RATE_LIMIT");
  int failed = 0;
  if (argc < 2) {
    fprintf(stderr, "usage: %s URL [STATES [KILOBYTES [MILLISECONDS]]]\n",
            argv[0]);
    return 2;
  }
  if (!core_memory_init() || pipe(stop_pipe) != 0) return 1;
  stop_on(SIGINT);
  stop_on(SIGTERM);
  stop_on(SIGALRM);
  stop_after(argument(argv, argc, 4, 0));
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (worker){
      .url = argv[1],
      .rate = rate ? strtod(rate, NULL) : 0,
      .stop_fd = stop_pipe[0],
      .states = (int)argument(argv, argc, 2, 1),
      .limit = (size_t)argument(argv, argc, 3, 0) * 1024,
    };
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
      return 1;
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    print(i + 1, &workers[i]);
    failed += workers[i].failed;
  }
  print_memory();
  return failed ? 1 : 0;
}
