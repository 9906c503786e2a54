-- Inside luv, the real one.
local shell = require "house.shell"
local specs = require "support.host"
local uv = require "luv"
local workstage = require "workstage"

local function new_host()
  local loop, host = workstage.loop, {}
  local poll, timer = uv.new_poll(loop:fileno()), uv.new_timer()
  local handles = { poll, timer }
  local function step()
    if not handles then return end
    loop:step()
    if not handles then return end
    local seconds = loop:timeout()
    timer:stop()
    if seconds then timer:start(math.ceil(seconds * 1000), 0, step) end
  end
  local function start_timer(seconds, again, f)
    local one = uv.new_timer()
    handles[#handles + 1] = one
    one:start(math.ceil(seconds * 1000), again, f)
  end
  function host.every(seconds, f)
    start_timer(seconds, math.ceil(seconds * 1000), f)
  end
  function host.after(seconds, f) start_timer(seconds, 0, f) end
  function host.stop()
    for _, handle in ipairs(handles) do handle:close() end
    handles = nil
  end
  function host.run()
    poll:start("r", step)
    step()
    uv.run()
  end
  return host
end

describe("luv", function()
  specs(new_host, { it = it, before_each = before_each,
                    after_each = after_each })
end)

describe("examples/luv.lua", function()
  it("runs", function()
    local output = shell.must "lua5.4 examples/luv.lua"
    assert.matches("40 stories read, %d+ ticks meanwhile", output)
  end)
end)
