--- Changes a workflow's name or content types.
local attributes = require "workstage.migration.stage"
local complete = require "workstage.migration.operations.defaults"
local render = require "workstage.migration.operations.render"
local space = require "workstage.migration.space"
local state = require "workstage.migration.state"

local kind = {}

function kind.new(workflow, set)
  local before = {}
  for name in pairs(set) do before[name] = workflow[name] end
  return { op = "update_workflow", workflow = workflow.id,
           name = workflow.name, set = set, before = before }
end

function kind.reduce(before, op)
  local draft = state.draft(before)
  local ref = state.workflow_ref(before, op.workflow)
  local workflow = state.copy(before.workflows[ref] or {})
  for name, value in pairs(op.set) do workflow[name] = value end
  draft.workflows[ref] = workflow
  return draft
end

function kind.requires(op)
  local list = { { check = "workflow_exists", workflow = op.workflow,
                   name = op.name } }
  if op.set.name then
    list[2] = { check = "workflow_name_is_free", workflow = op.workflow,
                name = op.set.name }
  end
  return list
end

-- The current content types. A read may not show yet what this run has just
-- written.
local function types_of(known, now, written)
  if written and attributes.equal("content_types", now.content_types,
                                  written) then
    return known.content_types
  end
  return now.content_types
end

--- Sends values of a workflow together with all its other current attributes,
-- which may have changed since the plan.
function kind.send(run, ref, values)
  local id = state.workflow_ref(run.state, ref)
  local now, err = space.workflow(run.client, id)
  if not now then return nil, err end
  local types = types_of(run.state.workflows[id], now,
                         run.replaced_types[id])
  local body = { name = now.name, content_types = #types > 0 and types or nil }
  for name, value in pairs(values) do body[name] = value end
  return run.client.workflows:update(id, body)
end

function kind.execute(run, op)
  run:begin()
  local done, err = kind.send(run, op.workflow, op.set)
  if not done then return nil, err end
  local id = state.workflow_ref(run.state, op.workflow)
  if op.set.content_types then
    run.replaced_types[id] = op.before.content_types
  end
  return run:finish()
end

-- The workflow is read first.
function kind.requests() return 2 end

function kind.render(op)
  local lines = { { "yellow", ("  ~ workflow %s"):format(
    render.quoted(op.name)) } }
  if op.set.name then
    lines[#lines + 1] = ("      name: %s -> %s"):format(
      render.quoted(op.before.name), render.quoted(op.set.name))
  end
  if op.set.content_types then
    lines[#lines + 1] = "      content types: " ..
      render.list_change(op.before.content_types, op.set.content_types)
  end
  return lines
end

return complete(kind)
