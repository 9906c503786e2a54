--- Stages that go away: nothing is deleted before a fresh read shows it
-- empty. What has come to them since the plan is moved by the plan's rules.
local attributes = require "workstage.migration.stage"
local items = require "workstage.migration.items"
local moving = require "workstage.migration.execute.move_items"
local stages = require "workstage.migration.execute.stages"
local structure = require "workstage.migration.space"

local emptying = {}

-- How many items stand in a stage, when what was moved may show late.
local function count(run, id)
  local left, err = items.count(run.client, id)
  if not left or left == 0 then return left, err end
  run:settle()
  return items.count(run.client, id)
end

-- Items that came to a stage since the plan, by the rules of the plan; those
-- that could not be moved in this run are not tried again in it.
local function late_arrivals(run, operation, id, unmoved)
  local rules = {}
  for i, index in ipairs(operation.rules) do
    local rule = run.plan.rules[index]
    rules[i] = { from = id, where = rule.where, to = run:id_of(rule.to),
                 set = rule.set }
  end
  local listed, err = items.list(run.client, rules)
  if not listed then return nil, err end
  local total = 0
  for _, rule in ipairs(rules) do
    local left = {}
    for _, item in ipairs(rule.items) do
      if not unmoved[item] then left[#left + 1] = item end
    end
    rule.items, total = left, total + #left
  end
  return rules, total
end

-- The stages that may come next once there is a way to one more of them;
-- those that this run has deleted are no more.
local function ways_with(run, state, to)
  local ids = {}
  for _, id in ipairs(state.workflow_stage_ids) do
    if id ~= to and not run.deleted[id] then ids[#ids + 1] = id end
  end
  ids[#ids + 1] = to
  return ids
end

-- Opens the way to a stage of the same workflow, where the plan had nothing
-- to move along it.
local function open_way(run, index, rule)
  if not run.states[rule.from] or not run.states[rule.to] then return true end
  local fresh, err = stages.refresh(run)
  if not fresh then return nil, err end
  local state = run.states[rule.from]
  if attributes.leads_to(state, rule.to) then return true end
  local set = { workflow_stage_ids = ways_with(run, state, rule.to),
                allow_none_for_next_stages = false }
  run:intend { type = "opened", operation = index, stage = rule.from,
               set = set }
  return stages.update(run, rule.from, set)
end

local function move_late(run, index, rules, unmoved)
  for _, rule in ipairs(rules) do
    if #rule.items > 0 then
      run:add(#rule.items)
      local done, err = open_way(run, index, rule)
      if not done then return nil, err end
      run.is_aged = true
      done, err = moving.run(run, {
        operation = index, from = rule.from, to = rule.to, set = rule.set,
        items = rule.items, unmoved = unmoved,
        late = { from = rule.from, to = rule.to },
      })
      if not done then return done, err end
    end
  end
  return true
end

-- Late arrivals that an earlier run meant to move, and may have moved.
local function note_begun(run, operation, index, earlier)
  local again = earlier and earlier.again or {}
  for from = 1, #again, run.driver.PER_PAGE do
    local ids = table.move(again, from, math.min(
      from + run.driver.PER_PAGE - 1, #again), 1, {})
    local found, err = run.driver.look(run.client, ids)
    if not found then return nil, err end
    for _, rule in ipairs(operation.rules) do
      local to = run:id_of(run.plan.rules[rule].to)
      for id, item in pairs(found) do
        if item.stands == to and earlier.begun[id] then
          earlier.begun[id] = nil
          run:moved(index, id, nil, earlier.was[id] or {},
                    { from = operation.stage, to = to })
        end
      end
    end
  end
  return true
end

-- `left` is 0 where an item failed on its way out and is there no more: a
-- later run finds out where it went.
local function leave_stage(run, operation, left)
  local why = left > 0 and ("%d items still stand in it"):format(left) or
              "it is not known how the last ones left it"
  run:leave(("stage %q is not deleted: %s"):format(operation.name, why))
  if run.plan.kind ~= "rollback" then run.left_over = true end
  return "left"
end

--- Empties a stage that goes away.
-- @treturn[1] boolean true when a read found nothing in it; false when the
--   run was stopped; "left" when something stays that no rule moves
-- @treturn[2] nil
-- @treturn[2] table the error
function emptying.stage(run, operation, index, earlier)
  local id, unmoved = run:id_of(operation.stage), {}
  local failed_before = run.report.failed
  for _, failure in ipairs(run.report.failures) do
    unmoved[failure.item] = true
  end
  local noted, why = note_begun(run, operation, index, earlier)
  if not noted then return nil, why end
  while true do
    local left, err = count(run, id)
    if not left then return nil, err end
    if left == 0 then
      if run.report.failed == failed_before then return true end
      return leave_stage(run, operation, left)
    end
    local rules, total = late_arrivals(run, operation, id, unmoved)
    if not rules then return nil, total end
    if total == 0 then return leave_stage(run, operation, left) end
    local done
    done, err = move_late(run, index, rules, unmoved)
    if not done then return done, err end
  end
end

-- What others have done to a workflow since it was planned that it goes. A
-- journal of an earlier version does not say what it was then.
local function change_of(operation, now)
  local before = operation.before
  local found = before and structure.differences(before, now) or {}
  return #found > 0 and table.concat(found, "; ") or nil
end

-- The first stage in which something stands: nil when there is none, and its
-- message otherwise; false, err.
local function held_stage(run, found)
  for _, stage in ipairs(found) do
    local left, err = count(run, stage.id)
    if not left then return false, err end
    if left > 0 then
      return ("%d items stand in its stage %q"):format(left, stage.name)
    end
  end
end

--- Whether a workflow that is to go is empty and still as it was when that
-- was planned: true or "left"; nil, err.
function emptying.workflow(run, operation)
  local now, err = structure.reread(run.client, operation.id)
  if not now then return err.kind == "not_found" or nil, err end
  local why = change_of(operation, now)
  if not why then
    why, err = held_stage(run, now.stages)
    if why == false then return nil, err end
  end
  if not why then return true end
  run:leave(("workflow %q is not deleted: %s"):format(operation.name, why))
  return "left"
end

return emptying
