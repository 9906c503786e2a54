--- Creates plans from plain tables, without network and files.
local attributes = require "workstage.migration.stage"
local diff = require "workstage.migration.plan.diff"
local state = require "workstage.migration.state"

local planning = {}

--- The attributes in the service's response for a stage with defaults.
function planning.stage(id, name, color, more)
  local stage = attributes.of_stage { id = id, name = name, color = color }
  stage.position = id or false
  for key, value in pairs(more or {}) do stage[key] = value end
  return stage
end

--- The state of a space with one workflow, or with none.
-- @tparam table found `workflow` (may be nil) and `stages`
function planning.state(found)
  local stages = {}
  for i, stage in ipairs(found.stages) do
    stages[i] = state.copy(stage)
    stages[i].workflow = found.workflow and found.workflow.id
  end
  return state.new({ found.workflow }, stages)
end

--- Plans one workflow.
-- @tparam table found `workflow` and `stages`
-- @tparam table blueprint `workflow`, `content_types`, `stages`
-- @tparam table context `roles`, `users`
-- @tparam function resolve gets the references of the stages by name
-- @treturn[1] table the operations
-- @treturn[1] table the draft
-- @treturn[2] nil
-- @treturn[2] table problems
function planning.plan(found, blueprint, context, resolve)
  local first = planning.state(found)
  local draft, problems = diff.plan(first, { {
    ref = found.workflow and found.workflow.id, name = blueprint.workflow,
    content_types = blueprint.content_types, stages = blueprint.stages,
  } }, context, function(draft) return resolve(draft.workflows[1].refs) end)
  if not draft then return nil, problems end
  return draft.operations, draft
end

return planning
