--- Creates a workflow. The service may put stages of its own into it: those
-- are adopted by stages of the same name or colour, or deleted again.
local attributes = require "workstage.migration.stage"
local complete = require "workstage.migration.operations.defaults"
local render = require "workstage.migration.operations.render"
local space = require "workstage.migration.space"
local state = require "workstage.migration.state"

local kind = {}

function kind.new(name, content_types)
  return { op = "create_workflow", workflow = name, name = name,
           content_types = content_types }
end

function kind.reduce(before, op, result)
  local draft = state.draft(before)
  local ref = result and result.id or op.workflow
  if result then draft.workflow_ids[op.workflow] = ref end
  draft.workflows[ref] = { id = ref, name = op.name, is_default = false,
                           content_types = op.content_types or {} }
  for _, stage in ipairs(result and result.given or {}) do
    local given = state.copy(stage)
    given.workflow, given.is_given = ref, true
    draft.stages[stage.id] = given
  end
  return draft
end

function kind.requires(op)
  return { { check = "workflow_name_is_free", name = op.name } }
end

local function result_of(run, id)
  local given, err = space.stages(run.client, id)
  if not given then return nil, err end
  return { id = id, given = given }
end

function kind.recover(run, op)
  local found, err = run.client.workflows:list()
  if not found then return nil, err end
  for _, workflow in ipairs(found) do
    if workflow.name == op.name and
       attributes.equal("content_types", workflow.content_types or {},
                        op.content_types or {}) then
      return result_of(run, workflow.id)
    end
  end
  return false
end

function kind.execute(run, op)
  run:begin()
  local workflow, err = run.client.workflows:create {
    name = op.name, content_types = op.content_types,
  }
  if not workflow then return run:refused(err) end
  local result
  result, err = result_of(run, workflow.id)
  if not result then return nil, err end
  return run:finish(result)
end

function kind.requests() return 2 end

function kind.render(op)
  return { { "green", ("  + workflow %s for %s"):format(
    render.quoted(op.name), render.list(op.content_types or {})) } }
end

return complete(kind)
