--- The outcomes of a run's items, minute by minute, and the failed and skipped
-- items. Reads the journal record by record, without keeping moved items.
local journals = require "workstage.migration.journal.file"
local traffic = require "workstage.migration.journal.traffic"

local outcomes = {}

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

local take = {}

function take.moved(self, record)
  forget_failure(self, record.item)
  local counts = counts_of(self, record.operation)
  counts.moved = counts.moved + 1
  add_minute(self, "moved")
end

function take.failed(self, record)
  forget_failure(self, record.item)
  local counts = counts_of(self, record.operation)
  counts.failed = counts.failed + 1
  self.open[record.item] = {
    item = record.item, name = record.name, outcome = "failed",
    reason = record.why, operation = record.operation,
  }
  add_minute(self, "failed")
end

function take.page(self, record)
  local counts = counts_of(self, record.operation)
  for _, each in ipairs(record.skipped or {}) do
    forget_failure(self, each.item)
    counts.skipped = counts.skipped + 1
    self.skipped[#self.skipped + 1] = {
      item = each.item, name = each.name, outcome = "skipped",
      reason = each.why, operation = record.operation,
    }
  end
end

function take.pause(self, record)
  self.pauses[#self.pauses + 1] = {
    at = record.at, seconds = record.seconds, reason = record.reason,
  }
end

function take.traffic(self, record)
  traffic.add(minute_of(self, record.since), record)
  traffic.add(self.traffic, record)
end

function take.resumed(self) self.resumes = self.resumes + 1 end

local function note_time(self, record)
  if not record.at then return end
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
--   `resumes`, `first` and `last` (seconds since 1970; nil for an empty run)
-- @treturn[2] nil
-- @treturn[2] table the error
function outcomes.read(path)
  local reader, err = journals.read(path)
  if not reader then return nil, err end
  local self = { operations = {}, open = {}, skipped = {}, minutes = {},
                 pauses = {}, resumes = 0,
                 traffic = traffic.none() }
  local good, why = reader:take_all(function(record)
    note_time(self, record)
    if take[record.type] then take[record.type](self, record) end
  end)
  if not good then return nil, why end
  self.unsettled = unsettled(self)
  return self
end

return outcomes
