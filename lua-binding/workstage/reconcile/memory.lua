--- Remembers what a client has read and created, to distinguish the effect of a
-- lost request from what existed before.
local memory = {}

-- Entries of a kind before the older half is dropped: the items of several
-- pages, and more changes than the rate limit allows while a request hangs.
local LIMIT = 1024

-- Seconds after which the offset of the clocks is measured again, as they
-- drift.
local BOUNDS_LAST = 600

-- Seconds between measurements.
local EVERY = 1

-- Seconds by which `created_at` may be rounded.
local ROUNDED = 1

-- ----------------------------------------------------- bounded maps

local UTC = ("Z"):byte()

local Map = {}
Map.__index = Map

local function new_map()
  return setmetatable({ recent = {}, older = {}, count = 0 }, Map)
end

function Map:get(key)
  local value = self.recent[key]
  if value ~= nil then return value end
  return self.older[key]
end

function Map:set(key, value)
  if self.recent[key] == nil then
    if self.count >= LIMIT then
      self.older, self.recent, self.count = self.recent, {}, 0
    end
    self.count = self.count + 1
  end
  self.recent[key] = value
end

function Map:remove(key)
  self.recent[key], self.older[key] = nil, nil
end

-- ------------------------------------------------------------ memory

local Memory = {}
Memory.__index = Memory

--- The memory of one client.
function memory.new()
  return setmetatable({
    maps = {}, claims = {},
    in_flight = setmetatable({}, { __mode = "k" }),
  }, Memory)
end

local function map_of(maps, name)
  local map = maps[name]
  if not map then
    map = new_map()
    maps[name] = map
  end
  return map
end

--- Remembers that an object was first seen at a time on `core.now`'s clock.
-- @tparam string kind such as "stages"
function Memory:see(kind, id, at)
  local map = map_of(self.maps, kind)
  if not map:get(id) then map:set(id, at) end
end

--- When an object was first seen; nil if never.
function Memory:seen_at(kind, id)
  return map_of(self.maps, kind):get(id)
end

--- Remembers that an object is the effect of a request of this client.
function Memory:claim(kind, id)
  map_of(self.claims, kind):set(id, true)
end

function Memory:is_claimed(kind, id)
  return map_of(self.claims, kind):get(id) == true
end

-- --------------------------------------------------------------- items

-- True if a date is older than another. A replica may return older data. Dates
-- of other forms than the usual one are not compared.
local function is_older(created_at, other)
  return #created_at == #other and created_at:byte(-1) == UTC and
         other:byte(-1) == UTC and created_at < other
end

--- Remembers the stage of an item when it was read or changed.
-- @tparam string kind such as "stories"
-- @tparam integer id of the item
-- @tparam integer|nil stage its id (Kantata: the status' key)
-- @tparam string|nil created_at since when, as the service wrote it
-- @tparam number at when it was read, on `core.now`'s clock
-- @tparam[opt] boolean is_own true if this client changed it
function Memory:read_item(kind, id, stage, created_at, at, is_own)
  local map = map_of(self.maps, kind)
  local known = map:get(id)
  if known and known.created_at and created_at and
     is_older(created_at, known.created_at) then
    return
  end
  local is_same = known and known.created_at == created_at and
                  known.stage == stage
  map:set(id, { stage = stage, created_at = created_at, at = at,
                is_own = is_own or is_same and known.is_own or false })
end

--- Returns what is remembered of an item: `stage`, `created_at`, `at`,
-- `is_own`, as in `read_item`; nil if nothing is.
function Memory:item(kind, id)
  return map_of(self.maps, kind):get(id)
end

--- Forgets an item whose stage is unknown now.
function Memory:forget_item(kind, id)
  map_of(self.maps, kind):remove(id)
end

-- --------------------------------------------------------------- clocks

local function narrow(bounds, low, high)
  bounds.low = math.max(bounds.low, low)
  bounds.high = math.min(bounds.high, high)
end

--- True if the offset of the clocks should be measured: at most once a second.
-- @tparam number now on `core.now`'s clock
function Memory:wants_offset(now)
  return not self.bounds or now - self.measured_at >= EVERY
end

--- Narrows the bounds of the offset with an answered change of this client,
-- which was made between its request and its response.
-- @tparam number created by the service's clock
-- @tparam number sent on our clock, as `answered`
function Memory:learn_offset(created, sent, answered)
  self.measured_at = answered
  local low, high = created - answered - ROUNDED, created - sent + ROUNDED
  local bounds = self.bounds
  if not bounds or answered - bounds.since > BOUNDS_LAST then
    self.older_bounds = bounds
    self.bounds = { since = answered, low = low, high = high }
    return
  end
  narrow(bounds, low, high)
  -- the service's clock was set: the earlier bounds are wrong now
  if bounds.low > bounds.high then
    self.bounds = { since = answered, low = low, high = high }
    self.older_bounds = false
  end
end

--- Returns the bounds of `created_at` minus our clock; nil if they are unknown.
function Memory:offset()
  local bounds, older = self.bounds, self.older_bounds
  if not bounds then return nil end
  if not older then return bounds.low, bounds.high end
  local low = math.max(bounds.low, older.low)
  local high = math.min(bounds.high, older.high)
  if low > high then return bounds.low, bounds.high end
  return low, high
end

return memory
