--- Computes the workflows after a rollback. Pure: no network or files.
--
-- Three states are merged: before the run, everything that the run may have
-- written, and now. Values that nobody changed since the run are restored; a
-- value that somebody changed since is a conflict, which is listed and kept.
-- Sets are merged by element, transitions as one value, the default stage per
-- workflow, positions as an order.
local attributes = require "workstage.migration.stage"
local render = require "workstage.migration.operations.render"
local quoted = require "workstage.visible".quoted
local sets = require "workstage.sets"
local state = require "workstage.migration.state"
local swap = require "workstage.migration.plan.swap"

local Merge = {}
Merge.__index = Merge

function Merge:conflict(message, ...)
  table.insert(self.conflicts, message:format(...))
end

-- ------------------------------------------------------------ attributes

-- A set without the elements that the run added, and with those it removed.
local function merge_set(before, after, now)
  local had, wrote, has = sets.of(before), sets.of(after), sets.of(now)
  local result = sets.filter(now, function(item)
    return had[item] or not wrote[item]
  end)
  local removed = sets.filter(before, function(item)
    return not wrote[item] and not has[item]
  end)
  return table.move(removed, 1, #removed, #result + 1, result)
end

-- The value to restore for an attribute.
function Merge:value(ref, name, before, now)
  local is = now[name]
  if self.changes:is_own(ref, name, is) then return before[name] end
  if attributes.equal(name, is, before[name]) or
     not self.changes:has_written(ref, name) then
    return is
  end
  if type(is) == "table" then
    local after = self.changes.after.stages[ref] or {}
    return merge_set(before[name], after[name], is)
  end
  self:conflict("stage %s: %s was changed since, and is kept",
                quoted(now.name), name)
  return is
end

-- Transitions in one state, ignoring those to deleted stages.
local function take_transitions(target, from)
  target.allow_all_stages = from.allow_all_stages
  target.allow_none_for_next_stages = from.allow_none_for_next_stages
  target.workflow_stage_ids = from.workflow_stage_ids
end

function Merge:transitions(target, ref, before, now)
  local stages, changes = self.now.stages, self.changes
  local is = changes.transitions(now, stages)
  local was = changes.transitions(before, stages)
  if changes:is_own_transitions(ref, is, stages) then
    take_transitions(target, before)
  elseif changes.versions[ref] and
         not attributes.equal("workflow_stage_ids", is, was) then
    self:conflict("stage %s: its transitions were changed since, and are kept",
                  quoted(now.name))
  end
end

-- Restores the attributes of a stage that nobody has changed since the run.
function Merge:restored(ref, before, now)
  local target = state.copy(now)
  for _, name in ipairs(self.changes.SINGLE) do
    target[name] = self:value(ref, name, before, now)
  end
  self:transitions(target, ref, before, now)
  return target
end

-- ---------------------------------------------------------------- stages

-- A stage that the run created is removed, unless others use it.
function Merge:is_dropped(ref, now)
  local changes, held = self.changes, self.held[ref]
  if not changes.made[ref] then return false end
  if changes:is_changed(now, self.now.stages) then
    self:conflict("stage %s was changed since it was created, and is kept",
                  quoted(now.name))
  elseif held then
    self:conflict("stage %s is kept: %s in it that this run did not move " ..
                  "there, or that cannot be moved back", quoted(now.name),
                  render.items(held))
  else
    return true
  end
  return false
end

function Merge:add(target, ref, now)
  target.key, target.id = ref, now and ref or nil
  target.current = now
  table.insert(self.targets, target)
end

-- True if the run may have moved a stage into the workflow that it is in.
function Merge:is_transferred(ref)
  local now, before = self.now.stages[ref], self.before.stages[ref]
  return before and now and before.workflow ~= now.workflow and
         self.changes:is_own(ref, "workflow", now.workflow)
end

-- The existing stages after the rollback.
function Merge:present(workflow)
  for _, ref in ipairs(state.order(self.now, workflow)) do
    local now, before = self.now.stages[ref], self.before.stages[ref]
    local goes_back = self:is_transferred(ref)
    if before and not goes_back then
      self:add(self:restored(ref, before, now), ref, now)
    elseif not before and not self:is_dropped(ref, now) then
      self:add(state.copy(now), ref, now)
    end
  end
end

-- Creates deleted stages again.
function Merge:absent(workflow)
  for _, ref in ipairs(state.order(self.before, workflow)) do
    local before, now = self.before.stages[ref], self.now.stages[ref]
    if not now and self.changes.removed[ref] then
      self:add(state.copy(before), ref)
      table.insert(self.notes, ("stage %s is created again and gets a new id")
                               :format(quoted(before.name)))
    elseif not now then
      self:conflict("stage %s is gone: this run did not delete it",
                    quoted(before.name))
    elseif self:is_transferred(ref) then
      self:add(self:restored(ref, before, now), ref, now)
    elseif now.workflow ~= workflow then
      self:conflict("stage %s is now in another workflow, and is kept there",
                    quoted(before.name))
    end
  end
end

-- --------------------------------------------------------- unique values

-- Existing stages keep their names and colours; others get spare ones.
function Merge:settle_unique(attribute)
  local taken, rest = {}, {}
  for _, target in ipairs(self.targets) do
    local key = swap.key(attribute, target[attribute])
    if key and target.current and
       attributes.equal(attribute, target.current[attribute],
                        target[attribute]) then
      taken[key] = true
    elseif key then
      rest[#rest + 1] = target
    end
  end
  for _, target in ipairs(rest) do
    local value = target[attribute]
    if taken[swap.key(attribute, value)] then
      target[attribute] = swap.spare(attribute, value, taken)
      self:conflict("stage %s: another stage now has the %s %s; it gets %s",
                    quoted(target.name), attribute, quoted(value),
                    quoted(target[attribute]))
    end
    taken[swap.key(attribute, target[attribute])] = true
  end
end

local function default_of(self, workflow)
  for _, ref in ipairs(state.order(self, workflow)) do
    if self.stages[ref].is_default then return ref end
  end
end

local function has_target(self, ref)
  for _, target in ipairs(self.targets) do
    if ref and target.key == ref then return true end
  end
  return false
end

-- The default stage before the run, if nobody has chosen another since.
function Merge:settle_default(workflow)
  local before = default_of(self.before, workflow)
  local now, default = default_of(self.now, workflow), nil
  local is_own = now == nil or self.changes:is_own_default(workflow, now)
  if before ~= now and not is_own and self.changes.defaults[workflow] then
    self:conflict "the default stage was changed since, and is kept"
  end
  for _, ref in ipairs { is_own and before or false, now or false,
                         before or false } do
    if not default and has_target(self, ref) then default = ref end
  end
  for _, target in ipairs(self.targets) do
    target.is_default = target.key == default
  end
end

-- ----------------------------------------------------------------- order

local function common(order, other)
  local there = sets.of(other)
  return sets.filter(order, function(ref) return there[ref] end)
end

local function is_same_order(a, b)
  local left, right = common(a, b), common(b, a)
  for i, ref in ipairs(left) do
    if right[i] ~= ref then return false end
  end
  return true
end

-- Restores the order before the run unless somebody has changed it since;
-- later stages come last.
function Merge:settle_order(workflow)
  local before = state.order(self.before, workflow)
  local now = state.order(self.now, workflow)
  local after = state.order(self.changes.after, workflow)
  local kept = common(now, before)
  local is_own = is_same_order(kept, after) or is_same_order(kept, before)
  if not is_own then
    self:conflict "the order of the stages was changed since, and is kept"
  end
  local rank = {}
  for i, ref in ipairs(is_own and before or now) do rank[ref] = i end
  for i, target in ipairs(self.targets) do
    target.rank = { rank[target.key] or math.huge, i }
  end
  table.sort(self.targets, function(a, b)
    if a.rank[1] ~= b.rank[1] then return a.rank[1] < b.rank[1] end
    return a.rank[2] < b.rank[2]
  end)
end

-- ---------------------------------------------------------- descriptions

-- A stage in the form in which the planner takes descriptions: other stages
-- by their keys, members by their ids.
local function describe(target)
  local stage = { id = target.id or false, key = target.key,
                  name = target.name, color = target.color or nil,
                  roles = target.space_role_ids, users = target.user_ids,
                  next = target.workflow_stage_ids,
                  after_publish = target.after_publish_id }
  for _, flag in ipairs(attributes.flags) do stage[flag] = target[flag] end
  if target.allow_all_stages then stage.next = "all"
  elseif target.allow_none_for_next_stages then stage.next = "none" end
  return stage
end

local function without_gone(stage, keys)
  if type(stage.next) == "table" then
    stage.next = sets.filter(stage.next, function(key) return keys[key] end)
  end
  stage.after_publish = keys[stage.after_publish] and stage.after_publish or
                        false
end

local function described(self)
  local stages, keys = {}, {}
  for _, target in ipairs(self.targets) do keys[target.key] = true end
  for i, target in ipairs(self.targets) do
    stages[i] = describe(target)
    without_gone(stages[i], keys)
  end
  return stages
end

function Merge:stages(workflow)
  self.targets = {}
  self:present(workflow)
  self:absent(workflow)
  self:settle_unique "name"
  self:settle_unique "color"
  self:settle_default(workflow)
  self:settle_order(workflow)
  return described(self)
end

-- ------------------------------------------------------------- workflows

-- The changes of others to a workflow that the run created; nil if there are
-- none.
function Merge:change_of(ref)
  local changes, now = self.changes, self.now.workflows[ref]
  if not changes:is_own_workflow_value(ref, "name", now.name) then
    return ("it was renamed to %s"):format(quoted(now.name))
  elseif not changes:is_own_workflow_value(ref, "content_types",
                                           now.content_types) then
    return "its content types were changed"
  end
  for _, id in ipairs(state.order(self.now, ref)) do
    local stage = self.now.stages[id]
    local goes_back = self:is_transferred(id)
    if not goes_back and not changes.made[id] then
      return ("it now has a stage %s"):format(quoted(stage.name))
    elseif not goes_back and changes:is_changed(stage, self.now.stages) then
      return ("its stage %s was changed"):format(quoted(stage.name))
    end
  end
  for _, id in ipairs(state.order(changes.after, ref)) do
    if math.type(id) and not self.now.stages[id] then
      return ("its stage %s is gone"):format(
        quoted(changes.after.stages[id].name))
    end
  end
end

-- A workflow that the run created is removed after its items have moved,
-- unless others use it.
function Merge:made(ref, made)
  local change = not self.now.workflows[ref] and "it is gone" or
                 self:change_of(ref)
  if not change then
    return { ref = ref, remove = true, if_not_empty = "leave" }
  end
  self:conflict("workflow %s is kept: %s", quoted(made.name), change)
end

-- A deleted workflow is created again unless its name is taken.
function Merge:removed(ref, before)
  for _, workflow in pairs(self.now.workflows) do
    if workflow.name == before.name then
      self:conflict("workflow %s is not created again: another one has that " ..
                    "name", quoted(before.name))
      return nil
    end
  end
  table.insert(self.notes, ("workflow %s is created again: it and its " ..
               "stages get new ids"):format(quoted(before.name)))
  self.targets = {}
  for _, id in ipairs(state.order(self.before, ref)) do
    local stage = self.before.stages[id]
    if self:is_transferred(id) then
      local target = self:restored(id, stage, self.now.stages[id])
      target.is_default = stage.is_default
      self:add(target, id, self.now.stages[id])
    else
      self:add(state.copy(stage), id)
    end
  end
  return { name = before.name, content_types = before.content_types,
           stages = described(self) }
end

function Merge:workflow_value(ref, name, before, now)
  local is, changes = now[name], self.changes
  if changes:is_own_workflow_value(ref, name, is) then return before[name] end
  local values = (changes.workflow_values[ref] or {})[name]
  if not values or attributes.equal(name, is, before[name]) then return is end
  if type(is) == "table" then
    return merge_set(before[name], changes.after.workflows[ref][name], is)
  end
  self:conflict("workflow %s: %s was changed since, and is kept",
                quoted(now.name), name)
  return is
end

function Merge:restored_workflow(ref, before)
  local now = self.now.workflows[ref]
  if not now then
    self:conflict("workflow %s is gone: this run did not delete it",
                  quoted(before.name))
    return nil
  end
  return { ref = ref, if_not_empty = "leave",
           name = self:workflow_value(ref, "name", before, now),
           content_types = self:workflow_value(ref, "content_types", before,
                                               now),
           stages = self:stages(ref) }
end

--- Merges the three states.
-- @tparam table changes what the run may have written (`run_changes`), with
--   the state before it
-- @tparam table now the state
-- @tparam table held id of a created stage -> number of items because of which
--   it is kept
-- @treturn table targets, as the planner takes them
-- @treturn table conflicts: sentences about what is kept
-- @treturn table notes: sentences about what gets new ids
return function(changes, now, held)
  local self = setmetatable({ changes = changes, before = changes.before,
                              now = now, held = held, conflicts = {},
                              notes = {} }, Merge)
  local targets = {}
  local function add(target) targets[#targets + 1] = target end
  for _, ref in ipairs(state.touched(self.before)) do
    local before = self.before.workflows[ref]
    if changes.removed_workflows[ref] and not now.workflows[ref] then
      add(self:removed(ref, before))
    else
      add(self:restored_workflow(ref, before))
    end
  end
  for ref, made in pairs(changes.made_workflows) do
    if math.type(ref) then add(self:made(ref, made)) end
  end
  return targets, self.conflicts, self.notes
end
