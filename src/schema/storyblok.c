/*
** Storyblok's objects, and the filters of its lists. A new field is one
** line here. The order is the one in which bodies are written.
*/

#include "schema/schema.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const ws_field stage_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the stage."),
  WS_FIELD("name", TEXT, WS_REQUIRED,
    "The name of the stage, unique within its workflow."),
  WS_FIELD("color", TEXT, WS_REQUIRED,
    "The colour of the stage, such as \"#4a90e2\", unique within its "
    "workflow."),
  WS_FIELD("position", INTEGER, 0,
    "The position of the stage in its workflow."),
  WS_FIELD("update_position", BOOLEAN, WS_WRITE_ONLY,
    "True to swap positions with the stage at the new position."),
  WS_FIELD("workflow_id", ID, WS_NULLABLE,
    "The id of the workflow; without one a new stage lands in the default "
    "workflow."),
  WS_FIELD("is_default", BOOLEAN, 0,
    "True if new stories of the workflow start in this stage."),
  WS_FIELD("allow_publish", BOOLEAN, 0,
    "True if all users can publish stories in this stage."),
  WS_FIELD("allow_all_stages", BOOLEAN, 0,
    "True if stories may move to every stage of the workflow."),
  WS_FIELD("allow_admin_publish", BOOLEAN, 0,
    "True if admins can publish stories in this stage."),
  WS_FIELD("allow_all_users", BOOLEAN, 0,
    "True if every user may move stories out of this stage."),
  WS_FIELD("allow_admin_change", BOOLEAN, 0,
    "True if admins may move stories out of this stage."),
  WS_FIELD("allow_editor_change", BOOLEAN, 0,
    "True if editors may move stories out of this stage."),
  WS_FIELD("allow_none_for_next_stages", BOOLEAN, 0,
    "True if stories may not move to any other stage."),
  WS_FIELD("story_editing_locked", BOOLEAN, 0,
    "True if stories in this stage cannot be edited."),
  WS_FIELD("auto_remove_assignee", BOOLEAN, 0,
    "True if stories that enter this stage lose their assignees."),
  WS_FIELD("after_publish_id", ID, WS_NULLABLE,
    "The id of the stage that a story moves to when it is published."),
  WS_FIELD("user_ids", IDS, 0,
    "The ids of the users who may move stories out of this stage."),
  WS_FIELD("space_role_ids", IDS, 0,
    "The ids of the space roles that may move stories out of it."),
  WS_FIELD("workflow_stage_ids", IDS, 0,
    "The ids of the stages that stories may move to."),
  WS_FIELD("_new", BOOLEAN, WS_READ_ONLY,
    "A flag of the service's own editor; never sent."),
  WS_FIELD("_destroy", BOOLEAN, WS_READ_ONLY,
    "A flag of the service's own editor; never sent.")
};
WS_SCHEMA(stage, "storyblok.stage", "workflow_stage", "workflow_stages",
  "A stage of a workflow.");

static const ws_field comment_fields[] = {
  WS_FIELD("message", TEXT, 0, "The text of the comment.")
};
WS_SCHEMA(comment, "storyblok.comment", NULL, NULL,
  "A comment on a change.");

static const ws_field assign_fields[] = {
  WS_FIELD("user_ids", IDS, 0, "The ids of the users to assign."),
  WS_FIELD("space_role_ids", IDS, 0,
    "The ids of the space roles to assign.")
};
WS_SCHEMA(assign, "storyblok.assign", NULL, NULL,
  "Who a story is assigned to with a change.");

static const ws_field change_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the change."),
  WS_FIELD("story_id", ID, WS_REQUIRED | WS_WRITE_ONLY,
    "The id of the story to move."),
  WS_FIELD("workflow_stage_id", ID, WS_REQUIRED,
    "The id of the stage that the story moves to."),
  WS_FIELD("due_date", TIME, WS_NULLABLE,
    "When the story is due to leave the stage."),
  WS_FIELD("workflow_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the workflow of that stage."),
  WS_FIELD("user_id", ID, WS_READ_ONLY,
    "The id of the user who made the change."),
  WS_FIELD("created_at", TIME, WS_READ_ONLY,
    "The time of the change."),
  WS_FIELD("release_id", ID, WS_OUTSIDE_ROOT | WS_WRITE_ONLY | WS_NULLABLE,
    "The id of the release in which the story is moved."),
  WS_FIELD("notify", BOOLEAN, WS_OUTSIDE_ROOT | WS_WRITE_ONLY,
    "True to notify users of the stage by e-mail."),
  WS_FIELD_OF("comment", OBJECT, WS_OUTSIDE_ROOT | WS_WRITE_ONLY,
    "A comment on the change.", &comment, "message"),
  WS_FIELD_OF("assign", OBJECT, WS_OUTSIDE_ROOT | WS_WRITE_ONLY,
    "The users and space roles to assign the story to.", &assign, NULL)
};
WS_SCHEMA(change, "storyblok.change", "workflow_stage_change",
  "workflow_stage_changes", "A story's move to a stage.");

static const ws_field stage_position_fields[] = {
  WS_FIELD("id", ID, WS_REQUIRED, "The id of the stage."),
  WS_FIELD("position", INTEGER, 0,
    "The position of the stage in its workflow.")
};
WS_SCHEMA(stage_position, "storyblok.stage_position", NULL, NULL,
  "A stage's new position in its workflow.");

static const ws_field workflow_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the workflow."),
  WS_FIELD("name", TEXT, WS_REQUIRED, "The name of the workflow."),
  WS_FIELD("content_types", TEXTS, WS_REQUIRED,
    "The content types whose stories go through the workflow."),
  WS_FIELD("is_default", BOOLEAN, WS_READ_ONLY,
    "True for the workflow of all content types without one of their own."),
  WS_FIELD_OF("workflow_stages", OBJECTS, 0,
    "The stages of the workflow, on create and in responses.", &stage, NULL),
  WS_FIELD_OF("workflow_stages_attributes", OBJECTS, WS_WRITE_ONLY,
    "New positions of stages of the workflow, on update.", &stage_position,
    NULL)
};
WS_SCHEMA(workflow, "storyblok.workflow", "workflow", "workflows",
  "A workflow: the stages that stories of some content types go through.");

static const ws_field duplicate_fields[] = {
  WS_FIELD("name", TEXT, 0,
    "The name of the copy, different from the original's; the reference "
    "requires it."),
  WS_FIELD("content_types", TEXTS, 0,
    "The content types of the copy, different from the original's; the "
    "reference requires them."),
  WS_FIELD_OF("workflow_stages", OBJECTS, 0,
    "The stages of the copy.", &stage, NULL)
};
WS_SCHEMA(duplicate, "storyblok.duplicate", "workflow", NULL,
  "The attributes of a copy of a workflow.");

static const ws_field story_stage_fields[] = {
  WS_FIELD("workflow_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the workflow."),
  WS_FIELD("workflow_stage_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the stage."),
  WS_FIELD("story_id", ID, WS_READ_ONLY, "The id of the story."),
  WS_FIELD("due_date", TIME, WS_READ_ONLY | WS_NULLABLE,
    "When the story is due to leave the stage."),
  WS_FIELD("created_at", TIME, WS_READ_ONLY,
    "When the story entered the stage."),
  WS_FIELD("workflow_name", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The name of the workflow."),
  WS_FIELD("workflow_stage_name", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The name of the stage."),
  WS_FIELD("workflow_stage_color", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The colour of the stage.")
};
WS_SCHEMA(story_stage, "storyblok.story_stage", NULL, NULL,
  "The stage of a story, with the fields of either shape the service uses.");

static const ws_field story_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the story."),
  WS_FIELD("uuid", TEXT, WS_READ_ONLY, "The UUID of the story."),
  WS_FIELD("name", TEXT, WS_READ_ONLY, "The name of the story."),
  WS_FIELD("slug", TEXT, WS_READ_ONLY, "The last part of its full slug."),
  WS_FIELD("full_slug", TEXT, WS_READ_ONLY,
    "The whole path of the story."),
  WS_FIELD("path", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The path that the visual editor opens, if it is not the slug."),
  WS_FIELD("is_folder", BOOLEAN, WS_READ_ONLY,
    "True for a folder."),
  WS_FIELD("is_startpage", BOOLEAN, WS_READ_ONLY,
    "True for the start page of a folder."),
  WS_FIELD("parent_id", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "The id of its folder."),
  WS_FIELD("position", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "The position of the story in its folder."),
  WS_FIELD("pinned", BOOLEAN, WS_READ_ONLY, "True if it is pinned."),
  WS_FIELD("tag_list", TEXTS, WS_READ_ONLY | WS_NULLABLE,
    "The tags of the story."),
  WS_FIELD("published", BOOLEAN, WS_READ_ONLY | WS_NULLABLE,
    "True if the story is published."),
  WS_FIELD("unpublished_changes", BOOLEAN, WS_READ_ONLY | WS_NULLABLE,
    "True if it was changed since it was published."),
  WS_FIELD("content_type", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The content type of the story: in single stories the component of "
    "their content."),
  WS_FIELD("content", ANY, WS_READ_ONLY | WS_NULLABLE,
    "The content of the story; only in single stories."),
  WS_FIELD("release_ids", IDS, WS_READ_ONLY | WS_NULLABLE,
    "The ids of the releases it is in; only in lists."),
  WS_FIELD("user_ids", IDS, WS_READ_ONLY | WS_NULLABLE,
    "The ids of the users it is assigned to; set through stage changes."),
  WS_FIELD("space_role_ids", IDS, WS_READ_ONLY | WS_NULLABLE,
    "The ids of the space roles it is assigned to; set through stage "
    "changes."),
  WS_FIELD_OF("stage", OBJECT, WS_READ_ONLY | WS_NULLABLE,
    "The stage that the story is in.", &story_stage, NULL),
  WS_FIELD("created_at", TIME, WS_READ_ONLY,
    "When the story was created."),
  WS_FIELD("updated_at", TIME, WS_READ_ONLY | WS_NULLABLE,
    "When the story was last changed."),
  WS_FIELD("published_at", TIME, WS_READ_ONLY | WS_NULLABLE,
    "When the story was last published.")
};
WS_SCHEMA(story, "storyblok.story", "story", "stories",
  "A story: a content entry, or a folder.");

static const ws_field role_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the space role."),
  WS_FIELD("role", TEXT, WS_READ_ONLY, "The name of the space role."),
  WS_FIELD("subtitle", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "A second line under the name."),
  WS_FIELD("ext_id", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The id of the role in another system.")
};
WS_SCHEMA(role, "storyblok.role", "space_role", "space_roles",
  "A role that users of the space can have.");

static const ws_field user_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the user."),
  WS_FIELD("userid", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's login name, often but not always the e-mail address."),
  WS_FIELD("email", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's e-mail address; only in the response of `whoami`."),
  WS_FIELD("username", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's name; only in the response of `whoami`."),
  WS_FIELD("friendly_name", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's name as others see it."),
  WS_FIELD("firstname", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's first name."),
  WS_FIELD("lastname", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's last name."),
  WS_FIELD("real_email", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "A collaborator's e-mail address."),
  WS_FIELD("alt_email", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "Another e-mail address of a collaborator."),
  WS_FIELD("org_role", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's role in the organisation.")
};
WS_SCHEMA(user, "storyblok.user", "user", NULL, "A user.");

static const ws_field invitation_fields[] = {
  WS_FIELD("email", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The e-mail address that was invited."),
  WS_FIELD("expires_at", TIME, WS_READ_ONLY | WS_NULLABLE,
    "When the invitation expires."),
  WS_FIELD("is_expired", BOOLEAN, WS_READ_ONLY | WS_NULLABLE,
    "True if it has expired.")
};
WS_SCHEMA(invitation, "storyblok.invitation", NULL, NULL,
  "An invitation that has not been accepted.");

static const ws_field collaborator_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the collaborator."),
  WS_FIELD("user_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the user; null while somebody is invited."),
  WS_FIELD("role", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The user's role in the space."),
  WS_FIELD("space_role_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the user's first space role."),
  WS_FIELD("space_role_ids", IDS, WS_READ_ONLY | WS_NULLABLE,
    "The ids of the user's space roles."),
  WS_FIELD("can_act_as_admin", BOOLEAN, WS_READ_ONLY | WS_NULLABLE,
    "True if the user may act as an admin; only with "
    "`with_act_as_roles`."),
  WS_FIELD_OF("user", OBJECT, WS_READ_ONLY | WS_NULLABLE,
    "The user; null while somebody is invited.", &user, NULL),
  WS_FIELD_OF("invitation", OBJECT, WS_READ_ONLY | WS_NULLABLE,
    "The invitation, as long as it has not been accepted.", &invitation,
    NULL)
};
WS_SCHEMA(collaborator, "storyblok.collaborator", "collaborator",
  "collaborators", "A user's membership in the space.");

static const ws_field release_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the release."),
  WS_FIELD("uuid", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The UUID of the release."),
  WS_FIELD("name", TEXT, WS_READ_ONLY, "The name of the release."),
  WS_FIELD("release_at", TIME, WS_READ_ONLY | WS_NULLABLE,
    "When the release is scheduled."),
  WS_FIELD("released", BOOLEAN, WS_READ_ONLY | WS_NULLABLE,
    "True if the release was published."),
  WS_FIELD("timezone", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The time zone of its date."),
  WS_FIELD("owner_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the user who made the release.")
};
WS_SCHEMA(release, "storyblok.release", "release", "releases",
  "A release: changes of stories that are published together.");

/* The response also has `first_token`, a secret that is never passed on. */
static const ws_field space_fields[] = {
  WS_FIELD("id", ID, WS_READ_ONLY, "The id of the space."),
  WS_FIELD("name", TEXT, WS_READ_ONLY, "The name of the space."),
  WS_FIELD("region", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The region of the space, such as \"eu\"."),
  WS_FIELD("owner_id", ID, WS_READ_ONLY | WS_NULLABLE,
    "The id of the user who owns the space."),
  WS_FIELD("role", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The role of the token's user in the space."),
  WS_FIELD("plan", TEXT, WS_READ_ONLY | WS_NULLABLE,
    "The plan of the space, such as \"starter\"."),
  WS_FIELD("plan_level", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "A number for the plan, whose meaning is not documented."),
  WS_FIELD("stories_count", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "The number of stories."),
  WS_FIELD("request_count_today", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "The number of requests of today."),
  WS_FIELD("api_requests", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "The number of requests of the month."),
  WS_FIELD("exceeded_requests", INTEGER, WS_READ_ONLY | WS_NULLABLE,
    "The number of requests beyond the plan."),
  WS_FIELD("limits", ANY, WS_READ_ONLY | WS_NULLABLE,
    "The limits of the plan."),
  WS_FIELD("space_roles", ANY, WS_READ_ONLY | WS_NULLABLE,
    "The roles that users of the space can have."),
  WS_FIELD("collaborators", ANY, WS_READ_ONLY | WS_NULLABLE,
    "The users of the space; possibly incomplete in large spaces.")
};
WS_SCHEMA(space, "storyblok.space", "space", NULL,
  "A space: its name, its plan and its users.");

/* ------------------------------------------------------------------------
** Filters.
*/

#define PAGE \
  WS_FIELD("page", INTEGER, WS_IN_QUERY | WS_POSITIVE, \
    "The number of the page, from 1."), \
  WS_FIELD("per_page", INTEGER, WS_IN_QUERY | WS_POSITIVE, \
    "Items per page: 25 by default, at most 100.")

#define SEARCH(what) \
  WS_FIELD("search", TEXT, WS_IN_QUERY, "Only " what " that match this text.")

static const ws_field stage_filter_fields[] = {
  WS_FIELD("in_workflow", ID, WS_IN_QUERY,
    "Only stages of the workflow with this id."),
  WS_FIELD("by_ids", IDS, WS_IN_QUERY, "Only stages with these ids."),
  WS_FIELD("exclude_id", ID, WS_IN_QUERY, "Excludes the stage with this id."),
  SEARCH("stages")
};
WS_SCHEMA(stage_filter, "storyblok.stage_filter", NULL, NULL,
  "Which stages to list.");

static const ws_field change_filter_fields[] = {
  WS_FIELD("with_story", ID, WS_IN_QUERY | WS_REQUIRED,
    "The id of the story whose changes are listed."),
  PAGE
};
WS_SCHEMA(change_filter, "storyblok.change_filter", NULL, NULL,
  "Which changes to list.");

static const ws_field workflow_filter_fields[] = {
  WS_FIELD("by_ids", IDS, WS_IN_QUERY, "Only workflows with these ids."),
  WS_FIELD("exclude_id", ID, WS_IN_QUERY,
    "Excludes the workflow with this id."),
  WS_FIELD("is_default", BOOLEAN, WS_IN_QUERY,
    "Only the default workflow, or only the others."),
  SEARCH("workflows"),
  WS_FIELD("include_stages", BOOLEAN, WS_IN_QUERY,
    "True to include the stages of each workflow."),
  WS_FIELD("content_type", TEXT, WS_IN_QUERY,
    "Only workflows of this content type (newer reference)."),
  WS_FIELD("by_content_type", TEXT, WS_IN_QUERY,
    "Only workflows of this content type (published types).")
};
WS_SCHEMA(workflow_filter, "storyblok.workflow_filter", NULL, NULL,
  "Which workflows to list.");

static const ws_field workflow_get_filter_fields[] = {
  WS_FIELD("include_stages", BOOLEAN, WS_IN_QUERY,
    "True to include the stages of the workflow.")
};
WS_SCHEMA(workflow_get_filter, "storyblok.workflow_get_filter", NULL, NULL,
  "What to include with a workflow.");

static const ws_field story_filter_fields[] = {
  PAGE,
  WS_FIELD("in_workflow_stages", IDS, WS_IN_QUERY,
    "Only stories in the stages with these ids."),
  WS_FIELD("has_workflow_stages", ANY, WS_IN_QUERY,
    "True: only stories in a stage; false: only stories without one."),
  WS_FIELD("starts_with", TEXT, WS_IN_QUERY,
    "Only stories whose full slug starts with this text."),
  WS_FIELD("by_ids", IDS, WS_IN_QUERY, "Only stories with these ids."),
  WS_FIELD("excluding_ids", IDS, WS_IN_QUERY,
    "Excludes the stories with these ids."),
  WS_FIELD("by_uuids", TEXTS, WS_IN_QUERY, "Only stories with these UUIDs."),
  WS_FIELD("by_uuids_ordered", TEXTS, WS_IN_QUERY,
    "Only stories with these UUIDs, in this order."),
  WS_FIELD("by_slugs", TEXTS, WS_IN_QUERY,
    "Only stories with these full slugs; * matches any text."),
  WS_FIELD("excluding_slugs", TEXTS, WS_IN_QUERY,
    "Excludes these full slugs; * matches any text."),
  WS_FIELD("with_slug", TEXT, WS_IN_QUERY,
    "Only the story with this full slug."),
  WS_FIELD("with_parent", INTEGER, WS_IN_QUERY,
    "Only stories directly in the folder with this id (0: the top level; "
    "not proven to filter)."),
  WS_FIELD("with_tag", TEXTS, WS_IN_QUERY,
    "Only stories with one of these tags."),
  WS_FIELD("contain_component", TEXTS, WS_IN_QUERY,
    "Only stories that contain a component with one of these names."),
  SEARCH("stories"),
  WS_FIELD("text_search", TEXT, WS_IN_QUERY,
    "Only stories with this text in name or slug."),
  WS_FIELD("reference_search", TEXT, WS_IN_QUERY,
    "Only stories that refer to the one with this UUID."),
  WS_FIELD("folder_only", BOOLEAN, WS_IN_QUERY, "Only folders."),
  WS_FIELD("story_only", BOOLEAN, WS_IN_QUERY, "Excludes folders."),
  WS_FIELD("root_folders_only", BOOLEAN, WS_IN_QUERY,
    "Only folders at the top level."),
  WS_FIELD("is_published", BOOLEAN, WS_IN_QUERY,
    "Only published stories, or only the others."),
  WS_FIELD("in_trash", BOOLEAN, WS_IN_QUERY,
    "Deleted stories instead of the others."),
  WS_FIELD("pinned", BOOLEAN, WS_IN_QUERY, "Only pinned stories."),
  WS_FIELD("mine", BOOLEAN, WS_IN_QUERY,
    "Only stories of the token's user."),
  WS_FIELD("favourite", BOOLEAN, WS_IN_QUERY,
    "Only favourites of the token's user."),
  WS_FIELD("with_summary", BOOLEAN, WS_IN_QUERY,
    "True to include a summary of each story's content."),
  WS_FIELD("with_alts", BOOLEAN, WS_IN_QUERY,
    "True to include each story's alternates."),
  WS_FIELD("with_translated_stories", BOOLEAN, WS_IN_QUERY,
    "True to include each story's translations."),
  WS_FIELD("custom_sorting", BOOLEAN, WS_IN_QUERY,
    "True to keep the order in which editors sorted the stories."),
  WS_FIELD("in_release", ID, WS_IN_QUERY,
    "Only stories in the release with this id."),
  WS_FIELD("release_id", ID, WS_IN_QUERY,
    "The stories' versions in the release with this id."),
  WS_FIELD("branch_id", ID, WS_IN_QUERY,
    "The stories' versions in the pipeline stage with this id."),
  WS_FIELD("scheduled_at_gt", TIME, WS_IN_QUERY,
    "Only stories scheduled to be published after this."),
  WS_FIELD("scheduled_at_lt", TIME, WS_IN_QUERY,
    "Only stories scheduled to be published before this."),
  WS_FIELD("scheduled_by_status", TEXT, WS_IN_QUERY,
    "Only stories whose schedule has this status."),
  WS_FIELD("sort_by", TEXT, WS_IN_QUERY,
    "The order, such as \"created_at:desc\"."),
  WS_FIELD("filter_query", ANY, WS_IN_QUERY,
    "Conditions on fields of the content: "
    "{ field = { operation = value } }; alternatives as "
    "{ __or = { { field = { operation = value } }, ... } }.")
};
WS_SCHEMA(story_filter, "storyblok.story_filter", NULL, NULL,
  "Which stories to list.");

static const ws_field story_get_filter_fields[] = {
  WS_FIELD("release_id", ID, WS_IN_QUERY,
    "The story's version in the release with this id.")
};
WS_SCHEMA(story_get_filter, "storyblok.story_get_filter", NULL, NULL,
  "Which version of a story to get.");

static const ws_field publish_filter_fields[] = {
  WS_FIELD("lang", TEXTS, WS_IN_QUERY,
    "Only these languages; \"[default]\" is the default language."),
  WS_FIELD("release_id", ID, WS_IN_QUERY,
    "The version in the release with this id.")
};
WS_SCHEMA(publish_filter, "storyblok.publish_filter", NULL, NULL,
  "Which versions of a story to publish or unpublish.");

static const ws_field role_filter_fields[] = {
  SEARCH("space roles"),
  WS_FIELD("by_ids", IDS, WS_IN_QUERY, "Only space roles with these ids.")
};
WS_SCHEMA(role_filter, "storyblok.role_filter", NULL, NULL,
  "Which space roles to list.");

static const ws_field collaborator_filter_fields[] = {
  SEARCH("collaborators"),
  WS_FIELD("by_ids", IDS, WS_IN_QUERY, "Only collaborators with these ids."),
  WS_FIELD("with_act_as_roles", BOOLEAN, WS_IN_QUERY,
    "True to include `can_act_as_admin`."),
  PAGE
};
WS_SCHEMA(collaborator_filter, "storyblok.collaborator_filter", NULL, NULL,
  "Which collaborators to list.");

static const ws_field release_filter_fields[] = {
  WS_FIELD("branch_id", ID, WS_IN_QUERY,
    "Only releases of the pipeline stage with this id.")
};
WS_SCHEMA(release_filter, "storyblok.release_filter", NULL, NULL,
  "Which releases to list.");

const ws_schema *const ws_storyblok_schemas[] = {
  &stage, &change, &comment, &assign, &workflow, &stage_position,
  &duplicate, &story, &story_stage, &role, &collaborator, &invitation,
  &release, &user, &space,
  &stage_filter, &change_filter, &workflow_filter, &workflow_get_filter,
  &story_filter, &story_get_filter, &publish_filter, &role_filter,
  &collaborator_filter, &release_filter, NULL
};

_Static_assert(LENGTH(story_filter_fields) <= WS_MAX_FIELDS,
               "the largest schema has room");
