--- The allocations of each case of the JSON benchmark, Lua's and all others:
-- a line for each with ours and theirs. Run by json.lua, with allocations.so
-- preloaded.
package.cpath = (os.getenv "WORKSTAGE_BUILD" or "build") .. "/bench/?.so;" ..
                package.cpath
local allocations = require "allocations"
local cases = require "bench.json_cases"

local CALLS = 100

local function count(f)
  f()
  collectgarbage()
  collectgarbage "stop"
  local before = allocations()
  for _ = 1, CALLS do f() end
  local made = allocations() - before
  collectgarbage "restart"
  return made / CALLS
end

for _, case in ipairs(cases) do
  print(count(case.ours), count(case.theirs))
end
