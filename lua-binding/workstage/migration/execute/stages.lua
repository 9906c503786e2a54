--- The stages of a run's workflow as it knows them, and their updates, which
-- send all that a stage has: what others have changed meanwhile as well.
local core = require "workstage.core"
local attributes = require "workstage.migration.stage"
local structure = require "workstage.migration.space"
local transport = require "workstage.transport"

local stages = {}

-- A reference as the id that it stands for; nil for a stage that was deleted.
local function live(run, ref)
  local id = run:id_of(ref)
  return not run.deleted[id] and id or nil
end

-- Attributes with ids in place of references.
local function resolved(run, values)
  local set = core.copy(values)
  local refs = set.workflow_stage_ids
  if refs then
    set.workflow_stage_ids = {}
    for _, ref in ipairs(refs) do
      table.insert(set.workflow_stage_ids, live(run, ref))
    end
  end
  if set.after_publish_id then
    set.after_publish_id = live(run, set.after_publish_id) or false
  end
  return set
end

--- The body of a request for a stage with these attributes.
function stages.body(run, values)
  return attributes.body(resolved(run, values), transport.null)
end

-- ------------------------------------------------------------- what is

-- The values that this run has taken from a stage.
local function note_past(run, id, name, value)
  local past = run.past[id] or {}
  run.past[id] = past
  past[name] = past[name] or {}
  table.insert(past[name], value)
end

local function put(run, id, name, value)
  local state = run.states[id]
  if state[name] ~= nil and not attributes.equal(name, state[name], value)
  then
    note_past(run, id, name, state[name])
  end
  state[name] = value
end

--- Notes that a stage has these attributes now. The service takes the mark
-- of the default from the others.
function stages.set(run, id, values)
  run.states[id] = run.states[id] or {}
  for name, value in pairs(resolved(run, values)) do
    put(run, id, name, value)
  end
  if not values.is_default then return end
  for other in pairs(run.states) do
    if other ~= id then put(run, other, "is_default", false) end
  end
end

local function is_past(run, id, name, value)
  local past = run.past[id] and run.past[id][name] or {}
  for _, each in ipairs(past) do
    if attributes.equal(name, each, value) then return true end
  end
  return false
end

-- What is read may not show yet what the run has just changed: a value that
-- it has taken away itself is no news.
local function merge(run, stage)
  for name, value in pairs(run.states[stage.id] or {}) do
    if is_past(run, stage.id, name, stage[name]) then stage[name] = value end
  end
  run.states[stage.id] = stage
end

--- Reads the stages again where others have had time to change them: moves
-- can take hours, and so can a person who is asked.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function stages.refresh(run)
  if not run.is_aged then return true end
  local found, err = structure.stages(run.client, run.workflow)
  if not found then return nil, err end
  for _, stage in ipairs(found) do merge(run, stage) end
  run.is_aged = false
  return true
end

--- Changes attributes of a stage; all others are sent as they are.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function stages.update(run, id, set)
  local done, err = stages.refresh(run)
  if not done then return nil, err end
  local values = core.copy(run.states[id] or {})
  for name, value in pairs(set) do values[name] = value end
  done, err = run.client.stages:update(id, stages.body(run, values))
  if not done then return nil, err end
  stages.set(run, id, values)
  return true
end

return stages
