--- Reads what comes in pages while others change it.
--
-- A page is an array with the fields `total` (may be nil), `page` and
-- `per_page` (as the service names it, else as it was asked for). A list
-- shifts when items join or leave it: what joins before the place that was
-- read to shows items twice; what leaves moves unread items back to where
-- nobody looks any more. So items are identified by their ids, and pages
-- overlap: the first item of each must be a known one, or else some have moved
-- past, and the reading goes back.
--
-- No list ends early in silence, and none is read for ever: one whose pages
-- hold less than its total is read once more, page by page, and is an error if
-- it stays so.
local errors = require "workstage.errors"

local paging = {}

-- Pages in a row that may bring nothing new, beside those that the list still
-- has by its total.
local REPEATS = 3

-- Pages in a row that may not join what was read before, until a reading with
-- overlaps goes on page by page.
local MOST_STRAYED = 20

-- Requests in all: so many times the pages that there are, and so many more.
local MOST_TIMES, MOST_MORE = 4, 100

local Sweep = {}
Sweep.__index = Sweep

--- Begins to read all pages. `fetch(number, per_page)` returns a page or nil,
-- err; per_page is nil at first. Where it cannot be chosen pages only meet,
-- and going back is left to a total that shrinks.
-- @tparam function fetch
-- @tparam[opt] boolean overlaps whether `fetch` heeds its per_page
function paging.sweep(fetch, overlaps)
  return setmetatable({ fetch = fetch, number = 1, seen = {}, count = 0,
                        idle = 0, fetches = 0, overlaps = overlaps }, Sweep)
end

-- --------------------------------------------------- the size of pages

-- Notes what a page shows of the list: a total below what one page holds
-- counts for nothing; a page that is shorter than it was asked to be, although
-- it is not the last one, shows that the service has a size of its own.
local function measure(self, page)
  page.size = math.min(page.per_page, self.cap or page.per_page)
  page.start = (self.number - 1) * page.size
  local reached = page.start + #page
  if page.total and page.total < #page then self.is_blind = true end
  if self.is_blind then page.total = nil end
  local is_cut = page.total and #page < page.size and reached < page.total
  if #page > 0 and (is_cut or #page > page.size) then
    page.size = #page
    page.start = (self.number - 1) * page.size
    if self.number == 1 then self.cap = page.size end
  end
  self.first_total = self.first_total or page.total
  if page.total ~= self.first_total then self.has_changed = true end
end

-- Without a total only an empty page is the last one for sure.
local function is_last(page)
  if #page == 0 then return true end
  return page.total ~= nil and page.start + #page >= page.total
end

-- ------------------------------------------------------ page by page

-- Where to read on after a page: further back when items have left.
local function next_number(self, page)
  local left = page.total and self.total and self.total - page.total or 0
  self.total = page.total
  if left > 0 and self.number > 1 then
    return math.max(1, self.number - math.ceil(left / page.size))
  end
  return not is_last(page) and self.number + 1 or nil
end

-- ------------------------------------------------- pages that overlap

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
local function is_joined(self, page)
  if page.start == 0 then return true end
  if self.meets then
    return not (page.total and self.total and page.total < self.total)
  end
  return #page > 0 and self.seen[page[1].id] == true
end

-- Where to read on, for overlapping pages: forward, or back by half a page.
-- Without a total a short page may be the last one: the next one shows it.
local function advance(self, page, joined)
  local reached = page.start + page.size
  self.size = self.size or page.size
  self.total = page.total
  if joined and is_last(page) then return nil end
  if joined and not page.total and #page < page.size then
    return self.number + 1, self.per_page or self.size
  end
  if not joined then
    reached = math.min(page.start, page.total or page.start) - self.size // 2
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
  if #page == 0 and page.total and page.total > page.start then
    return false
  end
  return self.strayed <= MOST_STRAYED and
         (not self.per_page or page.size == self.per_page)
end

-- --------------------------------------------------------------- items

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

-- ----------------------------------------------------------------- ends

-- From the beginning, page by page.
local function start_over(self)
  self.overlaps, self.total, self.idle = false, nil, 0
  self.number, self.per_page = 1, nil
end

-- How many items the list is to have had all the while; nil if nobody knows.
local function expected(self, page)
  return page.total and self.first_total and
         math.min(page.total, self.first_total)
end

-- Whether the reading goes on and on without an end. One that has gone back,
-- for items had left, may read all pages again before it finds any.
local function is_endless(self, page)
  local most = math.max(page.total or 0, self.first_total or 0, self.count)
  local pages = most // page.size
  return self.idle > REPEATS + (page.total and pages or 0) or
         self.fetches > MOST_TIMES * pages + MOST_MORE
end

-- The error of a list that cannot be read to its end.
local function unreadable(self, page)
  local message
  if page.total and self.has_changed then
    message = ("the list changed faster than it could be read: %d of %d items "
               .. "were seen"):format(self.count, page.total)
  elseif page.total then
    message = ("the list is inconsistent: the service names %d items, but its "
               .. "pages hold %d"):format(page.total, self.count)
  else
    message = ("the list is inconsistent: page %d holds only items of earlier "
               .. "pages, and no page is the last one"):format(page.number)
  end
  return errors.new { kind = "decode", message = message }
end

-- The end of a reading, or of its first time through: false and the error if
-- items are missing.
local function finish(self, page)
  self.number = nil
  local most = expected(self, page)
  if not most or self.count >= most then return true end
  if self.is_second then return false, unreadable(self, page) end
  self.is_second = true
  start_over(self)
  return true
end

-- Whether the first page is short and nothing says that it is the last one:
-- the service may have a size of its own.
local function is_cut_blindly(self, page)
  return self.number == 1 and not page.total and #page > 0 and
         #page < page.size
end

-- Where to read on after a page, if anywhere.
local function move_on(self, page, fresh, joined)
  if self.overlaps and not heeds(self, page, joined) then
    start_over(self)
  elseif self.overlaps and is_cut_blindly(self, page) then
    self.overlaps, self.number = false, self.number + 1
  elseif self.overlaps then
    self.number, self.per_page = advance(self, page, joined)
  else
    self.number = next_number(self, page)
  end
  -- without a total, one that repeats itself in short pages has no more
  if not page.total and #fresh == 0 and #page < page.size then
    self.number = nil
  end
end

--- The items of the next page that were not seen before: an array, which may
-- be empty; false after the last page; nil, err.
function Sweep:next()
  if not self.number then return false end
  local page, err = self.fetch(self.number, self.per_page)
  if not page then return nil, err end
  self.fetches = self.fetches + 1
  page.number = self.number
  measure(self, page)
  local joined = is_joined(self, page)
  local fresh = unseen(self, page, joined)
  self.idle = #fresh == 0 and #page > 0 and self.idle + 1 or 0
  self.count = self.count + #fresh
  if #fresh > 0 and page.total and page.start + #page > page.total then
    self.is_blind, page.total = true, nil
  end
  move_on(self, page, fresh, joined)
  if self.number and is_endless(self, page) then
    return nil, unreadable(self, page)
  end
  if not self.number then
    local good, why = finish(self, page)
    if not good then return nil, why end
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
