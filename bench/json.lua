--[[
Writing bodies and reading answers, beside lua-cjson: nanoseconds of processor
time and allocations each. The module validates what it writes, and coerces what
it reads.

  make bench BENCH=json      BENCH_ROUNDS=9
]]
local figures = require "bench.figures"
local cases = require "bench.json_cases"

local ROUNDS = figures.setting("BENCH_ROUNDS", 9)
local LUA = os.getenv "LUA" or "lua5.4"
local LEAST = 0.03 -- seconds that one measurement takes

local function nanoseconds(f, calls)
  collectgarbage()
  local began = os.clock()
  for _ = 1, calls do f() end
  return (os.clock() - began) / calls * 1e9
end

local function calls_for(f)
  local calls = 1
  while nanoseconds(f, calls) * calls < LEAST * 1e9 do calls = calls * 2 end
  return calls
end

local function measure(case)
  local calls = calls_for(case.ours)
  local ours, theirs, ratios = {}, {}, {}
  for round = 1, ROUNDS do
    ours[round] = nanoseconds(case.ours, calls)
    theirs[round] = nanoseconds(case.theirs, calls)
    ratios[round] = ours[round] / theirs[round]
  end
  return ours, theirs, ratios
end

local function counts()
  local pipe = assert(io.popen(
    ("LD_PRELOAD=%s/allocations.so %s bench/json_count.lua"):format(
      figures.folder, LUA)))
  local list = {}
  for line in pipe:lines() do
    local ours, theirs = line:match "^(%S+)%s+(%S+)$"
    list[#list + 1] = { ours = tonumber(ours), theirs = tonumber(theirs) }
  end
  assert(pipe:close())
  return list
end

local part = figures.part "json"
local allocated = counts()
for i, case in ipairs(cases) do
  local ours, theirs, ratios = measure(case)
  part:add {
    name = case.name, value = figures.median(ours), unit = "ns",
    ratio = figures.median(ratios), rounds = ours, ratios = ratios,
    theirs = figures.median(theirs),
    allocations = allocated[i].ours, their_allocations = allocated[i].theirs,
  }
end
part:save()
