--- What a plan comes to, as a blueprint that can be drawn: the stages after
-- it, those that go, and what is different.
local attributes = require "workstage.migration.stage"

local function copy(state)
  local same = {}
  for name, value in pairs(state) do same[name] = value end
  return same
end

local function remove(list, item)
  for i = #list, 1, -1 do
    if list[i] == item then table.remove(list, i) end
  end
end

local function sort_by_position(order, states)
  local index = {}
  for i, ref in ipairs(order) do index[ref] = i end
  table.sort(order, function(a, b)
    local left, right = states[a].position or 0, states[b].position or 0
    if left ~= right then return left < right end
    return index[a] < index[b]
  end)
end

-- The stages after the plan, by reference, and the order they come in.
local function after(plan, changes)
  local states, order = {}, {}
  for _, stage in ipairs(plan.structure.stages) do
    states[stage.id] = copy(stage)
    order[#order + 1] = stage.id
  end
  for _, operation in ipairs(plan.operations) do
    local ref = operation.stage
    if operation.op == "create_stage" then
      states[ref] = copy(operation.set)
      order[#order + 1] = ref
      changes.added[operation.name] = true
    elseif operation.op == "delete_stage" then
      changes.removed[operation.name] = true
      remove(order, ref)
    elseif operation.op == "update_stage" then
      for name, value in pairs(operation.set) do states[ref][name] = value end
    elseif operation.op == "order_stages" then
      for i, each in ipairs(operation.order) do states[each].position = i end
    end
  end
  sort_by_position(order, states)
  return states, order
end

local function note_changes(plan, states, changes)
  for _, stage in ipairs(plan.structure.stages) do
    local state = states[stage.id]
    if not changes.removed[stage.name] then
      if attributes.changes(stage, state) then
        changes.changed[state.name] = true
      end
      if state.name ~= stage.name then
        changes.renamed[state.name] = stage.name
      end
    end
  end
end

local function described(state, states)
  local stage = { name = state.name, color = state.color, next = {} }
  for _, flag in ipairs(attributes.flags) do stage[flag] = state[flag] end
  for _, ref in ipairs(state.workflow_stage_ids) do
    if states[ref] then table.insert(stage.next, states[ref].name) end
  end
  if state.allow_all_stages then stage.next = "all"
  elseif state.allow_none_for_next_stages then stage.next = "none" end
  local publish = state.after_publish_id and states[state.after_publish_id]
  stage.after_publish = publish and publish.name or false
  return stage
end

-- Kantata's plans are moves alone.
local function moves_of(plan)
  local moves = {}
  for _, operation in ipairs(plan.operations) do
    local rule = plan.rules[operation.rule] or {}
    moves[#moves + 1] = { from = operation.from, to = operation.to,
                          where = rule.where }
  end
  return moves
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
  local changes = { added = {}, removed = {}, changed = {}, renamed = {} }
  local states, order = after(plan, changes)
  note_changes(plan, states, changes)
  local blueprint = { service = plan.service, workflow = plan.workflow,
                      stages = {}, moves = {} }
  for i, ref in ipairs(order) do
    blueprint.stages[i] = described(states[ref], states)
  end
  return blueprint, changes
end
