--- Drains stages that will be deleted: a stage is deleted only after a fresh
-- read shows that it is empty. Late arrivals (items that came to it since the
-- plan) are moved by the plan's rules.
local attributes = require "workstage.migration.stage"
local items = require "workstage.migration.items"
local move_items = require "workstage.migration.execute.move_items"
local render = require "workstage.migration.operations.render"
local sets = require "workstage.sets"
local stages = require "workstage.migration.execute.stages"

local drain = {}

-- How many times late arrivals are moved before the run gives up on a stage.
local MAX_ROUNDS = 10

--- The number of items in a stage, once reads show the last moves.
function drain.count_items(run, id)
  local left, err = items.count(run.client, id)
  if not left or left == 0 then return left, err end
  run:settle "the last moves to show"
  return items.count(run.client, id)
end

-- -------------------------------------------------------- late arrivals

-- The plan's rules for the stage, by which late arrivals are moved; none if
-- they stop the run.
local function rules_for(run, operation)
  local rules = {}
  if operation.if_not_empty == "stop" then return rules end
  for i, index in ipairs(operation.rules) do
    local rule = run.plan.rules[index]
    rules[i] = { from = run:id_of(operation.stage), where = rule.where,
                 to = run:id_of(rule.to), set = rule.set, items = {},
                 from_name = operation.name, to_name = rule.to_name }
  end
  return rules
end

-- Lists the late arrivals of each rule, except those that this run could not
-- move; returns their number.
local function list_late(run, rules, unmoved)
  local listed, err = items.list(run.client, rules)
  if not listed then return nil, err end
  local total = 0
  for _, rule in ipairs(rules) do
    rule.items = sets.filter(rule.items, function(id)
      return not unmoved[id]
    end)
    total = total + #rule.items
  end
  return total
end

-- Late arrivals of an earlier run whose outcome is unknown, for one of the
-- rules with the same stages.
local function take_retry_ids(rule, earlier)
  local ids, rest = {}, {}
  for _, id in ipairs(earlier.retry_ids) do
    local read = earlier.read_before[id]
    local is_own = read.from == rule.from and read.to == rule.to
    local list = is_own and ids or rest
    list[#list + 1] = id
  end
  earlier.retry_ids = rest
  return ids
end

-- The transitions of a stage, with one more stage added.
local function transitions_with(stage, to)
  local ids = sets.filter(stage.workflow_stage_ids, function(id)
    return id ~= to
  end)
  ids[#ids + 1] = to
  return ids
end

-- Opens the transition to a stage of the same workflow if the plan had no
-- items to move to it.
local function open_transition(run, index, rule)
  local workflow = (run.state.stages[rule.from] or {}).workflow
  local fresh, err = stages.refresh(run, { workflow })
  if not fresh then return nil, err end
  local from = run.state.stages[rule.from]
  local to = run.state.stages[rule.to]
  if not from or not to or from.workflow ~= to.workflow or
     attributes.leads_to(from, rule.to) then
    return true
  end
  local set = { workflow_stage_ids = transitions_with(from, rule.to),
                allow_none_for_next_stages = false }
  run:intend { type = "opened", operation = index, stage = rule.from,
               set = set }
  local done
  done, err = stages.update(run, rule.from, set)
  if not done then return nil, err end
  run:stage_changed(rule.from, set)
  return true
end

-- Moves the items of the rules, `retry_ids` of an earlier run among them.
local function move_late(run, index, rules, earlier, unmoved)
  for _, rule in ipairs(rules) do
    local retry_ids = earlier and take_retry_ids(rule, earlier) or {}
    if #rule.items + #retry_ids > 0 then
      local done, err = open_transition(run, index, rule)
      if not done then return nil, err end
      run:add(#rule.items)
      run.needs_refresh = true
      done, err = move_items.run(run, {
        operation = index, from = rule.from, to = rule.to, set = rule.set,
        from_name = rule.from_name, to_name = rule.to_name,
        items = rule.items, unmoved = unmoved, late = true,
        retry_ids = retry_ids, maybe_sent = earlier and earlier.maybe_sent,
        read_before = earlier and earlier.read_before,
      })
      if not done then return done, err end
    end
  end
  return true
end

-- ---------------------------------------------------------------- stages

-- Why a stage stays. `left` is 0 if an item failed on its way out and is not
-- there any more: a later run finds out where it went.
local function reason(left)
  return left > 0 and "still holds " .. render.items(left) or
         "may still hold items that could not be moved"
end

-- The ids of the items that this run failed to move.
local function failed_items(run)
  local ids = {}
  for _, failure in ipairs(run.report.failures) do ids[failure.item] = true end
  return ids
end

-- Moves late arrivals until a read shows the stage empty: true; or how many
-- items stay; false if the run was stopped; nil and the error.
local function empty_stage(run, id, rules, index, unmoved)
  for round = 0, MAX_ROUNDS do
    local left, err = drain.count_items(run, id)
    if not left then return nil, err end
    if left == 0 then return true end
    if round == MAX_ROUNDS then return left end
    local total
    total, err = list_late(run, rules, unmoved)
    if not total then return nil, err end
    if total == 0 then return left end
    local done
    done, err = move_late(run, index, rules, nil, unmoved)
    if not done then return done, err end
  end
end

--- Empties a stage that is to be deleted.
-- @tparam table run
-- @tparam table operation `stage`, `name`, `rules` (indices of the plan's),
--   `if_not_empty`
-- @tparam integer index of the plan's operation
-- @tparam ?table earlier what the journal says about an earlier attempt
-- @treturn[1] boolean|string true if a read found nothing in it; false if the
--   run was stopped; "left" if something stays
-- @treturn[1] string with "left": why, as in "still holds 3 items"
-- @treturn[2] nil
-- @treturn[2] table the error
function drain.stage(run, operation, index, earlier)
  local rules, unmoved = rules_for(run, operation), failed_items(run)
  local failed_before = run.report.failed
  local done, err = move_late(run, index, rules, earlier, unmoved)
  if not done then return done, err end
  local left
  left, err = empty_stage(run, run:id_of(operation.stage), rules, index,
                          unmoved)
  if not left then return left, err end
  if left ~= true then return "left", reason(left) end
  if run.report.failed == failed_before then return true end
  return "left", reason(0)
end

return drain
