--- The kinds of operations in a plan. Each is one file, and all other code
-- uses this table: nothing else compares the kind of an operation with a
-- string.
--
-- A kind has these functions; `defaults.lua` has those that it leaves out:
--
-- - `reduce(state, op, result)`: the state after the operation. `result` is
--   the argument of `finish` when it was performed; nil in a plan.
-- - `needs(op)`: the stages to read before it.
-- - `requires(op)`: preconditions as data (`preconditions.lua`).
-- - `execute(run, op, index, earlier)`: performs it. Returns true when done;
--   false if the run was stopped; nil and the error. `earlier` is the
--   journal's record of an interrupted attempt.
-- - `recover(run, op, earlier)`: finds out what an interrupted attempt did.
--   `run` has only `client`, `state` and `id_of`.
-- - `inverse(op, before, after)`: its changes, as fragments.
-- - `requests(op, rate)`: how many requests it takes.
-- - `render(op, names)`: its lines in a plan, each a text or { colour, text }.
-- - `effects(op, after, before)`: its side effects: name -> count.
local operations = {}

--- Kind -> its table.
operations.kinds = {
  create_workflow = require "workstage.migration.operations.create_workflow",
  update_workflow = require "workstage.migration.operations.update_workflow",
  delete_workflow = require "workstage.migration.operations.delete_workflow",
  clear_workflow = require "workstage.migration.operations.clear_workflow",
  create_stage = require "workstage.migration.operations.create_stage",
  update_stage = require "workstage.migration.operations.update_stage",
  delete_stage = require "workstage.migration.operations.delete_stage",
  transfer_stage = require "workstage.migration.operations.transfer_stage",
  order_stages = require "workstage.migration.operations.order_stages",
  move = require "workstage.migration.operations.move",
}

--- The kind of an operation. Raises if it is unknown.
function operations.of(op)
  local kind = operations.kinds[op.op]
  if not kind then
    error(("unknown kind of operation: %s"):format(op.op), 0)
  end
  return kind
end

--- The state after an operation.
function operations.reduce(state, op, result)
  return operations.of(op).reduce(state, op, result)
end

--- The workflows that have to be read for an operation.
-- @tparam table state before it
-- @tparam table op
-- @treturn table array of references
function operations.workflows(state, op)
  local refs, seen = {}, {}
  local function add(ref)
    if ref and not seen[ref] then
      seen[ref] = true
      refs[#refs + 1] = ref
    end
  end
  add(state.workflow_ids[op.workflow] or op.workflow)
  for _, ref in ipairs(operations.of(op).needs(op).stages or {}) do
    local stage = state.stages[state.ids[ref] or ref]
    add(stage and stage.workflow)
  end
  return refs
end

--- The state at the end of a plan.
-- @tparam table state before the first operation
-- @tparam table list the operations
function operations.after(state, list)
  for _, op in ipairs(list) do state = operations.reduce(state, op) end
  return state
end

--- The side effects of the operations, counted.
-- @tparam table state before the first operation
-- @tparam table list the operations
-- @treturn table name -> count
function operations.effects(state, list)
  local after, counts = operations.after(state, list), {}
  for _, op in ipairs(list) do
    for name, count in pairs(operations.of(op).effects(op, after, state)) do
      counts[name] = (counts[name] or 0) + count
    end
  end
  return counts
end

return operations
