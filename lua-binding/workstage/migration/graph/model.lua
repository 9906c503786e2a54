--- The result of a plan as a blueprint that can be drawn: the stages
-- afterwards, the removed ones, and the differences.
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

-- ------------------------------------------------------------- transitions

-- The stages that a stage leads to, as a set of references.
local function targets_of(stage)
  local set = {}
  for _, ref in ipairs(attributes.next_of(stage)) do set[ref] = true end
  return set
end

local function set_of(map, from, to)
  map[from] = map[from] or {}
  map[from][to] = true
end

-- Adds the transitions of one stage that the plan adds or removes, by the
-- names that their stages get. A stage that leads to all others, before or
-- after, gets a text instead.
local function compare_targets(ref, before, after, changes)
  local stage, old = after.stages[ref], before.stages[ref]
  local is, was = targets_of(stage), old and targets_of(old) or {}
  if old and old.allow_all_stages then is, was = {}, {} end
  for to in pairs(is) do
    if after.stages[to] and not was[to] then
      set_of(changes.added_transitions, stage.name, after.stages[to].name)
    end
  end
  for to in pairs(was) do
    if after.stages[to] and not is[to] and not stage.allow_all_stages then
      set_of(changes.removed_transitions, stage.name, after.stages[to].name)
    end
  end
end

-- ------------------------------------------------------------------ changes

local function new_changes()
  return { added = {}, removed = {}, changed = {}, renamed = {},
           added_transitions = {}, removed_transitions = {}, moves = {} }
end

-- What the plan changes in one workflow.
local function changes_of(before, after, workflow)
  local found, changes = state.changed_stages(before, after), new_changes()
  local function each(refs, stages, fn)
    for _, ref in ipairs(refs) do
      if stages[ref].workflow == workflow then fn(stages[ref].name, ref) end
    end
  end
  each(found.added, after.stages, function(name)
    changes.added[name] = true
  end)
  each(found.removed, before.stages, function(name)
    changes.removed[name] = true
  end)
  each(found.changed, after.stages, function(name, ref)
    local was = before.stages[ref].name
    changes.changed[name] = true
    if was ~= name then changes.renamed[name] = was end
  end)
  for _, ref in ipairs(state.order(after, workflow)) do
    compare_targets(ref, before, after, changes)
  end
  return changes
end

-- ------------------------------------------------------------------- moves

-- The name under which the end of a move is drawn: the stage's name after the
-- plan, or its former name; with its workflow where several are drawn. Also
-- returns its colour.
local function end_of(ref, name, before, after, is_several)
  local stage = ref and (after.stages[state.ref(after, ref)] or
                         before.stages[ref])
  if not stage then return name or "no stage" end
  local workflow = is_several and (after.workflows[stage.workflow]
                                 or before.workflows[stage.workflow])
  return workflow and workflow.name .. " / " .. stage.name or stage.name,
         stage.color
end

-- The moves of a plan; moves between the same two stages are combined.
local function moves_of(plan, before, after, is_several)
  local moves, by_ends = {}, {}
  for _, op in ipairs(plan.operations) do
    if op.count and op.to then
      local from, from_color = end_of(op.from, op.from_name, before, after,
                                      is_several)
      local to, to_color = end_of(op.to, op.to_name, before, after,
                                  is_several)
      local key = from .. "\0" .. to
      if not by_ends[key] then
        by_ends[key] = { from = from, to = to, from_color = from_color,
                         to_color = to_color, count = 0 }
        moves[#moves + 1] = by_ends[key]
      end
      by_ends[key].count = by_ends[key].count + op.count
    end
  end
  return moves
end

-- A Kantata plan consists only of moves.
local function kantata_moves(plan)
  local moves = {}
  for _, op in ipairs(plan.operations) do
    local rule = plan.rules[op.rule] or {}
    moves[#moves + 1] = { from = op.from, to = op.to, where = rule.where,
                          count = op.count }
  end
  return moves
end

-- The reference of the workflow that is drawn: the plan's own.
local function workflow_of(plan, after)
  for _, ref in ipairs(state.workflow_order(after)) do
    if after.workflows[ref].name == plan.workflow then return ref end
  end
end

-- The references of the workflows of a plan of several: those that it changes
-- or makes, then those that it removes.
local function workflows_of(plan, before, after)
  local own, list = {}, {}
  for _, ref in ipairs(plan.scope or {}) do own[ref] = true end
  for _, ref in ipairs(state.workflow_order(after)) do
    if own[ref] or not before.workflows[ref] then list[#list + 1] = ref end
  end
  for _, ref in ipairs(state.workflow_order(before)) do
    if not after.workflows[ref] then list[#list + 1] = ref end
  end
  return list
end

local function stages_of(after, workflow)
  local stages = {}
  for i, ref in ipairs(state.order(after, workflow)) do
    stages[i] = described(after.stages[ref], after.stages)
  end
  return stages
end

local function several(plan, before, after, refs)
  local blueprint = { service = plan.service, workflows = {}, moves = {} }
  local changes = { workflows = {},
                    moves = moves_of(plan, before, after, true) }
  for i, ref in ipairs(refs) do
    local workflow = after.workflows[ref] or before.workflows[ref]
    blueprint.workflows[i] = { workflow = workflow.name,
                               stages = stages_of(after, ref) }
    changes.workflows[i] = changes_of(before, after, ref)
  end
  return blueprint, changes
end

--- Makes both of a plan.
-- @tparam table plan
-- @treturn table a blueprint
-- @treturn table `added`, `removed`, `changed` (sets of names), `renamed`
--   (name -> former name), `added_transitions`, `removed_transitions` (name ->
--   set of names), `moves` (array of `from`, `to`, `from_color`, `to_color`,
--   `count`); of several workflows: `workflows` (an array of these) and
--   `moves`, whose ends are "Workflow / Stage"
return function(plan)
  if plan.service == "kantata" then
    return { service = "kantata", moves = kantata_moves(plan) }
  end
  local before = plan.state
  local after = operations.after(before, plan.operations)
  local refs = not plan.workflow and workflows_of(plan, before, after) or {}
  if #refs > 0 then return several(plan, before, after, refs) end
  local workflow = workflow_of(plan, after)
  local changes = changes_of(before, after, workflow)
  changes.moves = moves_of(plan, before, after)
  return { service = plan.service, workflow = plan.workflow,
           stages = stages_of(after, workflow), moves = {} }, changes
end
