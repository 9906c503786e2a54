--- The known stages of a run, and their updates. An update sends all
-- attributes of a stage, so changes by others are read first.
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

-- A read may still show values that the run itself has just replaced: they are
-- ignored.
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

-- Finds the current workflow of a stage that its old one no longer lists.
local function find_missing(run, draft, id)
  local stage, err = space.stage(run.client, id)
  if stage then draft.stages[id] = merge(run, stage)
  elseif err.kind == "not_found" then draft.stages[id] = nil
  else return nil, err end
  return true
end

-- Reads the stages of one workflow into the run's state.
local function read_workflow(run, ref)
  local found, err = space.stages(run.client, ref)
  if not found and err.kind ~= "not_found" then return nil, err end
  local draft, listed = state.draft(run.state), {}
  for _, stage in ipairs(found or {}) do
    listed[stage.id] = true
    draft.stages[stage.id] = merge(run, stage)
  end
  for id, stage in pairs(run.state.stages) do
    if stage.workflow == ref and not listed[id] then
      local good
      good, err = find_missing(run, draft, id)
      if not good then return nil, err end
    end
  end
  run.state = draft
  return true
end

--- Reads the stages of every workflow that the plan touches.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function stages.read(run)
  for _, ref in ipairs(state.touched(run.state)) do
    local good, err = read_workflow(run, ref)
    if not good then return nil, err end
  end
  return true
end

--- Reads workflows again if the last read is too old (`run.needs_refresh`):
-- moves can take hours, in which others may change them.
-- @tparam table run
-- @tparam table refs of workflows
function stages.refresh(run, refs)
  if run.needs_refresh then run.fresh, run.needs_refresh = {}, false end
  if not run.fresh then return true end
  for _, ref in ipairs(refs) do
    if not run.fresh[ref] then
      local good, err = read_workflow(run, ref)
      if not good then return nil, err end
      run.fresh[ref] = true
    end
  end
  return true
end

-- ---------------------------------------------------------------- updates

--- Records which values the run has replaced, by comparing two states.
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

--- Changes attributes of a stage. All others are sent unchanged, except name
-- and colour: the service could refuse them if another stage has the same.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function stages.update(run, id, set)
  local known = run.state.stages[id] or {}
  local done, err = stages.refresh(run, { known.workflow })
  if not done then return nil, err end
  local values = state.copy(run.state.stages[id] or {})
  values.name, values.color = nil, nil
  for name, value in pairs(set) do values[name] = value end
  return run.client.stages:update(id, stages.body(run, values))
end

return stages
