--- What a plan leads to, as a blueprint that can be drawn: the stages after
-- it, those that are removed, and what is different.
local attributes = require "workstage.migration.stage"
local operations = require "workstage.migration.operations"
local state = require "workstage.migration.state"

local function described(stage, stages)
  local found = { name = stage.name, color = stage.color, next = {} }
  for _, flag in ipairs(attributes.flags) do found[flag] = stage[flag] end
  for _, ref in ipairs(attributes.next_of(stage)) do
    if stages[ref] then table.insert(found.next, stages[ref].name) end
  end
  if stage.allow_all_stages then found.next = "all"
  elseif stage.allow_none_for_next_stages then found.next = "none" end
  local publish = stages[stage.after_publish_id]
  found.after_publish = publish and publish.name or false
  return found
end

local function changes_of(before, after)
  local found = state.changed_stages(before, after)
  local changes = { added = {}, removed = {}, changed = {}, renamed = {} }
  for _, ref in ipairs(found.added) do
    changes.added[after.stages[ref].name] = true
  end
  for _, ref in ipairs(found.removed) do
    changes.removed[before.stages[ref].name] = true
  end
  for _, ref in ipairs(found.changed) do
    local was, is = before.stages[ref].name, after.stages[ref].name
    changes.changed[is] = true
    if was ~= is then changes.renamed[is] = was end
  end
  return changes
end

-- Plans without workflows are moves alone.
local function moves_of(plan)
  local moves = {}
  for _, op in ipairs(plan.operations) do
    local rule = plan.rules[op.rule] or {}
    moves[#moves + 1] = { from = op.from, to = op.to, where = rule.where }
  end
  return moves
end

-- The reference of the workflow that is drawn: the plan's own.
local function workflow_of(plan, after)
  for _, ref in ipairs(state.workflow_order(after)) do
    if after.workflows[ref].name == plan.workflow then return ref end
  end
end

--- Makes both of a plan.
-- @tparam table plan
-- @treturn table a blueprint
-- @treturn table `added`, `removed`, `changed` (sets of names), `renamed`
--   (name -> former name)
return function(plan)
  if plan.service == "kantata" then
    return { service = "kantata", moves = moves_of(plan) }
  end
  local after = operations.after(plan.state, plan.operations)
  local blueprint = { service = plan.service, workflow = plan.workflow,
                      stages = {}, moves = {} }
  for i, stage in ipairs(state.stages_of(after, workflow_of(plan, after))) do
    blueprint.stages[i] = described(stage, after.stages)
  end
  return blueprint, changes_of(plan.state, after)
end
