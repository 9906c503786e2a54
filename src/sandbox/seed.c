/* Creates the initial state: a demo space of any size, a file, or nothing. */
#include "fields.h"
#include "resources.h"
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

static const struct field counts_fields[] = {
  { "space_id", F_ID }, { "stories", F_INT }, { "unstaged", F_INT },
  { "stages", F_INT }, { "workspaces", F_INT }, { "collaborators", F_INT },
  { "invited", F_INT },
  { "roles", F_INT }, { "users", F_INT }, { "releases", F_INT },
  { NULL, 0 },
};

/* The state of creating a demo space. */
struct seed {
  struct sandbox *sandbox;
  struct store *db;
  const struct json *counts;
  int64_t space;
  int64_t roles[16], role_count;
  int64_t stages[64], stage_count;
};

static int64_t count(const struct seed *seed, const char *name,
                     int64_t usual) {
  const struct json *v = json_get(seed->counts, name);
  return v ? v->integer : usual;
}

/* Formats a name such as "User 7" into the caller's buffer. */
static const char *numbered(char out[64], const char *name,
                            int64_t number) {
  snprintf(out, 64, "%s%lld", name, (long long)number);
  return out;
}

static int64_t create_user(struct seed *seed, int64_t number) {
  char email[64], name[64];
  int64_t id = store_new_id(seed->db);
  snprintf(email, sizeof email, "user%lld@example.com", (long long)number);
  store_run(seed->db, "INSERT INTO users(id, userid, friendly_name, place,"
            " email, firstname, lastname) VALUES (?1,?2,?3,?4,?2,'User',?4)",
            "itti", id, email, numbered(name, "User ", number), number);
  return id;
}

static void create_roles(struct seed *seed) {
  static const char *const names[] = { "Lawyer", "Author", "Translator" };
  int64_t wanted = count(seed, "roles", 3), i;
  char name[64];
  for (i = 1; i <= wanted; i++) {
    int64_t id = store_new_id(seed->db);
    if (i <= 16) seed->roles[seed->role_count++] = id;
    store_run(seed->db, "INSERT INTO roles VALUES (?,?,?,?,NULL)", "iitt",
              id, seed->space,
              i <= 3 ? names[i - 1]
                     : numbered(name, "Role ", i), "");
  }
}

/* Every second collaborator has a space role. */
static void create_collaborators(struct seed *seed) {
  int64_t wanted = count(seed, "collaborators", 3), i;
  int64_t others = count(seed, "users", 0);
  char roles[32];
  for (i = 1; i <= wanted; i++) {
    bool own = i % 2 == 0 && seed->role_count;
    int64_t role = own ? seed->roles[i / 2 % seed->role_count] : 0;
    snprintf(roles, sizeof roles, "[%lld]", (long long)role);
    store_run(seed->db, "INSERT INTO collaborators(id, space_id, user_id,"
              " role, space_role_ids) VALUES (?,?,?,?,?)", "iiitt",
              store_new_id(seed->db), seed->space, create_user(seed, i),
              own ? "custom" : "editor", own ? roles : "[]");
  }
  for (i = wanted + 1; i <= wanted + others; i++) create_user(seed, i);
}

/* Adds people who were invited and have no user yet. */
static void create_invited(struct seed *seed) {
  int64_t wanted = count(seed, "invited", 0), i;
  for (i = 1; i <= wanted; i++)
    store_run(seed->db, "INSERT INTO collaborators(id, space_id, role,"
              " invitation) VALUES (?,?,'editor',json_object('email',"
              " 'invited' || ? || '@example.com', 'expires_at',"
              " '2027-01-01T00:00:00.000Z', 'is_expired', json('false'),"
              " 'rid', 'secret-invitation'))", "iii",
              store_new_id(seed->db), seed->space, i);
}

static void create_releases(struct seed *seed) {
  int64_t wanted = count(seed, "releases", 1), i;
  char name[64];
  for (i = 1; i <= wanted; i++)
    store_run(seed->db, "INSERT INTO releases(id, space_id, name)"
              " VALUES (?,?,?)", "iit", store_new_id(seed->db), seed->space,
              numbered(name, "Release ", i));
}

static void create_stage(struct seed *seed, int64_t workflow, int64_t i) {
  static const struct { const char *name, *color; } known[] = {
    { "Drafting", "#babcb6" }, { "Review", "#f5a623" },
    { "Old review", "#b8860b" }, { "Ready", "#7ed321" },
  };
  char name[64], color[64];
  int64_t id = store_new_id(seed->db);
  seed->stages[seed->stage_count++] = id;
  store_run(seed->db, "INSERT INTO stages(id, space_id, workflow_id, name,"
            " color, position, is_default, allow_all_stages, allow_publish)"
            " VALUES (?,?,?,?,?,?,?,?,?)", "iiittibbb", id, seed->space,
            workflow,
            i <= 4 ? known[i - 1].name
                   : numbered(name, "Stage ", i),
            i <= 4 ? known[i - 1].color
                   : numbered(color, "#5a", i * 977 % 9000 + 1000),
            i, i == 1, i == 3 || i > 4, i == 4);
}

static void allow(struct seed *seed, int from, int to) {
  if (from > seed->stage_count || to > seed->stage_count) return;
  store_run(seed->db, "UPDATE stages SET workflow_stage_ids ="
            " json_insert(workflow_stage_ids, '$[#]', ?) WHERE id = ?",
            "ii", seed->stages[to - 1], seed->stages[from - 1]);
}

/* Drafting -> Review -> Ready and back; from "Old review" to everywhere. */
static void create_workflow(struct seed *seed) {
  int64_t id, wanted = count(seed, "stages", 4), i;
  make_default_workflow(seed->db, seed->space);
  id = store_new_id(seed->db);
  store_run(seed->db, "INSERT INTO workflows VALUES (?,?,'Article',"
            "'[\"article\"]',0)", "ii", id, seed->space);
  for (i = 1; i <= wanted && i <= 64; i++) create_stage(seed, id, i);
  allow(seed, 1, 2);
  allow(seed, 1, 3);
  allow(seed, 2, 1);
  allow(seed, 2, 4);
  allow(seed, 4, 1);
  allow(seed, 4, 2);
}

/*
** Slugs are unique. Folders alternate faster than stages, so that each stage
** has stories in each folder.
*/
static void create_story(struct seed *seed, int64_t i, int64_t stage) {
  static const char *const folders[] = { "legal", "blog", "news" };
  char name[48], slug[64], uuid[64], when[TIME_SIZE], content[160];
  int64_t id = store_new_id(seed->db), minute = i % 40000;
  snprintf(name, sizeof name, "Story %lld", (long long)i);
  snprintf(slug, sizeof slug, "%s/story-%lld", folders[(i - 1) % 3],
           (long long)i);
  snprintf(uuid, sizeof uuid, "%08llx-5eed-4000-8000-%012llx",
           (unsigned long long)i, (unsigned long long)i);
  snprintf(when, sizeof when, "2026-01-%02dT%02d:%02d:00.000Z",
           (int)(minute / 1440 + 1), (int)(minute / 60 % 24),
           (int)(minute % 60));
  snprintf(content, sizeof content, "{\"component\":\"article\",\"title\":"
           "\"Story %lld\",\"author\":\"Author %d\",\"words\":%d}",
           (long long)i, (int)(i % 7), (int)(i % 1000));
  store_run(seed->db,
            "INSERT INTO stories(id, space_id, name, full_slug, uuid,"
            " published, content_type, content, components, tags,"
            " created_at, updated_at, workflow_stage_id, stage_created_at)"
            " VALUES (?1,?2,?3,?4,?5,?6,'article',?7,'[\"article\"]',?8,"
            "?9,?9,?10,iif(?10 IS NULL, NULL, ?9))", "iitttbtttr", id,
            seed->space, name, slug, uuid, (int)(i % 4 == 0), content,
            i % 5 == 0 ? "[\"featured\"]" : "[]", when, stage);
}

static void create_stories(struct seed *seed, int64_t usual) {
  int64_t staged = count(seed, "stories", usual), i;
  int64_t unstaged = count(seed, "unstaged", 0);
  int64_t n = seed->stage_count < 4 ? seed->stage_count : 4;
  for (i = 1; i <= staged + unstaged; i++)
    create_story(seed, i,
                i <= staged && n ? seed->stages[(i - 1) / 3 % n] : 0);
}

/* Workspaces have the ids 1, 2, 3 ..; every tenth is archived. */
static void create_workspaces(struct seed *seed) {
  static const int keys[] = { 310, 130, 135 };
  int64_t wanted = count(seed, "workspaces", 5), i;
  char title[64];
  for (i = 1; i <= wanted; i++)
    store_run(seed->db, "INSERT INTO k_workspaces(id, title, archived,"
              " status_key, created_at, updated_at) VALUES (?1,?2,?3,?4,"
              "'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z')",
              "itbi", i,
              numbered(title, i % 2 ? "2025 Project " : "2026 Project ", i),
              i % 10 == 0, (int64_t)keys[(i - 1) % 3]);
}

/* Creates the space and its owner, the first collaborator. */
static void create_owner(struct seed *seed) {
  int64_t owner = store_new_id(seed->db);
  store_run(seed->db, "INSERT INTO spaces(id, name, owner_id)"
            " VALUES (?, 'Demo', ?)", "ii", seed->space, owner);
  store_run(seed->db, "INSERT INTO users(id, userid, friendly_name, place,"
            " email, username, firstname, lastname) VALUES (?,"
            " 'demo@example.com', 'Demo User', 0, 'demo@example.com', NULL,"
            " 'Demo', 'User')", "i", owner);
  store_run(seed->db, "INSERT INTO collaborators(id, space_id, user_id,"
            " role) VALUES (?,?,?,'owner')", "iii", store_new_id(seed->db),
            seed->space, owner);
}

static void create_all(struct seed *seed, int64_t stories) {
  create_owner(seed);
  create_roles(seed);
  create_collaborators(seed);
  create_invited(seed);
  create_releases(seed);
  create_workflow(seed);
  create_stories(seed, stories);
  create_workspaces(seed);
}

static bool check_counts(const struct json *counts, ws_buffer *err) {
  const struct json *v;
  if (!fields_check(counts_fields, counts, "seed", err)) return false;
  for (v = counts->child; v; v = v->next)
    if (v->integer < 0)
      return fail(err, "seed '%s' must not be negative", v->key);
  v = json_get(counts, "space_id");
  if (v && !space_id_valid(v->integer))
    return fail(err, "seed 'space_id' %lld is in no region's range",
                (long long)v->integer);
  v = json_get(counts, "stages");
  if (v && (v->integer < 1 || v->integer > 64))
    return fail(err, "seed 'stages' must be 1 to 64");
  return true;
}

/* Fills an empty database by counts, or by the default ones. */
bool seed_create(struct sandbox *s, const struct json *counts,
                ws_buffer *err) {
  struct seed seed = { .sandbox = s, .db = s->db, .counts = counts };
  if (counts && !check_counts(counts, err)) return false;
  seed.space = count(&seed, "space_id", DEFAULT_SPACE);
  store_begin(s->db);
  snapshot_clear(s);
  create_all(&seed, counts ? 0 : 25);
  users_ensure(s);
  if (store_failed(s->db, err)) {
    store_end(s->db, false);
    return false;
  }
  store_end(s->db, true);
  return true;
}

static bool create_nothing(struct sandbox *s) {
  store_begin(s->db);
  snapshot_clear(s);
  store_run(s->db, "INSERT INTO spaces(id, name) VALUES (?, 'Demo')", "i",
            DEFAULT_SPACE);
  users_ensure(s);
  store_end(s->db, true);
  return true;
}

/* Keeps the state of a database that has one; false if it is empty. */
static bool keep_database(struct sandbox *s) {
  int64_t spaces;
  if (!store_int(s->db, &spaces, "SELECT 1 FROM spaces", "")) return false;
  store_begin(s->db);
  users_ensure(s);
  store_end(s->db, true);
  return true;
}

static bool create_file(struct sandbox *s, const char *path,
                       ws_buffer *err) {
  ws_buffer text = { 0 }, why = { 0 };
  struct arena arena = { 0 };
  const struct json *seed;
  bool ok = false;
  if (text_read_file(&text, path, &why)) {
    seed = json_parse(&arena, ws_buffer_cstring(&text), text.size, &why);
    ok = seed && (is_snapshot(seed) ? snapshot_load(s, seed, &why)
                                    : seed_create(s, seed, &why));
  }
  if (!ok) fail(err, "seed '%s': %s", path, ws_buffer_cstring(&why));
  ws_buffer_free(&text);
  ws_buffer_free(&why);
  arena_free(&arena);
  return ok;
}

/* Reads the option `seed` in all its forms. */
bool seed_read(struct sandbox *s, ws_buffer *err) {
  const struct json *seed = s->config.seed;
  if (!seed) return keep_database(s) || seed_create(s, NULL, err);
  if (seed->type == JSON_BOOL) return create_nothing(s);
  if (seed->type == JSON_TEXT) return create_file(s, seed->text, err);
  return is_snapshot(seed) ? snapshot_load(s, seed, err)
                           : seed_create(s, seed, err);
}
