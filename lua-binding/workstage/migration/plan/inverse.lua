--- The way back: a plan that undoes what a journal says was done, only where
-- things still stand as that run left them. What does not is listed.
local attributes = require "workstage.migration.stage"
local count_effects = require "workstage.migration.plan.effects"
local drivers = require "workstage.migration.execute.drivers"
local history = require "workstage.migration.journal.run_effects"
local items = require "workstage.migration.items"
local planner = require "workstage.migration.plan.diff"
local restore = require "workstage.migration.plan.rollback_target"
local structure = require "workstage.migration.space"

local rollback = {}

-- --------------------------------------------------------------- the moves

-- A group for each pair of stages and due date that the run gave, in reverse
-- order.
local function group_of(self, from, to, rule)
  local left_due = rule.set and rule.set.due_date
  local key = ("%s>%s %s"):format(from, tostring(to), tostring(left_due))
  local group = self.groups[key]
  if not group then
    group = { from = from, to = to, from_name = rule.to_name,
              to_name = rule.from_name, left_due = left_due,
              count = 0, items = {} }
    self.groups[key] = group
    table.insert(self.order, 1, group)
  end
  return group
end

local Moved = {}
Moved.__index = Moved

--- Collects the moves of a journal: of each item the last one alone, for
-- that is what can still stand as the run left it.
function rollback.moved()
  return setmetatable({ groups = {}, order = {}, last = {}, due = {},
                        gone = {}, unknown = 0 }, Moved)
end

-- What an item was moved by: the operation, or a rule of the plan for one
-- that came later.
local function rule_of(record, operation, replayed)
  for _, index in ipairs(operation.rules or {}) do
    local rule = replayed.plan.rules[index]
    if (replayed.ids[rule.to] or rule.to) == record.to then return rule end
  end
  return operation
end

--- Takes a record of a moved item.
-- @tparam table record
-- @tparam table operation that it belongs to
-- @tparam table replayed what the journal says so far: `ids`, `plan`
function Moved:take(record, operation, replayed)
  local from = record.to or replayed.ids[operation.to] or operation.to
  local to = record.from
  if to == nil then to = operation.from end
  local group = group_of(self, from, to, rule_of(record, operation, replayed))
  local earlier = self.last[record.item]
  if earlier then earlier.count = earlier.count - 1 end
  group.count = group.count + 1
  self.last[record.item], self.due[record.item] = group, record.due
  if record.due_unknown then self.unknown = self.unknown + 1 end
end

--- The groups, each with its items and the due dates that they had.
function Moved:finish()
  for id, group in pairs(self.last) do table.insert(group.items, id) end
  for _, group in ipairs(self.order) do
    table.sort(group.items)
    for i, id in ipairs(group.items) do
      local is_set = group.left_due ~= nil
      if (self.due[id] or is_set) and not group.dues then
        group.dues = {}
        for j = 1, #group.items do group.dues[j] = false end
      end
      if self.due[id] then group.dues[i] = self.due[id] end
    end
  end
  return self
end

-- Where an operation's items may have gone: to -> from.
local function ways_of(replayed, operation)
  local ids, ways = replayed.ids, {}
  if operation.op == "move" then
    ways[ids[operation.to] or operation.to] = operation.from
  end
  for _, index in ipairs(operation.rules or {}) do
    local to = replayed.plan.rules[index].to
    ways[ids[to] or to] = operation.stage
  end
  return ways
end

local function begun_of(state)
  local begun = {}
  for _, id in ipairs(state.retry_ids) do
    if state.maybe_sent[id] then begun[#begun + 1] = id end
  end
  return begun
end

--- Takes the moves that were under way when the run ended: whoever stands
-- where one leads was moved by it.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Moved:take_begun(client, replayed)
  local driver = drivers[replayed.plan.service]
  for index, state in pairs(replayed.progress) do
    local operation, begun = replayed.plan.operations[index], begun_of(state)
    local ways = ways_of(replayed, operation)
    for from = 1, #begun, driver.PER_PAGE do
      local page = table.move(begun, from, math.min(
        from + driver.PER_PAGE - 1, #begun), 1, {})
      local found, err = driver.fetch_current(client, page)
      if not found then return nil, err end
      for id, item in pairs(found) do
        if ways[item.stage] ~= nil then
          local was = state.read_before[id] or {}
          self:take({ item = id, to = item.stage, from = ways[item.stage],
                      due = was.due, due_unknown = was.is_due_unknown },
                    operation, replayed)
        end
      end
    end
  end
  return true
end

-- Whether items can be given their old stage back.
function Moved:can_return(group)
  return group.to ~= false and not self.gone[group.to]
end

local function why_left(group)
  if group.to == false then
    return ("%d item(s) had no stage before, and cannot be given none back")
           :format(group.count)
  end
  return ("%d item(s) came from stage %q, which is gone, and stay where " ..
          "they are"):format(group.count, group.to_name)
end

-- The groups of moves with references that the planner knows.
local function resolver(moved, names, left)
  return function(states, refs)
    local moves = {}
    for _, group in ipairs(moved.order) do
      local to = group.to
      if group.count == 0 then goto continue end
      if not moved:can_return(group) then
        left[#left + 1] = why_left(group)
        goto continue
      end
      if not states[to] and names[to] then to = refs[names[to]] end
      moves[#moves + 1] = {
        from = group.from, to = to, from_name = group.from_name,
        to_name = group.to_name, set = {}, items = group.items,
        dues = group.dues, left_due = group.left_due,
        count = group.count, only = true,
      }
      ::continue::
    end
    return moves
  end
end

local function move_operations(moved, left)
  local operations = {}
  for index, move in ipairs(resolver(moved, {}, left)({}, {})) do
    move.op, move.rule, move.only = "move", index, nil
    operations[index] = move
  end
  return operations
end

-- ----------------------------------------------------------- the workflow

-- The workflow that the run made: its request may have been under way when
-- the run ended.
local function made_workflow(client, replayed)
  if replayed.workflow then return replayed.workflow end
  local operation, state = replayed.plan.operations[1], replayed.progress[1]
  if not (state and state.started) then return false end
  local found, err = structure.read_workflow(client, operation.name)
  if err then return nil, err end
  return found and attributes.equal("content_types",
                                    found.content_types or {},
                                    operation.content_types) and found.id
end

-- What others have done to the stages of a workflow that the run made; nil
-- when they are as it left them.
local function change_of_stages(now, past)
  local there = {}
  for _, stage in ipairs(now.stages) do
    there[stage.id] = true
    if not (past.created[stage.id] or past.created[stage.name] or
            past.came[stage.id]) then
      return ("it has a stage %q by now"):format(stage.name)
    elseif past:is_changed(stage) then
      return ("its stage %q was changed"):format(stage.name)
    end
  end
  for id, state in pairs(past.states) do
    if math.type(id) and not there[id] then
      return ("its stage %q is gone"):format(state.name)
    end
  end
end

-- What others have made of a workflow that the run made; nil when nothing.
local function change_of(now, replayed)
  local made, is = replayed.plan.operations[1], now.workflow
  if is.name ~= made.name then
    return ("it was renamed to %q"):format(is.name)
  elseif not attributes.equal("content_types", is.content_types,
                              made.content_types) then
    return "its content types were changed"
  end
  return change_of_stages(now, history(replayed))
end

-- A workflow that the run made goes as a whole, after its items, unless it
-- has become somebody's.
local function plan_removal(client, replayed, moved, left)
  local id, err = made_workflow(client, replayed)
  if id == nil then return nil, err end
  local operations = move_operations(moved, left)
  if not id then return operations end
  local now, why = structure.reread(client, id)
  if not now and why.kind ~= "not_found" then return nil, why end
  local name = replayed.plan.workflow
  local change = not now and "it is gone" or change_of(now, replayed)
  if change then
    left[#left + 1] = ("workflow %q is left as it is: %s"):format(name,
                                                                  change)
  else
    operations[#operations + 1] = { op = "delete_workflow", id = id,
                                    name = name, before = now }
  end
  return operations
end

-- Content types go back with the stages.
local function content_types_of(now, replayed, left)
  for index, operation in ipairs(replayed.plan.operations) do
    local state = replayed.progress[index]
    if operation.op == "update_workflow" and state and state.started then
      local is, before = now.workflow.content_types,
                         operation.before.content_types
      if attributes.equal("content_types", is,
                          operation.set.content_types) then
        return before
      elseif not attributes.equal("content_types", is, before) then
        left[#left + 1] = "the content types were changed since, and stay"
      end
    end
  end
end

-- Stages of the workflow that others have taken away: the run's own are made
-- anew.
local function note_gone(moved, stages_before, now, past)
  local there = {}
  for _, stage in ipairs(now.stages) do there[stage.id] = true end
  for _, stage in ipairs(stages_before) do
    if not there[stage.id] and not past.deleted[stage.id] then
      moved.gone[stage.id] = true
    end
  end
end

-- The stages of other workflows that items come back to, as far as they are
-- there.
local function look_for_others(client, replayed, moved)
  local looked, others = {}, {}
  if replayed.plan.service ~= "storyblok" then return others end
  for _, stage in ipairs(replayed.plan.structure.stages) do
    looked[stage.id] = true
  end
  for _, group in ipairs(moved.order) do
    local id = group.to
    if group.count > 0 and id and not looked[id] then
      looked[id] = true
      local stage, err = client.stages:get(id)
      if not stage and err.kind ~= "not_found" then return nil, err end
      moved.gone[id] = not stage or nil
      others[#others + 1] = stage
    end
  end
  return others
end

-- What the moves back set off; Kantata's services say nothing of it.
local function effects_of(replayed, operations, now, others)
  if replayed.plan.service ~= "storyblok" then return nil end
  local stages = now and now.stages or {}
  table.move(stages, 1, #stages, #others + 1, others)
  return count_effects(operations, others)
end

-- Items in the stages that the run made which it cannot take out of them.
local function count_held(client, now, past, moved)
  local held = {}
  for _, stage in ipairs(now.stages) do
    if past.created[stage.id] or past.created[stage.name] then
      local count = 0
      local good, err = items.visit(client, nil, stage.id, function(story)
        local group = moved.last[story.id]
        if not group or group.from ~= stage.id or
           not moved:can_return(group) then
          count = count + 1
        end
      end)
      if not good then return nil, err end
      held[stage.id] = count > 0 and count or nil
    end
  end
  return held
end

-- Members stand for themselves: described by id.
local identity = setmetatable({}, { __index = function(_, id) return id end })

local function plan_workflow(client, replayed, moved, left)
  local now, err = structure.reread(client,
                                    replayed.plan.structure.workflow.id)
  if not now then return nil, err end
  local past = history(replayed)
  note_gone(moved, replayed.plan.structure.stages, now, past)
  local held
  held, err = count_held(client, now, past, moved)
  if not held then return nil, err end
  local stages, names = restore(now, replayed.plan.structure.stages, past,
                                held, left)
  local operations, problems = planner.plan(now, {
    workflow = now.workflow.name, stages = stages,
    content_types = content_types_of(now, replayed, left),
  }, { roles = identity, users = identity }, resolver(moved, names, left))
  assert(operations, problems and problems[1])
  return operations, nil, now
end

--- Plans the way back.
-- @tparam table client
-- @tparam table replayed what `replay.read` says of the journal
-- @tparam table moved the moves that are to be undone (see `rollback.moved`)
-- @treturn[1] table `operations`, `structure`, `workflow` (its present name),
--   `effects`, `notes`
-- @treturn[2] nil
-- @treturn[2] table the error
function rollback.plan(client, replayed, moved)
  local left, plan = {}, replayed.plan
  local others, why = look_for_others(client, replayed, moved)
  if not others then return nil, why end
  if moved.unknown > 0 then
    left[1] = ("the service did not tell the due dates that %d item(s) had")
              :format(moved.unknown)
  end
  local first = plan.operations[1]
  local operations, err, now
  if plan.structure.workflow then
    operations, err, now = plan_workflow(client, replayed, moved, left)
  elseif first and first.op == "create_workflow" then
    operations, err = plan_removal(client, replayed, moved, left)
  else
    operations = move_operations(moved, left)
  end
  if not operations then return nil, err end
  return { operations = operations, structure = now or { stages = {} },
           workflow = now and now.workflow.name or plan.workflow,
           effects = effects_of(replayed, operations, now, others),
           notes = left }
end

return rollback
