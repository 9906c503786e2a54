-- See proof/power-cut.
local cases = require "support.cut_cases"
local migrations = require "support.migrations"
local power_cut = require "support.power_cut"

local step = math.tointeger(os.getenv "POWER_CUT_STEP") or 13
local names, failures = {}, 0
for name in pairs(cases) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local top = migrations.folder()
  local case = power_cut.run(cases[name](top), { step = step })
  for i = 1, math.min(#case.failures, 10) do print(case.failures[i]) end
  print(("proof: power cut, %s|%d|%d"):format(case.name, case.cases,
                                              #case.failures))
  failures = failures + #case.failures
  case.server:stop()
  migrations.remove(top)
end
os.exit(failures == 0)
