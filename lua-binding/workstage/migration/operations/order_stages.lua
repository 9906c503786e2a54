--- Gives the stages of a workflow their positions.
local complete = require "workstage.migration.operations.defaults"
local state = require "workstage.migration.state"
local update_workflow = require "workstage.migration.operations.update_workflow"

local kind = {}

function kind.new(workflow, order, before)
  return { op = "order_stages", workflow = workflow, order = order,
           before = before }
end

function kind.reduce(before, op)
  local draft = state.draft(before)
  for position, each in ipairs(op.order) do
    state.set_stage(draft, state.ref(before, each), { position = position })
  end
  return draft
end

function kind.needs(op) return { stages = op.order } end

function kind.requires(op)
  local list = {}
  for i, ref in ipairs(op.order) do
    list[i] = { check = "stage_is_in_workflow", stage = ref,
                workflow = op.workflow }
  end
  return list
end

function kind.execute(run, op)
  local places = {}
  for position, each in ipairs(op.order) do
    places[position] = { id = state.ref(run.state, each),
                         position = position }
  end
  run:begin()
  local done, err = update_workflow.send(run, op.workflow, {
    workflow_stages_attributes = places,
  })
  if not done then return nil, err end
  return run:finish()
end

-- The workflow is read first.
function kind.requests() return 2 end

function kind.render(op, names)
  local parts = {}
  for i, ref in ipairs(op.order) do parts[i] = names.stage(ref) end
  return { { "yellow", "  ~ order: " .. table.concat(parts, ", ") } }
end

return complete(kind)
