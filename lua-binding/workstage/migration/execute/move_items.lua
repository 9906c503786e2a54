--- Moves the items of one operation, several at a time.
local errors = require "workstage.errors"
local item_pages = require "workstage.migration.execute.item_pages"
local loop = require "workstage.loop"
local scope = require "workstage.scope"
local time = require "workstage.time"

local move_items = {}

-- The maximum number of times an item is read again because its move could not
-- be sent in time.
local MAX_TRIES = 8

-- At low rates, at most this many seconds' worth of requests are queued: reads
-- of items that wait longer would be too old.
local SECONDS_IN_FLIGHT = 4

-- ------------------------------------------------------------ due dates

-- True if two due dates (strings, or false for none) are the same moment.
local function is_same_date(a, b)
  if (a or false) == (b or false) then return true end
  local first, second = time.parse(a or nil), time.parse(b or nil)
  return first ~= nil and first == second
end

-- In a rollback, the due date to restore: false for none, nil if somebody has
-- set another since.
local function due_before(work, item)
  local had = work.had_due and work.had_due[item.id]
  if had == nil or item.is_due_unknown then return had end
  local left = work.left_due
  if left == nil then left = had end
  if is_same_date(item.due, left) then return had end
end

-- The due date to send with an item's change: the operation's, the one to
-- restore, or the current one. False clears it; nil sends none.
local function due_date_for(work, item)
  if work.set.due_date ~= nil then return work.set.due_date end
  local had = due_before(work, item)
  if had == nil then return item.due end
  if had == false and not item.due then return nil end
  return had
end

-- Due dates by item: false for an item that had none.
local function due_by_id(work)
  if not work.dues then return nil end
  local found = {}
  for i, id in ipairs(work.items) do found[id] = work.dues[i] end
  return found
end

local function attributes_for(work, item)
  local set = { due_date = due_date_for(work, item) }
  for name, value in pairs(work.set) do
    if name ~= "due_date" then set[name] = value end
  end
  return set
end

-- ------------------------------------------------------------- outcomes

-- Kinds of errors after which a move that did not take effect may be tried
-- again.
local TRANSIENT = { network = true, timeout = true, server = true,
                    rate_limited = true }

-- True if a move did not take effect because its turn came too late: it is
-- retried after another read.
local function should_retry(pages, item, err)
  if err.ambiguous or not TRANSIENT[err.kind] or
     (item.tries or 0) >= MAX_TRIES then
    return false
  end
  return err.kind == "rate_limited" or pages:time_left(item) <= 0
end

-- Puts an item back into the queue. If its move timed out there, it may wait
-- longer the next time.
local function repeat_later(pages, item, err)
  item.tries = (item.tries or 0) + 1
  if err.attempts == 0 then item.late_turns = (item.late_turns or 0) + 1 end
  pages:put_back(item)
end

-- True if an item was not sent because the run ended.
local function was_not_sent(err)
  return not err.ambiguous and
         (err.kind == "cancelled" or err.kind == "budget")
end

-- Ends the run if the target stage is gone or in another workflow. Refusals at
-- the same time share one read of the stages.
local function check_stages(self)
  local run = self.run
  self.check = self.check or loop.spawn(function()
    run.needs_refresh = true
    return run:check(run.plan.operations[self.work.operation], true)
  end)
  local good, err = self.check:wait()
  if not good then run:end_with(err) end
end

-- Handles a refused move: a skip if the item has changed meanwhile, otherwise
-- a failure, which may come from a change of the target stage.
local function refused(self, item, err)
  local run, pages = self.run, self.pages
  if run.driver.may_have_changed(err) then
    local found = run.driver.fetch_current(run.client, { item.id },
                                           pages.release_id)
    local why = found and pages:skip_reason(found[item.id])
    if why then return pages:skip(item, why) end
  end
  pages.unmoved[item.id] = true
  run:failed(self.work, item, err)
  if run.driver.may_lack_target(err) then check_stages(self) end
end

local function failed(self, item, err)
  if errors.is(err) and was_not_sent(err) then
    self.pages:put_back(item)
    self.run:end_with(err)
  elseif errors.is(err) and should_retry(self.pages, item, err) then
    repeat_later(self.pages, item, err)
  elseif errors.is(err) and err.kind == "cancelled" then
    self.run:cancel()
  else
    refused(self, item, err)
  end
end

-- A change names the workflow of its stage. If that is not the one that was
-- planned for, the stage is read again, once: the run ends if it was put into
-- another workflow.
local function check_target(self, change)
  if self.is_checked or not change.workflow_id then return end
  local stage = self.run.state.stages[self.work.to]
  if not stage or change.workflow_id == stage.workflow then return end
  self.is_checked = true
  check_stages(self)
end

local function move(self, item)
  local run, work = self.run, self.work
  local _ <close> = self.pages:begin_flight()
  local left = self.pages:time_left(item)
  local change, err = run.driver.move(
    run.client, item, work.to, attributes_for(work, item),
    { start_within = math.max(left, 0.001),
      seen = self.pages:seen_before(item.id) })
  if change then
    self.check = nil
    run:moved(work, item.id, change, item)
    check_target(self, change)
  else
    failed(self, item, err)
  end
end

-- Returns a task that moves one item at a time until none is left or the run
-- stops.
local function puller(run, pages)
  return function()
    if run:must_stop() then return nil end
    local item = pages:next()
    if not item then return nil end
    if run:must_stop() then
      pages:put_back(item)
      return nil
    end
    if not item.is_counted then run:began() end
    item.is_counted = true
    return item
  end
end

local function concurrency_for(run)
  if not run.rate or run.rate <= 0 then return run.concurrency end
  local most = math.ceil(run.rate * SECONDS_IN_FLIGHT)
  return math.max(1, math.min(run.concurrency, most))
end

--- Moves the items of an operation.
-- @tparam table run the run (see `run.lua`)
-- @tparam table work `operation` (its index), `from`, `to` (stages), `set`
--   (attributes of each change; `due_date = false` clears it), `items` (ids),
--   `from_name`, `to_name`; of a rollback `dues` (what each item had, by
--   index; false: none) and `left_due` (what the run has set; false: cleared);
--   of an earlier run `at` (index of the first item that was not read yet),
--   `retry_ids`, `maybe_sent` (set of ids), `read_before` (id -> what was
--   read); `late` (true for items that the plan did not list), `unmoved` (a
--   set that gets the ids of those skipped or failed)
-- @treturn[1] boolean true if all were handled; false if the run was stopped
-- @treturn[2] nil
-- @treturn[2] table the error that ends the run
function move_items.run(run, work)
  work.had_due = due_by_id(work)
  local self = { run = run, work = work, pages = item_pages.new(run, work) }
  local done, err = pcall(scope.map, puller(run, self.pages), function(item)
    move(self, item)
  end, {
    concurrency = concurrency_for(run), on_result = function(_, _, raised)
      if raised then run:end_with(raised) end
    end,
  })
  if not done then run:end_with(err) end
  self.pages:close()
  if loop.is_cancelled() then run:cancel() end
  if run.fatal then return nil, run.fatal end
  return not run.is_cancelled and self.pages:is_done()
end

return move_items
