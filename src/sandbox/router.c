/* From a request to its handler: who asks, for what, in which space. */
#include "resources.h"

#include <string.h>

struct route {
  const char *method, *path;  /* '#' stands for a number */
  void (*handle)(struct call *c);
};

#define SPACE "/v1/spaces/#"

static const struct route routes[] = {
  { "GET", "/v1/users/me", members_me },
  { "GET", "/v1/spaces", members_spaces },
  { "GET", SPACE, members_space },
  { "GET", SPACE "/space_roles", members_roles },
  { "GET", SPACE "/collaborators", members_collaborators },
  { "GET", SPACE "/releases", members_releases },
  { "GET", SPACE "/workflow_stages", stages_list },
  { "POST", SPACE "/workflow_stages", stages_create },
  { "GET", SPACE "/workflow_stages/#", stages_get },
  { "PUT", SPACE "/workflow_stages/#", stages_update },
  { "PATCH", SPACE "/workflow_stages/#", stages_update },
  { "DELETE", SPACE "/workflow_stages/#", stages_delete },
  { "GET", SPACE "/workflow_stage_changes", changes_list },
  { "POST", SPACE "/workflow_stage_changes", changes_create },
  { "GET", SPACE "/workflows", workflows_list },
  { "POST", SPACE "/workflows", workflows_create },
  { "GET", SPACE "/workflows/#", workflows_get },
  { "PUT", SPACE "/workflows/#", workflows_update },
  { "DELETE", SPACE "/workflows/#", workflows_delete },
  { "POST", SPACE "/workflows/#/duplicate", workflows_duplicate },
  { "GET", SPACE "/stories", stories_list },
  { "POST", SPACE "/stories", stories_create },
  { "GET", SPACE "/stories/#", stories_get },
  { "PUT", SPACE "/stories/#", stories_update },
  { "DELETE", SPACE "/stories/#", stories_delete },
  { "GET", SPACE "/stories/#/publish", stories_publish },
  { "GET", "/api/v1/workspace_status_changes", status_changes_list },
  { "POST", "/api/v1/workspace_status_changes", status_changes_create },
  { "GET", "/api/v1/workspace_status_changes/#", status_changes_get },
  { "GET", "/api/v1/workspaces", workspaces_list },
  { "GET", "/api/v1/workspaces/#", workspaces_get },
  { "PUT", "/api/v1/workspaces/#", workspaces_update },
};

static const char *take_number(const char *path, int64_t *number) {
  const char *from = path;
  *number = 0;
  for (; *path >= '0' && *path <= '9'; path++) {
    if (path - from > 15) return NULL;
    *number = *number * 10 + (*path - '0');
  }
  return path > from && *number <= MAX_ID ? path : NULL;
}

/* Matches a path; its last number becomes the id, the first the space. */
static bool match(const char *pattern, const char *path, struct call *c) {
  int numbers = 0;
  for (; *pattern; pattern++) {
    if (*pattern != '#') {
      if (*pattern != *path++) return false;
      continue;
    }
    path = take_number(path, &c->id);
    if (!path) return false;
    if (numbers++ == 0) c->space = c->id;
  }
  return *path == '\0';
}

static const struct route *find_route(struct call *c) {
  size_t i;
  for (i = 0; i < sizeof routes / sizeof *routes; i++)
    if (strcmp(routes[i].method, c->message->method) == 0 &&
        match(routes[i].path, c->message->path, c))
      return &routes[i];
  return NULL;
}

static const struct token *find_token(const struct config *config,
                                      const char *text) {
  size_t i;
  for (i = 0; i < config->token_count; i++)
    if (strcmp(config->tokens[i].text, text) == 0) return &config->tokens[i];
  return NULL;
}

/*
** Finds whose token it is. A personal token comes bare, an OAuth token and
** any of Kantata's as Bearer; the wrong way round does not pass. Where no
** tokens are given every one is the first user's, an admin's.
*/
static bool authenticate(struct call *c) {
  bool bearer, kantata = message_is_kantata(c->message);
  const char *text = message_token(c->message, &bearer);
  const struct token *token = find_token(c->config, text);
  if (!*text || (kantata && !bearer)) return false;
  c->user.role = "admin";
  c->user.id = kantata ? c->sandbox->k_user : c->sandbox->user;
  if (!c->config->token_count) return true;
  if (!token || (!kantata && token->oauth != bearer)) return false;
  if (token->user_id) c->user.id = token->user_id;
  c->user.role = token->role;
  c->user.space_role_ids = token->space_role_ids;
  c->user.read_only = token->read_only;
  return true;
}

/*
** Whether a number is a space's id: below 2^48 the regions have a million
** each, above it bits 48 to 52 name the region.
*/
bool space_id_valid(int64_t id) {
  int64_t region = id >> 48;
  if (region == 0) return id > 0 && id < 4000000;
  return id <= MAX_ID && (region <= 4 || region == 6);
}

static bool find_space(struct call *c) {
  int64_t found;
  if (strncmp(c->message->path, "/v1/spaces/", 11) != 0) return true;
  if (store_int(c->db, &found, "SELECT 1 FROM spaces WHERE id = ?", "i",
                c->space))
    return true;
  if (c->config->any_space && space_id_valid(c->space))
    return store_run(c->db, "INSERT INTO spaces VALUES (?, 'Space')", "i",
                     c->space);
  answer_missing(c, SHAPE_STRING);
  return false;
}

static bool read_body(struct call *c) {
  const struct buf *body = &c->message->body;
  struct buf err = { 0 };
  const char *why;
  if (c->message->method[0] != 'P' || !body->len) return true;
  c->body = json_parse(&c->arena, body->data, body->len, &err);
  if (!c->body) {
    why = err.data ? arena_copy(&c->arena, err.data, err.len) : NULL;
    problem(c, "", why ? why : "malformed JSON");
    no_problems(c, 400, SHAPE_STRING);
  }
  buf_free(&err);
  return c->body != NULL;
}

/* Publishing is a GET that writes. */
static bool may_come(struct call *c, const struct route *route) {
  bool reads = strcmp(c->message->method, "GET") == 0 &&
               route->handle != stories_publish;
  if (!c->user.read_only || reads) return true;
  answer_error(c, 403, SHAPE_STRING, "Forbidden: the token may only read");
  return false;
}

static void handle(struct call *c) {
  const struct route *route;
  if (!authenticate(c)) {
    answer_error(c, 401, SHAPE_STRING, "Unauthorized");
    return;
  }
  route = find_route(c);
  if (!route) {
    answer_missing(c, SHAPE_ARRAY);
    return;
  }
  if (find_space(c) && may_come(c, route) && read_body(c))
    route->handle(c);
}

/*
** Serves one call within a transaction of the caller's. The answer's status
** says whether it is to be kept.
*/
void call_serve(struct call *c) {
  struct buf err = { 0 };
  c->status = 200;
  c->total = c->per_page = -1;
  handle(c);
  if (store_failed(c->db, &err) || c->out.failed) {
    c->out.failed = false;
    answer_error(c, 500, SHAPE_STRING, err.data ? err.data : "no memory");
  }
  buf_free(&err);
}

void call_free(struct call *c) {
  arena_free(&c->arena);
  buf_free(&c->out);
}

void effect(struct call *c, enum resource resource, enum verb verb) {
  c->effects.counts[resource][verb]++;
}
