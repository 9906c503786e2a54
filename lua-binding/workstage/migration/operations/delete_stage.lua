--- Deletes a stage once a fresh read shows that it is empty. Items that have
-- come to it since the plan are moved by the plan's rules first.
local complete = require "workstage.migration.operations.defaults"
local drain = require "workstage.migration.execute.drain"
local late_items = require "workstage.migration.operations.late_items"
local state = require "workstage.migration.state"
local formatted = require "workstage.visible".format

local kind = {}

--- @tparam table before the state
-- @param ref the stage
-- @tparam table moves the plan's, by which items leave it
-- @tparam[opt] string if_not_empty see `late_items.policy`
function kind.new(before, ref, moves, if_not_empty)
  local stage, rules = before.stages[ref], late_items.rules(ref, moves)
  return { op = "delete_stage", workflow = stage.workflow, stage = ref,
           name = stage.name, rules = rules,
           targets = late_items.targets(before, ref, moves),
           if_not_empty = late_items.policy(rules, if_not_empty) }
end

function kind.reduce(before, op, result)
  local draft = state.draft(before)
  local ref = state.ref(before, op.stage)
  for _, opened in ipairs(result and result.opened or {}) do
    state.set_stage(draft, opened.stage, opened.set)
  end
  if not (result and result.left) then state.remove_stage(draft, ref) end
  return draft
end

function kind.needs(op)
  local stages = late_items.needs(op.targets)
  stages[#stages + 1] = op.stage
  return { stages = stages }
end

function kind.requires(op)
  local list = late_items.requires(op.targets)
  table.insert(list, 1, { check = "stage_is_in_workflow", stage = op.stage,
    workflow = op.workflow, name = op.name, may_be_gone = true })
  table.insert(list, 2, { check = "stage_is_not_default", stage = op.stage,
                          name = op.name })
  return list
end

function kind.recover(run, op)
  return not run.state.stages[state.ref(run.state, op.stage)] and {}
end

local function delete(run, op)
  local good, err = run:check(op)
  if not good then return nil, err end
  run:begin()
  good, err = run.client.stages:delete(state.ref(run.state, op.stage))
  if not good and err.kind ~= "not_found" then return nil, err end
  return run:finish()
end

function kind.execute(run, op, index, earlier)
  local id = state.ref(run.state, op.stage)
  if not run.state.stages[id] then return run:finish() end
  local done, err = drain.stage(run, op, index, earlier)
  if not done then return done, err end
  if done ~= "left" then return delete(run, op) end
  run:leave(formatted("stage %q is not deleted: it %s", op.name, err))
  if op.if_not_empty == "leave" then return run:finish { left = true } end
  run.has_rest = true
  return true
end

-- One request to check that it is empty, one to delete it.
function kind.requests() return 2 end

kind.goes_on_with_rest = true

return complete(kind)
