/*
** Checks for the specs of embedding, beyond what the examples do.
**
**   checks NAME                       (one of those listed at the end)
**   checks prompt URL, checks ended URL
**   checks sweep URL FROM TO STEP     (kilobytes that a state may use)
*/

#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>
#include <workstage_lua.h>

#include "budget.h"

#ifdef HOST_CJSON
extern int luaopen_cjson(lua_State *L);
#endif

static int say(bool well) {
  puts(well ? "well" : "not as it should be");
  return well ? 0 : 1;
}

/* ---------------------------------------------------------------- ws_init */

static int check_late(void) {
  ws_error error;
  ws_loop *loop = ws_loop_open(&error);
  bool refused = loop && !core_memory_init() && !ws_init(NULL);
  if (loop) ws_loop_close(loop);
  return say(refused && core_memory_used() == 0);
}

/* The Lua half has written with the core's buffers, no loop is there yet. */
static int check_late_in_lua(void) {
  lua_State *L = luaL_newstate();
  bool well;
  luaL_openlibs(L);
  workstage_preload(L);
  well = luaL_dostring(L, "local core = require 'workstage.core'\n"
                          "assert(core.any(false, { a = 1 }))\n") == LUA_OK;
  well = well && !core_memory_init();
  lua_close(L);
  return say(well);
}

static int check_partial(void) {
  ws_memory functions = {malloc, calloc, realloc, NULL};
  bool refused = !ws_init(&functions);
  return say(refused && core_memory_init());
}

/* NULL brings the C library's back. */
static int check_again(void) {
  ws_error error;
  ws_loop *loop = NULL;
  size_t used = 1;
  if (core_memory_init() && ws_init(NULL)) loop = ws_loop_open(&error);
  if (loop) used = core_memory_used();
  if (loop) ws_loop_close(loop);
  return say(used == 0);
}

/* ------------------------------------------------------------------ order */

/* A loop is closed before its client and its calls. */
static int check_order(void) {
  ws_error error;
  ws_options options;
  ws_request request = {.method = WS_GET, .path = "/x"};
  ws_response answer;
  ws_loop *loop;
  ws_client *client;
  ws_call *call, *sleeper;
  if (!core_memory_init()) return say(false);
  loop = ws_loop_open(&error);
  ws_options_init(&options, WS_KANTATA);
  options.token = "token";
  options.base_url = "http://127.0.0.1:9";
  client = ws_client_open(loop, &options, &error);
  call = ws_call_start(client, &request, &error);
  sleeper = ws_call_sleep(loop, 60, &error);
  ws_loop_close(loop);
  ws_call_response(call, &answer);
  if (answer.kind != WS_CANCELLED || !ws_call_is_done(sleeper) ||
      ws_call_start(client, &request, &error) ||
      strcmp(ws_client_base(client), options.base_url) != 0)
    return say(false);
  ws_client_close(client);
  ws_call_free(call);
  ws_call_free(sleeper);
  return say(core_memory_blocks() <= 2);   /* the token's allowance */
}

/* ----------------------------------------------------------------- prompt */

static unsigned slowness;   /* microseconds */

/* Instead of libc's for libcurl: what was sent is answered when it returns,
** so that a request can end in the call that begins it. */
ssize_t send(int fd, const void *bytes, size_t size, int flags) {
  ssize_t sent = sendto(fd, bytes, size, flags, NULL, 0);
  if (slowness) usleep(slowness);
  return sent;
}

/* The loop of a host that polls: false when it would sleep for good. */
static bool poll_until_idle(ws_loop *loop) {
  while (ws_loop_pending(loop)) {
    double seconds = ws_loop_timeout(loop);
    struct pollfd fd = {.fd = ws_loop_fd(loop), .events = POLLIN};
    int most = seconds < 0 || seconds > 5 ? 5000 : (int)(seconds * 1e3) + 1;
    if (poll(&fd, 1, most) == 0 && most == 5000) return false;
    ws_loop_step(loop, 0);
  }
  return true;
}

/* Twice: with a new connection, and with one that is there. */
static int check_prompt(const char *url) {
  ws_error error;
  ws_options options;
  ws_request request = {.method = WS_GET, .path = "/v1/spaces/1"};
  ws_loop *loop = ws_loop_open(&error);
  ws_client *client;
  bool well = true;
  ws_options_init(&options, WS_STORYBLOK);
  options.token = "token";
  options.base_url = url;
  client = ws_client_open(loop, &options, &error);
  slowness = 50000;
  for (int i = 0; i < 2 && well; i++) {
    ws_call *call = ws_call_start(client, &request, &error);
    well = poll_until_idle(loop);
    ws_call_free(call);
  }
  ws_client_close(client);
  ws_loop_close(loop);
  return say(well);
}

/* ------------------------------------------------------------------ ended */

/* A body is a C string as well, also where memory is not zero at first. */
static int check_ended(const char *url) {
  ws_error error;
  ws_options options;
  ws_request request = {.method = WS_GET, .path = "/v1/users/me"};
  ws_response answer;
  ws_loop *loop;
  ws_client *client;
  ws_call *call;
  bool well;
  mallopt(M_PERTURB, 0x55);
  loop = ws_loop_open(&error);
  ws_options_init(&options, WS_STORYBLOK);
  options.token = "token";
  options.base_url = url;
  client = ws_client_open(loop, &options, &error);
  call = ws_call_start(client, &request, &error);
  while (!ws_call_wait(call)) continue;
  ws_call_response(call, &answer);
  well = answer.kind == WS_OK && answer.body_size > 0 &&
         strlen(answer.body) == answer.body_size;
  ws_call_free(call);
  ws_client_close(client);
  ws_loop_close(loop);
  return say(well);
}

/* ---------------------------------------------------------------- modules */

static void preload_cjson(lua_State *L) {
#ifdef HOST_CJSON
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_cjson);
  lua_setfield(L, -2, "cjson");
  lua_pop(L, 1);
#else
  (void)L;
#endif
}

static int check_requiref(void) {
  lua_State *L = luaL_newstate();
  bool well;
  luaL_openlibs(L);
  preload_cjson(L);
  luaL_requiref(L, "workstage", luaopen_workstage, 1);
  lua_setglobal(L, "opened");
  well = luaL_dostring(L,
    "assert(workstage == opened and require 'workstage' == opened)\n"
    "assert(opened._VERSION == 'workstage " WS_VERSION "')\n"
    "assert(require 'workstage.migration'.check)\n"
    "assert(require 'workstage.log'.line)\n"
    "assert(not pcall(require, 'workstage.tool'))\n") == LUA_OK;
  if (!well) puts(lua_tostring(L, -1));
  lua_close(L);
  return say(well);
}

static int open_in_vain(lua_State *L) {
  lua_pushcfunction(L, luaopen_workstage);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) puts(lua_tostring(L, -1));
  lua_close(L);
  return 0;
}

/* A state without Lua's library `package`. */
static int check_bare(void) {
  lua_State *L = luaL_newstate();
  luaL_requiref(L, "_G", luaopen_base, 1);
  lua_settop(L, 0);
  return open_in_vain(L);
}

/* A state that finds no lua-cjson. */
static int check_missing(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  if (luaL_dostring(L, "package.cpath, package.path = '', ''")) return 1;
  return open_in_vain(L);
}

/* The loop's functions where nothing is loaded leave the stack alone. */
static int check_unloaded(void) {
  lua_State *L = luaL_newstate();
  bool well = workstage_fileno(L) == -1 && workstage_timeout(L) == -1 &&
              workstage_step(L) == LUA_OK && lua_gettop(L) == 0;
  lua_close(L);
  return say(well);
}

/* ------------------------------------------------------------------ sweep */

static const char script[] =
  "local workstage = require 'workstage'\n"
  "local space <close> = assert(workstage.storyblok {\n"
  "  space_id = 288868932106293, token = 'token', base_url = ...,\n"
  "  rate_limit = false, proxy = false,\n"
  "})\n"
  "local first\n"
  "for story in space.stories:each { per_page = 25 } do\n"
  "  first = first or story\n"
  "end\n"
  "local stage = first.stage.workflow_stage_id\n"
  "assert(space.changes:create {\n"
  "  story_id = first.id, workflow_stage_id = stage, comment = 'x',\n"
  "})\n"
  "local page = assert(space.stories:page { per_page = 3 })\n"
  "local found, errors = workstage.map(page, function(story)\n"
  "  return assert(space.stories:get(story.id))\n"
  "end)\n"
  "for _, err in pairs(errors) do error(err, 0) end\n"
  "assert(#found == 3)\n";

/* A change that may have been made although memory ran out is reported as
** ambiguous. */
static bool is_ambiguous(lua_State *L) {
  bool is_memory;
  lua_getfield(L, -1, "ambiguous");
  lua_getfield(L, -2, "kind");
  is_memory = lua_toboolean(L, -2) && lua_isstring(L, -1) &&
              strcmp(lua_tostring(L, -1), "memory") == 0;
  lua_pop(L, 2);
  return is_memory;
}

static int run(lua_State *L) {
  const char *url = lua_touserdata(L, 1);
  luaL_openlibs(L);
  preload_cjson(L);
  workstage_preload(L);
  if (luaL_loadbufferx(L, script, sizeof script - 1, "=script", "t"))
    return lua_error(L);
  lua_pushstring(L, url);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return 0;
  if (lua_istable(L, -1) && is_ambiguous(L))
    lua_pushliteral(L, "not enough memory");
  else if (lua_istable(L, -1))
    lua_pushfstring(L, "an error of the module: %s",
                    luaL_tolstring(L, -1, NULL));
  return lua_error(L);
}

/* Any other error than lack of memory is a failure. */
static bool is_memory(lua_State *L, int status) {
  const char *why = lua_tostring(L, -1);
  if (status == LUA_ERRMEM ||
      (why && strstr(why, "not enough memory") && why[0] != 'a'))
    return true;
  printf("error: %s\n", why ? why : luaL_typename(L, -1));
  return false;
}

static int sweep(char *url, size_t from, size_t to, size_t step) {
  int well = 0, without = 0, failed = 0;
  if (!core_memory_init()) return 1;
  for (size_t limit = from; limit <= to; limit += step) {
    budget memory = {.limit = limit * 1024};
    lua_State *L = lua_newstate(budget_alloc, &memory);
    int status = LUA_ERRMEM;
    if (L) {
      lua_pushcfunction(L, run);
      lua_pushlightuserdata(L, url);
      status = lua_pcall(L, 1, 0, 0);
      if (status == LUA_OK) well++;
      else if (is_memory(L, status)) without++;
      else failed++;
      lua_close(L);
    }
    else
      without++;
    if (memory.used || core_memory_blocks() > 2) {
      printf("left at %zu KiB: %zu bytes, %zu blocks of the core\n", limit,
             memory.used, core_memory_blocks());
      failed++;
    }
  }
  printf("%d well, %d without memory, %d failed\n", well, without, failed);
  return failed ? 1 : 0;
}

int main(int argc, char *argv[]) {
  static const struct { const char *name; int (*run)(void); } checks[] = {
    {"late", check_late}, {"late in lua", check_late_in_lua},
    {"partial", check_partial}, {"again", check_again},
    {"order", check_order}, {"requiref", check_requiref},
    {"bare", check_bare}, {"missing", check_missing},
    {"unloaded", check_unloaded},
  };
  if (argc == 3 && strcmp(argv[1], "ended") == 0) return check_ended(argv[2]);
  if (argc == 3) return check_prompt(argv[2]);
  if (argc == 6)
    return sweep(argv[2], strtoul(argv[3], NULL, 10),
                 strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
    if (argc == 2 && strcmp(checks[i].name, argv[1]) == 0)
      return checks[i].run();
  return 2;
}
