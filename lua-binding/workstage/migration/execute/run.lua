--- One run of a plan: progress, journal records, report.
local core = require "workstage.core"
local drivers = require "workstage.migration.execute.drivers"
local errors = require "workstage.errors"
local failures = require "workstage.migration.execute.failures"
local loop = require "workstage.loop"
local operations = require "workstage.migration.operations"
local preconditions = require "workstage.migration.preconditions"
local stages = require "workstage.migration.execute.stages"
local state = require "workstage.migration.state"
local traffic = require "workstage.migration.journal.traffic"

local run = {}

local Run = {}
Run.__index = Run

-- How many skipped items a report names.
local NAMED = 1000

-- --------------------------------------------------------------- report

local Report = { __name = "workstage.report" }

function Report:__tostring()
  local parts = {}
  for _, name in ipairs { "added", "changed", "removed" } do
    if self[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(self[name], name)
    end
  end
  parts[#parts + 1] = ("%d moved"):format(self.moved)
  if self.skipped > 0 then
    parts[#parts + 1] = ("%d skipped"):format(self.skipped)
  end
  if self.failed > 0 then
    parts[#parts + 1] = ("%d failed"):format(self.failed)
  end
  local text = table.concat(parts, ", ")
  if self.complete then return text end
  local why = self.error and tostring(self.error) or self.stopped
  text = ("%s; not complete%s"):format(text, why and (": " .. why) or "")
  if not self.journal then return text end
  return ("%s; resume it from %s"):format(text, self.journal)
end

--- Begins a run.
-- @tparam table client the space or the account
-- @tparam table plan
-- @tparam table journal open for writing
-- @tparam string path of the journal
-- @tparam table options `concurrency`, `on_progress`, `on_event`,
--   `on_failure`, `limit`,
--   `should_stop`
function run.new(client, plan, journal, path, options)
  local total, concurrency = 0, options.concurrency or 8
  for _, operation in ipairs(plan.operations) do
    total = total + (operation.count or 0)
  end
  return setmetatable({
    client = client, plan = plan, journal = journal,
    driver = drivers[plan.service],
    concurrency = concurrency, failures = failures.new(concurrency),
    rate = client.transport.rate,
    on_progress = options.on_progress, on_event = options.on_event,
    on_failure = options.on_failure or "continue",
    should_stop = options.should_stop,
    limit = options.limit, begun = 0, total = total,
    settled = 0,      -- items whose end an earlier run has written down
    began_at = core.now(),
    requests_before = client.transport.client:requests(),
    traffic = traffic.new(client),
    state = plan.state, first_state = plan.state,
    replaced = {},       -- id -> attribute -> values that this run replaced
    replaced_types = {}, -- workflow -> content types that this run replaced
    needs_refresh = false, -- true if the last read of the stages is too old
    has_rest = false,    -- true if a stage that was to be deleted holds items
    report = setmetatable({
      complete = false, added = 0, changed = 0, removed = 0, moved = 0,
      skipped = 0, failed = 0, failures = {}, skips = {},
      notes = table.move(plan.conflicts, 1, #plan.conflicts, 1, {}),
      journal = path, plan = plan.id,
    }, Report),
  }, Run)
end

-- -------------------------------------------------------------- journal

-- Ends the run once the journal cannot be written: nothing more is sent.
local function check_written(self, good, err)
  if good then return true end
  self.fatal = self.fatal or err
  return nil, err
end

-- Adds the time in seconds since 1970. The outcomes of moves, which are most
-- of a journal, get it only once a second.
local function stamp(self, record)
  local now = os.time()
  if record.type ~= "moved" or now ~= self.stamped_at then
    record.at, self.stamped_at = now, now
  end
  return record
end

local function write(self, record)
  stamp(self, record)
  check_written(self, self.journal:write(record))
end

local function note_traffic(self)
  local record = self.traffic:take()
  if record then write(self, record) end
end

--- Writes a record to the journal; it is synced within a second.
function Run:note(record)
  write(self, record)
  if self.traffic:is_due(self.stamped_at) then note_traffic(self) end
end

--- Writes an intent to the journal and syncs it. Raises if that fails: the
-- intended change must not be sent then.
function Run:intend(record)
  local good, err = check_written(self, self.journal:intend(
    stamp(self, record)))
  if not good then error(err, 0) end
end

-- Reports an event to the `on_event` option.
local function emit(self, event)
  if self.on_event then self.on_event(event) end
end

--- Waits until reads show earlier writes; the journal is synced first.
-- @tparam string reason why the run waits
function Run:settle(reason)
  local seconds = self.client.transport.settle_time
  self:note { type = "pause", reason = reason, seconds = seconds }
  local good, err = check_written(self, self.journal:sync())
  if not good then error(err, 0) end
  emit(self, { type = "wait", seconds = seconds, reason = reason })
  loop.sleep(seconds)
end

-- ---------------------------------------------------------------- items

local function tell(self)
  if not self.on_progress then return end
  local report = self.report
  self.on_progress {
    total = self.total,
    done = self.settled + report.moved + report.skipped + report.failed,
    moved = report.moved, skipped = report.skipped, failed = report.failed,
    requests = self.client.transport.client:requests() -
               self.requests_before,
    elapsed = core.now() - self.began_at,
    operation = self.current,
  }
end

--- Records that an item was moved.
-- @tparam table work what `move_items.run` got
-- @tparam integer id
-- @tparam table|nil change nil if an earlier run sent it
-- @tparam table read the earlier read of the item, with its due date
function Run:moved(work, id, change, read)
  local late = work.late
  self.report.moved = self.report.moved + 1
  self.failures:note_success(work)
  self:note { type = "moved", operation = work.operation, item = id,
              change = change and change.id, due = read.due,
              due_unknown = read.is_due_unknown or nil,
              from = late and work.from, to = late and work.to }
  if self.on_event then
    emit(self, { type = "item", operation = work.operation, item = id,
                 outcome = "moved", change = change and change.id,
                 name = read.name })
  end
  tell(self)
end

--- Counts a skipped item. Its page's record names it.
function Run:skip(id, why)
  emit(self, { type = "item", item = id, outcome = "skipped", reason = why })
  local report = self.report
  report.skipped = report.skipped + 1
  if #report.skips < NAMED then
    report.skips[#report.skips + 1] = { item = id, why = why }
  end
  tell(self)
end

--- Ends the run because its task was cancelled. The outcomes of requests in
-- flight stay unknown.
function Run:cancel()
  self.is_cancelled = true
  self.stopped = self.stopped or "it was cancelled"
end

--- Ends the run with an error.
function Run:end_with(err)
  if errors.is(err) and err.kind == "cancelled" then return self:cancel() end
  self.fatal = self.fatal or err
end

--- Records that an item could not be moved. A later run tries again.
-- @tparam table work what `move_items.run` got
-- @tparam table item the item that was read
-- @param err the error of its move
function Run:failed(work, item, err)
  local report, is_error = self.report, errors.is(err)
  report.failed = report.failed + 1
  report.failures[#report.failures + 1] = { item = item.id, name = item.name,
                                            error = err }
  self:note { type = "failed", operation = work.operation, item = item.id,
              name = item.name, why = tostring(err),
              message = is_error and err.message or nil,
              status = is_error and err.status or nil,
              kind = is_error and err.kind or nil,
              ambiguous = is_error and err.ambiguous or nil }
  emit(self, { type = "item", operation = work.operation, item = item.id,
               outcome = "failed", name = item.name, reason = tostring(err) })
  local final = self.failures:note_failure(work, err)
  if final then self:end_with(final)
  elseif self.on_failure == "stop" then
    self.stopped = self.stopped or "an item failed"
  end
  tell(self)
end

--- Adds items that the plan did not count.
function Run:add(count)
  self.total = self.total + count
end

--- Counts an item whose move begins.
function Run:began()
  self.begun = self.begun + 1
end

--- True if no further item may be begun.
function Run:must_stop()
  if self.limit and self.begun >= self.limit then
    self.stopped = self.stopped or
                   ("the limit of %d items is reached"):format(self.limit)
  elseif self.should_stop and self.should_stop() then
    self.stopped = self.stopped or "it was interrupted"
  end
  return self.fatal ~= nil or self.stopped ~= nil
end

-- ----------------------------------------------------------- operations

--- The id of a reference, if the run has created it; else the reference.
function Run:id_of(ref)
  return state.ref(self.state, ref)
end

--- True if the preconditions of the operation still hold; nil and the error.
-- Stages whose last read is too old are read again first.
-- @tparam table op
-- @tparam[opt] boolean is_begun true if an earlier run has begun it
function Run:check(op, is_begun)
  if #operations.of(op).requires(op) == 0 then return true end
  local fresh, err = stages.refresh(self,
                                    operations.workflows(self.state, op))
  if not fresh then return nil, err end
  local broken = preconditions.broken(self.state, op, is_begun)
  if #broken == 0 then return true end
  return nil, preconditions.stale(broken)
end

--- Records that the current operation is about to be sent. Raises if the
-- journal cannot be written, so that nothing is sent.
function Run:begin()
  self:intend { type = "begin", operation = self.current }
end

--- Records that the service refused the current operation: anything that looks
-- like its result later was made by somebody else.
-- @treturn nil
-- @treturn table the error
function Run:refused(err)
  if errors.is(err) and not err.ambiguous and err.kind ~= "cancelled" and
     err.kind ~= "memory" then
    self:note { type = "refused", operation = self.current }
  end
  return nil, err
end

local function advance(self, after)
  stages.note_replaced(self, self.state, after)
  self.state = after
end

--- Notes that a stage was changed in the middle of an operation.
function Run:stage_changed(id, set)
  local draft = state.draft(self.state)
  state.set_stage(draft, id, set)
  advance(self, draft)
end

--- Notes that the current operation is done.
-- @tparam[opt] table result the result, which `reduce` gets
-- @treturn boolean true
function Run:finish(result)
  local record = { type = "done", operation = self.current }
  for name, value in pairs(result or {}) do record[name] = value end
  self:note(record)
  advance(self, operations.reduce(
    self.state, self.plan.operations[self.current], result))
  return true
end

--- Skips the current operation because the space has changed.
function Run:skip_operation(differences)
  self:leave("skipped: " .. table.concat(differences, "; "))
  self:note { type = "done", operation = self.current, skipped = true }
  return true
end

--- Records something that is kept unchanged.
function Run:leave(message)
  table.insert(self.report.notes, message)
  self:note { type = "note", operation = self.current, message = message }
end

local function count_changes(self)
  local changes = state.changed_stages(self.first_state, self.state)
  for name, refs in pairs(changes) do self.report[name] = #refs end
end

--- Ends the run.
-- @treturn table the report
function Run:close(complete, err)
  local report = self.report
  complete = complete and report.failed == 0 and not err and
             not self.fatal and not self.stopped
  note_traffic(self)
  if complete then self:note { type = "complete" } end
  count_changes(self)
  local synced, why = self.journal:close()
  if not synced then self.fatal = self.fatal or why end
  report.complete = complete and not self.fatal
  report.error = err or self.fatal
  report.stopped = self.stopped
  report.requests = self.client.transport.client:requests() -
                    self.requests_before
  report.seconds = core.now() - self.began_at
  return report
end

--- The report of a run that was already complete.
function Run:already_done()
  self.journal:close()
  local report = self.report
  report.complete, report.requests, report.seconds = true, 0, 0
  return report
end

return run
