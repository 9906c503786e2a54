/* Users, roles, collaborators, releases and spaces. */
#include "filter.h"
#include "resources.h"

#include <stdio.h>

#define USER_EMAIL \
  "coalesce(u.email, iif(instr(u.userid, '@'), u.userid," \
  " u.userid || '@example.com'))"

#define USER \
  "json_object('id',u.id,'userid',u.userid,'email'," USER_EMAIL "," \
  "'username',u.username,'friendly_name',u.friendly_name," \
  "'firstname',u.firstname,'lastname',u.lastname,'org_role','member'," \
  "'has_org',json('true'),'org',json_object('name','Demo'))"

/* A collaborator's user has two other addresses instead of `email`. */
#define MEMBER_USER \
  "json_object('id',u.id,'userid',u.userid," \
  "'friendly_name',u.friendly_name,'firstname',u.firstname," \
  "'lastname',u.lastname,'alt_email',NULL,'real_email'," USER_EMAIL ")"

/* %d is 1 if can_act_as_admin was requested. */
#define COLLABORATOR \
  "json_patch(json_object(" J_COLUMN(m, id) "," J_COLUMN(m, space_id) "," \
  J_COLUMN(m, role) ",'space_role_ids',json(m.space_role_ids)," \
  "'permissions',json('[]'),'field_permissions',json('[]')), iif(%d," \
  " json_object('can_act_as_admin',json(iif(m.can_act_as_admin,'true'," \
  "'false'))), '{}'))"

#define ROLE \
  "json_object('id',m.id,'role',m.role,'subtitle',m.subtitle," \
  "'ext_id',m.ext_id)"

/* The addresses of a collaborator that are searched. */
#define MEMBER_TEXT \
  "lower(coalesce(u.userid || ' ' || u.friendly_name || ' ' ||" \
  " coalesce(u.email, ''), json_extract(m.invitation, '$.email')))"

/* Responds with the token's user. */
void members_me(struct call *c) {
  ws_buffer_add_text(&c->out, "{\"user\":");
  store_text(c->db, &c->out, "SELECT " USER " FROM users u WHERE u.id = ?",
             "i", c->user.id);
  ws_buffer_add_text(&c->out, "}");
}

/* The same for OAuth apps, without the space's roles. */
void members_user_info(struct call *c) {
  members_me(c);
}

void members_spaces(struct call *c) {
  ws_buffer_add_text(&c->out, "{\"spaces\":[");
  store_rows(c->db, &c->out, "SELECT json_object('id', id, 'name', name)"
             " FROM spaces ORDER BY id", "");
  ws_buffer_add_text(&c->out, "]}");
}

/* Returns the code of the region of an id. */
static const char *region_of(int64_t id) {
  static const char *const codes[] = { "eu", "us", "ca", "ap" };
  int64_t region = id >> 48;
  if (region == 0) return codes[id / 1000000 % 4];
  if (region == 1) return "eu";
  return region == 6 ? "cn" : codes[(region - 1) % 4];
}

static void add_list(struct call *c, const char *name, const char *sql) {
  text_format(&c->out, ",\"%s\":[", name);
  store_rows(c->db, &c->out, sql, "i", c->space);
  ws_buffer_add_text(&c->out, "]");
}

static void write_collaborator_rows(struct call *c) {
  add_list(c, "collaborators",
           "SELECT json_object('id', m.id, 'user_id', m.user_id, 'role',"
           " m.role, 'space_role_ids', json(m.space_role_ids))"
           " FROM collaborators m WHERE m.space_id = ? ORDER BY m.id");
}

/* Responds with the space, its plan, roles and collaborators. */
void members_space(struct call *c) {
  ws_buffer_add_text(&c->out, "{\"space\":");
  store_text(c->db, &c->out,
             "SELECT json_object('id', s.id, 'name', s.name, 'region', ?2,"
             " 'owner_id', s.owner_id, 'role', ?3, 'plan', s.plan,"
             " 'plan_level', s.plan_level, 'limits', json('{}'),"
             " 'stories_count', (SELECT count(*) FROM stories WHERE space_id"
             " = s.id AND NOT is_folder AND deleted_at IS NULL),"
             " 'request_count_today', ?4, 'api_requests', ?4,"
             " 'exceeded_requests', 0, 'traffic_limit', NULL,"
             " 'first_token', 'secret-' || s.id) FROM spaces s"
             " WHERE s.id = ?1", "itti", c->space, region_of(c->space),
             c->user.role, (int64_t)c->sandbox->stats.requests);
  if (c->out.size) c->out.size--;
  add_list(c, "space_roles", "SELECT " ROLE " FROM roles m"
           " WHERE m.space_id = ? ORDER BY m.id");
  write_collaborator_rows(c);
  ws_buffer_add_text(&c->out, "}}");
}

/* Responds with the roles that match the filters. */
void members_roles(struct call *c) {
  struct filter f;
  filter_start(&f, c, "m.space_id = ?", c->space);
  filter_by_ids(&f, "by_ids", " AND m.id IN (SELECT value FROM json_each(?))");
  filter_by_text(&f, "search", " AND instr(lower(m.role), lower(?)) > 0");
  if (!f.bad) {
    ws_buffer_add_text(&c->out, "{\"space_roles\":[");
    filter_rows(&f, "SELECT " ROLE " FROM roles m WHERE ", " ORDER BY m.id",
                &c->out);
    ws_buffer_add_text(&c->out, "]}");
  }
  filter_free(&f);
}

/* Responds with all releases, or those of a branch, in one page. */
void members_releases(struct call *c) {
  struct filter f;
  filter_start(&f, c, "m.space_id = ?", c->space);
  filter_by_ids(&f, "branch_id", " AND EXISTS (SELECT 1 FROM"
                " json_each(m.branches_to_deploy) b WHERE b.value IN"
                " (SELECT value FROM json_each(?)))");
  if (!f.bad) {
    ws_buffer_add_text(&c->out, "{\"releases\":[");
    filter_rows(&f, "SELECT json_object('id', m.id, 'uuid', m.uuid, 'name',"
                " m.name, 'release_at', m.release_at, 'released',"
                " json(iif(m.released, 'true', 'false')), 'timezone',"
                " m.timezone, 'branches_to_deploy',"
                " json(m.branches_to_deploy), 'owner_id', m.owner_id)"
                " FROM releases m WHERE ", " ORDER BY m.id", &c->out);
    ws_buffer_add_text(&c->out, "]}");
  }
  filter_free(&f);
}

/* Invited collaborators have no user yet: `user` and `user_id` are null. */
static void write_collaborators(struct call *c, struct filter *f,
                                bool with_act_as, int64_t page) {
  ws_buffer head = { 0 };
  char tail[80];
  text_format(&head, "SELECT json_set(" COLLABORATOR ", '$.user_id', m.user_id,"
              " '$.space_role_id', json_extract(m.space_role_ids, '$[0]'),"
              " '$.user', json(iif(u.id IS NULL, 'null', " MEMBER_USER ")),"
              " '$.invitation', json(coalesce(m.invitation, 'null')))"
              " FROM collaborators m LEFT JOIN users u ON u.id = m.user_id"
              " WHERE ", with_act_as);
  snprintf(tail, sizeof tail, " ORDER BY m.id LIMIT %lld OFFSET %lld",
           (long long)c->per_page, ((long long)page - 1) * c->per_page);
  ws_buffer_add_text(&c->out, "{\"collaborators\":[");
  if (!head.failed) filter_rows(f, ws_buffer_cstring(&head), tail, &c->out);
  ws_buffer_add_text(&c->out, "]}");
  ws_buffer_free(&head);
}

void members_collaborators(struct call *c) {
  int64_t page, per_page;
  struct filter f;
  int with;
  if (!param_page(c, &page, &per_page, 25, 100) ||
      !param_flag(c, "with_act_as_roles", &with))
    return;
  filter_start(&f, c, "m.space_id = ?", c->space);
  filter_by_ids(&f, "by_ids", " AND m.id IN (SELECT value FROM json_each(?))");
  filter_by_text(&f, "search",
                 " AND instr(" MEMBER_TEXT ", lower(?)) > 0");
  if (!f.bad) {
    c->total = filter_count(&f, "collaborators m LEFT JOIN users u"
                            " ON u.id = m.user_id");
    c->per_page = per_page;
    write_collaborators(c, &f, with == 1, page);
  }
  filter_free(&f);
}
