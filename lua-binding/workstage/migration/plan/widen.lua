--- Widens the transitions and members of a stage before items move, and
-- removes its transitions to stages that will be deleted. Pure functions.
local attributes = require "workstage.migration.stage"
local sets = require "workstage.sets"

local widen = {}

local function union(...)
  local list, seen = {}, {}
  for i = 1, select("#", ...) do
    for _, item in ipairs((select(i, ...)) or {}) do
      if not seen[item] then
        seen[item] = true
        list[#list + 1] = item
      end
    end
  end
  return list
end

--- True if items may move to a stage: false for a new one without transitions
-- yet, unless its target has none.
-- @tparam table state
-- @tparam ?string|integer|boolean ref
function widen.is_open(state, ref)
  local stage = ref and state.stages[ref]
  if not stage or stage.id then return true end
  return stage.allow_all_stages or stage.allow_none_for_next_stages or
         #attributes.next_of(stage) > 0
end

local function leads_to_all(stage)
  return stage.allow_all_stages and not stage.allow_none_for_next_stages
end

local function transitions(set, now, target, needed)
  if leads_to_all(now) then return end
  if leads_to_all(target) then
    set.allow_all_stages, set.allow_none_for_next_stages = true, false
    return
  end
  local old = attributes.next_of(now)
  local wanted = union(old, attributes.next_of(target), needed)
  if #wanted > #old then
    set.workflow_stage_ids = wanted
    set.allow_none_for_next_stages = false
  end
end

-- An empty list means no restriction: its first entry would exclude everybody
-- else.
local function members(set, now, target)
  for _, name in ipairs { "space_role_ids", "user_ids" } do
    local old = now[name] or {}
    local wanted = union(old, target[name])
    if #old > 0 and #wanted > #old then set[name] = wanted end
  end
end

local FLAGS = { "allow_all_users", "allow_admin_change",
                "allow_editor_change" }

--- What a stage gets before items move: the union of its current and its final
-- transitions and members.
-- @tparam table now its attributes
-- @tparam table target its final attributes
-- @tparam ?table needed references of stages that items move to
-- @treturn ?table the attributes that change; nil for none
function widen.set(now, target, needed)
  local set = {}
  transitions(set, now, target, needed)
  members(set, now, target)
  for _, flag in ipairs(FLAGS) do
    if target[flag] and not now[flag] then set[flag] = true end
  end
  return attributes.changes(now, set)
end

--- The changes that remove a stage's transitions to those that will be
-- deleted: "all stages" becomes the list of the others.
-- @tparam table now its attributes
-- @tparam table is_gone set of references
-- @tparam table order the references of all stages of the workflow
-- @treturn ?table the attributes that change; nil for none
function widen.without(now, is_gone, order)
  local set, list = {}, now.workflow_stage_ids or {}
  if leads_to_all(now) then list = order end
  local rest = sets.filter(list, function(ref) return not is_gone[ref] end)
  if #rest < #list then
    set.workflow_stage_ids = rest
    if leads_to_all(now) then set.allow_all_stages = false end
  end
  if is_gone[now.after_publish_id] then set.after_publish_id = false end
  return attributes.changes(now, set)
end

local function leads_on(stage, ref, order)
  for _, other in ipairs(order) do
    if other ~= ref and attributes.leads_to(stage, other) then return true end
  end
  return false
end

--- Ensures that items can leave a stage while none of its next stages exists:
-- all stages are then allowed.
-- @tparam table now its attributes
-- @param ref its reference
-- @tparam table set the attributes that change
-- @tparam table order the references of the stages of its workflow
-- @treturn table `set`, or a copy with more in it
function widen.keep_open(now, ref, set, order)
  local after = {}
  for name, value in pairs(now) do after[name] = value end
  for name, value in pairs(set) do after[name] = value end
  local has_other = #order > 1 or order[1] ~= nil and order[1] ~= ref
  if not has_other or leads_on(after, ref, order) then return set end
  local open = { allow_all_stages = true, allow_none_for_next_stages = false }
  for name, value in pairs(set) do
    if open[name] == nil then open[name] = value end
  end
  return open
end

--- True if items can leave a stage for another one of its workflow.
widen.leads_on = leads_on

return widen
