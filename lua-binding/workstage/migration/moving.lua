--- Moving the items of one operation: page by page looked at, journalled and
-- moved, several at a time.
local loop = require "workstage.loop"
local scope = require "workstage.scope"

local moving = {}

-- How many items are left when the next page is looked at, so that the
-- requests do not pause between pages.
local AHEAD = 16

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

-- Sorts a page: what is still to be moved, and what is not any more.
local function sift(self, ids, found)
  local run, todo = self.run, {}
  for _, id in ipairs(ids) do
    local item = found[id]
    if not item then
      run:skip(self.operation, id, "it is gone")
    elseif item.stands == self.to then
      if self.was_begun[id] then
        run:moved(self.operation, id, nil, item, self.late)
      else
        run:skip(self.operation, id, "it is there already")
      end
    elseif item.stands ~= self.from then
      run:skip(self.operation, id, "it has been moved since the plan")
    else
      item.id = id
      todo[#todo + 1] = item
    end
  end
  return todo
end

-- Looks at the next page and writes down what will be done with it before
-- any of it is.
local function load(self)
  local ids = next_ids(self)
  if #ids == 0 then
    self.ended = true
    return true
  end
  local found, err = self.run.driver.look(self.run.client, ids)
  if not found then return nil, err end
  local todo = sift(self, ids, found)
  local intended = {}
  for i, item in ipairs(todo) do intended[i] = item.id end
  if #intended > 0 then
    self.run:intend { type = "page", operation = self.operation,
                      at = self.at - 1, items = intended }
  end
  table.move(todo, 1, #todo, #self.queue + 1, self.queue)
  return true
end

local function begin_loading(self)
  self.loading = loop.spawn(function() return load(self) end)
  self.loading.observed = true
end

-- The next item to move; nil at the end. Raises when a page cannot be read
-- or written down: nothing may be sent then.
function Pages:next()
  while self.first > #self.queue and not (self.ended and not self.loading) do
    if not self.loading then begin_loading(self) end
    local loading = self.loading
    local loaded, err = loading:wait()
    self.loading = nil
    if not loaded then error(err, 0) end
  end
  local item = self.queue[self.first]
  if not item then return nil end
  self.queue[self.first] = false
  self.first = self.first + 1
  if #self.queue - self.first < AHEAD and not self.loading and
     not self.ended then
    begin_loading(self)
  end
  return item
end

--- Moves the items of an operation.
-- @tparam table run the run (see `run.lua`)
-- @tparam table work `operation` (its index), `from`, `to` (what items stand
--   in), `set`, `items` (ids), `at` (of the first that was not begun yet),
--   `again` (ids of an earlier run), `was_begun` (set of ids), `late` (from
--   and to, where the operation itself does not name them)
-- @treturn[1] boolean true, when all were seen to; false when it was stopped
-- @treturn[2] nil
-- @treturn[2] table the error that ends the run
function moving.run(run, work)
  local pages = setmetatable({
    run = run, operation = work.operation, from = work.from, to = work.to,
    items = work.items, at = work.at or 1, again = work.again or {},
    again_at = 1, was_begun = work.was_begun or {}, late = work.late,
    queue = {}, first = 1,
  }, Pages)
  local stopped = false
  local function pull()
    if run:must_stop() then
      stopped = true
      return nil
    end
    local item = pages:next()
    if item then run:began() end
    return item
  end
  local function move(item)
    local change, err = run.driver.move(run.client, item.id, work.to,
                                        work.set)
    if change then run:moved(work.operation, item.id, change, item, work.late)
    else run:failed(work.operation, item, err) end
  end
  local good, err = pcall(scope.map, pull, move, {
    concurrency = run.concurrency, on_result = function(_, _, raised)
      if raised and not run.fatal then run.fatal = raised end
    end,
  })
  if not good then return nil, err end
  if run.fatal then return nil, run.fatal end
  if stopped or run:must_stop() then return false end
  return true
end

return moving
