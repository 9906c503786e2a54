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

local function changes_of(before, after, drawn)
  local found = state.changed_stages(before, after)
  local changes = { added = {}, removed = {}, changed = {}, renamed = {},
                    added_transitions = {}, removed_transitions = {},
                    moves = {} }
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
  for _, ref in ipairs(drawn) do
    compare_targets(ref, before, after, changes)
  end
  return changes
end

-- ------------------------------------------------------------------- moves

-- The name under which the end of a move is drawn: the stage's name after the
-- plan, or its former name.
local function end_of(ref, name, before, after)
  local stage = ref and (after.stages[state.ref(after, ref)] or
                         before.stages[ref])
  return stage and stage.name or name or "no stage"
end

-- The moves of a plan; moves between the same two stages are combined.
local function moves_of(plan, before, after)
  local moves, by_ends = {}, {}
  for _, op in ipairs(plan.operations) do
    if op.count and op.to then
      local from = end_of(op.from, op.from_name, before, after)
      local to = end_of(op.to, op.to_name, before, after)
      local key = from .. "\0" .. to
      if not by_ends[key] then
        by_ends[key] = { from = from, to = to, count = 0 }
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

--- Makes both of a plan.
-- @tparam table plan
-- @treturn table a blueprint
-- @treturn table `added`, `removed`, `changed` (sets of names), `renamed`
--   (name -> former name), `added_transitions`, `removed_transitions` (name ->
--   set of names), `moves` (array of `from`, `to`, `count`)
return function(plan)
  if plan.service == "kantata" then
    return { service = "kantata", moves = kantata_moves(plan) }
  end
  local before = plan.state
  local after = operations.after(before, plan.operations)
  local blueprint = { service = plan.service, workflow = plan.workflow,
                      stages = {}, moves = {} }
  local drawn = state.order(after, workflow_of(plan, after))
  for i, ref in ipairs(drawn) do
    blueprint.stages[i] = described(after.stages[ref], after.stages)
  end
  local changes = changes_of(before, after, drawn)
  changes.moves = moves_of(plan, before, after)
  return blueprint, changes
end
