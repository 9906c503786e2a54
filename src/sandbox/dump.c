/* Writes the whole state as a snapshot. */
#include "snapshot.h"

static void list(struct sandbox *s, ws_buffer *b, const char *name,
                 const char *sql, int64_t id) {
  text_format(b, ",\"%s\":[", name);
  store_rows(s->db, b, sql, "i", id);
  ws_buffer_add_text(b, "]");
}

#define FLAG(column) "'" #column "',json(iif(" #column ",'true','false'))"
#define LIST(column) "'" #column "',json(" #column ")"
#define SAME(column) "'" #column "'," #column

static void dump_stages(struct sandbox *s, ws_buffer *b, int64_t workflow) {
  list(s, b, "stages",
       "SELECT json_object(" SAME(id) "," SAME(name) ","
       "'color',json(iif(color IS NULL,'false',json_quote(color))),"
       SAME(position) "," FLAG(is_default) "," FLAG(allow_publish) ","
       FLAG(allow_all_stages) "," FLAG(allow_admin_publish) ","
       FLAG(allow_all_users) "," FLAG(allow_admin_change) ","
       FLAG(allow_editor_change) "," FLAG(allow_none_for_next_stages) ","
       FLAG(story_editing_locked) "," FLAG(auto_remove_assignee) ","
       SAME(after_publish_id) "," LIST(user_ids) "," LIST(space_role_ids)
       "," LIST(workflow_stage_ids) ") FROM stages WHERE workflow_id = ?"
       " ORDER BY id", workflow);
}

static void dump_workflows(struct sandbox *s, ws_buffer *b,
                           int64_t space) {
  sqlite3_stmt *row = store_query(s->db, "SELECT json_object(" SAME(id) ","
                                  SAME(name) "," LIST(content_types) ","
                                  FLAG(is_default) "), id FROM workflows"
                                  " WHERE space_id = ? ORDER BY id", "i",
                                  space);
  int rows = 0;
  ws_buffer_add_text(b, ",\"workflows\":[");
  while (store_row(s->db, row)) {
    if (rows++) ws_buffer_add_text(b, ",");
    ws_buffer_add_text(b, column_text(row, 0));
    if (b->size) b->size--;
    dump_stages(s, b, sqlite3_column_int64(row, 1));
    ws_buffer_add_text(b, "}");
  }
  ws_buffer_add_text(b, "]");
}

static void dump_members(struct sandbox *s, ws_buffer *b, int64_t space) {
  list(s, b, "space_roles",
       "SELECT json_object(" SAME(id) "," SAME(role) "," SAME(subtitle) ","
       SAME(ext_id) ") FROM roles WHERE space_id = ? ORDER BY id", space);
  list(s, b, "collaborators",
       "SELECT json_object(" SAME(id) "," SAME(user_id) "," SAME(role) ","
       LIST(space_role_ids) "," FLAG(can_act_as_admin) ","
       LIST(invitation) ") FROM collaborators WHERE space_id = ?"
       " ORDER BY id", space);
  list(s, b, "releases",
       "SELECT json_object(" SAME(id) "," SAME(name) "," SAME(release_at)
       "," FLAG(released) "," SAME(uuid) "," SAME(timezone) ","
       LIST(branches_to_deploy) "," SAME(owner_id) ",'stages',(SELECT"
       " json_group_array(json_object(" SAME(story_id) ","
       SAME(workflow_stage_id) "," SAME(due_date) "," SAME(created_at)
       ")) FROM release_stages WHERE release_id = id))"
       " FROM releases WHERE space_id = ? ORDER BY id", space);
}

static void dump_stories(struct sandbox *s, ws_buffer *b, int64_t space) {
  list(s, b, "stories",
       "SELECT json_object(" SAME(id) "," SAME(name) "," SAME(full_slug) ","
       SAME(uuid) "," FLAG(is_folder) "," FLAG(published) ","
       SAME(content_type) "," LIST(content) ",'tag_list',json(tags),"
       LIST(user_ids) "," LIST(space_role_ids) "," LIST(release_ids) ","
       SAME(created_at) "," SAME(updated_at) "," SAME(published_at) ","
       SAME(deleted_at) "," SAME(path) "," SAME(position) ","
       FLAG(is_startpage) "," FLAG(pinned) "," FLAG(unpublished_changes)
       "," SAME(last_author_id) "," SAME(publish_at) ","
       SAME(schedule_status) "," LIST(favourites) ","
       "'stage',json(iif(workflow_stage_id IS NULL, NULL, json_object("
       SAME(workflow_stage_id) ",'due_date',stage_due_date,'created_at',"
       "stage_created_at)))) FROM stories WHERE space_id = ? ORDER BY id",
       space);
  list(s, b, "workflow_stage_changes",
       "SELECT json_object(" SAME(id) "," SAME(story_id) ","
       SAME(workflow_stage_id) "," SAME(workflow_id) "," SAME(user_id) ","
       SAME(due_date) "," SAME(created_at) "," SAME(release_id) ","
       FLAG(notify) "," LIST(comment) "," LIST(assign) ") FROM changes"
       " WHERE space_id = ? ORDER BY id", space);
}

static void dump_spaces(struct sandbox *s, ws_buffer *b) {
  sqlite3_stmt *row = store_query(s->db, "SELECT json_object(" SAME(id) ","
                                  SAME(name) "," SAME(owner_id) ","
                                  SAME(plan) "," SAME(plan_level)
                                  "), id FROM spaces"
                                  " ORDER BY id", "");
  int rows = 0;
  ws_buffer_add_text(b, ",\"spaces\":[");
  while (store_row(s->db, row)) {
    int64_t id = sqlite3_column_int64(row, 1);
    if (rows++) ws_buffer_add_text(b, ",");
    ws_buffer_add_text(b, column_text(row, 0));
    if (b->size) b->size--;
    dump_members(s, b, id);
    dump_workflows(s, b, id);
    dump_stories(s, b, id);
    ws_buffer_add_text(b, "}");
  }
  ws_buffer_add_text(b, "]");
}

static void dump_kantata(struct sandbox *s, ws_buffer *b) {
  ws_buffer_add_text(b, ",\"kantata\":{\"users\":[");
  store_rows(s->db, b, "SELECT json_object(" SAME(id) "," SAME(full_name)
             "," SAME(email_address) "," SAME(headline) ","
             SAME(photo_path) ") FROM k_users ORDER BY place IS NULL,"
             " place, id", "");
  ws_buffer_add_text(b, "]");
  list(s, b, "workspaces", "SELECT json_object(" SAME(id) "," SAME(title)
       "," FLAG(archived) "," SAME(status_key) "," SAME(created_at) ","
       SAME(updated_at) "," FLAG(status_hidden) "," LIST(attributes)
       ") FROM k_workspaces WHERE id > ? ORDER BY id", 0);
  list(s, b, "workspace_status_changes", "SELECT json_object(" SAME(id) ","
       SAME(workspace_id) "," SAME(user_id) "," SAME(from_status_key) ","
       SAME(to_status_key) "," SAME(created_at) "," SAME(updated_at) ")"
       " FROM k_changes WHERE id > ? ORDER BY id", 0);
  list(s, b, "disabled_statuses", "SELECT key FROM k_disabled"
       " WHERE key > ? ORDER BY key", 0);
  ws_buffer_add_text(b, "}");
}

void snapshot_dump(struct sandbox *s, ws_buffer *b) {
  ws_buffer_add_text(b, "{\"users\":[");
  store_rows(s->db, b, "SELECT json_object(" SAME(id) "," SAME(userid) ","
             SAME(friendly_name) "," SAME(email) "," SAME(username) ","
             SAME(firstname) "," SAME(lastname) ") FROM users"
             " ORDER BY place IS NULL,"
             " place, id", "");
  ws_buffer_add_text(b, "]");
  dump_spaces(s, b);
  dump_kantata(s, b);
  ws_buffer_add_text(b, "}");
}
