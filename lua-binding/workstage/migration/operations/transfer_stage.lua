--- Moves a stage into another workflow, with its items.
local attributes = require "workstage.migration.stage"
local complete = require "workstage.migration.operations.defaults"
local sets = require "workstage.sets"
local space = require "workstage.migration.space"
local stages = require "workstage.migration.execute.stages"
local state = require "workstage.migration.state"

local kind = {}

--- @tparam table before the state
-- @param ref the stage
-- @param workflow the reference of the workflow that it moves into
-- @tparam table set its attributes in the new workflow
function kind.new(before, ref, workflow, set)
  local stage = before.stages[ref]
  return { op = "transfer_stage", stage = ref, workflow = workflow,
           from_workflow = stage.workflow, name = set.name or stage.name,
           color = set.color or stage.color, set = set,
           next_names = state.names(before, set.workflow_stage_ids) }
end

function kind.reduce(before, op)
  local draft, ref = state.draft(before), state.ref(before, op.stage)
  draft.stages[ref] = state.copy(before.stages[ref] or {})
  draft.stages[ref].workflow = state.workflow_ref(before, op.workflow)
  state.set_stage(draft, ref, op.set)
  return draft
end

function kind.needs(op) return { stages = { op.stage } } end

function kind.requires(op)
  local list = {
    { check = "stage_is_in_workflow", stage = op.stage, name = op.name,
      workflow = op.from_workflow },
    { check = "workflow_exists", workflow = op.workflow },
    { check = "name_is_free", workflow = op.workflow, stage = op.stage,
      name = op.name, color = op.color or nil },
  }
  for i, ref in ipairs(op.set.workflow_stage_ids or {}) do
    if ref ~= op.stage then
      list[#list + 1] = { check = "stage_is_in_workflow", stage = ref,
                          workflow = op.workflow,
                          name = op.next_names and op.next_names[i] }
    end
  end
  return list
end

function kind.recover(run, op)
  local stage, err = space.stage(run.client, state.ref(run.state, op.stage))
  if not stage then return nil, err end
  return stage.workflow == state.workflow_ref(run.state, op.workflow) and {}
end

-- Sends all attributes, including name and colour, which must be free in the
-- other workflow.
function kind.execute(run, op)
  run:begin()
  local id = state.ref(run.state, op.stage)
  local values = state.copy(run.state.stages[id])
  for name, value in pairs(op.set) do values[name] = value end
  local body = stages.body(run, values)
  body.workflow_id = state.workflow_ref(run.state, op.workflow)
  local done, err = run.client.stages:update(id, body)
  if not done then return nil, err end
  return run:finish()
end

--- The attributes that change when a stage moves, without references to stages
-- that are not in the other workflow (yet).
-- @tparam table before the state
-- @param ref the stage
-- @param workflow the reference of the other workflow
-- @tparam table target its attributes after the plan
function kind.set_of(before, ref, workflow, target)
  local now = before.stages[ref]
  local set = attributes.changes(now, target) or {}
  local function is_there(other)
    return other == ref or state.has_stage(before, other, workflow)
  end
  set.workflow_stage_ids = sets.filter(target.workflow_stage_ids, is_there)
  local publish = target.after_publish_id
  set.after_publish_id = is_there(publish) and publish or false
  set.is_default = false
  return set
end

return complete(kind)
