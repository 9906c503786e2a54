--- Deletes a workflow with its stages, if nobody has changed it since it was
-- planned. Items that have come to it since then are moved by the plan's rules
-- first.
local complete = require "workstage.migration.operations.defaults"
local drain = require "workstage.migration.execute.drain"
local late_items = require "workstage.migration.operations.late_items"
local render = require "workstage.migration.operations.render"
local space = require "workstage.migration.space"
local state = require "workstage.migration.state"
local formatted = require "workstage.visible".format

local kind = {}

--- @tparam table before the state
-- @param ref the workflow
-- @tparam table moves the plan's, by which items leave its stages
-- @tparam[opt] string if_not_empty see `late_items.policy`
function kind.new(before, ref, moves, if_not_empty)
  local op = { op = "delete_workflow", workflow = ref, stages = {},
               rules = {}, targets = {},
               name = before.workflows[ref].name,
               before = { workflow = before.workflows[ref],
                          stages = state.stages_of(before, ref) } }
  for i, id in ipairs(state.order(before, ref)) do
    local rules = late_items.rules(id, moves)
    local targets = late_items.targets(before, id, moves)
    op.stages[i] = { stage = id, name = before.stages[id].name, rules = rules,
                     if_not_empty = late_items.policy(rules, if_not_empty) }
    table.move(rules, 1, #rules, #op.rules + 1, op.rules)
    table.move(targets, 1, #targets, #op.targets + 1, op.targets)
  end
  op.if_not_empty = late_items.policy(op.rules, if_not_empty)
  return op
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

function kind.needs(op) return { stages = late_items.needs(op.targets) } end

function kind.requires(op) return late_items.requires(op.targets) end

-- Returns what others have changed in the workflow since the plan; nil for
-- nothing.
local function change(op, id, now)
  local before = state.new({ op.before.workflow }, op.before.stages)
  local found = state.differences(before, now, id)
  return #found > 0 and table.concat(found, "; ") or nil
end

-- Empties its stages: true; "left" and why if something stays; false if the
-- run was stopped; nil and the error.
local function empty(run, op, index, earlier)
  for _, stage in ipairs(op.stages) do
    local done, err = drain.stage(run, stage, index, earlier)
    if done == "left" then
      return done, formatted("stage %q ", stage.name) .. err
    elseif not done then
      return done, err
    end
  end
  return true
end

local function leave(run, op, why)
  run:leave(formatted("workflow %q is not deleted: ", op.name) .. why)
end

local function delete(run, id)
  run:begin()
  local done, err = run.client.workflows:delete(id)
  if not done and err.kind ~= "not_found" then return nil, err end
  return run:finish()
end

function kind.execute(run, op, index, earlier)
  local id = state.workflow_ref(run.state, op.workflow)
  local now, err = space.read_state(run.client, { id })
  if not now then return nil, err end
  if not now.workflows[id] then return run:finish() end
  local done, why = "left", change(op, id, now)
  local is_changed = why ~= nil
  if not is_changed then done, why = empty(run, op, index, earlier) end
  if not done then return done, why end
  if done ~= "left" then return delete(run, id) end
  leave(run, op, why)
  if is_changed or op.if_not_empty == "leave" then
    return run:finish { left = true }
  end
  run.has_rest = true
  return true
end

kind.goes_on_with_rest = true

-- The workflow and its stages are read, and the items of each stage are
-- counted.
function kind.requests(op) return 2 + #op.before.stages + 1 end

function kind.render(op)
  return { { "red", ("  - workflow %s"):format(render.quoted(op.name)) } }
end

return complete(kind)
