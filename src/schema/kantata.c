/*
** Kantata's objects, and the filters of its lists. A new field is one line
** here. The order is the one in which bodies are written.
*/

#include "schema/schema.h"

static const ws_field user_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY | WS_DIGITS, "The id of the user."),
  WS_FIELD("full_name", TEXT, WS_READ_ONLY, "The user's name."),
  WS_FIELD("email_address", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's e-mail address."),
  WS_FIELD("headline", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The headline of the user's profile."),
  WS_FIELD("photo_path", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The address of the user's photo.")
};
WS_SCHEMA(user, "kantata.user", "user", "users", "A user.");

static const ws_field status_fields[] = {
  WS_FIELD("key", INTEGER, WS_READ_ONLY | WS_DIGITS | WS_POSITIVE,
    "The key of the status."),
  WS_FIELD("color", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The colour of the status."),
  WS_FIELD("message", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The name of the status, which another status may have as well.")
};
WS_SCHEMA(status, "kantata.status", NULL, NULL, "The status of a project.");

static const ws_field workspace_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY | WS_DIGITS, "The id of the project."),
  WS_FIELD("title", TEXT, WS_REQUIRED, "The title of the project."),
  WS_FIELD("description", TEXT, WS_NULLABLE, "The description of the project."),
  WS_FIELD("archived", BOOLEAN, 0, "True if the project is archived."),
  WS_FIELD("start_date", TIME, WS_NULLABLE, "The day the project starts."),
  WS_FIELD("due_date", TIME, WS_NULLABLE, "The day the project is due."),
  WS_FIELD("status_key", INTEGER, WS_WRITE_ONLY | WS_POSITIVE,
    "The key of the project's new status."),
  WS_FIELD_OF("status", OBJECT, WS_READ_ONLY | WS_NULLABLE,
    "The status of the project; absent for those who may not see it.",
    &status, NULL),
  WS_FIELD("access_level", TEXT, WS_NULLABLE,
    "Who may see and join the project."),
  WS_FIELD("stage", TEXT, WS_NULLABLE,
    "The phase of the project: \"estimate\" or \"project\"."),
  WS_FIELD("budgeted", BOOLEAN, WS_NULLABLE,
    "True if the project has a budget."),
  WS_FIELD("currency", TEXT, WS_NULLABLE, "The currency of its amounts."),
  WS_FIELD("price", ANY, WS_NULLABLE, "The price of the project."),
  WS_FIELD("approver_id", ID, WS_NULLABLE | WS_DIGITS,
    "The id of the user who approves its times and expenses."),
  WS_FIELD("custom_fields", ANY, WS_NULLABLE,
    "Values of the account's own fields."),
  WS_FIELD("workspace_group_ids", IDS, WS_NULLABLE | WS_DIGITS,
    "The ids of the groups the project is in."),
  WS_FIELD("external_reference", TEXT, WS_NULLABLE,
    "The name of the project in another system."),
  WS_FIELD("account_id", ID, WS_READ_ONLY | WS_NULLABLE | WS_DIGITS,
    "The id of the account the project belongs to."),
  WS_FIELD("update_whitelist", TEXTS, WS_READ_ONLY | WS_NULLABLE,
    "The fields that the token's user may write."),
  WS_FIELD("created_at", TIME, WS_READ_ONLY,
    "When the project was created."),
  WS_FIELD("updated_at", TIME, WS_READ_ONLY,
    "When the project was last changed.")
};
WS_SCHEMA(workspace, "kantata.workspace", "workspace", "workspaces",
  "A workspace: what the service's users call a project.");

static const ws_field change_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY | WS_DIGITS, "The id of the change."),
  WS_FIELD("workspace_id", ID, WS_REQUIRED | WS_DIGITS,
    "The id of the project; in responses only if included."),
  WS_FIELD("to_status_key", INTEGER, WS_REQUIRED | WS_DIGITS | WS_POSITIVE,
    "The key of the status that the project gets."),
  WS_FIELD("to_message", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The name of that status."),
  WS_FIELD("to_color", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The colour of that status."),
  WS_FIELD("from_status_key", INTEGER,
    WS_READ_ONLY | WS_NULLABLE | WS_DIGITS | WS_POSITIVE,
    "The key of the status that the project had."),
  WS_FIELD("from_message", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The name of the status that the project had."),
  WS_FIELD("from_color", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The colour of the status that the project had."),
  WS_FIELD("created_at", TIME, WS_READ_ONLY, "When the change was made."),
  WS_FIELD("updated_at", TIME, WS_READ_ONLY,
    "When the change was last changed."),
  WS_FIELD("user_id", ID, WS_READ_ONLY | WS_NULLABLE | WS_DIGITS,
    "The id of the user who made the change; only if included."),
  WS_FIELD_OF("user", OBJECT, WS_READ_ONLY | WS_NULLABLE,
    "The user who made the change; only if included.", &user, NULL),
  WS_FIELD_OF("workspace", OBJECT, WS_READ_ONLY | WS_NULLABLE,
    "The project; only if included.", &workspace, NULL),
  WS_FIELD("include", TEXTS, WS_IN_QUERY,
    "What to include in the response: \"user\", \"workspace\".")
};
WS_SCHEMA(change, "kantata.change", "workspace_status_change",
  "workspace_status_changes", "A project's change of status.");

/* ------------------------------------------------------------------------
** Filters.
*/

#define PAGE \
  WS_FIELD("page", INTEGER, WS_IN_QUERY | WS_POSITIVE, \
    "The number of the page, from 1."), \
  WS_FIELD("per_page", INTEGER, WS_IN_QUERY | WS_POSITIVE, \
    "Items per page: 20 by default, at most 200.")

#define DATES(what) \
  WS_FIELD("created_after", TIME, WS_IN_QUERY, \
    "Only " what " created after this."), \
  WS_FIELD("created_before", TIME, WS_IN_QUERY, \
    "Only " what " created before this."), \
  WS_FIELD("updated_after", TIME, WS_IN_QUERY, \
    "Only " what " last changed after this."), \
  WS_FIELD("updated_before", TIME, WS_IN_QUERY, \
    "Only " what " last changed before this.")

#define COMMON(what) \
  WS_FIELD("only", IDS, WS_IN_QUERY, "Only " what " with these ids."), \
  WS_FIELD("order", TEXT, WS_IN_QUERY, \
    "The order, such as \"created_at:asc\"."), \
  WS_FIELD("include", TEXTS, WS_IN_QUERY, \
    "What to include with each of them."), \
  WS_FIELD("optional_fields", TEXTS, WS_IN_QUERY, \
    "Further fields to include.")

static const ws_field change_filter_fields[] = {
  WS_FIELD("workspace_id", ID, WS_IN_QUERY | WS_REQUIRED,
    "The id of the project whose changes are listed."),
  DATES("changes"),
  COMMON("changes"),
  PAGE
};
WS_SCHEMA(change_filter, "kantata.change_filter", NULL, NULL,
  "Which status changes to list.");

static const ws_field get_filter_fields[] = {
  WS_FIELD("include", TEXTS, WS_IN_QUERY, "What to include in the response.")
};
WS_SCHEMA(get_filter, "kantata.get_filter", NULL, NULL,
  "What to include with one object.");

static const ws_field workspace_get_filter_fields[] = {
  WS_FIELD("include_archived", BOOLEAN, WS_IN_QUERY,
    "True to find the project even if it is archived."),
  WS_FIELD("include", TEXTS, WS_IN_QUERY, "What to include in the response."),
  WS_FIELD("optional_fields", TEXTS, WS_IN_QUERY,
    "Further fields to include.")
};
WS_SCHEMA(workspace_get_filter, "kantata.workspace_get_filter", NULL, NULL,
  "What to include with a project.");

static const ws_field workspace_filter_fields[] = {
  WS_FIELD("search", TEXT, WS_IN_QUERY,
    "Only projects that match this text, or \"status:'In Progress'\"."),
  WS_FIELD("matching", TEXT, WS_IN_QUERY,
    "Only projects with a word in their title that starts with this text."),
  WS_FIELD("except", IDS, WS_IN_QUERY, "Excludes the projects with these ids."),
  WS_FIELD("include_archived", BOOLEAN, WS_IN_QUERY,
    "True to list archived projects as well."),
  WS_FIELD("on_my_account", BOOLEAN, WS_IN_QUERY,
    "Only projects of the token's account."),
  WS_FIELD("has_participation", BOOLEAN, WS_IN_QUERY,
    "Only projects in which the token's user takes part."),
  WS_FIELD("workspace_groups", IDS, WS_IN_QUERY,
    "Only projects in the groups with these ids."),
  WS_FIELD("stage", TEXT, WS_IN_QUERY,
    "Only projects of this stage: \"estimate\" or \"project\"."),
  WS_FIELD("archived", TEXT, WS_IN_QUERY,
    "Which projects to list: \"only\", \"exclude\" or "
    "\"include\"."),
  DATES("projects"),
  COMMON("projects"),
  PAGE
};
WS_SCHEMA(workspace_filter, "kantata.workspace_filter", NULL, NULL,
  "Which projects to list.");

const ws_schema *const ws_kantata_schemas[] = {
  &change, &workspace, &status, &user, &change_filter, &get_filter,
  &workspace_get_filter, &workspace_filter, NULL
};
