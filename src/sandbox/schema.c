#include "schema.h"

const char *const schema[] = {
  "CREATE TABLE IF NOT EXISTS spaces(id INTEGER PRIMARY KEY,"
  " name TEXT NOT NULL, owner_id INTEGER,"
  " plan TEXT NOT NULL DEFAULT 'growth',"
  " plan_level INTEGER NOT NULL DEFAULT 400)",
  "CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY,"
  " userid TEXT NOT NULL, friendly_name TEXT NOT NULL, place INTEGER,"
  " email TEXT, username TEXT, firstname TEXT, lastname TEXT)",
  "CREATE TABLE IF NOT EXISTS roles(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, role TEXT NOT NULL, subtitle TEXT,"
  " ext_id TEXT)",
  "CREATE INDEX IF NOT EXISTS roles_space ON roles(space_id)",
  "CREATE TABLE IF NOT EXISTS collaborators(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, user_id INTEGER,"
  " role TEXT NOT NULL, space_role_ids TEXT NOT NULL DEFAULT '[]',"
  " invitation TEXT, can_act_as_admin INTEGER NOT NULL DEFAULT 0)",
  "CREATE INDEX IF NOT EXISTS collaborators_space"
  " ON collaborators(space_id)",
  "CREATE TABLE IF NOT EXISTS releases(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, name TEXT NOT NULL, release_at TEXT,"
  " released INTEGER NOT NULL DEFAULT 0, uuid TEXT, timezone TEXT,"
  " branches_to_deploy TEXT NOT NULL DEFAULT '[]', owner_id INTEGER)",
  "CREATE INDEX IF NOT EXISTS releases_space ON releases(space_id)",
  "CREATE TABLE IF NOT EXISTS workflows(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, name TEXT NOT NULL,"
  " content_types TEXT NOT NULL DEFAULT '[]',"
  " is_default INTEGER NOT NULL DEFAULT 0)",
  "CREATE INDEX IF NOT EXISTS workflows_space ON workflows(space_id)",
  "CREATE TABLE IF NOT EXISTS stages(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, workflow_id INTEGER NOT NULL,"
  " name TEXT NOT NULL, color TEXT,"
  " position INTEGER NOT NULL DEFAULT 1,"
  " is_default INTEGER NOT NULL DEFAULT 0,"
  " allow_publish INTEGER NOT NULL DEFAULT 0,"
  " allow_all_stages INTEGER NOT NULL DEFAULT 0,"
  " allow_admin_publish INTEGER NOT NULL DEFAULT 1,"
  " allow_all_users INTEGER NOT NULL DEFAULT 1,"
  " allow_admin_change INTEGER NOT NULL DEFAULT 1,"
  " allow_editor_change INTEGER NOT NULL DEFAULT 1,"
  " allow_none_for_next_stages INTEGER NOT NULL DEFAULT 0,"
  " story_editing_locked INTEGER NOT NULL DEFAULT 0,"
  " auto_remove_assignee INTEGER NOT NULL DEFAULT 0,"
  " after_publish_id INTEGER,"
  " user_ids TEXT NOT NULL DEFAULT '[]',"
  " space_role_ids TEXT NOT NULL DEFAULT '[]',"
  " workflow_stage_ids TEXT NOT NULL DEFAULT '[]')",
  "CREATE INDEX IF NOT EXISTS stages_space ON stages(space_id)",
  "CREATE INDEX IF NOT EXISTS stages_workflow ON stages(workflow_id)",
  "CREATE TEMP TABLE IF NOT EXISTS copies(stage INTEGER PRIMARY KEY,"
  " copy INTEGER NOT NULL)",
  "CREATE TABLE IF NOT EXISTS stories(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, name TEXT NOT NULL,"
  " full_slug TEXT NOT NULL, uuid TEXT NOT NULL,"
  " is_folder INTEGER NOT NULL DEFAULT 0,"
  " published INTEGER NOT NULL DEFAULT 0, content_type TEXT,"
  " content TEXT NOT NULL DEFAULT '{}',"
  " components TEXT NOT NULL DEFAULT '[]',"
  " tags TEXT NOT NULL DEFAULT '[]',"
  " user_ids TEXT NOT NULL DEFAULT '[]',"
  " space_role_ids TEXT NOT NULL DEFAULT '[]',"
  " release_ids TEXT NOT NULL DEFAULT '[]',"
  " created_at TEXT NOT NULL, updated_at TEXT NOT NULL,"
  " published_at TEXT, workflow_stage_id INTEGER, stage_due_date TEXT,"
  " stage_created_at TEXT, deleted_at TEXT, path TEXT,"
  " position INTEGER NOT NULL DEFAULT 0,"
  " is_startpage INTEGER NOT NULL DEFAULT 0,"
  " pinned INTEGER NOT NULL DEFAULT 0,"
  " unpublished_changes INTEGER NOT NULL DEFAULT 0,"
  " last_author_id INTEGER, publish_at TEXT, schedule_status TEXT,"
  " favourites TEXT NOT NULL DEFAULT '[]')",
  "CREATE TABLE IF NOT EXISTS release_stages(release_id INTEGER NOT NULL,"
  " story_id INTEGER NOT NULL, workflow_stage_id INTEGER, due_date TEXT,"
  " created_at TEXT NOT NULL, PRIMARY KEY(release_id, story_id))",
  "CREATE INDEX IF NOT EXISTS stories_space"
  " ON stories(space_id, deleted_at)",
  "CREATE INDEX IF NOT EXISTS stories_stage"
  " ON stories(space_id, deleted_at, workflow_stage_id)",
  "CREATE INDEX IF NOT EXISTS stories_slug"
  " ON stories(space_id, full_slug)",
  "CREATE TABLE IF NOT EXISTS changes(id INTEGER PRIMARY KEY,"
  " space_id INTEGER NOT NULL, story_id INTEGER NOT NULL,"
  " workflow_stage_id INTEGER, workflow_id INTEGER,"
  " user_id INTEGER NOT NULL, due_date TEXT, created_at TEXT NOT NULL,"
  " release_id INTEGER, notify INTEGER NOT NULL DEFAULT 0,"
  " comment TEXT, assign TEXT)",
  "CREATE INDEX IF NOT EXISTS changes_story"
  " ON changes(space_id, story_id, created_at)",
  "CREATE INDEX IF NOT EXISTS changes_stage"
  " ON changes(workflow_stage_id)",
  "CREATE TABLE IF NOT EXISTS k_users(id INTEGER PRIMARY KEY,"
  " full_name TEXT NOT NULL, email_address TEXT NOT NULL,"
  " headline TEXT, photo_path TEXT, place INTEGER)",
  "CREATE TABLE IF NOT EXISTS k_workspaces(id INTEGER PRIMARY KEY,"
  " title TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0,"
  " status_key INTEGER NOT NULL, created_at TEXT NOT NULL,"
  " updated_at TEXT NOT NULL, status_hidden INTEGER NOT NULL DEFAULT 0,"
  " attributes TEXT NOT NULL DEFAULT '{}')",
  "CREATE TABLE IF NOT EXISTS k_changes(id INTEGER PRIMARY KEY,"
  " workspace_id INTEGER NOT NULL, user_id INTEGER NOT NULL,"
  " from_status_key INTEGER, to_status_key INTEGER NOT NULL,"
  " created_at TEXT NOT NULL, updated_at TEXT NOT NULL)",
  "CREATE INDEX IF NOT EXISTS k_changes_workspace"
  " ON k_changes(workspace_id, created_at)",
  "CREATE TABLE IF NOT EXISTS k_disabled(key INTEGER PRIMARY KEY)",
  "CREATE TABLE IF NOT EXISTS statuses(key INTEGER PRIMARY KEY,"
  " message TEXT NOT NULL, color TEXT NOT NULL)",
};

const size_t schema_count = sizeof schema / sizeof *schema;
