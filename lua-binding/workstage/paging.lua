--- Reads lists page by page while others change them.
--
-- A page is an array with the fields `total` (may be nil), `page` and
-- `per_page` (from the response, else as requested). A list shifts when items
-- are added or removed: an item added before the current position makes others
-- appear twice; a removed one moves unread items to pages that were read
-- already. So items are identified by their ids, and pages overlap: the first
-- item of a page must be a known one, else items have moved past, and reading
-- goes back.
--
-- A list never ends early without an error, and is never read forever: if its
-- pages hold fewer items than its total, it is read once more, page by page,
-- and reported as inconsistent if items are still missing.
local errors = require "workstage.errors"

local paging = {}

-- Consecutive pages that may contain no new items, in addition to the number of
-- pages that the total implies.
local REPEATS = 3

-- Consecutive pages that may not overlap with what was read, before reading
-- continues without overlaps.
local MOST_STRAYED = 20

-- The request limit: this many times the number of pages, plus this many.
local MOST_TIMES, MOST_MORE = 4, 100

local Sweep = {}
Sweep.__index = Sweep

--- Starts to read all pages. `fetch(number, per_page)` returns a page or nil,
-- err; per_page is nil at first. Without overlaps, reading goes back only if
-- the total shrinks.
-- @tparam function fetch
-- @tparam[opt] boolean overlaps true if `fetch` takes a per_page
function paging.sweep(fetch, overlaps)
  return setmetatable({ fetch = fetch, number = 1, seen = {}, count = 0,
                        idle = 0, fetches = 0, overlaps = overlaps }, Sweep)
end

-- --------------------------------------------------- the size of pages

-- Determines the size of a page and whether its total can be used. A total
-- below the length of one page is ignored; a short page that is not the last
-- one shows that the service limits the size.
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

-- True for the last page. Without a total, only an empty page is certain.
local function is_last(page)
  if #page == 0 then return true end
  return page.total ~= nil and page.start + #page >= page.total
end

-- ------------------------------------------------------ page by page

-- Returns the number of the next page: an earlier one if items were removed.
local function next_number(self, page)
  local left = page.total and self.total and self.total - page.total or 0
  self.total = page.total
  if left > 0 and self.number > 1 then
    return math.max(1, self.number - math.ceil(left / page.size))
  end
  return not is_last(page) and self.number + 1 or nil
end

-- ------------------------------------------------- pages that overlap

-- Chooses the page that starts before the current position and extends furthest
-- beyond it. Pages start at multiples of their size, so the size varies.
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

-- True if no item can be between a page and what was read before it. An item
-- of a page that was itself not joined proves nothing.
local function is_joined(self, page)
  if page.start == 0 then return true end
  if self.meets then
    return not (page.total and self.total and page.total < self.total)
  end
  return #page > 0 and self.seen[page[1].id] == true
end

-- Returns the next overlapping page: forward, or back by half a page. Without a
-- total a short page may be the last one, so the one after it is read.
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

-- True if the service returns pages of the requested size, in a stable order.
-- Otherwise the list is read page by page, from the beginning.
local function heeds(self, page, joined)
  self.strayed = joined and 0 or (self.strayed or 0) + 1
  if #page == 0 and page.total and page.total > page.start then
    return false
  end
  return self.strayed <= MOST_STRAYED and
         (not self.per_page or page.size == self.per_page)
end

-- --------------------------------------------------------------- items

-- Marks items as read without a gap, with the earlier pages that they were in.
local function join(self, ids)
  for _, id in ipairs(ids) do
    local apart = self.seen[id]
    self.seen[id] = true
    if type(apart) == "table" and apart ~= ids then join(self, apart) end
  end
end

-- Returns the items of a page that are new. seen[id] is true for items read
-- without a gap, else the ids of the page that contained the item.
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

-- Restarts from the beginning, page by page.
local function start_over(self)
  self.overlaps, self.total, self.idle = false, nil, 0
  self.number, self.per_page = 1, nil
end

-- Returns the number of items that the list had throughout; nil if unknown.
local function expected(self, page)
  return page.total and self.first_total and
         math.min(page.total, self.first_total)
end

-- True if reading makes no progress. After going back it may read all pages
-- again before it finds new items.
local function is_endless(self, page)
  local most = math.max(page.total or 0, self.first_total or 0, self.count)
  local pages = most // page.size
  return self.idle > REPEATS + (page.total and pages or 0) or
         self.fetches > MOST_TIMES * pages + MOST_MORE
end

-- Creates the error of a list that cannot be read completely.
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

-- Ends reading, or its first pass. Returns false and the error if items are
-- missing after the second pass.
local function finish(self, page)
  self.number = nil
  local most = expected(self, page)
  if not most or self.count >= most then return true end
  if self.is_second then return false, unreadable(self, page) end
  self.is_second = true
  start_over(self)
  return true
end

-- True if the first page is short and may not be the last one, because the
-- service may limit the size.
local function is_cut_blindly(self, page)
  return self.number == 1 and not page.total and #page > 0 and
         #page < page.size
end

-- Chooses the next page, if there is one.
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
  -- without a total, a short page that repeats items is the end
  if not page.total and #fresh == 0 and #page < page.size then
    self.number = nil
  end
end

--- Returns the new items of the next page, an array that may be empty; false
-- after the last page; nil, err.
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

--- Reads all items of all pages.
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

-- Returns an iterator over batches: `refill` returns an array, false at the
-- end, or nil, err. Errors are raised, so that a loop never ends early
-- unnoticed.
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

--- Iterates page by page, over lists from which the loop removes no items.
function paging.each(fetch)
  local sweep = paging.sweep(fetch, true)
  return each_of(function() return sweep:next() end)
end

-- Reads the ids of all items, and keeps the objects of the first two pages.
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

-- Fetches the objects of some ids, in their order. One that the list no longer
-- contains is fetched individually; one that was deleted is omitted.
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

--- Iterates over the items that matched when the loop started, each exactly
-- once, whatever the loop does to the list: ids are read first, objects when
-- they are needed.
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
