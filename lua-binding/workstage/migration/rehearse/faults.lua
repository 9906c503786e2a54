--- Chooses the faults of a rehearsal.
local faults = {}

local KINDS = {
  { status = 500 }, { status = 503 }, { close = "before" },
  { close = "after" }, { truncate = true },
}

--- A random seed.
-- @treturn integer above 0
function faults.new_seed()
  local file = io.open("/dev/urandom", "rb")
  if file then file:setvbuf "no" end
  local bytes = file and file:read(4)
  if file then file:close() end
  local number = bytes and #bytes == 4 and ("I4"):unpack(bytes) or
                 math.random(0, 0xffffffff)
  return number % 0x7fffffff + 1
end

local function fault_of(kind, fault)
  for name, value in pairs(kind) do fault[name] = value end
  return fault
end

-- One guaranteed fault, at a request chosen by the seed.
local function certain(seed, requests)
  local number = seed * 1103515245 + 12345 & 0x7fffffff
  return fault_of(KINDS[number % #KINDS + 1], {
    after = (number >> 8) % math.max(requests, 1), count = 1,
  })
end

--- Faults of several kinds, which together affect a given part of the
-- requests, at least one.
-- @tparam number chance 0 to 1
-- @tparam integer seed
-- @tparam integer requests how many the plan takes
-- @treturn table for the sandbox
function faults.list(chance, seed, requests)
  if chance == 0 then return {} end
  local list = { certain(seed, requests) }
  for i, kind in ipairs(KINDS) do
    list[i + 1] = fault_of(kind, { chance = chance / #KINDS, seed = seed + i })
  end
  return list
end

--- Counts the faults that happened.
-- @tparam table stats of the sandbox
-- @treturn integer
function faults.count(stats)
  local count = 0
  for _, times in pairs(stats.faults) do count = count + times end
  return count
end

return faults
