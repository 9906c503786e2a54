--- Creates a stage.
local attributes = require "workstage.migration.stage"
local complete = require "workstage.migration.operations.defaults"
local stages = require "workstage.migration.execute.stages"
local state = require "workstage.migration.state"

local kind = {}

function kind.new(workflow, ref, set)
  return { op = "create_stage", workflow = workflow, stage = ref,
           name = set.name, set = set }
end

function kind.reduce(before, op, result)
  local draft = state.draft(before)
  local ref = result and result.id or op.stage
  if result then draft.ids[op.stage] = ref end
  draft.stages[ref] = state.copy(result and result.stage or {})
  draft.stages[ref].id = result and result.id
  draft.stages[ref].workflow = state.workflow_ref(before, op.workflow)
  state.set_stage(draft, ref, op.set)
  return draft
end

function kind.requires(op)
  return { { check = "workflow_exists", workflow = op.workflow },
           { check = "name_is_free", workflow = op.workflow,
             name = op.name, color = op.set.color } }
end

-- A stage that the service put into the new workflow, of this name or else
-- of this colour.
local function given_stage(run, op)
  local workflow = state.workflow_ref(run.state, op.workflow)
  for _, attribute in ipairs { "name", "color" } do
    for _, ref in ipairs(state.order(run.state, workflow)) do
      local stage = run.state.stages[ref]
      if stage.is_given and
         attributes.equal(attribute, stage[attribute], op.set[attribute]) then
        return stage
      end
    end
  end
end

function kind.recover(run, op)
  if given_stage(run, op) then return false end
  local stage, err = run.client.stages:find(op.name, {
    in_workflow = state.workflow_ref(run.state, op.workflow),
  })
  if stage then
    return { id = stage.id, stage = attributes.of_stage(stage) }
  end
  if err.kind == "not_found" then return false end
  return nil, err
end

local function adopt(run, stage, op)
  local done, err = stages.update(run, stage.id, op.set)
  if not done then return nil, err end
  local adopted = state.copy(stage)
  adopted.is_given = nil
  return run:finish { id = stage.id, stage = adopted }
end

function kind.execute(run, op)
  run:begin()
  local given = given_stage(run, op)
  if given then return adopt(run, given, op) end
  local body = stages.body(run, op.set)
  body.workflow_id = state.workflow_ref(run.state, op.workflow)
  local stage, err = run.client.stages:create(body)
  if not stage then return run:refused(err) end
  return run:finish { id = stage.id, stage = attributes.of_stage(stage) }
end

return complete(kind)
