--- The stages of a run as they are known, and their updates. An update sends
-- all that a stage has, so what others have changed meanwhile is read first.
local attributes = require "workstage.migration.stage"
local space = require "workstage.migration.space"
local state = require "workstage.migration.state"
local transport = require "workstage.transport"

local stages = {}

--- The body of a request for a stage with these attributes.
function stages.body(run, values)
  return attributes.body(state.resolve(run.state, values), transport.null)
end

-- ---------------------------------------------------------------- reading

local function was_replaced(run, id, name, value)
  local values = run.replaced[id] and run.replaced[id][name] or {}
  for _, each in ipairs(values) do
    if attributes.equal(name, each, value) then return true end
  end
  return false
end

-- A read may not show yet what the run has just changed: a value that it has
-- replaced itself is no news.
local function merge(run, stage)
  local known = run.state.stages[stage.id] or {}
  for _, name in ipairs(attributes.all) do
    if known[name] ~= nil and was_replaced(run, stage.id, name, stage[name])
    then
      stage[name] = known[name]
    end
  end
  stage.is_given = known.is_given
  return stage
end

-- A stage that its workflow no longer lists: where it is now.
local function find_missing(run, draft, id)
  local stage, err = space.stage(run.client, id)
  if stage then draft.stages[id] = merge(run, stage)
  elseif err.kind == "not_found" then draft.stages[id] = nil
  else return nil, err end
  return true
end

--- Reads the stages of every workflow that the plan touches into the run's
-- state.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function stages.read(run)
  local draft, listed = state.draft(run.state), {}
  for _, workflow in ipairs(state.touched(run.state)) do
    local found, err = space.stages(run.client, workflow)
    if not found then return nil, err end
    for _, stage in ipairs(found) do
      listed[stage.id] = true
      draft.stages[stage.id] = merge(run, stage)
    end
  end
  for id in pairs(run.state.stages) do
    if not listed[id] then
      local found, err = find_missing(run, draft, id)
      if not found then return nil, err end
    end
  end
  run.state, run.is_aged = draft, false
  return true
end

--- Reads them again where others have had time to change them: moves can take
-- hours, and so can a person who is asked.
function stages.refresh(run)
  if not run.is_aged then return true end
  return stages.read(run)
end

-- ---------------------------------------------------------------- updates

--- Notes which values the run has replaced, between two of its states.
function stages.note_replaced(run, before, after)
  for id, stage in pairs(after.stages) do
    local was = before.stages[id]
    for _, name in ipairs(was and was ~= stage and attributes.all or {}) do
      if was[name] ~= nil and
         not attributes.equal(name, was[name], stage[name]) then
        run.replaced[id] = run.replaced[id] or {}
        run.replaced[id][name] = run.replaced[id][name] or {}
        table.insert(run.replaced[id][name], was[name])
      end
    end
  end
end

--- Changes attributes of a stage. All others are sent as they are, but for
-- name and colour: those of a stage that shares them could be refused.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function stages.update(run, id, set)
  local done, err = stages.refresh(run)
  if not done then return nil, err end
  local values = state.copy(run.state.stages[id] or {})
  values.name, values.color = nil, nil
  for name, value in pairs(set) do values[name] = value end
  return run.client.stages:update(id, stages.body(run, values))
end

return stages
