/* Finds the handler of a request, the caller and the space. */
#include "json/utf8.h"
#include "resources.h"

#include <string.h>

/* A call: its parameters, and the shape of its 422. */
struct route {
  const char *method, *path;  /* '#' stands for a number */
  void (*handle)(struct call *c);
  const char *params;         /* those of the query, separated by blanks */
  enum shape invalid;
};

#define SPACE "/v1/spaces/#"
#define PAGE "page per_page"
#define K_PAGE "page per_page limit offset only include optional_fields order"
#define K_TIMES "created_after created_before updated_after updated_before"

static const struct route routes[] = {
  { "GET", "/v1/users/me", members_me, "", SHAPE_STRING },
  { "GET", "/v1/oauth/user_info", members_user_info, "", SHAPE_STRING },
  { "GET", "/v1/spaces", members_spaces, "", SHAPE_STRING },
  { "GET", SPACE, members_space, "", SHAPE_STRING },
  { "GET", SPACE "/space_roles", members_roles, "search by_ids",
    SHAPE_STRING },
  { "GET", SPACE "/collaborators", members_collaborators,
    PAGE " search by_ids with_act_as_roles", SHAPE_STRING },
  { "GET", SPACE "/releases", members_releases, "branch_id", SHAPE_STRING },
  { "GET", SPACE "/workflow_stages", stages_list,
    "in_workflow by_ids exclude_id search", SHAPE_STRING },
  { "POST", SPACE "/workflow_stages", stages_create, "", SHAPE_FLAT },
  { "GET", SPACE "/workflow_stages/#", stages_get, "", SHAPE_STRING },
  { "PUT", SPACE "/workflow_stages/#", stages_update, "", SHAPE_STRING },
  { "PATCH", SPACE "/workflow_stages/#", stages_update, "", SHAPE_FLAT },
  { "DELETE", SPACE "/workflow_stages/#", stages_delete, "", SHAPE_STRING },
  { "GET", SPACE "/workflow_stage_changes", changes_list,
    PAGE " with_story", SHAPE_STRING },
  { "POST", SPACE "/workflow_stage_changes", changes_create, "",
    SHAPE_ERRORS },
  { "GET", SPACE "/workflows", workflows_list,
    "by_ids exclude_id is_default search include_stages content_type"
    " by_content_type", SHAPE_STRING },
  { "POST", SPACE "/workflows", workflows_create, "", SHAPE_ERRORS },
  { "GET", SPACE "/workflows/#", workflows_get, "include_stages",
    SHAPE_STRING },
  { "PUT", SPACE "/workflows/#", workflows_update, "", SHAPE_ERRORS },
  { "DELETE", SPACE "/workflows/#", workflows_delete, "", SHAPE_STRING },
  { "POST", SPACE "/workflows/#/duplicate", workflows_duplicate, "",
    SHAPE_FLAT },
  { "GET", SPACE "/stories", stories_list,
    PAGE " in_workflow_stages has_workflow_stages by_ids by_uuids"
    " by_uuids_ordered excluding_ids by_slugs excluding_slugs with_slug"
    " starts_with with_parent in_trash story_only folder_only"
    " root_folders_only contain_component with_tag is_published pinned mine"
    " favourite reference_search scheduled_at_gt scheduled_at_lt"
    " scheduled_by_status search text_search release_id in_release"
    " branch_id sort_by with_summary with_alts with_translated_stories"
    " custom_sorting filter_query[", SHAPE_STRING },
  { "POST", SPACE "/stories", stories_create, "publish release_id",
    SHAPE_FLAT },
  { "GET", SPACE "/stories/#", stories_get, "release_id", SHAPE_STRING },
  { "PUT", SPACE "/stories/#", stories_update,
    "publish release_id lang force_update", SHAPE_FLAT },
  { "DELETE", SPACE "/stories/#", stories_delete, "", SHAPE_STRING },
  { "GET", SPACE "/stories/#/publish", stories_publish, "lang release_id",
    SHAPE_STRING },
  { "GET", SPACE "/stories/#/unpublish", stories_unpublish,
    "lang release_id", SHAPE_STRING },
  { "GET", "/api/v1/users/me", k_users_me, "", SHAPE_STRING },
  { "GET", "/api/v1/workspace_status_changes", status_changes_list,
    K_PAGE " workspace_id " K_TIMES, SHAPE_STRING },
  { "POST", "/api/v1/workspace_status_changes", status_changes_create,
    "include", SHAPE_STRING },
  { "GET", "/api/v1/workspace_status_changes/#", status_changes_get,
    "include", SHAPE_STRING },
  { "GET", "/api/v1/workspaces", workspaces_list,
    K_PAGE " " K_TIMES " except archived include_archived matching"
    " on_my_account has_participation workspace_groups stage search"
    " start_date_after start_date_before due_date_after due_date_before",
    SHAPE_STRING },
  { "GET", "/api/v1/workspaces/#", workspaces_get,
    "include_archived include optional_fields", SHAPE_STRING },
  { "PUT", "/api/v1/workspaces/#", workspaces_update,
    "include optional_fields", SHAPE_STRING },
};

static const char *take_number(const char *path, int64_t *number) {
  const char *from = path;
  *number = 0;
  for (; *path >= '0' && *path <= '9'; path++) {
    if (path - from > 15) return NULL;
    *number = *number * 10 + (*path - '0');
  }
  return path > from && *number <= WS_MAX_ID ? path : NULL;
}

/* Matches a path: its first number is the space, its last one the id. */
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

/*
** Finds the user of the token. A personal token must be sent bare, an OAuth
** token and Kantata's as Bearer. Without the option `tokens`, every token
** belongs to the first user, an admin.
*/
static bool authenticate(struct call *c) {
  bool bearer, kantata = message_is_kantata(c->message);
  const char *text = message_token(c->message, &bearer);
  const struct token *token = config_token(c->config, text);
  if (!*text || (kantata && !bearer)) return false;
  c->user.role = "admin";
  c->user.id = kantata ? c->sandbox->k_user : c->sandbox->user;
  if (!c->config->token_count) return true;
  if (!token || (!kantata && token->oauth != bearer)) return false;
  if (token->user_id) c->user.id = token->user_id;
  c->user.role = token->role;
  c->user.space_role_ids = token->space_role_ids;
  c->user.read_only = token->read_only;
  c->user.client = token->client;
  return true;
}

/*
** True if a number is the id of a space: below 2^48 each region has a million
** ids, above it bits 48 to 52 are the region.
*/
bool space_id_valid(int64_t id) {
  int64_t region = id >> 48;
  if (region == 0) return id > 0 && id < 4000000;
  return id <= WS_MAX_ID && (region <= 4 || region == 6);
}

static bool find_space(struct call *c) {
  int64_t found;
  if (strncmp(c->message->path, "/v1/spaces/", 11) != 0) return true;
  if (store_int(c->db, &found, "SELECT 1 FROM spaces WHERE id = ?", "i",
                c->space))
    return true;
  if (c->config->any_space && space_id_valid(c->space))
    return store_run(c->db, "INSERT INTO spaces(id, name)"
                     " VALUES (?, 'Space')", "i", c->space);
  answer_missing(c);
  return false;
}

static bool is_form(const struct call *c) {
  const char *type = c->message->content_type;
  return type && strncmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

static bool read_body(struct call *c) {
  const ws_buffer *body = &c->message->body;
  ws_buffer err = { 0 };
  if (c->message->method[0] != 'P' || !body->size) return true;
  if (message_is_kantata(c->message) && is_form(c)) {
    c->body = form_parse(&c->arena, body->bytes, body->size);
    return c->body != NULL;
  }
  c->body = json_parse(&c->arena, body->bytes, body->size, &err);
  if (!c->body)
    answer_error(c, 400, SHAPE_STATUS, ws_buffer_cstring(&err));
  ws_buffer_free(&err);
  return c->body != NULL;
}

/* Publishing is a GET that writes. */
static bool may_come(struct call *c, const struct route *route) {
  bool reads = strcmp(c->message->method, "GET") == 0 &&
               route->handle != stories_publish &&
               route->handle != stories_unpublish;
  if (!c->user.read_only || reads) return true;
  answer_error(c, 403, SHAPE_STRING, "Forbidden: the token may only read");
  return false;
}

/* True if a list of names, separated by blanks, has the name; "name[" matches
** all names with that beginning. */
static bool is_listed(const char *names, const char *name) {
  while (*names) {
    size_t len = strcspn(names, " ");
    if (strncmp(names, name, len) == 0 &&
        (names[len - 1] == '[' || name[len] == '\0'))
      return true;
    names += len + strspn(names + len, " ");
  }
  return false;
}

static bool is_utf8(const char *text) {
  return ws_utf8_find_invalid(text, strlen(text)) < 0;
}

/*
** Rejects parameters that the call does not have: a list that ignored a filter
** would have other items than requested.
*/
static bool check_params(struct call *c, const struct route *route) {
  const struct message *m = c->message;
  size_t i;
  for (i = 0; i < m->param_count; i++)
    if (!is_utf8(m->params[i].name) || !is_utf8(m->params[i].value)) {
      answer_error(c, 400, SHAPE_STRING, "a parameter is not UTF-8");
      return false;
    }
  for (i = 0; i < m->param_count && c->config->strict; i++)
    if (!is_listed(route->params, m->params[i].name))
      problem(c, m->params[i].name, "is not a parameter of this call");
  return no_problems(c, 400, SHAPE_STRING);
}

static void handle(struct call *c) {
  const struct route *route;
  if (!authenticate(c)) {
    answer_error(c, 401, SHAPE_STRING, "Unauthorized");
    return;
  }
  route = find_route(c);
  if (!route) {
    answer_missing(c);
    return;
  }
  c->invalid = route->invalid;
  if (find_space(c) && may_come(c, route) && check_params(c, route) &&
      read_body(c))
    route->handle(c);
}

/*
** Serves one call within the caller's transaction. The status of the response
** decides if the transaction is kept.
*/
void call_serve(struct call *c) {
  ws_buffer err = { 0 };
  c->status = 200;
  c->total = c->per_page = -1;
  handle(c);
  if (store_failed(c->db, &err) || c->out.failed) {
    c->out.failed = false;
    answer_error(c, 500, SHAPE_STRING, ws_buffer_cstring(&err));
  }
  ws_buffer_free(&err);
}

void call_free(struct call *c) {
  arena_free(&c->arena);
  ws_buffer_free(&c->out);
}

void effect(struct call *c, enum resource resource, enum verb verb) {
  c->effects.counts[resource][verb]++;
}
