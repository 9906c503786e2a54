--- The way back: a plan that undoes what a journal says was done, only where
-- things still stand as that run left them. What does not is listed.
local attributes = require "workstage.migration.attributes"
local planner = require "workstage.migration.planner"
local structure = require "workstage.migration.structure"

local rollback = {}

-- --------------------------------------------------------------- the moves

-- The moves of a journal turned round: an operation for each pair of places
-- and each due date that items had before.
local function collector(ids_of)
  local groups, order = {}, {}
  return order, function(record, operation)
    local from = record.to or ids_of(operation.to)
    local to = record.from
    if to == nil then to = operation.from end
    local due = record.due or ""
    local key = ("%s>%s>%s"):format(from, tostring(to), due)
    local group = groups[key]
    if not group then
      group = { from = from, to = to, from_name = operation.to_name,
                to_name = operation.from_name or operation.name, items = {},
                set = { due_date = record.due } }
      groups[key] = group
      order[#order + 1] = group
    end
    group.items[#group.items + 1] = record.item
  end
end

--- Begins to collect the moves that are to be undone.
-- @treturn table the groups, in order
-- @treturn function to be called with each record and its operation
rollback.collector = collector

-- -------------------------------------------------------------- the stages

-- What the run set, by stage: reference -> attribute -> value.
local function sets_of(replayed)
  local sets, created, deleted = {}, {}, {}
  for index, operation in ipairs(replayed.plan.operations) do
    local state = replayed.progress[index]
    if state and operation.op == "update_stage" then
      local id = replayed.ids[operation.stage] or operation.stage
      sets[id] = sets[id] or {}
      for name, value in pairs(operation.set) do sets[id][name] = value end
    elseif state and state.done and operation.op == "create_stage" then
      created[replayed.ids[operation.stage]] = operation.name
    elseif state and state.done and operation.op == "delete_stage" then
      deleted[operation.stage] = operation.before
    elseif state and operation.op == "order_stages" then
      sets.order = true
    end
  end
  return sets, created, deleted
end

-- References of a plan as the ids that they stand for by now.
local function with_ids(value, ids)
  if type(value) ~= "table" then return ids[value] or value end
  local list = {}
  for i, ref in ipairs(value) do list[i] = ids[ref] or ref end
  return list
end

-- A stage as it is to be: what this run changed and nobody since goes back.
local function restored(now, before, set, ids, left)
  local target = {}
  for name, value in pairs(now) do target[name] = value end
  for name, value in pairs(set) do
    if name == "workflow_stage_ids" or name == "after_publish_id" then
      value = with_ids(value, ids)
    end
    if attributes.equal(name, now[name], value) then
      target[name] = before[name]
    elseif not attributes.equal(name, now[name], before[name]) then
      left[#left + 1] = ("stage %q: %s was changed since, and stays")
                        :format(now.name, name)
    end
  end
  return target
end

-- Stages in the form in which the planner takes descriptions: references by
-- name, members by their ids.
local function describe_all(targets, names)
  local described = {}
  for i, target in ipairs(targets) do
    local stage = { id = target.id or false, name = target.name,
                    color = target.color, roles = target.space_role_ids,
                    users = target.user_ids, next = {} }
    for _, flag in ipairs(attributes.flags) do stage[flag] = target[flag] end
    for _, ref in ipairs(target.workflow_stage_ids) do
      if names[ref] then table.insert(stage.next, names[ref]) end
    end
    if target.allow_all_stages then stage.next = "all"
    elseif target.allow_none_for_next_stages then stage.next = "none" end
    stage.after_publish = names[target.after_publish_id] or false
    described[i] = stage
  end
  return described
end

-- Where each stage of the target stands: in the order before the run, those
-- that came since at the end.
local function in_order(targets, replayed, is_ordered)
  local rank = {}
  if is_ordered then
    for i, stage in ipairs(replayed.plan.structure.stages) do
      rank[stage.id] = i
    end
  end
  for i, target in ipairs(targets) do
    target.rank = rank[target.was_id] or target.position and
                  target.position or 1000 + i
    target.index = i
  end
  table.sort(targets, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.index < b.index
  end)
  return targets
end

local function targets_of(now, replayed, left)
  local sets, created, deleted = sets_of(replayed)
  local before, targets, names = {}, {}, {}
  for _, stage in ipairs(replayed.plan.structure.stages) do
    before[stage.id] = stage
  end
  local there = {}
  for _, stage in ipairs(now.stages) do
    there[stage.id] = true
    if not created[stage.id] then
      local target = restored(stage, before[stage.id] or stage,
                              sets[stage.id] or {}, replayed.ids, left)
      target.id, target.was_id = stage.id, stage.id
      targets[#targets + 1] = target
      names[stage.id] = target.name
    end
  end
  for id, stage in pairs(deleted) do
    if not there[id] then
      local target = {}
      for name, value in pairs(stage) do target[name] = value end
      target.id, target.was_id = nil, id
      targets[#targets + 1] = target
      names[id] = target.name
    end
  end
  return in_order(targets, replayed, sets.order or next(deleted) ~= nil),
         names
end

-- Members stand for themselves: described by id.
local identity = setmetatable({}, { __index = function(_, id) return id end })

-- The groups of moves with references that the planner knows.
local function resolver(groups, names, left)
  return function(states, refs)
    local moves = {}
    for _, group in ipairs(groups) do
      local to = group.to
      if to == false then
        left[#left + 1] = ("%d item(s) had no stage before, and cannot be " ..
                           "given none back"):format(#group.items)
      else
        if not states[to] and names[to] then to = refs[names[to]] end
        moves[#moves + 1] = {
          from = group.from, to = to, from_name = group.from_name,
          to_name = group.to_name, set = group.set, items = group.items,
          count = #group.items,
        }
      end
    end
    return moves
  end
end

local function move_operations(groups, left)
  local operations = {}
  local moves = resolver(groups, {}, left)({}, {})
  for index, move in ipairs(moves) do
    move.op, move.rule = "move", index
    operations[index] = move
  end
  return operations, moves
end

-- A workflow that the run made goes as a whole, after its items.
local function plan_removal(replayed, groups, left)
  local operations = move_operations(groups, left)
  operations[#operations + 1] = {
    op = "delete_workflow", id = replayed.workflow,
    name = replayed.plan.workflow,
  }
  return operations
end

local function was_started(replayed, op)
  for index, operation in ipairs(replayed.plan.operations) do
    if operation.op == op and replayed.progress[index] then
      return operation, replayed.progress[index]
    end
  end
end

-- Content types go back with the stages.
local function content_types_of(now, replayed)
  local operation = was_started(replayed, "update_workflow")
  if operation and attributes.equal("content_types",
                                    now.workflow.content_types,
                                    operation.set.content_types) then
    return operation.before.content_types
  end
end

--- Plans the way back.
-- @tparam table client
-- @tparam table replayed what `replay.read` says of the journal
-- @tparam table groups the moves to be undone (see `collector`)
-- @treturn[1] table parts of a plan
-- @treturn[2] nil
-- @treturn[2] table the error
function rollback.plan(client, replayed, groups)
  local left = {}
  local created = replayed.plan.operations[1] and
                  replayed.plan.operations[1].op == "create_workflow"
  if replayed.plan.service == "kantata" or created then
    local operations = created and plan_removal(replayed, groups, left) or
                       move_operations(groups, left)
    return { structure = { stages = {} }, operations = operations,
             rules = {}, notes = left }
  end
  local id = replayed.plan.structure.workflow.id
  local now, err = structure.reread(client, id)
  if not now then return nil, err end
  local targets, names = targets_of(now, replayed, left)
  local operations, problems = planner.plan(now, {
    workflow = now.workflow.name, stages = describe_all(targets, names),
    content_types = content_types_of(now, replayed),
  }, { roles = identity, users = identity }, resolver(groups, names, left))
  if not operations then return nil, problems end
  return { structure = now, operations = operations, rules = {},
           notes = left }
end

return rollback
