--- Deletes the stages that the service put into a new workflow and that no
-- stage of the plan has adopted. One that holds items stays.
local complete = require "workstage.migration.operations.defaults"
local items = require "workstage.migration.items"
local render = require "workstage.migration.operations.render"
local state = require "workstage.migration.state"
local formatted = require "workstage.visible".format

local kind = {}

function kind.new(workflow)
  return { op = "clear_workflow", workflow = workflow,
           if_not_empty = "leave" }
end

-- The stages that the service created with the workflow, in order.
local function given_stages(self, op)
  local workflow, refs = state.workflow_ref(self, op.workflow), {}
  for _, ref in ipairs(state.order(self, workflow)) do
    if self.stages[ref].is_given then refs[#refs + 1] = ref end
  end
  return refs
end

function kind.reduce(before, op, result)
  local draft, kept = state.draft(before), {}
  for _, id in ipairs(result and result.kept or {}) do kept[id] = true end
  for _, ref in ipairs(given_stages(before, op)) do
    if not kept[ref] then state.remove_stage(draft, ref) end
  end
  return draft
end

local function clear(run, id)
  local left, err = items.count(run.client, id)
  if not left then return nil, err end
  if left > 0 then
    run:leave(formatted("stage %q came with the workflow and holds %s: it " ..
                        "stays", run.state.stages[id].name,
                        render.items(left)))
    return "kept"
  end
  left, err = run.client.stages:delete(id)
  if not left and err.kind ~= "not_found" then return nil, err end
  return "deleted"
end

function kind.execute(run, op)
  local kept = {}
  run:begin()
  for _, id in ipairs(given_stages(run.state, op)) do
    local done, err = clear(run, id)
    if not done then return nil, err end
    if done == "kept" then kept[#kept + 1] = id end
  end
  return run:finish { kept = kept }
end

-- The stages that come with a new workflow are not known in advance.
function kind.requests() return 0 end

return complete(kind)
