--- The outcomes of a run's items, from its journal: of each item, or counted
-- minute by minute without keeping the moved ones.
local journals = require "workstage.migration.journal.file"
local traffic = require "workstage.migration.journal.traffic"

local outcomes = {}

-- Returns why an item failed, without the address of its request.
local function reason_of(record)
  if not record.status or not record.message then return record.why end
  return ("%s (status %d)"):format(record.message, record.status)
end

-- Passes what a record says of items to `found`.
local function visit(record, found)
  if record.type == "moved" or record.type == "failed" then
    found { item = record.item, name = record.name, outcome = record.type,
            reason = reason_of(record), status = record.status,
            kind = record.kind, operation = record.operation,
            change = record.change }
  elseif record.type == "page" then
    for _, each in ipairs(record.skipped or {}) do
      found { item = each.item, name = each.name, outcome = "skipped",
              reason = each.why, operation = record.operation }
    end
  end
end

-- Reads a journal: passes each record to `take`, and each outcome to `found`.
local function read(path, take, found)
  local reader, err = journals.read(path)
  if not reader then return nil, err end
  return reader:take_all(function(record)
    take(record)
    visit(record, found)
  end)
end

-- ---------------------------------------------------------- of each item

--- Returns the outcome of each item, in the order in which items were first
-- met.
-- @tparam string path of the journal
-- @treturn[1] table array of `item`, `name` (where known), `outcome`
--   ("moved", "skipped", "failed"), `reason`, `kind` and `status` (of the
--   error), `from`, `to` (names), `operation`, `change`
-- @treturn[2] nil
-- @treturn[2] table the error
function outcomes.items(path)
  local last, list, operations = {}, {}, {}
  local good, err = read(path, function(record)
    if record.type == "operation" then
      operations[#operations + 1] = record
    end
  end, function(each)
    if not last[each.item] then list[#list + 1] = each.item end
    last[each.item] = each
  end)
  if not good then return nil, err end
  for i, id in ipairs(list) do
    local item = last[id]
    local operation = operations[item.operation] or {}
    item.from, item.to = operation.from_name, operation.to_name
    list[i] = item
  end
  return list
end

-- -------------------------------------------------------- minute by minute

local function counts_of(self, operation)
  local counts = self.operations[operation]
  if not counts then
    counts = { moved = 0, skipped = 0, failed = 0 }
    self.operations[operation] = counts
  end
  return counts
end

-- A failed item may be tried again when the run is resumed.
local function forget_failure(self, id)
  local old = self.open[id]
  if not old then return end
  self.open[id] = nil
  local counts = counts_of(self, old.operation)
  counts.failed = counts.failed - 1
end

local function minute_of(self, seconds)
  local minute = seconds // 60
  local entry = self.minutes[minute]
  if not entry then
    entry = traffic.none()
    entry.moved, entry.failed = 0, 0
    self.minutes[minute] = entry
  end
  return entry
end

local function add_minute(self, name)
  local entry = minute_of(self, self.last or self.first or 0)
  entry[name] = entry[name] + 1
end

local function count(self, each)
  forget_failure(self, each.item)
  local counts = counts_of(self, each.operation)
  counts[each.outcome] = counts[each.outcome] + 1
  if each.outcome == "skipped" then table.insert(self.skipped, each)
  else add_minute(self, each.outcome) end
  if each.outcome == "failed" then self.open[each.item] = each end
end

local take = {}

function take.pause(self, record)
  self.pauses[#self.pauses + 1] = {
    at = record.at, seconds = record.seconds, reason = record.reason,
  }
end

function take.traffic(self, record)
  traffic.add(minute_of(self, record.since), record)
  traffic.add(self.traffic, record)
end

function take.resumed(self, record)
  self.resumes[#self.resumes + 1] = { at = record.at, origin = record.origin }
end

function take.complete(self, record) self.completed_at = record.at end

function take.rolled_back(self, record) self.rolled_back_at = record.at end

local function note_time(self, record)
  if not record.at or record.type == "rolled_back" then return end
  self.first = self.first or record.at
  self.last = record.at
end

-- Failed items by id, then skipped ones in the order of the journal.
local function unsettled(self)
  local list = {}
  for _, failed in pairs(self.open) do list[#list + 1] = failed end
  table.sort(list, function(a, b) return a.item < b.item end)
  return table.move(self.skipped, 1, #self.skipped, #list + 1, list)
end

--- Reads a journal.
-- @tparam string path
-- @treturn[1] table `operations` (index -> counts of `moved`, `skipped`,
--   `failed`), `unsettled` (array of `item`, `name` where known, `outcome`,
--   `reason`, `operation`), `minutes` (minute since 1970 -> counts of `moved`
--   and `failed`, and the counts of `traffic`), `traffic` (of the whole run,
--   see `journal.traffic`), `pauses` (array of `at`, `seconds`, `reason`),
--   `resumes` (array of `at`, `origin`), `first` and `last` (seconds since
--   1970; nil for an empty run), `completed_at`, `rolled_back_at`
-- @treturn[2] nil
-- @treturn[2] table the error
function outcomes.read(path)
  local self = { operations = {}, open = {}, skipped = {}, minutes = {},
                 pauses = {}, resumes = {},
                 traffic = traffic.none() }
  local good, err = read(path, function(record)
    note_time(self, record)
    if take[record.type] then take[record.type](self, record) end
  end, function(each) count(self, each) end)
  if not good then return nil, err end
  self.unsettled = unsettled(self)
  return self
end

return outcomes
