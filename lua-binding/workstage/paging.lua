--- Reading what comes in pages while others change it.
--
-- A page is an array with the fields `total` (may be nil), `page` and
-- `per_page`. A list shifts when items join or leave it: what joins before
-- the place that was read to shows items twice; what leaves moves unread
-- items back to where nobody looks any more. So items are told apart by
-- their ids, and pages overlap: the first item of each must be a known one,
-- or else some have moved past, and the reading goes back.
local errors = require "workstage.errors"

local paging = {}

-- So many pages in a row that bring nothing new end a plain reading, beside
-- those that the list still has by its total; so many that do not join what
-- was read before make an overlapping one plain.
local REPEATS, MOST_STRAYED = 3, 20

local Sweep = {}
Sweep.__index = Sweep

--- Begins to read all pages. `fetch(number, per_page)` returns a page or nil,
-- err; per_page is nil at first. Where it cannot be chosen pages only meet,
-- and going back is left to a total that shrinks.
-- @tparam function fetch
-- @tparam[opt] boolean overlaps whether `fetch` heeds its per_page
function paging.sweep(fetch, overlaps)
  return setmetatable({ fetch = fetch, number = 1, seen = {}, count = 0,
                        idle = 0, overlaps = overlaps }, Sweep)
end

local function is_last(page, number)
  if #page == 0 then return true end
  if page.total then return number * page.per_page >= page.total end
  return #page < page.per_page
end

-- Where to read on after a page: further back when items have left.
local function next_number(self, page)
  local left = page.total and self.total and self.total - page.total or 0
  self.total = page.total
  if left > 0 and self.number > 1 then
    return math.max(1, self.number - math.ceil(left / page.per_page))
  end
  return not is_last(page, self.number) and self.number + 1 or nil
end

-- The page that begins before the place that was read to and goes furthest
-- beyond it. Pages begin at multiples of their size: so their size varies.
local function overlapping(reached, size)
  local number, per_page, furthest = nil, nil, reached
  for part = size, math.ceil(size * 0.7), -1 do
    local last = (reached - 1) // part + 1
    if last * part > furthest then
      number, per_page, furthest = last, part, last * part
    end
  end
  return number, per_page
end

-- Whether nothing can be between a page and what was read before it. An item
-- of a page that was not joined itself says nothing of that.
local function is_joined(self, page, start)
  if start == 0 then return true end
  if self.meets then
    return not (page.total and self.total and page.total < self.total)
  end
  return #page > 0 and self.seen[page[1].id] == true
end

-- Where to read on, for overlapping pages: forward, or back by half a page.
local function advance(self, page, joined, start)
  local reached = start + page.per_page
  self.size = self.size or page.per_page
  self.total = page.total
  if joined and is_last(page, self.number) then return nil end
  if not joined then
    reached = math.min(start, page.total or start) - self.size // 2
  end
  if reached <= 0 then return 1, self.size end
  local number, per_page = overlapping(reached, self.size)
  self.meets = number == nil
  return number or reached // self.size + 1, per_page or self.size
end

-- Whether the service cuts pages as it is asked to, and in one order. One that
-- does not is read page by page, from the beginning.
local function heeds(self, page, joined)
  self.strayed = joined and 0 or (self.strayed or 0) + 1
  return #page <= page.per_page and self.strayed <= MOST_STRAYED and
         (not self.per_page or page.per_page == self.per_page)
end

-- What has been read joins a page that was not joined when it was read: all
-- of that one is known to come without a gap now.
local function join(self, ids)
  for _, id in ipairs(ids) do
    local apart = self.seen[id]
    self.seen[id] = true
    if type(apart) == "table" and apart ~= ids then join(self, apart) end
  end
end

-- The items that were not seen before. seen[id]: true in what was read
-- without a gap, elsewhere the ids of the page that it was in.
local function unseen(self, page, joined)
  local fresh, seen, ids = {}, self.seen, {}
  for i, item in ipairs(page) do
    if seen[item.id] == nil then fresh[#fresh + 1] = item end
    seen[item.id] = seen[item.id] or ids
    ids[i] = item.id
  end
  if joined then join(self, ids) end
  return fresh
end

-- Whether a plain reading goes on and on without an end. One that has gone
-- back, for items had left, may read all pages again before it finds any.
local function is_endless(self, page)
  local pages = page.total and page.total // page.per_page or 0
  return self.idle > REPEATS + pages
end

-- It must not end as if all had been read.
local function gave_up(self, page)
  return errors.new {
    kind = "decode",
    message = ("the list changed faster than it could be read: %d of %d items "
               .. "were seen"):format(self.count, page.total),
  }
end

--- The items of the next page that were not seen before: an array, which may
-- be empty; false after the last page; nil, err.
function Sweep:next()
  if not self.number then return false end
  local page, err = self.fetch(self.number, self.per_page)
  if not page then return nil, err end
  local start = (self.number - 1) * page.per_page
  local joined = is_joined(self, page, start)
  local fresh = unseen(self, page, joined)
  self.idle = #fresh == 0 and #page > 0 and self.idle + 1 or 0
  if self.overlaps and not heeds(self, page, joined) then
    self.overlaps, self.total, self.idle = false, nil, 0
    self.number, self.per_page = 1, nil
  elseif self.overlaps then
    self.number, self.per_page = advance(self, page, joined, start)
  else
    self.number = next_number(self, page)
  end
  self.count = self.count + #fresh
  if not (self.overlaps and page.total) and is_endless(self, page) then
    if page.total and self.count < page.total then
      return nil, gave_up(self, page)
    end
    self.number = nil
  end
  return fresh
end

--- All items of all pages.
-- @treturn[1] table an array
-- @treturn[2] nil
-- @treturn[2] table the error
function paging.all(fetch)
  local sweep, items = paging.sweep(fetch, true), {}
  while true do
    local fresh, err = sweep:next()
    if fresh == nil then return nil, err end
    if not fresh then return items end
    table.move(fresh, 1, #fresh, #items + 1, items)
  end
end

-- An iterator over batches: `refill` returns an array, false at the end, or
-- nil, err; an error is raised, for a loop must not end early in silence.
local function each_of(refill)
  local batch, at = {}, 0
  return function()
    while at >= #batch do
      local more, err = refill()
      if more == nil then error(err, 0) end
      if not more then return nil end
      batch, at = more, 0
    end
    at = at + 1
    local item = batch[at]
    batch[at] = false
    return item
  end
end

--- Iterates page by page: for lists that only grow, and whose items the loop
-- does not take out of them.
function paging.each(fetch)
  local sweep = paging.sweep(fetch, true)
  return each_of(function() return sweep:next() end)
end

-- The ids of all items; the objects of the first two pages beside them.
local function snapshot(fetch)
  local sweep = paging.sweep(fetch, true)
  local held, ids, pages = {}, {}, 0
  while true do
    local fresh, err = sweep:next()
    if fresh == nil then return nil, err end
    if not fresh then return held, ids end
    pages = pages + 1
    for _, item in ipairs(fresh) do
      if pages <= 2 then held[#held + 1] = item
      else ids[#ids + 1] = item.id end
    end
  end
end

-- The objects of some ids, in their order. One that the list no longer names
-- is asked for by itself; one that is gone for good is left out.
local function objects_of(ids, by_ids, get)
  local list, err = by_ids(ids)
  if not list then return nil, err end
  local found, items = {}, {}
  for _, item in ipairs(list) do found[item.id] = item end
  for _, id in ipairs(ids) do
    local item = found[id]
    if not item then
      item, err = get(id)
      if not item and err.kind ~= "not_found" then return nil, err end
    end
    items[#items + 1] = item or nil
  end
  return items
end

--- Iterates over what matched when the loop began, each item exactly once,
-- whatever the loop does to the list: the ids are read first, and the
-- objects as they are needed.
-- @tparam function fetch `fetch(number)`: a page
-- @tparam function by_ids `by_ids(ids)`: an array of objects
-- @tparam function get `get(id)`: one object
-- @tparam integer most how many ids one request takes
function paging.each_of_snapshot(fetch, by_ids, get, most)
  local ids, from
  return each_of(function()
    if not ids then
      local held, rest = snapshot(fetch)
      if not held then return nil, rest end
      ids, from = rest, 1
      if #held > 0 then return held end
    end
    if from > #ids then return false end
    local chunk = table.move(ids, from, math.min(from + most - 1, #ids), 1,
                             {})
    from = from + most
    return objects_of(chunk, by_ids, get)
  end)
end

return paging
