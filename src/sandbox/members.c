/* Who and what is around: users, roles, collaborators, releases, spaces. */
#include "filter.h"
#include "resources.h"

#include <stdio.h>

static void list(struct call *c, const char *name, const char *sql) {
  buf_fmt(&c->out, "{\"%s\":[", name);
  store_rows(c->db, &c->out, sql, "i", c->space);
  buf_str(&c->out, "]}");
}

/* Whose token it is. */
void members_me(struct call *c) {
  buf_str(&c->out, "{\"user\":");
  store_text(c->db, &c->out,
             "SELECT json_object('id', id, 'userid', userid,"
             " 'friendly_name', friendly_name) FROM users WHERE id = ?", "i",
             c->user.id);
  buf_str(&c->out, "}");
}

void members_spaces(struct call *c) {
  buf_str(&c->out, "{\"spaces\":[");
  store_rows(c->db, &c->out, "SELECT json_object('id', id, 'name', name)"
             " FROM spaces ORDER BY id", "");
  buf_str(&c->out, "]}");
}

void members_space(struct call *c) {
  buf_str(&c->out, "{\"space\":");
  store_text(c->db, &c->out, "SELECT json_object('id', id, 'name', name)"
             " FROM spaces WHERE id = ?", "i", c->space);
  buf_str(&c->out, "}");
}

void members_roles(struct call *c) {
  list(c, "space_roles",
       "SELECT json_object('id', id, 'role', role, 'subtitle', subtitle,"
       " 'ext_id', ext_id) FROM roles WHERE space_id = ? ORDER BY id");
}

void members_releases(struct call *c) {
  list(c, "releases",
       "SELECT json_object('id', id, 'name', name, 'release_at', release_at,"
       " 'released', json(iif(released, 'true', 'false')))"
       " FROM releases WHERE space_id = ? ORDER BY id");
}

void members_collaborators(struct call *c) {
  int64_t page, per_page;
  if (!param_page(c, &page, &per_page, 25, 100)) return;
  c->per_page = per_page;
  store_int(c->db, &c->total, "SELECT count(*) FROM collaborators"
            " WHERE space_id = ?", "i", c->space);
  buf_str(&c->out, "{\"collaborators\":[");
  store_rows(c->db, &c->out,
             "SELECT json_object('id', m.id, 'user_id', m.user_id,"
             " 'role', m.role, 'space_role_ids', json(m.space_role_ids),"
             " 'user', json_object('id', u.id, 'userid', u.userid,"
             " 'friendly_name', u.friendly_name)) FROM collaborators m"
             " JOIN users u ON u.id = m.user_id WHERE m.space_id = ?"
             " ORDER BY m.id LIMIT ? OFFSET ?", "iii", c->space, per_page,
             (page - 1) * per_page);
  buf_str(&c->out, "]}");
}
