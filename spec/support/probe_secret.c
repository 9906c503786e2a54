/*
** Searches the core's memory, without Lua, for a token after its client was
** closed. The token is passed backwards, so that the search itself does not
** put it into memory.
*/

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "workstage.h"

enum { MOST = 256 };

typedef struct found {
  int ours;    /* with a NUL behind them, as the core keeps them */
  int others;  /* as in the text of a request, which is libcurl's */
} found;

static bool stands_at(const char *at, const char *backwards, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (at[i] != backwards[size - 1 - i]) return false;
  return true;
}

static void look(const char *from, const char *to, const char *backwards,
                 found *seen) {
  size_t size = strlen(backwards);
  for (; from + size < to; from++)
    if (*from == backwards[size - 1] && stands_at(from, backwards, size)) {
      if (from[size]) seen->others++;
      else seen->ours++;
    }
}

/* All memory of this process that can be written to. */
static found look_everywhere(const char *backwards) {
  found seen = {0, 0};
  char line[512], mode[8];
  uintptr_t from, to;
  FILE *maps = fopen("/proc/self/maps", "re");
  while (maps && fgets(line, sizeof line, maps))
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &from, &to, mode) == 3 &&
        strncmp(mode, "rw", 2) == 0)
      look((const char *)from, (const char *)to, backwards, &seen);
  if (maps) fclose(maps);
  return seen;
}

static bool ask(ws_client *client, const char *const *headers) {
  ws_request request = {.method = WS_GET, .path = "/v1/spaces/",
                        .headers = headers};
  ws_error error;
  ws_call *call = ws_call_start(client, &request, &error);
  if (!call) return false;
  while (!ws_call_wait(call)) continue;
  ws_call_free(call);
  return true;
}

static ws_client *connect_to(ws_loop *loop, const char *url,
                             const char *backwards) {
  char token[MOST];
  size_t size = strlen(backwards);
  ws_options options;
  ws_error error;
  ws_client *client;
  ws_options_init(&options, WS_STORYBLOK);
  for (size_t i = 0; i < size; i++) token[i] = backwards[size - 1 - i];
  token[size] = '\0';
  options.token = token;
  options.base_url = url;
  options.proxy = "";
  client = ws_client_open(loop, &options, &error);
  explicit_bzero(token, sizeof token);
  return client;
}

static void push(lua_State *L, found seen) {
  lua_pushinteger(L, seen.ours);
  lua_pushinteger(L, seen.others);
}

/* left(url, backwards): the number of copies while a client is open, ours and
** others', and after it was closed. */
static int left(lua_State *L) {
  static const char *const headers[] = {"X-More: yes", NULL};
  const char *url = luaL_checkstring(L, 1);
  const char *backwards = luaL_checkstring(L, 2);
  ws_error error;
  ws_loop *loop = ws_loop_open(&error);
  ws_client *client;
  luaL_argcheck(L, strlen(backwards) < MOST, 2, "too long");
  client = loop ? connect_to(loop, url, backwards) : NULL;
  if (!client || !ask(client, NULL) || !ask(client, headers))
    return luaL_error(L, "no answer");
  push(L, look_everywhere(backwards));
  ws_client_close(client);
  ws_loop_close(loop);
  push(L, look_everywhere(backwards));
  return 4;
}

__attribute__((visibility("default")))
int luaopen_probe_secret(lua_State *L);

int luaopen_probe_secret(lua_State *L) {
  const luaL_Reg functions[] = {{"left", left}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
