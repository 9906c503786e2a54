--- The items that a run has moved, grouped by the stage to which they return.
local drivers = require "workstage.migration.execute.drivers"
local render = require "workstage.migration.operations.render"
local state = require "workstage.migration.state"

local moved_items = {}

local Moved = {}
Moved.__index = Moved

--- Collects the moves in a journal. Of each item, and of each of its versions
-- in releases, only the last move counts, as only that one can be undone.
function moved_items.new()
  return setmetatable({ groups = {}, order = {}, versions = {}, unknown = 0,
                        releases = {} }, Moved)
end

-- The release whose versions a rule moves; false for the items' own.
local function release_of(rule)
  return rule.set and rule.set.release_id or false
end

-- The moves of a release's versions: `last` (item id -> its group) and `due`
-- (item id -> the due date that it had).
local function versions_of(self, release)
  self.versions[release] = self.versions[release] or { last = {}, due = {} }
  return self.versions[release]
end

-- A group for each pair of stages, release and due date that the run gave, in
-- reverse order.
local function group_of(self, from, to, rule)
  local left_due, release = rule.set and rule.set.due_date, release_of(rule)
  local key = ("%s>%s %s %s"):format(from, tostring(to), tostring(left_due),
                                     tostring(release))
  local group = self.groups[key]
  if not group then
    group = { from = from, to = to, from_name = rule.to_name,
              to_name = rule.from_name, left_due = left_due,
              release = release, count = 0, items = {} }
    self.groups[key] = group
    table.insert(self.order, 1, group)
  end
  return group
end

-- Returns the source of a move: the operation, or a rule of the plan for a late
-- arrival.
local function rule_of(record, op, replayed)
  for _, index in ipairs(op.rules or {}) do
    local rule = replayed.plan.rules[index]
    if state.ref(replayed.state, rule.to) == record.to and
       state.ref(replayed.state, rule.from) == record.from then
      return rule
    end
  end
  return op
end

--- Takes a record of a moved item.
-- @tparam table record
-- @tparam table op that it belongs to
-- @tparam table replayed the journal so far
function Moved:take(record, op, replayed)
  local from = record.to or state.ref(replayed.state, op.to)
  local to = record.from
  if to == nil then to = state.ref(replayed.state, op.from) end
  local group = group_of(self, from, to, rule_of(record, op, replayed))
  local versions = versions_of(self, group.release)
  local earlier = versions.last[record.item]
  if earlier then earlier.count = earlier.count - 1 end
  group.count = group.count + 1
  versions.last[record.item], versions.due[record.item] = group, record.due
  if record.due_unknown then self.unknown = self.unknown + 1 end
end

--- Returns the group in which an item's own version is moved back; nil for
-- none.
function Moved:group_of_item(id)
  return versions_of(self, false).last[id]
end

-- Adds the due dates that the items of a group had, where any had one or the
-- run has set some.
local function add_dues(group, due)
  for i, id in ipairs(group.items) do
    if (due[id] or group.left_due ~= nil) and not group.dues then
      group.dues = {}
      for j = 1, #group.items do group.dues[j] = false end
    end
    if due[id] then group.dues[i] = due[id] end
  end
end

--- The groups, each with its items and their former due dates.
function Moved:finish()
  for _, versions in pairs(self.versions) do
    for id, group in pairs(versions.last) do
      table.insert(group.items, id)
    end
  end
  for _, group in ipairs(self.order) do
    table.sort(group.items)
    add_dues(group, versions_of(self, group.release).due)
  end
  return self
end

-- ------------------------------------------------------------- releases

-- True if a plan moves versions of releases.
local function has_releases(plan)
  for _, op in ipairs(plan.operations) do
    if release_of(op) then return true end
  end
  for _, rule in ipairs(plan.rules) do
    if release_of(rule) then return true end
  end
  return false
end

--- Reads which releases there are, if the run may have moved versions of any.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Moved:read_releases(client, replayed)
  if not has_releases(replayed.plan) then return true end
  local list, err = client.releases:list()
  if not list then return nil, err end
  for _, release in ipairs(list) do self.releases[release.id] = true end
  return true
end

-- True if the versions that a rule moves cannot be read or moved any more.
function Moved:is_gone(release)
  return release and not self.releases[release]
end

-- ------------------------------------------------------- what is uncertain

-- The ids of the items that an operation may have moved, by release.
local function maybe_sent_of(replayed, index)
  local progress, found = replayed.progress[index], {}
  for _, id in ipairs(progress.retry_ids) do
    if progress.maybe_sent[id] then
      local read = progress.read_before[id] or {}
      local release = release_of(rule_of(
        read, replayed.plan.operations[index], replayed))
      found[release] = found[release] or {}
      table.insert(found[release], id)
    end
  end
  return found
end

-- Adds an item that is in the stage to which the run may have moved it, unless
-- somebody else moved it there.
local function take_item(self, client, replayed, index, item)
  local op = replayed.plan.operations[index]
  local read = replayed.progress[index].read_before[item.id] or {}
  local record = {
    item = item.id, to = item.stage, due = read.due,
    due_unknown = read.is_due_unknown,
    from = read.from,
  }
  if record.from == nil or item.stage ~= read.to then return end
  local verdict = drivers[replayed.plan.service].find_change(
    client, item.id, item.stage, rule_of(record, op, replayed).set or {},
    { stage = record.from or nil, created_at = read.created })
  if verdict ~= "not_done" then self:take(record, op, replayed) end
end

-- Takes items of one operation, page by page.
local function take_items(self, client, replayed, index, ids, release)
  local driver = drivers[replayed.plan.service]
  for from = 1, #ids, driver.PER_PAGE do
    local page = table.move(ids, from, math.min(
      from + driver.PER_PAGE - 1, #ids), 1, {})
    local found, err = driver.fetch_current(client, page, release or nil)
    if not found then return nil, err end
    for id, item in pairs(found) do
      item.id = id
      take_item(self, client, replayed, index, item)
    end
  end
  return true
end

--- Adds the moves that were in flight when the run ended.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Moved:take_uncertain(client, replayed)
  for index in pairs(replayed.progress) do
    for release, ids in pairs(maybe_sent_of(replayed, index)) do
      if not self:is_gone(release) then
        local good, err = take_items(self, client, replayed, index, ids,
                                     release)
        if not good then return nil, err end
      end
    end
  end
  return true
end

-- ------------------------------------------------------------- the moves

--- Why the items of a group are not moved back; nil if they are.
-- @tparam table group
-- @tparam function ref_of id of a stage -> its reference in the plan; nil if
--   the stage is gone
function Moved:why_left(group, ref_of)
  local items = render.items(group.count)
  if self:is_gone(group.release) then
    return ("%s not moved back: release %d of the move is gone")
           :format(items, group.release)
  elseif group.to == false then
    return ("%s not moved back: no stage before, and the service " ..
            "cannot remove an item's stage"):format(items)
  elseif not ref_of(group.to) then
    return ("%s not moved back: the former stage %s is gone")
           :format(items, render.quoted(group.to_name))
  end
end

--- The moves back, as input of the planner, and sentences about the items that
-- are not moved.
-- @tparam function ref_of as for `why_left`
function Moved:moves(ref_of)
  local moves, conflicts = {}, {}
  for _, group in ipairs(self.order) do
    local why = group.count > 0 and self:why_left(group, ref_of)
    if why then conflicts[#conflicts + 1] = why
    elseif group.count > 0 then
      moves[#moves + 1] = {
        from = group.from, to = ref_of(group.to),
        from_name = group.from_name, to_name = group.to_name,
        set = { release_id = group.release or nil },
        items = group.items, dues = group.dues, left_due = group.left_due,
        count = group.count, only = true,
      }
    end
  end
  return moves, conflicts
end

return moved_items
