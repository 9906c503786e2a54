--- Compares two workflows, each as a blueprint.
local sets = require "workstage.sets"

local workflow_diff = {}

-- In the order in which they are shown. What only one side says is not
-- compared: a blueprint leaves out what it does not change.
local ATTRIBUTES = {
  "color", "is_default", "next", "after_publish", "roles", "users",
  "allow_all_users", "allow_admin_change", "allow_editor_change",
  "allow_publish", "allow_admin_publish", "story_editing_locked",
  "auto_remove_assignee",
}

-- Lists of names have no order.
local IS_SET = { next = true, roles = true, users = true,
                 content_types = true }

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    if type(a) == "string" and type(b) == "string" then
      return a:lower() == b:lower() and a:find "^#" ~= nil or a == b
    end
    return a == b
  end
  return sets.equal(a, b)
end

-- The attributes that a stage takes over by `inherit`.
local function inherited(stage, by_name, seen)
  local from = stage.inherit and by_name[stage.inherit]
  seen = seen or {}
  if not from or seen[stage] then return stage end
  seen[stage] = true
  local whole = {}
  for name, value in pairs(inherited(from, by_name, seen)) do
    whole[name] = value
  end
  whole.is_default = nil
  for name, value in pairs(stage) do whole[name] = value end
  return whole
end

local function index(stages)
  local by_name, whole = {}, {}
  for _, stage in ipairs(stages) do by_name[stage.name] = stage end
  for name, stage in pairs(by_name) do
    whole[name] = inherited(stage, by_name)
  end
  return whole
end

local function list_change(a, b)
  local was, is, removed, added = {}, {}, {}, {}
  for _, name in ipairs(a) do was[name] = true end
  for _, name in ipairs(b) do
    is[name] = true
    if not was[name] then added[#added + 1] = name end
  end
  for _, name in ipairs(a) do
    if not is[name] then removed[#removed + 1] = name end
  end
  return removed, added
end

local function change_of(attribute, a, b)
  local change = { attribute = attribute, a = a, b = b }
  if IS_SET[attribute] and type(a) == "table" and type(b) == "table" then
    change.removed, change.added = list_change(a, b)
  end
  return change
end

local function stage_changes(a, b)
  local changes = {}
  for _, name in ipairs(ATTRIBUTES) do
    if a[name] ~= nil and b[name] ~= nil and not equal(a[name], b[name]) then
      changes[#changes + 1] = change_of(name, a[name], b[name])
    end
  end
  return changes
end

-- The stages that both have, in the order of each.
local function common_order(stages, other)
  local order = {}
  for _, stage in ipairs(stages) do
    if other[stage.name] then order[#order + 1] = stage.name end
  end
  return order
end

local function same_order(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- Compares two blueprints of a workflow.
-- @tparam table a a blueprint in normal form
-- @tparam table b
-- @treturn table `equal`; `added` and `removed` (names of stages that only b,
--   only a has); `changed`: array of `stage` and `changes` (array of
--   `attribute`, `a`, `b`, for lists also `removed`, `added`); `workflow`: the
--   same for the workflow's own attributes; `order`: nil, or { a =, b = }
function workflow_diff.compare(a, b)
  local one, other = index(a.stages or {}), index(b.stages or {})
  local diff = { added = {}, removed = {}, changed = {}, workflow = {} }
  for _, stage in ipairs(a.stages or {}) do
    local found = other[stage.name]
    local changes = found and stage_changes(one[stage.name], found) or {}
    if not found then diff.removed[#diff.removed + 1] = stage.name
    elseif #changes > 0 then
      table.insert(diff.changed, { stage = stage.name, changes = changes })
    end
  end
  for _, stage in ipairs(b.stages or {}) do
    if not one[stage.name] then diff.added[#diff.added + 1] = stage.name end
  end
  if a.content_types and b.content_types and
     not equal(a.content_types, b.content_types) then
    diff.workflow[1] = change_of("content_types", a.content_types,
                                 b.content_types)
  end
  local left = common_order(a.stages or {}, other)
  local right = common_order(b.stages or {}, one)
  if not same_order(left, right) then diff.order = { a = left, b = right } end
  diff.equal = #diff.added + #diff.removed + #diff.changed +
               #diff.workflow == 0 and not diff.order
  return diff
end

return workflow_diff
