--- Moving the items of one operation: page by page looked at, journalled and
-- moved, several at a time.
local core = require "workstage.core"
local loop = require "workstage.loop"
local scope = require "workstage.scope"

local moving = {}

-- How many items are left when the next page is looked at, so that the
-- requests do not pause between pages.
local AHEAD = 16

-- A sync of the disk takes as long as many requests of a fast service: so many
-- pages share one as are moved in so many seconds, after a start with single
-- ones. It is always one page at the rates that the services allow.
local MOST_PAGES, SECONDS, SINGLES = 10, 0.25, 3

local Pages = {}
Pages.__index = Pages

-- Takes the next ids to look at: those of an earlier run first.
local function next_ids(self)
  local ids = {}
  while #ids < self.run.driver.PER_PAGE do
    local id
    if self.again_at <= #self.again then
      id = self.again[self.again_at]
      self.again_at = self.again_at + 1
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

-- Why an item is not to be moved; nil when it is.
local function reason(self, item)
  if not item then return "it is gone"
  elseif item.stands == self.to then return "it is there already"
  elseif item.stands ~= self.from then
    return "it has been moved since the plan"
  end
end

-- Sorts a page: what is still to be moved, and what is not any more.
local function sift(self, ids, found)
  local todo, skipped = {}, {}
  for _, id in ipairs(ids) do
    local item = found[id]
    local why = reason(self, item)
    if item and item.stands == self.to and self.was_begun[id] then
      self.run:moved(self.operation, id, nil, self.was[id] or {}, self.late)
    elseif why then
      self.unmoved[id] = true
      skipped[#skipped + 1] = { item = id, why = why }
    else
      item.id = id
      todo[#todo + 1] = item
    end
  end
  return todo, skipped
end

-- What a move takes from its item: once it was sent, nobody else tells.
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

-- Writes a page down before any of it is moved.
local function record_of(self, page, todo, skipped)
  local intended = {}
  for i, item in ipairs(todo) do intended[i] = item.id end
  return { type = "page", operation = self.operation,
           at = not self.late and page.at or nil, items = intended,
           dues = dues_of(todo), skipped = #skipped > 0 and skipped or nil }
end

-- How many pages to look at, by how fast the last ones went.
local function pages_now(self)
  local now = core.now()
  local elapsed = now - (self.looked_at or now)
  local passed = elapsed > 0 and self.pages * SECONDS // elapsed or 1
  self.looked_at, self.looks = now, self.looks + 1
  self.pages = math.tointeger(math.max(1, math.min(
    passed, MOST_PAGES, self.looks - SINGLES + 1)))
  return self.pages
end

-- The next pages, as they are now.
local function look(self)
  local pages = {}
  for i = 1, pages_now(self) do
    local ids = next_ids(self)
    if #ids == 0 then
      self.ended = true
      break
    end
    local found, err = self.run.driver.look(self.run.client, ids)
    if not found then return nil, err end
    pages[i] = { ids = ids, found = found, at = self.at - 1 }
  end
  return pages
end

-- Writes pages down before any of them is moved, the last one synced and with
-- it the others.
local function write_pages(self, pages)
  local queue = table.move(self.queue, self.first, #self.queue, 1, {})
  for i, page in ipairs(pages) do
    local todo, skipped = sift(self, page.ids, page.found)
    local record = record_of(self, page, todo, skipped)
    if i < #pages then self.run:note(record)
    else self.run:intend(record) end
    for _, each in ipairs(skipped) do self.run:skip(each.item, each.why) end
    table.move(todo, 1, #todo, #queue + 1, queue)
  end
  self.queue, self.first = queue, 1
  self.ahead = math.max(AHEAD, #queue // 4)
end

local function load(self)
  local pages, err = look(self)
  if not pages then return nil, err end
  if self.run.fatal then return nil, self.run.fatal end
  if #pages > 0 then write_pages(self, pages) end
  return true
end

-- What has been loaded makes way for the next page; an error stays, for all
-- who ask for one.
local function begin_loading(self)
  self.loading = loop.spawn(function()
    local loaded, err = load(self)
    if loaded then self.loading = nil end
    return loaded, err
  end)
end

-- The next item to move; nil at the end. Raises when a page cannot be read
-- or written down: nothing may be sent then.
function Pages:next()
  while self.first > #self.queue and not (self.ended and not self.loading) do
    if not self.loading then begin_loading(self) end
    local loading = self.loading
    local loaded, err = loading:wait()
    if not loaded then error(err, 0) end
  end
  local item = self.queue[self.first]
  if not item then return nil end
  self.queue[self.first] = false
  self.first = self.first + 1
  if #self.queue - self.first < self.ahead and not self.loading and
     not self.ended then
    begin_loading(self)
  end
  return item
end

-- After a clean stop: what was written down as intended and never begun.
local function take_back(self)
  if self.loading then self.loading:wait() end
  local unsent = {}
  for i = self.first, #self.queue do
    unsent[#unsent + 1] = self.queue[i].id
  end
  if #unsent > 0 and not self.run.fatal then
    self.run:note { type = "unsent", operation = self.operation,
                    items = unsent }
  end
end

-- A change's attributes: the operation's, with the item's own due date.
local function attributes_of(work, dues, id)
  local due = dues and dues[id]
  if not due then return work.set end
  local set = { due_date = due }
  for name, value in pairs(work.set) do set[name] = set[name] or value end
  return set
end

local function by_id(items, dues)
  if not dues then return nil end
  local found = {}
  for i, id in ipairs(items) do found[id] = dues[i] end
  return found
end

local function new_pages(run, work)
  return setmetatable({
    run = run, operation = work.operation, from = work.from, to = work.to,
    items = work.items, at = work.at or 1, again = work.again or {},
    again_at = 1, was_begun = work.was_begun or {}, was = work.was or {},
    late = work.late,
    unmoved = work.unmoved or {}, queue = {}, first = 1, ended = false,
    ahead = AHEAD, pages = 1, looks = 0,
  }, Pages)
end

-- An item at a time, until there is none or the run is to stop.
local function puller(run, pages)
  return function()
    if run:must_stop() then return nil end
    local item = pages:next()
    if item and not run.fatal then
      run:began()
      return item
    end
  end
end

--- Moves the items of an operation.
-- @tparam table run the run (see `run.lua`)
-- @tparam table work `operation` (its index), `from`, `to` (what items stand
--   in), `set`, `items` (ids), `dues` (due dates, by index), `at` (of the
--   first that was not begun yet), `again` (ids of an earlier run),
--   `was_begun` (set of ids), `was` (id -> what an earlier run saw of its due
--   date), `late` (from and to, where the operation itself
--   does not name them), `unmoved` (a set that gets the ids of those that
--   were skipped or failed)
-- @treturn[1] boolean true, when all were seen to; false when it was stopped
-- @treturn[2] nil
-- @treturn[2] table the error that ends the run
function moving.run(run, work)
  local pages = new_pages(run, work)
  local dues = by_id(work.items, work.dues)
  local function move(item)
    local change, err = run.driver.move(run.client, item.id, work.to,
                                        attributes_of(work, dues, item.id))
    if change then
      run:moved(work.operation, item.id, change, item, work.late)
    else
      pages.unmoved[item.id] = true
      run:failed(work.operation, item, err)
    end
  end
  local good, err = pcall(scope.map, puller(run, pages), move, {
    concurrency = run.concurrency, on_result = function(_, _, raised)
      if raised and not run.fatal then run.fatal = raised end
    end,
  })
  if not good then run.fatal = run.fatal or err end
  take_back(pages)
  if loop.is_cancelled() then run:cancel() end
  if run.fatal then return nil, run.fatal end
  return not run.is_cancelled and pages.ended and
         pages.first > #pages.queue
end

return moving
