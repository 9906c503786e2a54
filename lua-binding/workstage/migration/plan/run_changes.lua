--- Every value that a run may have given to an attribute. A request in flight
-- when the run ended may or may not have taken effect, so the last value alone
-- is not enough.
local attributes = require "workstage.migration.stage"
local operations = require "workstage.migration.operations"
local state = require "workstage.migration.state"

local Changes = {}
Changes.__index = Changes

--- The attributes that are compared individually. Transitions are one value.
local SINGLE = { "name", "color", "after_publish_id", "space_role_ids",
                 "user_ids" }
for _, flag in ipairs(attributes.flags) do
  if flag ~= "is_default" then SINGLE[#SINGLE + 1] = flag end
end
Changes.SINGLE = SINGLE

--- The transitions of a stage as one value, without stages that are gone;
-- nil if they are not known.
-- @tparam table stage attributes
-- @tparam table stages those that exist
-- @treturn ?table array
function Changes.transitions(stage, stages)
  if stage.workflow_stage_ids == nil and stage.allow_all_stages == nil then
    return nil
  end
  if stage.allow_all_stages then return { "all" } end
  if stage.allow_none_for_next_stages then return { "none" } end
  local list = {}
  for _, ref in ipairs(stage.workflow_stage_ids or {}) do
    if stages[ref] then list[#list + 1] = ref end
  end
  return list
end

local function note(self, what, ref, name, value)
  local seen = self[what]
  seen[ref] = seen[ref] or {}
  seen[ref][name] = seen[ref][name] or {}
  table.insert(seen[ref][name], value)
end

local function take_workflow(self, fragment)
  local ref, before, after = fragment.workflow, fragment.before,
                             fragment.after
  if not before then self.made_workflows[ref] = after end
  if not after then
    self.removed_workflows[ref] = before
    return
  end
  for _, name in ipairs { "name", "content_types" } do
    if not before or
       not attributes.equal(name, before[name], after[name]) then
      note(self, "workflow_values", ref, name, after[name])
    end
  end
end

local function take_stage(self, fragment)
  local ref, before, after = fragment.stage, fragment.before, fragment.after
  if not before then self.made[ref] = after end
  if not after then
    self.removed[ref] = before
    return
  end
  for _, name in ipairs(SINGLE) do
    if after[name] ~= nil and not (before and
       attributes.equal(name, before[name], after[name])) then
      note(self, "values", ref, name, after[name])
    end
  end
  if before and before.workflow ~= after.workflow then
    note(self, "values", ref, "workflow", after.workflow)
  end
  note(self, "versions", ref, "transitions", after)
  if after.is_default then
    note(self, "defaults", after.workflow, "default", ref)
  end
end

function Changes:take(list)
  for _, fragment in ipairs(list) do
    if fragment.workflow then take_workflow(self, fragment)
    else take_stage(self, fragment) end
  end
end

local function is_one_of(values, name, value)
  for _, each in ipairs(values or {}) do
    if attributes.equal(name, each, value) then return true end
  end
  return false
end

--- True if the run may have given an attribute of a stage this value.
function Changes:is_own(ref, name, value)
  return is_one_of((self.values[ref] or {})[name], name, value)
end

--- True if the run has changed the attribute at all.
function Changes:has_written(ref, name)
  return (self.values[ref] or {})[name] ~= nil
end

--- True if the run may have given a stage these transitions.
function Changes:is_own_transitions(ref, transitions, stages)
  for _, version in ipairs((self.versions[ref] or {}).transitions or {}) do
    local own = Changes.transitions(version, stages)
    if own == nil or attributes.equal("workflow_stage_ids", own, transitions)
    then
      return true
    end
  end
  return false
end

--- True if the run may have given a workflow this value.
function Changes:is_own_workflow_value(ref, name, value)
  return is_one_of((self.workflow_values[ref] or {})[name], name, value)
end

--- True if the run may have made the stage the default one.
function Changes:is_own_default(workflow, ref)
  return is_one_of((self.defaults[workflow] or {}).default, "id", ref)
end

--- True if others have changed a stage that the run created, or that came with
-- its workflow. Its position is ignored: it depends on other stages.
function Changes:is_changed(stage, stages)
  for _, name in ipairs(SINGLE) do
    if self:has_written(stage.id, name) and
       not self:is_own(stage.id, name, stage[name]) then
      return true
    end
  end
  return not self:is_own_transitions(stage.id,
    Changes.transitions(stage, stages), stages)
end

-- The argument of `recover` instead of a run.
local Reader = {}
Reader.__index = Reader

function Reader:id_of(ref) return state.ref(self.state, ref) end

-- The result of an operation; nil if it was never sent. An interrupted attempt
-- may have taken effect.
local function result_of(client, self, op, progress)
  if progress.done then return progress.result end
  if not progress.started and #progress.opened == 0 then return nil end
  local result, err = operations.of(op).recover(
    setmetatable({ client = client, state = self.after }, Reader), op,
    progress)
  if result == nil then return nil, err end
  result = result or {}
  result.opened, result.left = progress.opened, not progress.started
  return result
end

--- Collects what a run has changed.
-- @tparam table client reads what interrupted operations have created
-- @tparam table replayed what the journal says
-- @treturn[1] table `before`, `after` (states), `made`, `removed` (stage ->
--   attributes), `made_workflows`, `removed_workflows`, `order` (workflow ->
--   ids, where the run ordered stages)
-- @treturn[2] nil
-- @treturn[2] table the error
function Changes.of(client, replayed)
  local self = setmetatable({
    before = replayed.plan.state, after = replayed.plan.state, made = {},
    removed = {}, made_workflows = {}, removed_workflows = {}, values = {},
    versions = {}, workflow_values = {}, defaults = {},
  }, Changes)
  for index, op in ipairs(replayed.plan.operations) do
    local progress = replayed.progress[index]
    local result, err
    if progress and not progress.skipped then
      result, err = result_of(client, self, op, progress)
      if err then return nil, err end
    end
    if result then
      local kind, before = operations.of(op), self.after
      self.after = kind.reduce(before, op, result)
      self:take(kind.inverse(op, before, self.after))
    end
  end
  return self
end

return Changes
