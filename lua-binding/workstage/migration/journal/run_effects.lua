--- What a run has made of each stage, as its journal says: every value that
-- an attribute may have been given, in the order of the operations. A request
-- that was under way when the run ended may or may not have taken effect, so
-- one value alone would not do.
local core = require "workstage.core"
local attributes = require "workstage.migration.stage"

local History = {}
History.__index = History

-- References of a plan as the ids that they stand for by now.
local function with_ids(name, value, ids)
  if name == "after_publish_id" then return ids[value] or value end
  if name ~= "workflow_stage_ids" then return value end
  local list = {}
  for i, ref in ipairs(value) do list[i] = ids[ref] or ref end
  return list
end

function History:note(id, name, value)
  local seen = self.seen[id] or {}
  self.seen[id] = seen
  seen[name] = seen[name] or {}
  table.insert(seen[name], value)
  if self.states[id] then self.states[id][name] = value end
end

function History:set(id, values)
  for name, value in pairs(values) do
    self:note(id, name, with_ids(name, value, self.ids))
  end
  if not values.is_default then return end
  for other in pairs(self.states) do
    if other ~= id then self:note(other, "is_default", false) end
  end
end

-- The service takes a stage that goes away out of the others.
function History:delete(id)
  self.states[id] = nil
  for other, state in pairs(self.states) do
    if state.after_publish_id == id then
      self:note(other, "after_publish_id", false)
    end
    local left = {}
    for _, ref in ipairs(state.workflow_stage_ids or {}) do
      if ref ~= id then left[#left + 1] = ref end
    end
    if #left ~= #(state.workflow_stage_ids or {}) then
      self:note(other, "workflow_stage_ids", left)
    end
  end
end

local take = {}

-- What came with a workflow is changed only as others take the mark of the
-- default, or go.
function take.create_workflow(self)
  for _, stage in ipairs(self.given) do
    self.states[stage.id], self.came[stage.id] = core.copy(stage), true
    for _, name in ipairs(attributes.all) do
      self:note(stage.id, name, stage[name])
    end
  end
end

function take.clear_workflow(self)
  for id in pairs(self.came) do
    if not self.created[id] then self:delete(id) end
  end
end

function take.create_stage(self, operation)
  local id = self.ids[operation.stage]
  self.created[id or operation.name] = operation.name
  if id then self.states[id] = {} end
  self:set(id or operation.name, operation.set)
end

function take.update_stage(self, operation)
  self:set(self.ids[operation.stage] or operation.stage, operation.set)
end

function take.delete_stage(self, operation, state)
  for _, opened in ipairs(state.opened) do
    self:set(opened.stage, opened.set)
  end
  if state.started then
    self.deleted[operation.stage] = operation.before
    self:delete(operation.stage)
  end
end

function take.order_stages(self, operation)
  self.order = {}
  for i, ref in ipairs(operation.order) do
    self.order[i] = self.ids[ref] or ref
  end
end

--- Whether the run may have given an attribute the value that it has now.
function History:is_own(id, name, value)
  local values = self.seen[id] and self.seen[id][name] or {}
  for _, each in ipairs(values) do
    if attributes.equal(name, each, value) then return true end
  end
  return false
end

--- Whether others have changed a stage that the run made, or that came with
-- its workflow. Its position depends on those of others, and says nothing.
function History:is_changed(now)
  local by_id, by_name = self.seen[now.id] or {}, self.seen[now.name] or {}
  for _, name in ipairs(attributes.all) do
    if name ~= "position" and (by_id[name] or by_name[name]) and
       not self:is_own(now.id, name, now[name]) and
       not self:is_own(now.name, name, now[name]) then
      return true
    end
  end
  return false
end

--- Makes the history of a journal.
-- @tparam table replayed what `replay.read` says of it
-- @treturn table `created` (id, or the name where the id is not known ->
--   name), `deleted` (id -> the stage that it was), `came` (set of ids, of
--   what came with a workflow), `states` (id, or name -> attributes, of what
--   is to be there), `seen` (id -> attribute -> values), `order` (ids, where
--   the run ordered stages)
return function(replayed)
  local self = setmetatable({
    ids = replayed.ids, states = {}, seen = {}, created = {}, deleted = {},
    given = replayed.given or {}, came = {},
  }, History)
  for _, stage in ipairs(replayed.plan.structure.stages) do
    self.states[stage.id] = core.copy(stage)
  end
  for index, operation in ipairs(replayed.plan.operations) do
    local state, note = replayed.progress[index], take[operation.op]
    if note and state and (state.started or operation.op == "delete_stage")
    then
      note(self, operation, state)
    end
  end
  return self
end
