--- Deletes a workflow with its stages, if they are empty and nobody has
-- changed it since it was planned.
local complete = require "workstage.migration.operations.defaults"
local drain = require "workstage.migration.execute.drain"
local render = require "workstage.migration.operations.render"
local space = require "workstage.migration.space"
local state = require "workstage.migration.state"
local formatted = require "workstage.visible".format

local kind = {}

--- @tparam table workflow its attributes
-- @tparam table stages array of the attributes of its stages
function kind.new(workflow, stages)
  return { op = "delete_workflow", workflow = workflow.id,
           name = workflow.name, if_not_empty = "leave",
           before = { workflow = workflow, stages = stages } }
end

function kind.reduce(before, op, result)
  if result and result.left then return before end
  local draft = state.draft(before)
  local workflow = state.workflow_ref(before, op.workflow)
  for _, ref in ipairs(state.order(before, workflow)) do
    state.remove_stage(draft, ref)
  end
  draft.workflows[workflow] = nil
  return draft
end

-- The reason not to delete it; nil if there is none; false and the error.
local function obstacle(run, op, id, now)
  local before = state.new({ op.before.workflow }, op.before.stages)
  local found = state.differences(before, now, id)
  if #found > 0 then return table.concat(found, "; ") end
  for _, stage in ipairs(state.stages_of(now, id)) do
    local left, err = drain.count_items(run, stage.id)
    if not left then return false, err end
    if left > 0 then
      return formatted("its stage %q contains %s", stage.name,
                       render.items(left))
    end
  end
end

local function leave(run, op, why)
  run:leave(formatted("workflow %q is not deleted: %s", op.name, why))
  return run:finish { left = true }
end

local function delete(run, id)
  run:begin()
  local done, err = run.client.workflows:delete(id)
  if not done and err.kind ~= "not_found" then return nil, err end
  return run:finish()
end

function kind.execute(run, op)
  local id = state.workflow_ref(run.state, op.workflow)
  local now, err = space.read_state(run.client, { id })
  if not now then return nil, err end
  if not now.workflows[id] then return run:finish() end
  local why
  why, err = obstacle(run, op, id, now)
  if why == false then return nil, err end
  if why then return leave(run, op, why) end
  return delete(run, id)
end

-- The workflow and its stages are read, and the items of each stage are
-- counted.
function kind.requests(op) return 2 + #op.before.stages + 1 end

function kind.render(op)
  return { { "red", ("  - workflow %s"):format(render.quoted(op.name)) } }
end

return complete(kind)
