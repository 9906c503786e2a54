--- What `workstage.history` reads from Kantata OX.
local paging = require "workstage.paging"
local statuses = require "workstage.statuses"
local time = require "workstage.time"

-- Pages overlap, as in `history/storyblok`.
local kantata = { PER_PAGE = 200, NEW_A_PAGE = 170 }

--- See `history.names`: Kantata's changes contain the names.
function kantata.names()
  local names = { stages = {}, users = {} }
  for _, status in ipairs(statuses) do
    names.stages[status.key] = { name = status.message }
  end
  return names
end

--- Returns the changes of a project's status, unordered.
function kantata.changes(account, id)
  local list, err = account.changes:list { workspace_id = id,
                                           include = { "user" } }
  if not list then return nil, err end
  local changes = {}
  for i, change in ipairs(list) do
    changes[i] = {
      id = change.id, at = time.parse(change.created_at),
      stage = change.to_message, stage_id = change.to_status_key,
      from = change.from_message, from_id = change.from_status_key,
      user = change.user and change.user.full_name,
      user_id = change.user_id,
    }
  end
  return changes
end

local function filter_of(opts)
  local filter = {}
  for name, value in pairs(opts.where or {}) do filter[name] = value end
  return filter
end

local function item_of(workspace)
  return {
    id = workspace.id, name = workspace.title,
    stage = workspace.status.message, stage_id = workspace.status.key,
    created = time.parse(workspace.created_at),
  }
end

--- Returns an iterator over the projects with a status. Lists do not say since
-- when.
function kantata.standing(account, opts)
  local filter = filter_of(opts)
  -- an order that moves do not change
  filter.order = filter.order or "created_at:asc"
  local next_workspace = paging.each(function(number, per_page)
    filter.page, filter.per_page = number, per_page or kantata.PER_PAGE
    return account.workspaces:page(filter)
  end)
  return function()
    for workspace in next_workspace do
      local status = workspace.status
      if status and (not opts.status or status.key == opts.status) then
        return item_of(workspace)
      end
    end
  end
end

--- Returns the maximum number of projects. Lists do not say since when projects
-- have their status.
function kantata.count(account, opts)
  local filter = filter_of(opts)
  filter.per_page = 1
  local page, err = account.workspaces:page(filter)
  if not page then return nil, err end
  return page.total or #page, false
end

return kantata
