--- Finds the stories that a blueprint's moves match.
local paging = require "workstage.paging"

local items = {}

local PER_PAGE = 100

-- The fields that are decoded of each story, besides its id.
local LISTED = { only = { "stage" } }
local FETCHED = { only = { "stage", "full_slug" } }

-- Calls `visit(story)` for each story that matches, page by page.
local function sweep(space, filter, visit)
  local pages = paging.sweep(function(number, per_page)
    local paged = { page = number, per_page = per_page or PER_PAGE }
    for name, value in pairs(filter) do paged[name] = value end
    return space.stories:page(paged, LISTED)
  end, true)
  while true do
    local fresh, err = pages:next()
    if fresh == nil then return nil, err end
    if not fresh then return true end
    for _, story in ipairs(fresh) do visit(story) end
  end
end

local function filter_of(where, from, release_id)
  local filter = { release_id = release_id }
  for name, value in pairs(where or {}) do filter[name] = value end
  if from then filter.in_workflow_stages = { from }
  else filter.story_only = true end
  return filter
end

-- True if a later rule lists items: the ones claimed so far must then be
-- remembered. For the last rule that would waste memory.
local function is_last(rules, index)
  for i = index + 1, #rules do
    if rules[i].from ~= nil then return false end
  end
  return true
end

--- The stage that a story is in; nil for none. A service may return an object
-- in which every member is null.
function items.stage_of(story)
  local stage = story.stage
  return stage and stage.workflow_stage_id and stage or nil
end

--- True if the response has no due date: one of the two forms of a story's
-- stage lacks it.
function items.is_due_unknown(stage)
  return stage.due_date == nil and stage.workflow_stage_name ~= nil
end

-- Counts if the due date of a rule's item is kept, cleared or unknown.
local function count_due(rule, stage)
  local outcome
  if not stage or rule.set and rule.set.due_date then return end
  if items.is_due_unknown(stage) then outcome = "unknown"
  elseif stage.due_date then
    outcome = rule.set and rule.set.due_date == false and "cleared" or "kept"
  end
  if outcome then
    rule.dues_count[outcome] = rule.dues_count[outcome] + 1
  end
end

-- Adds to a rule the items that no earlier rule has claimed.
local function list_one(space, rule, claimed, claims)
  local filter = filter_of(rule.where, rule.from,
                           rule.set and rule.set.release_id)
  return sweep(space, filter, function(story)
    local id, stage = story.id, items.stage_of(story)
    local stage_id = stage and stage.workflow_stage_id or false
    if stage_id ~= rule.from or claimed[id] then return end
    if claims then claimed[id] = true end
    rule.items[#rule.items + 1] = id
    count_due(rule, stage)
  end)
end

--- Lists the items of each rule; one that several rules match belongs to the
-- first of them.
-- @tparam table space
-- @tparam table rules array of { from = stage id, or false for no stage,
--   where, set (attributes of its changes) }; each gets `items`, an array of
--   ids, `count`, and `dues_count`, how many due dates are `kept`, `cleared`,
--   and `unknown` (not returned by the service, and therefore lost)
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function items.list(space, rules)
  local claimed = {}
  for i, rule in ipairs(rules) do
    rule.items = {}
    rule.dues_count = { kept = 0, cleared = 0, unknown = 0 }
    if rule.from ~= nil then
      local listed, err = list_one(space, rule, claimed,
                                   not is_last(rules, i))
      if not listed then return nil, err end
    end
    rule.count = #rule.items
  end
  return true
end

--- Counts the items in a stage: by the total of a page, or by reading all
-- pages where the service sends no total. An empty page is an empty stage.
function items.count(space, stage_id)
  local filter = filter_of(nil, stage_id)
  local page, err = space.stories:page {
    in_workflow_stages = filter.in_workflow_stages, per_page = 1,
  }
  if not page then return nil, err end
  if page.total and page.total >= #page then return page.total end
  if #page == 0 then return 0 end
  local count, read = 0
  read, err = sweep(space, filter, function() count = count + 1 end)
  if not read then return nil, err end
  return count
end

--- The items of a stage, as stories, in pages: `visit(story)` for each.
function items.visit(space, where, stage_id, visit)
  return sweep(space, filter_of(where, stage_id), visit)
end

--- Reads some items.
-- @tparam table space
-- @tparam table ids at most 100
-- @tparam[opt] integer release_id the release whose versions are read
-- @treturn[1] table id -> the story; no entry if it no longer exists
-- @treturn[2] nil
-- @treturn[2] table the error
function items.fetch(space, ids, release_id)
  local page, err = space.stories:page({
    by_ids = ids, per_page = PER_PAGE, release_id = release_id,
  }, FETCHED)
  if not page then return nil, err end
  local found = {}
  for _, story in ipairs(page) do found[story.id] = story end
  return found
end

return items
