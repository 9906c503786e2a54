/*
** A small HTTP server whose responses a spec writes, byte by byte, also
** malformed ones. One thread accepts, and one serves each connection, without
** Lua.
*/

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define SERVER "support.scripted"

enum { MAX_CONNECTIONS = 256, CHUNK = 65536 };

typedef struct answer {
  struct answer *next;
  char *match;       /* how the request line begins; "": any */
  char *bytes;
  size_t size;
  char *fill;        /* follows the bytes so many times */
  size_t fill_size;
  lua_Integer fills;
  lua_Integer times; /* 0: for ever */
  double delay;      /* before the first byte */
  size_t piece;      /* so many bytes at a time; 0: all at once */
  double pause;      /* between the pieces, and after each fill */
  bool close;
} answer;

typedef struct request {
  struct request *next;
  int connection;
  size_t size, head;
  char *bytes;
} request;

typedef struct server {
  pthread_mutex_t lock;
  pthread_cond_t stopped;
  bool stopping;
  bool deaf;                     /* reads nothing */
  int listener, port;
  pthread_t acceptor;
  int count;                     /* of connections so far */
  int sockets[MAX_CONNECTIONS];  /* -1: closed */
  pthread_t threads[MAX_CONNECTIONS];
  answer *answers;
  request *first, *last;
} server;

typedef struct connection {
  server *owner;
  int number, socket;
} connection;

/* ------------------------------------------------------------ requests */

static size_t head_size(const char *bytes, size_t size) {
  const char *end = size ? memmem(bytes, size, "\r\n\r\n", 4) : NULL;
  return end ? (size_t)(end - bytes) + 4 : 0;
}

static size_t body_size(const char *bytes, size_t head) {
  for (size_t i = 0; i + 15 < head; i++)
    if (strncasecmp(bytes + i, "\nContent-Length:", 16) == 0)
      return strtoul(bytes + i + 16, NULL, 10);
  return 0;
}

/* Reads one request into `r`; false when the connection ends first. */
static bool read_request(int socket, request *r) {
  size_t capacity = 0, wanted = 0;
  while (!wanted || r->size < wanted) {
    ssize_t got;
    if (capacity - r->size < CHUNK) {
      capacity = (capacity ? capacity * 2 : 0) + 2 * CHUNK;
      r->bytes = realloc(r->bytes, capacity);
      if (!r->bytes) abort();
    }
    got = recv(socket, r->bytes + r->size, CHUNK, 0);
    if (got <= 0) return false;
    r->size += (size_t)got;
    if (!wanted) {
      r->head = head_size(r->bytes, r->size);
      if (r->head) wanted = r->head + body_size(r->bytes, r->head);
    }
  }
  return true;
}

static void add_request(server *s, request *r) {
  if (s->last) s->last->next = r;
  else s->first = r;
  s->last = r;
}

/* ------------------------------------------------------------- answers */

static void free_answer(answer *a) {
  free(a->match);
  free(a->bytes);
  free(a->fill);
  free(a);
}

static answer *copy_answer(const answer *a) {
  answer *copy = malloc(sizeof *copy);
  if (!copy) abort();
  *copy = *a;
  copy->next = NULL;
  copy->match = strdup(a->match);
  copy->bytes = malloc(a->size + 1);
  copy->fill = malloc(a->fill_size + 1);
  if (!copy->match || !copy->bytes || !copy->fill) abort();
  memcpy(copy->bytes, a->bytes, a->size);
  memcpy(copy->fill, a->fill, a->fill_size);
  return copy;
}

/* A copy of the first response that matches the request, which uses it up. */
static answer *take_answer(server *s, const request *r) {
  for (answer **at = &s->answers; *at; at = &(*at)->next) {
    answer *found = *at, *copy;
    size_t size = strlen(found->match);
    if (size > r->size || memcmp(found->match, r->bytes, size)) continue;
    copy = copy_answer(found);
    if (found->times && --found->times == 0) {
      *at = found->next;
      free_answer(found);
    }
    return copy;
  }
  return NULL;
}

/* Waits, holding the lock; false when the server stops. */
static bool rest(server *s, double seconds) {
  struct timespec until;
  if (seconds <= 0) return !s->stopping;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (time_t)seconds;
  until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  while (!s->stopping &&
         pthread_cond_timedwait(&s->stopped, &s->lock, &until) == 0)
    continue;
  return !s->stopping;
}

static bool pause_for(server *s, double seconds) {
  bool well;
  pthread_mutex_lock(&s->lock);
  well = rest(s, seconds);
  pthread_mutex_unlock(&s->lock);
  return well;
}

static bool send_bytes(server *s, int socket, const answer *a,
                       const char *bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    size_t left = size - done;
    ssize_t sent = send(socket, bytes + done,
                        a->piece && a->piece < left ? a->piece : left,
                        MSG_NOSIGNAL);
    if (sent < 0) return false;
    done += (size_t)sent;
    if (done < size && !pause_for(s, a->pause)) return false;
  }
  return true;
}

static bool send_answer(server *s, int socket, const answer *a) {
  if (!pause_for(s, a->delay) ||
      !send_bytes(s, socket, a, a->bytes, a->size))
    return false;
  for (lua_Integer i = 0; i < a->fills; i++)
    if (!send_bytes(s, socket, a, a->fill, a->fill_size) ||
        (a->pause > 0 && !pause_for(s, a->pause)))
      return false;
  return !a->close;
}

static bool serve_one(server *s, const connection *c) {
  request *r = calloc(1, sizeof *r);
  answer *a;
  bool well;
  if (!r) abort();
  if (!read_request(c->socket, r)) {
    free(r->bytes);
    free(r);
    return false;
  }
  r->connection = c->number + 1;
  pthread_mutex_lock(&s->lock);
  a = take_answer(s, r);
  add_request(s, r);
  pthread_mutex_unlock(&s->lock);
  if (!a) return false;
  well = send_answer(s, c->socket, a);
  free_answer(a);
  return well;
}

static void *serve(void *data) {
  connection *c = data;
  server *s = c->owner;
  pthread_mutex_lock(&s->lock);
  while (s->deaf && rest(s, 3600)) continue;
  pthread_mutex_unlock(&s->lock);
  while (serve_one(s, c)) continue;
  pthread_mutex_lock(&s->lock);
  s->sockets[c->number] = -1;
  pthread_mutex_unlock(&s->lock);
  close(c->socket);
  free(c);
  return NULL;
}

static void welcome(server *s, int socket) {
  connection *c = malloc(sizeof *c);
  if (!c) abort();
  pthread_mutex_lock(&s->lock);
  if (s->stopping || s->count == MAX_CONNECTIONS) {
    close(socket);
    free(c);
  }
  else {
    *c = (connection){s, s->count, socket};
    s->sockets[s->count] = socket;
    if (pthread_create(&s->threads[s->count], NULL, serve, c)) abort();
    s->count++;
  }
  pthread_mutex_unlock(&s->lock);
}

static void *accept_all(void *data) {
  server *s = data;
  for (;;) {
    int socket = accept(s->listener, NULL, NULL);
    if (socket < 0) return NULL;
    welcome(s, socket);
  }
}

/* ----------------------------------------------------------------- Lua */

static server *check(lua_State *L) {
  server **s = luaL_checkudata(L, 1, SERVER);
  if (!*s) luaL_error(L, "the server is stopped");
  return *s;
}

static void listen_on(lua_State *L, server *s) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s->listener < 0 ||
      bind(s->listener, (struct sockaddr *)&address, size) ||
      listen(s->listener, 64) ||
      getsockname(s->listener, (struct sockaddr *)&address, &size))
    luaL_error(L, "no server can be started");
  s->port = ntohs(address.sin_port);
}

static int start(lua_State *L) {
  server **s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = NULL;
  luaL_setmetatable(L, SERVER);
  *s = calloc(1, sizeof **s);
  if (!*s) return luaL_error(L, "not enough memory");
  pthread_mutex_init(&(*s)->lock, NULL);
  pthread_cond_init(&(*s)->stopped, NULL);
  listen_on(L, *s);
  if (pthread_create(&(*s)->acceptor, NULL, accept_all, *s)) abort();
  return 1;
}

static void free_answers(server *s) {
  while (s->answers) {
    answer *next = s->answers->next;
    free_answer(s->answers);
    s->answers = next;
  }
}

static void free_all(server *s) {
  free_answers(s);
  while (s->first) {
    request *next = s->first->next;
    free(s->first->bytes);
    free(s->first);
    s->first = next;
  }
  free(s);
}

static int stop(lua_State *L) {
  server **held = luaL_checkudata(L, 1, SERVER);
  server *s = *held;
  *held = NULL;
  if (!s) return 0;
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_cond_broadcast(&s->stopped);
  for (int i = 0; i < s->count; i++)
    if (s->sockets[i] >= 0) shutdown(s->sockets[i], SHUT_RDWR);
  pthread_mutex_unlock(&s->lock);
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->acceptor, NULL);
  close(s->listener);
  for (int i = 0; i < s->count; i++) pthread_join(s->threads[i], NULL);
  free_all(s);
  return 0;
}

static int port(lua_State *L) {
  lua_pushinteger(L, check(L)->port);
  return 1;
}

/* push(match, bytes, times, delay, close, piece, pause, fill, fills) */
static int push(lua_State *L) {
  server *s = check(L);
  answer given = {0}, *copy, **end;
  given.match = (char *)(uintptr_t)luaL_checkstring(L, 2);
  given.bytes = (char *)(uintptr_t)luaL_checklstring(L, 3, &given.size);
  given.times = luaL_optinteger(L, 4, 1);
  given.delay = luaL_optnumber(L, 5, 0);
  given.close = lua_toboolean(L, 6);
  given.piece = (size_t)luaL_optinteger(L, 7, 0);
  given.pause = luaL_optnumber(L, 8, 0);
  given.fill = (char *)(uintptr_t)luaL_optlstring(L, 9, "",
                                                  &given.fill_size);
  given.fills = luaL_optinteger(L, 10, 0);
  copy = copy_answer(&given);
  pthread_mutex_lock(&s->lock);
  for (end = &s->answers; *end; end = &(*end)->next) continue;
  *end = copy;
  pthread_mutex_unlock(&s->lock);
  return 0;
}

/* deafen(): reads nothing from further connections. */
static int deafen(lua_State *L) {
  server *s = check(L);
  pthread_mutex_lock(&s->lock);
  s->deaf = true;
  pthread_mutex_unlock(&s->lock);
  return 0;
}

static int forget(lua_State *L) {
  server *s = check(L);
  pthread_mutex_lock(&s->lock);
  free_answers(s);
  pthread_mutex_unlock(&s->lock);
  return 0;
}

/* requests(): an array of { connection =, head =, body = } */
static int requests(lua_State *L) {
  server *s = check(L);
  const request *r, *last;
  lua_newtable(L);
  pthread_mutex_lock(&s->lock);
  r = s->first;
  last = s->last;
  pthread_mutex_unlock(&s->lock);
  for (lua_Integer i = 1; r; i++) {
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, r->connection);
    lua_setfield(L, -2, "connection");
    lua_pushlstring(L, r->bytes, r->head);
    lua_setfield(L, -2, "head");
    lua_pushlstring(L, r->bytes + r->head, r->size - r->head);
    lua_setfield(L, -2, "body");
    lua_rawseti(L, -2, i);
    if (r == last) break;
    r = r->next;
  }
  return 1;
}

static const luaL_Reg methods[] = {
  {"deafen", deafen},
  {"forget", forget},
  {"port", port},
  {"push", push},
  {"requests", requests},
  {"stop", stop},
  {NULL, NULL}
};

__attribute__((visibility("default")))
int luaopen_probe_scripted(lua_State *L);

int luaopen_probe_scripted(lua_State *L) {
  luaL_newmetatable(L, SERVER);
  lua_pushcfunction(L, stop);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, start);
  lua_setfield(L, -2, "start");
  return 1;
}
