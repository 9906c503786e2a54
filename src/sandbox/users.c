/* The users of the tokens. */
#include "snapshot.h"

static void ensure_token_user(struct sandbox *s, struct token *t) {
  if (!t->user_id && !t->userid) return;
  if (!t->user_id &&
      !store_int(s->db, &t->user_id, "SELECT id FROM users"
                 " WHERE userid = ?", "t", t->userid))
    t->user_id = store_new_id(s->db);
  if (!t->userid) t->userid = "token@example.com";
  if (!t->friendly_name) t->friendly_name = t->userid;
  store_run(s->db, "INSERT OR IGNORE INTO users(id, userid,"
            " friendly_name) VALUES (?,?,?)", "itt",
            t->user_id, t->userid, t->friendly_name);
  store_run(s->db, "INSERT OR IGNORE INTO k_users(id, full_name,"
            " email_address) VALUES (?,?,?)", "itt", t->user_id,
            t->friendly_name, t->userid);
}

static int64_t first_user(struct store *db, const char *table) {
  ws_buffer sql = { 0 };
  int64_t id = 0;
  text_format(&sql, "SELECT id FROM %s ORDER BY place IS NULL, place, id"
              " LIMIT 1", table);
  if (!sql.failed) store_int(db, &id, ws_buffer_cstring(&sql), "");
  ws_buffer_free(&sql);
  return id;
}

/*
** Creates a user for every configured token, and one for all other tokens.
*/
void users_ensure(struct sandbox *s) {
  size_t i;
  for (i = 0; i < s->config.token_count; i++)
    ensure_token_user(s, &s->config.tokens[i]);
  s->user = first_user(s->db, "users");
  s->k_user = first_user(s->db, "k_users");
  if (!s->user) {
    s->user = store_new_id(s->db);
    store_run(s->db, "INSERT INTO users(id, userid, friendly_name, place)"
              " VALUES (?, 'demo@example.com', 'Demo User', 0)", "i",
              s->user);
  }
  store_run(s->db, "UPDATE spaces SET owner_id = ? WHERE owner_id IS NULL",
            "i", s->user);
  if (!s->k_user) {
    s->k_user = store_new_id(s->db);
    store_run(s->db, "INSERT INTO k_users VALUES (?, 'Demo User',"
              " 'demo@example.com', 'Project lead', NULL, 0)", "i",
              s->k_user);
  }
}
