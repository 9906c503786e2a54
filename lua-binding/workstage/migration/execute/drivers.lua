--- How the items of each service are read and moved.
local errors = require "workstage.errors"
local items = require "workstage.migration.items"
local reconcile = require "workstage.reconcile"
local transport = require "workstage.transport"

local storyblok = {
  PER_PAGE = 100,
  item = "story",
}

--- Reads items: id -> { stage = its id or false, created = when it entered it,
-- due, is_due_unknown, name }; an item that no longer exists has no entry. One
-- of the two forms in which the service returns a story's stage has neither
-- date.
-- @tparam[opt] integer release_id the release whose versions are read
function storyblok.fetch_current(space, ids, release_id)
  local stories, err = items.fetch(space, ids, release_id)
  if not stories then return nil, err end
  local found = {}
  for id, story in pairs(stories) do
    local stage = items.stage_of(story)
    found[id] = { stage = stage and stage.workflow_stage_id or false,
                  created = stage and stage.created_at,
                  due = stage and stage.due_date, name = story.full_slug,
                  is_due_unknown = stage and items.is_due_unknown(stage) or
                                   nil }
  end
  return found
end

--- Moves an item that was read before: returns the change, or nil and the
-- error.
function storyblok.move(space, item, to, set, opts)
  set.story_id, set.workflow_stage_id = item.id, to
  if set.due_date == false then set.due_date = transport.null end
  return space.changes:create(set, opts)
end

--- Finds out if an earlier run that recorded no outcome has moved an item.
-- @tparam table seen what that run read of the item before: `stage`,
--   `created_at`
-- @treturn string "done", "not_done" or "unknown"
-- @return the change, or why it is unknown
function storyblok.find_change(space, id, to, set, seen)
  return reconcile.lookup(space.changes, {
    story_id = id, workflow_stage_id = to, release_id = set.release_id,
  }, seen)
end

--- True if the move may have been refused because the item changed meanwhile.
function storyblok.may_have_changed(err)
  return errors.is(err) and err.kind == "not_found"
end

--- True if the move may have been refused because the stage is gone.
function storyblok.may_lack_target(err)
  return errors.is(err) and (err.kind == "not_found" or
                             err.kind == "rejected")
end

local kantata = {
  PER_PAGE = 100,
  FETCHED = { only = { "status", "title" } },
  item = "project",
}

--- The same for projects. `stage` is missing if the service does not show the
-- status.
function kantata.fetch_current(account, ids)
  local page, err = account.workspaces:page({
    only = ids, archived = "include", order = "created_at:asc",
    per_page = kantata.PER_PAGE,
  }, kantata.FETCHED)
  if not page then return nil, err end
  local found = {}
  for _, workspace in ipairs(page) do
    found[workspace.id] = {
      stage = workspace.status and workspace.status.key,
      name = workspace.title,
    }
  end
  return found
end

function kantata.move(account, item, to, _, opts)
  return account.changes:create({ workspace_id = item.id,
                                  to_status_key = to }, opts)
end

function kantata.find_change(account, id, to, _, seen)
  return reconcile.lookup(account.changes, { workspace_id = id,
                                             to_status_key = to }, seen)
end

--- The service also refuses a change to the status that a project already has.
function kantata.may_have_changed(err)
  return errors.is(err) and (err.kind == "not_found" or
                             err.kind == "rejected")
end

--- Statuses are never removed.
function kantata.may_lack_target() return false end

return { storyblok = storyblok, kantata = kantata }
