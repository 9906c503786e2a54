--- The kinds of operations that a plan can hold. Each is one file, and all
-- other code asks it through this table: nothing else compares the kind of an
-- operation with a string.
--
-- A kind has these functions; `defaults.lua` has those that it leaves out:
--
-- - `reduce(state, op, result)`: the state after the operation. `result` is
--   what `finish` was given when it was performed; nil while it is planned.
-- - `needs(op)`: what has to be read for it.
-- - `requires(op)`: preconditions as data (`preconditions.lua`).
-- - `execute(run, op, index, earlier)`: performs it. True when it is done;
--   false when the run was stopped in it; nil and the error. `earlier` is
--   what the journal says about an attempt that was cut off.
-- - `recover(run, op, earlier)`: finds out what a cut-off attempt did. `run`
--   has `client`, `state` and `id_of` alone.
-- - `inverse(op, before, after)`: what it has changed, as fragments.
-- - `requests(op, rate)`: how many requests it takes.
-- - `render(op, names)`: its lines in a plan, each a text or { colour, text }.
-- - `effects(op, after)`: name -> count of what it triggers.
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

--- The kind of an operation. Raises for one that there is not.
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

--- What the operations trigger, counted.
-- @tparam table state before the first operation
-- @tparam table list the operations
-- @treturn table name -> count
function operations.effects(state, list)
  local after, counts = operations.after(state, list), {}
  for _, op in ipairs(list) do
    for name, count in pairs(operations.of(op).effects(op, after)) do
      counts[name] = (counts[name] or 0) + count
    end
  end
  return counts
end

return operations
