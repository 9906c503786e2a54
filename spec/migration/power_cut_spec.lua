-- The power goes at each call that a migration makes to its journal. All of
-- it, byte by byte: proof/power-cut.
local cases = require "support.cut_cases"
local migrations = require "support.migrations"
local power_cut = require "support.power_cut"

-- A sanitizer's runtime wants to be the only library loaded first.
local is_sanitized = os.getenv "SPEC_REPORTS" ~= nil

describe("after a power cut", function()
  local top, case

  before_each(function() top = migrations.folder() end)

  after_each(function()
    if case then case.server:stop() end
    migrations.remove(top)
  end)

  for name, make in pairs(cases) do
    it("goes on: " .. name, function()
      if is_sanitized then return end
      case = make(top)
      power_cut.run(case, { step = 97, every = 7 })
      assert.same({}, case.failures)
      assert.is_true(case.cases > 20 and case.resumed > 5)
    end)
  end
end)
