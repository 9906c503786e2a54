--- The documents of the JSON benchmark: a change, a stage, a workflow of 20
-- stages and a list of 100 stories, in the services' format, with ids of
-- today's size.
local documents = {}

local ID = 288900000005462

documents.change = { story_id = ID, workflow_stage_id = ID + 7 }

documents.change_answer = { workflow_stage_change = {
  id = ID, workflow_stage_id = ID + 7, created_at = "2026-05-29T06:45:58.125Z",
  user_id = 124123, workflow_id = ID + 90,
  due_date = "2026-08-20T12:33:00.000Z",
} }

-- A story, about two hundred bytes longer than in the references: with all
-- fields, and no empty list.
local function stage(number)
  return {
    name = "Legal review " .. number, color = ("#%06x"):format(number * 4660),
    position = number, workflow_id = ID + 90, is_default = number == 1,
    allow_publish = true, allow_all_stages = false, allow_admin_publish = true,
    allow_all_users = false, allow_admin_change = true,
    allow_editor_change = false, allow_none_for_next_stages = false,
    story_editing_locked = false, auto_remove_assignee = false,
    after_publish_id = ID + 8, user_ids = { 123123, 124123 },
    space_role_ids = { 111111, 222222 },
    workflow_stage_ids = { ID + 1, ID + 2, ID + 3 },
  }
end

documents.stage = stage(1)

documents.stage_answer = { workflow_stage = stage(1) }
documents.stage_answer.workflow_stage.id = ID

documents.workflow = { name = "Article", content_types = { "article" },
                       workflow_stages = {} }
for i = 1, 20 do documents.workflow.workflow_stages[i] = stage(i) end

local function story(number)
  local slug = ("magazine/2026/story-%d"):format(number)
  return {
    id = ID + number, uuid = "00000001-5eed-4000-8000-000000000001",
    name = "A story of the magazine, number " .. number,
    slug = "story-" .. number, full_slug = slug, default_full_slug = slug,
    is_folder = false, is_startpage = false, is_scheduled = false,
    parent_id = ID + 200, group_id = "35b06a36-5bbf-4a59-8f7e-3b6d2f0a1c11",
    published = true, unpublished_changes = false, pinned = false,
    content_type = "article", content_summary = { headline = slug },
    user_ids = { 124123 }, space_role_ids = { 111111 },
    tag_list = { "magazine", "2026" }, position = -10 * number,
    sort_by_date = "2026-01-01", translated_slugs = {
      { path = slug, name = "Eine Geschichte", lang = "de" } },
    last_author = { id = 124123, userid = "editor@example.com",
                    friendly_name = "An Editor" },
    stage = { workflow_id = ID + 90, workflow_stage_id = ID + 7,
              workflow_name = "Article", workflow_stage_name = "Legal review",
              workflow_stage_color = "#4a90e2" },
    created_at = "2026-01-01T00:01:00.000Z",
    updated_at = "2026-01-01T00:01:00.000Z",
    published_at = "2026-01-01T00:01:00.000Z",
    first_published_at = "2026-01-01T00:01:00.000Z",
  }
end

documents.stories = { stories = {} }
for i = 1, 100 do documents.stories.stories[i] = story(i) end

return documents
