--- The rules by which items leave a stage that will be deleted if they entered
-- it after the plan, and where they go.
local late_items = {}

--- The rules of a stage.
-- @param ref the stage
-- @tparam table moves the plan's
-- @treturn table array of their indices
function late_items.rules(ref, moves)
  local rules = {}
  for index, move in ipairs(moves) do
    if move.from == ref and not move.only then rules[#rules + 1] = index end
  end
  return rules
end

--- Returns what happens to late items: "move" by the rules, "leave" them and
-- keep the stage, or "stop" the run.
-- @tparam table rules
-- @tparam ?string given nil: "move" if there are rules
function late_items.policy(rules, given)
  return given or (#rules > 0 and "move" or "stop")
end

--- Returns where the items of a stage go.
-- @tparam table state
-- @param ref the stage
-- @tparam table moves the plan's
-- @treturn table array of { stage, workflow, name }
function late_items.targets(state, ref, moves)
  local targets, seen = {}, { [ref] = true }
  for _, index in ipairs(late_items.rules(ref, moves)) do
    local move = moves[index]
    local stage = state.stages[move.to]
    if stage and not seen[move.to] then
      seen[move.to] = true
      targets[#targets + 1] = { stage = move.to, workflow = stage.workflow,
                                name = move.to_name }
    end
  end
  return targets
end

--- The stages that have to be read for it.
function late_items.needs(targets)
  local stages = {}
  for i, target in ipairs(targets) do stages[i] = target.stage end
  return stages
end

--- The preconditions that the targets are where they were.
function late_items.requires(targets)
  local list = {}
  for i, target in ipairs(targets) do
    list[i] = { check = "stage_is_in_workflow", stage = target.stage,
                workflow = target.workflow, name = target.name }
  end
  return list
end

return late_items
