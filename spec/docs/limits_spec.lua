-- The numbers of docs/limits.md, measured.

local service = require "support.service"

local function number(text)
  return math.tointeger(tonumber((text:gsub(",", ""))))
end

-- "1 h 54 min" -> seconds, and the grain of what it says
local function seconds_of(text)
  local total, grain = 0, nil
  for count, unit in text:gmatch "(%d+) (%l+)" do
    grain = ({ h = 3600, min = 60, s = 1 })[unit]
    total = total + count * grain
  end
  return total, grain
end

describe("docs/limits.md", function()
  local rows = {}

  lazy_setup(function()
    for line in io.lines "docs/limits.md" do
      local job, requests, three, six =
        line:match "^| (.-) | ([%d,]+) | (%d[^|]*) | (%d[^|]*) |$"
      if job then
        rows[#rows + 1] = { requests = number(requests), three = three,
                            six = six }
      end
    end
  end)

  it("has the requests of a job of 20,000 stories", function()
    local server = service.start { seed = { stories = 20000 }, log = false }
    local space = service.storyblok(server)
    local function cost(f)
      local before = server:stats().requests
      f()
      return server:stats().requests - before
    end
    assert.equal(3, #rows)
    assert.equal(rows[1].requests, cost(function()
      assert.equal(20000, #assert(space.stories:list()))
    end))
    assert.equal(rows[2].requests, cost(function()
      local count = 0
      for _ in space.stories:each() do count = count + 1 end
      assert.equal(20000, count)
    end))
    assert.equal(rows[3].requests, rows[2].requests + 20000)
    server:stop()
  end)

  it("has their time at 3 and 6 a second", function()
    for _, row in ipairs(rows) do
      for per_second, text in pairs { [3] = row.three, [6] = row.six } do
        local said, grain = seconds_of(text)
        assert.truthy(math.abs(said - row.requests / per_second) <= grain,
                      text)
      end
    end
  end)
end)
