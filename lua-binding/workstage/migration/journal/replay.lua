--- Reads a journal: the plan, and the progress of its run.
local errors = require "workstage.errors"
local item_records = require "workstage.migration.journal.item_records"
local journals = require "workstage.migration.journal.file"
local operations = require "workstage.migration.operations"
local plan = require "workstage.migration.plan"
local traffic = require "workstage.migration.journal.traffic"

local replay = {}

-- The state of an operation: `started`, true once its request may have been
-- sent; `done`; `opened`, the transitions that it has opened; and its items,
-- see `item_records`.
local function state_of(self, index)
  local state = self.progress[index]
  if not state then
    state = item_records.new()
    state.opened = {}
    self.progress[index] = state
  end
  return state
end

local take = {}

function take.begin(self, record)
  state_of(self, record.operation).started = true
end

-- It has created nothing: anything that has its name now was made by others.
function take.refused(self, record)
  self.progress[record.operation] = nil
end

function take.opened(self, record)
  table.insert(state_of(self, record.operation).opened, record)
end

for name, add in pairs(item_records.take) do
  take[name] = function(self, record)
    add(self, state_of(self, record.operation), record)
  end
end

function take.done(self, record)
  local progress = state_of(self, record.operation)
  progress.done, progress.started = true, true
  progress.skipped = record.skipped
  if record.skipped then return end
  record.opened = progress.opened
  progress.result = record
  self.state = operations.reduce(
    self.state, self.plan.operations[record.operation], record)
end

function take.traffic(self, record)
  traffic.add(self.traffic, record)
end

function take.note(self, record)
  table.insert(self.notes, record)
end

function take.complete(self) self.complete = true end

function take.rolled_back(self) self.rolled_back = true end

-- The run that this rollback undoes can no longer be resumed.
function take.marked(self) self.is_unmarked = false end

-- True if the service definitely refused the request: it cannot take effect
-- later.
local function is_refusal(record)
  return record.status and record.status >= 400 and record.status < 500
end

-- True if a request may have been sent whose outcome is not in the journal, so
-- that its effect may still appear.
local function is_in_doubt(state)
  if state.started and not state.done then return true end
  for _, record in pairs(state.failed) do
    if not is_refusal(record) then return true end
  end
  return next(state.maybe_sent) ~= nil
end

local function has_doubt(self)
  for _, state in pairs(self.progress) do
    if is_in_doubt(state) then return true end
  end
  return false
end

--- Reads a journal.
-- @tparam string path
-- @tparam[opt] function on_moved called with each record of a moved item,
--   and with the values below, as far as they are known
-- @treturn[1] table `header`, `plan`, `progress` (by operation), `state`
--   (after the completed operations), `moved`, `skipped`, `failed`, `late`
--   (counts; late are items that the plan did not list), `traffic` (see
--   `journal.traffic`), `complete`,
--   `rolled_back`, `notes` (what was kept unchanged), `is_unmarked` (a
--   rollback that may not send anything yet), `has_doubt` (true if the outcome
--   of a request is unknown)
-- @treturn[2] nil
-- @treturn[2] table the error; with `unplanned` when the journal ends before
--   its plan does
function replay.read(path, on_moved)
  local records, err = journals.read(path)
  if not records then return nil, err end
  local self = { header = records.header, progress = {}, notes = {},
                 moved = 0, skipped = 0, failed = 0, late = 0,
                 traffic = traffic.none(),
                 complete = false, on_moved = on_moved,
                 is_unmarked = records.header.undoes ~= nil }
  local planned = false
  local good, why = records:take_all(function(record)
    if record.type == "plan" then self.plan = plan.begin(record)
    elseif self.plan and not planned then
      planned = plan.take(self.plan, record) == false
      self.state = self.plan.state
    elseif take[record.type] then take[record.type](self, record) end
  end)
  if not good then return nil, why end
  if not planned then
    local failure = errors.new {
      kind = "damaged",
      message = path .. ": the journal does not contain its whole plan; " ..
                "nothing was sent, so it can be deleted",
    }
    failure.unplanned = true
    return nil, failure
  end
  for _, state in pairs(self.progress) do item_records.finish(state) end
  self.has_doubt = has_doubt(self)
  return self
end

--- Returns the progress of a run.
-- @tparam table self what `read` returns
-- @treturn table see `migration.progress`
function replay.progress(self)
  local total, done = self.late, 0
  for index, op in ipairs(self.plan.operations) do
    local progress = self.progress[index]
    total = total + (op.count or 0)
    if progress and progress.done then done = done + 1 end
  end
  -- a journal may hold more than its plan lists
  total = math.max(total, self.moved + self.skipped)
  return {
    total = total, moved = self.moved, skipped = self.skipped,
    failed = self.failed, complete = self.complete, done = done,
    operations = #self.plan.operations, rolled_back = self.rolled_back == true,
    workflow = self.plan.workflow, service = self.plan.service,
    space_id = self.plan.space_id, kind = self.plan.kind, plan = self.plan.id,
    requests = self.traffic.requests,
    retries = traffic.retries(self.traffic), held = self.traffic.held,
  }
end

return replay
