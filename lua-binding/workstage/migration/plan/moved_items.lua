--- The items that a run has moved, grouped by where they go back to.
local drivers = require "workstage.migration.execute.drivers"
local render = require "workstage.migration.operations.render"
local state = require "workstage.migration.state"

local moved_items = {}

local Moved = {}
Moved.__index = Moved

--- Collects the moves of a journal: of each item the last one alone, for
-- only that one can still be as the run left it.
function moved_items.new()
  return setmetatable({ groups = {}, order = {}, last = {}, due = {},
                        unknown = 0 }, Moved)
end

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

-- What an item was moved by: the operation, or a rule of the plan for one
-- that came later.
local function rule_of(record, op, replayed)
  for _, index in ipairs(op.rules or {}) do
    local rule = replayed.plan.rules[index]
    if state.ref(replayed.state, rule.to) == record.to then return rule end
  end
  return op
end

--- Takes a record of a moved item.
-- @tparam table record
-- @tparam table op that it belongs to
-- @tparam table replayed what the journal says so far
function Moved:take(record, op, replayed)
  local from = record.to or state.ref(replayed.state, op.to)
  local to = record.from
  if to == nil then to = state.ref(replayed.state, op.from) end
  local group = group_of(self, from, to, rule_of(record, op, replayed))
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

-- ------------------------------------------------------- what is uncertain

-- Where an operation's items may have gone: to -> from.
local function destinations(replayed, op)
  local found = {}
  local function add(to, from)
    found[state.ref(replayed.state, to)] = state.ref(replayed.state, from)
  end
  if op.to then add(op.to, op.from) end
  for _, index in ipairs(op.rules or {}) do
    add(replayed.plan.rules[index].to, op.stage)
  end
  return found
end

local function maybe_sent_of(progress)
  local ids = {}
  for _, id in ipairs(progress.retry_ids) do
    if progress.maybe_sent[id] then ids[#ids + 1] = id end
  end
  return ids
end

-- Takes an item that is where the run may have moved it, unless somebody else
-- did.
local function take_item(self, client, replayed, index, item)
  local op = replayed.plan.operations[index]
  local read = replayed.progress[index].read_before[item.id] or {}
  local record = {
    item = item.id, to = item.stage, due = read.due,
    due_unknown = read.is_due_unknown,
    from = destinations(replayed, op)[item.stage],
  }
  if record.from == nil then return end
  local verdict = drivers[replayed.plan.service].find_change(
    client, item.id, item.stage, rule_of(record, op, replayed).set or {},
    { stage = record.from or nil, created_at = read.created })
  if verdict ~= "not_done" then self:take(record, op, replayed) end
end

--- Takes the moves that were in flight when the run ended.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Moved:take_uncertain(client, replayed)
  local driver = drivers[replayed.plan.service]
  for index, progress in pairs(replayed.progress) do
    local ids = maybe_sent_of(progress)
    for from = 1, #ids, driver.PER_PAGE do
      local page = table.move(ids, from, math.min(
        from + driver.PER_PAGE - 1, #ids), 1, {})
      local found, err = driver.fetch_current(client, page)
      if not found then return nil, err end
      for id, item in pairs(found) do
        item.id = id
        take_item(self, client, replayed, index, item)
      end
    end
  end
  return true
end

-- ------------------------------------------------------------- the moves

--- Why the items of a group stay where they are; nil if they go back.
-- @tparam table group
-- @tparam function ref_of id of a stage -> its reference in the plan; nil if
--   the stage is gone
function moved_items.why_left(group, ref_of)
  local items = render.items(group.count)
  if group.to == false then
    return ("%s had no stage before; a stage cannot be taken away from an " ..
            "item"):format(items)
  elseif not ref_of(group.to) then
    return ("%s came from stage %s, which is gone, and stay where they are")
           :format(items, render.quoted(group.to_name))
  end
end

--- The moves back, as the planner takes them, and sentences about the items
-- that stay.
-- @tparam function ref_of as for `why_left`
function Moved:moves(ref_of)
  local moves, conflicts = {}, {}
  for _, group in ipairs(self.order) do
    local why = group.count > 0 and moved_items.why_left(group, ref_of)
    if why then conflicts[#conflicts + 1] = why
    elseif group.count > 0 then
      moves[#moves + 1] = {
        from = group.from, to = ref_of(group.to),
        from_name = group.from_name, to_name = group.to_name, set = {},
        items = group.items, dues = group.dues, left_due = group.left_due,
        count = group.count, only = true,
      }
    end
  end
  return moves, conflicts
end

return moved_items
