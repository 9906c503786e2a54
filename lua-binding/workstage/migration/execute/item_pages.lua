--- The items of one operation, page by page, ready to be moved.
--
-- A page is read shortly before its items are moved, and written to the
-- journal before any of them is. An item that has left its stage since the
-- plan is skipped. An item whose read is too old when its turn comes is read
-- again, to notice changes by editors.
local core = require "workstage.core"
local loop = require "workstage.loop"
local page_size = require "workstage.migration.page_size"

local item_pages = {}

-- Seconds for which a read of an item is recent enough to move it; at very low
-- rate limits, the time that a few requests take.
local MAX_AGE, MIN_REQUESTS = 8, 4

-- The maximum number of items in one request.
local MAX_ITEMS = 100

-- A disk sync takes as long as many requests to a fast service. After a start
-- with single pages, one sync therefore covers the pages that are moved in
-- this many seconds. At the rates of the real services that is always one
-- page.
local MAX_PAGES, SYNC_SECONDS, SINGLE_LOADS = 10, 0.25, 3

local Pages = {}
Pages.__index = Pages

-- --------------------------------------------------------------- sizes

-- Measures how many items a second were taken since the last page was read, if
-- any; capped by the rate limit.
local function measure_rate(self)
  local now = core.now()
  if self.taken > 0 then
    self.rate = math.min(self.taken / (now - self.loaded_at), self.max_rate)
  end
  self.loaded_at, self.taken, self.loads = now, 0, self.loads + 1
end

local function pages_at_once(self)
  local most = math.min(MAX_PAGES, self.loads - SINGLE_LOADS + 1)
  return math.max(1, math.min(self.rate * SYNC_SECONDS // MAX_ITEMS, most))
end

-- The queue length at which the next page is read: long enough that requests
-- do not pause between pages, short enough that reads stay recent.
local function items_ahead(self)
  return math.max(2, math.min(math.ceil(math.min(self.rate, 1e6) / 2),
                              #self.queue // 4))
end

-- Takes the next ids to read: those of an earlier run first.
local function next_ids(self, count)
  local ids = {}
  while #ids < count do
    local id
    if self.retry_at <= #self.retry_ids then
      id = self.retry_ids[self.retry_at]
      self.retry_at = self.retry_at + 1
    elseif self.at <= #self.items then
      id = self.items[self.at]
      self.at = self.at + 1
    else
      break
    end
    ids[#ids + 1] = id
  end
  return ids
end

-- ------------------------------------------------------------ deciding

--- Why an item must not be moved; nil if it is to be moved.
-- @tparam table|nil item as read; nil if it no longer exists
function Pages:skip_reason(item)
  if not item then return "it is gone"
  elseif item.stage == nil then return "its status is not shown to this user"
  elseif item.stage == self.to then return "it is there already"
  elseif item.stage ~= self.from then
    return "it has been moved since the plan"
  end
end

--- What an earlier run read of an item before it may have moved it, in the
-- form that calls take; nil if it cannot have moved it.
function Pages:seen_before(id)
  local before = self.maybe_sent[id] and self.read_before[id]
  if not before then return nil end
  return { stage = self.from or nil, created_at = before.created }
end

-- Finds out if an earlier run has moved an item whose request it may have
-- sent.
-- @return true if it moved the item, which is recorded; a reason if the item
--   must be skipped; else nil
local function recover(self, id, item)
  if not item or not self.maybe_sent[id] then return nil end
  local before, run = self.read_before[id] or {}, self.run
  if item.stage == self.to then
    local verdict, change = run.driver.find_change(
      run.client, id, self.to, self.work.set, self:seen_before(id))
    if loop.is_cancelled() then error(loop.cancelled_error(), 0) end
    if verdict == "not_done" then return nil end
    run:moved(self.work, id, verdict == "done" and change or nil, before)
    return true
  elseif item.stage == self.from and before.created and item.created and
         item.created ~= before.created then
    return "it has been moved back since"
  end
end

-- Splits the items of a page into those to move and those to skip.
local function partition(self, ids, found)
  local todo, skipped = {}, {}
  for _, id in ipairs(ids) do
    local item = found[id]
    local recovered = recover(self, id, item)
    local why = recovered or self:skip_reason(item)
    if recovered ~= true and why then
      self.unmoved[id] = true
      skipped[#skipped + 1] = { item = id, why = why,
                                name = item and item.name }
    elseif not recovered then
      item.id = id
      todo[#todo + 1] = item
    end
  end
  return todo, skipped
end

-- ------------------------------------------------------------- journal

-- Due dates that a move may change: the service no longer has them afterwards.
local function dues_of(todo)
  local dues = {}
  for _, item in ipairs(todo) do
    if item.due or item.is_due_unknown then
      dues[#dues + 1] = { item = item.id, due = item.due,
                          due_unknown = item.is_due_unknown or nil }
    end
  end
  return #dues > 0 and dues or nil
end

-- When each item came to its stage: lets a later run distinguish its own
-- change from those of others. nil if the service returned none.
local function created_of(todo)
  local created, has_dates = {}, false
  for i, item in ipairs(todo) do
    created[i] = item.created or false
    has_dates = has_dates or item.created ~= nil
  end
  return has_dates and created or nil
end

local function page_record(self, todo, skipped, last)
  local ids = {}
  for i, item in ipairs(todo) do ids[i] = item.id end
  return { type = "page", operation = self.operation, last = last,
           late = self.late or nil, stage = self.from, to = self.to,
           items = ids,
           created = created_of(todo), dues = dues_of(todo),
           skipped = #skipped > 0 and skipped or nil }
end

local function report_skipped(self, skipped)
  for _, each in ipairs(skipped) do self.run:skip(each.item, each.why) end
end

--- Skips an item whose page is already in the journal.
function Pages:skip(item, why)
  local skipped = { { item = item.id, why = why, name = item.name } }
  self.unmoved[item.id] = true
  self.run:note(page_record(self, {}, skipped))
  report_skipped(self, skipped)
end

-- ------------------------------------------------------------- reading

local function fetch(self, ids)
  local found, err = self.run.driver.fetch_current(self.run.client, ids,
                                                   self.release_id)
  if not found then return nil, err end
  if self.run.fatal then return nil, self.run.fatal end
  if self.closed then return nil, loop.cancelled_error() end
  local now = core.now()
  for _, item in pairs(found) do item.read_at = now end
  return found
end

-- Reads the next pages.
local function fetch_pages(self)
  local pages = {}
  measure_rate(self)
  for i = 1, pages_at_once(self) do
    local ids = next_ids(self, page_size(self.rate))
    if #ids == 0 then
      self.ended = true
      break
    end
    local found, err = fetch(self, ids)
    if not found then return nil, err end
    pages[i] = { ids = ids, found = found,
                 last = not self.late and self.at - 1 or nil }
  end
  return pages
end

-- Writes pages to the journal before any of their items is moved. The sync of
-- the last one covers the others.
local function write_pages(self, pages)
  local queue = table.move(self.queue, self.first, #self.queue, 1, {})
  for i, page in ipairs(pages) do
    local todo, skipped = partition(self, page.ids, page.found)
    local record = page_record(self, todo, skipped, page.last)
    if i < #pages then self.run:note(record)
    else self.run:intend(record) end
    report_skipped(self, skipped)
    table.move(todo, 1, #todo, #queue + 1, queue)
  end
  self.queue, self.first = queue, 1
  self.ahead = items_ahead(self)
end

local function load(self)
  local pages, err = fetch_pages(self)
  if not pages then return nil, err end
  write_pages(self, pages)
  return true
end

-- Updates queued items after another read; returns those that changed, which
-- the journal must record.
local function take_over(queued, todo)
  local by_id, kept, changed = {}, {}, {}
  for _, item in ipairs(todo) do by_id[item.id] = item end
  for _, old in ipairs(queued) do
    local new = by_id[old.id]
    if new then
      new.tries, new.late_turns = old.tries, old.late_turns
      new.is_counted = old.is_counted
      kept[#kept + 1] = new
      if new.created ~= old.created or new.due ~= old.due then
        changed[#changed + 1] = new
      end
    end
  end
  return kept, changed
end

-- Removes the first items from the queue.
local function take_out(self)
  local last = math.min(#self.queue, self.first + MAX_ITEMS - 1)
  local items = table.move(self.queue, self.first, last, 1, {})
  self.queue = table.move(self.queue, last + 1, #self.queue, 1, {})
  self.first = 1
  return items
end

-- Puts items at the front of the queue, to which others may have been added
-- meanwhile.
local function put_first(self, items)
  self.queue = table.move(self.queue, self.first, #self.queue, #items + 1,
                          items)
  self.first = 1
end

-- Reads the queued items again.
local function reload(self)
  self.rereading = take_out(self)
  local ids = {}
  for i, item in ipairs(self.rereading) do ids[i] = item.id end
  local found, err = fetch(self, ids)
  if not found then return nil, err end
  local todo, skipped = partition(self, ids, found)
  local kept, changed = take_over(self.rereading, todo)
  if #changed > 0 then
    self.run:intend(page_record(self, changed, skipped))
  elseif #skipped > 0 then
    self.run:note(page_record(self, {}, skipped))
  end
  report_skipped(self, skipped)
  put_first(self, kept)
  self.rereading = {}
  return true
end

-- ------------------------------------------------------------ the queue

-- Reads in a task of its own. An error is kept and raised to every caller of
-- `next`.
local function begin(self, read)
  self.loading = loop.spawn(function()
    local done, err = read(self)
    if done then self.loading = nil end
    return done, err
  end)
end

--- Seconds for which the last read of an item is still recent enough; negative
-- once it is too old. The limit doubles for a move that was not sent in time.
function Pages:time_left(item)
  local patience = self.max_age << (item.late_turns or 0)
  return item.read_at + patience - core.now()
end

local function take(self, item)
  self.first = self.first + 1
  self.taken = self.taken + 1
  if #self.queue - self.first < self.ahead and not self.loading and
     not self.ended then
    begin(self, load)
  end
  return item
end

-- Waits until no item is in flight or one came back; false if cancelled.
local function wait_for_flight(self)
  local waited = loop.wait_until(function()
    return self.in_flight == 0 or self.first <= #self.queue
  end, function(task) self.waiter = task end)
  self.waiter = nil
  return waited
end

--- The next item to move; nil at the end. Raises if a page cannot be read or
-- written to the journal: nothing may be sent then.
function Pages:next()
  while true do
    local item = self.queue[self.first]
    if item and self:time_left(item) > 0 then return take(self, item) end
    if self.loading then
      local loading = self.loading
      local done, err = loading:wait()
      if not done then error(err, 0) end
    elseif item then begin(self, reload)
    elseif not self.ended then begin(self, load)
    elseif self.in_flight == 0 or not wait_for_flight(self) then
      return nil
    end
  end
end

--- Puts back an item that was not sent: it is next, after another read.
function Pages:put_back(item)
  item.read_at = -math.huge
  table.insert(self.queue, self.first, item)
end

local Flight = {}

function Flight:__close()
  local pages = self.pages
  pages.in_flight = pages.in_flight - 1
  if pages.waiter then loop.awaken(pages.waiter) end
end

--- Counts an item as in flight until what is returned is closed. All items
-- share it.
function Pages:begin_flight()
  self.in_flight = self.in_flight + 1
  return self.flight
end

--- True if every item was handled.
function Pages:is_done()
  return self.ended and self.first > #self.queue
end

--- Ends the pages, and records which items in the journal were never sent.
function Pages:close()
  self.closed = true
  if self.loading then
    self.loading:cancel()
    self.loading:wait()
  end
  put_first(self, self.rereading)
  local unsent = {}
  for i, item in ipairs(self.queue) do unsent[i] = item.id end
  if #unsent > 0 then
    self.run:note { type = "unsent", operation = self.operation,
                    items = unsent }
  end
end

--- Makes the pages of an operation.
-- @tparam table run the run (see `run.lua`)
-- @tparam table work see `move_items.run`
function item_pages.new(run, work)
  local rate = run.rate or 0
  local most = rate > 0 and rate or math.huge
  local max_age = math.ceil(math.max(MAX_AGE, MIN_REQUESTS / most))
  local self = setmetatable({
    run = run, work = work, operation = work.operation, late = work.late,
    from = work.from, to = work.to, release_id = work.set.release_id,
    items = work.items, at = work.at or 1, retry_ids = work.retry_ids or {},
    retry_at = 1, maybe_sent = work.maybe_sent or {},
    read_before = work.read_before or {}, unmoved = work.unmoved or {},
    queue = {}, first = 1, rereading = {}, ended = false, closed = false,
    in_flight = 0,
    max_age = max_age, rate = most, max_rate = most, taken = 0, loads = 0,
    loaded_at = core.now(),
  }, Pages)
  self.flight = setmetatable({ pages = self }, Flight)
  return self
end

return item_pages
