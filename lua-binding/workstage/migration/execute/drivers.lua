--- How the items of each service are looked at and moved.
local items = require "workstage.migration.items"

local storyblok = {
  PER_PAGE = 100,
  item = "story",
}

--- Where the items stand: id -> { stands = stage id or false, due, name,
-- is_due_unknown }; one that is gone has no entry. One of the two shapes in
-- which the service answers a story's stage does not tell the due date.
function storyblok.look(space, ids)
  local stories, err = items.look(space, ids)
  if not stories then return nil, err end
  local found = {}
  for id, story in pairs(stories) do
    local stage = story.stage
    found[id] = { stands = stage and stage.workflow_stage_id or false,
                  due = stage and stage.due_date, name = story.full_slug,
                  is_due_unknown = stage and stage.due_date == nil and
                                   stage.workflow_stage_name ~= nil }
  end
  return found
end

--- Moves an item: the change, or nil and the error.
function storyblok.move(space, id, to, set)
  local attributes = { story_id = id, workflow_stage_id = to }
  for name, value in pairs(set) do attributes[name] = value end
  return space.changes:create(attributes)
end

local kantata = {
  PER_PAGE = 100,
  item = "project",
}

function kantata.look(account, ids)
  local page, err = account.workspaces:page {
    only = ids, archived = "include", per_page = kantata.PER_PAGE,
  }
  if not page then return nil, err end
  local found = {}
  for _, workspace in ipairs(page) do
    found[workspace.id] = {
      stands = workspace.status and workspace.status.key or false,
      name = workspace.title,
    }
  end
  return found
end

function kantata.move(account, id, to)
  return account.changes:create { workspace_id = id, to_status_key = to }
end

return { storyblok = storyblok, kantata = kantata }
