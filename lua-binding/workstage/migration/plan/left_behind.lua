--- Checks that each item in a removed stage has a move.
local items = require "workstage.migration.items"
local quoted = require "workstage.visible".quoted

-- How many items of a stage the rules move; nil if they match all of them,
-- including later ones. A move of a release's versions does not move the
-- current versions.
local function covered_by(rules, stage_id)
  local covered = 0
  for _, rule in ipairs(rules) do
    if rule.from == stage_id and not rule.set.release_id then
      if next(rule.where or {}) == nil then return nil end
      covered = covered + rule.count
    end
  end
  return covered
end

-- The move to add to the blueprint.
local function missing_move(stage, workflow_name)
  if not workflow_name then
    return ('{ from = %s, to = "..." },'):format(quoted(stage.name))
  end
  return ('{ from = { workflow = %s, stage = %s }, to = { workflow = "...", ' ..
          'stage = "..." } },'):format(quoted(workflow_name),
                                       quoted(stage.name))
end

local function items_text(count)
  return count == 1 and "1 story in it has" or
         ("%d stories in it have"):format(count)
end

--- Checks that no stage is removed while items without a move are in it.
-- @tparam table client
-- @tparam table gone array of { stage =, workflow_name = (where the blueprint
--   describes several) }
-- @tparam table rules with their counts
-- @tparam table problems gets sentences; `problems.paste` gets the moves
--   that are missing
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
return function(client, gone, rules, problems)
  problems.paste = {}
  for _, each in ipairs(gone) do
    local covered = covered_by(rules, each.stage.id)
    local total, err = 0, nil
    if covered then total, err = items.count(client, each.stage.id) end
    if not total then return nil, err end
    if covered and total > covered then
      problems[#problems + 1] = ("Cannot remove stage %s: %s no move."):format(
        quoted(each.stage.name), items_text(total - covered))
      table.insert(problems.paste, missing_move(each.stage,
                                                each.workflow_name))
    end
  end
  return true
end
