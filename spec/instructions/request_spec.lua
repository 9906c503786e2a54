-- The path of a request must not get longer unnoticed: the instructions of one
-- more POST, in our own code, Lua's and lua-cjson's.
local instructions = require "bench.instructions"

-- Recorded on x86_64 with Debian 12's Lua. A change that makes the path
-- shorter lowers them; see docs/benchmarks.md.
local RECORDED = { [1] = 20400, [16] = 25500 }
local TOLERANCE = 1.08

describe("a request takes no more instructions than recorded,", function()
  for flight, recorded in pairs(RECORDED) do
    it(flight .. " in flight", function()
      local counted = instructions.of_request(flight)
      assert.is_true(counted > recorded / 4, counted)
      assert.is_true(counted <= recorded * TOLERANCE, ("%d instead of %d"):
                     format(counted, recorded))
    end)
  end
end)

describe("a profile", function()
  it("counts each object's own instructions, not those of what it calls",
     function()
    local text = {
      "ob=(1) /usr/bin/lua5.4", "fl=(1) a.c", "fn=(1) main", "10 100",
      "cob=(2) /x/workstage/core.so", "cfn=(2) work", "calls=3 20",
      "11 5000", "+1 7", "", "ob=(2)", "fn=(2)", "20 30", "* 12", "",
      "ob=(1)", "fn=(3) other", "-5 1",
    }
    local at = 0
    local counts = instructions.by_object(function()
      at = at + 1
      return text[at]
    end)
    assert.same({ ["/usr/bin/lua5.4"] = 108, ["/x/workstage/core.so"] = 42 },
                counts)
  end)
end)
