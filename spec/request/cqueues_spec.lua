-- Inside cqueues, the real one.
local cqueues = require "cqueues"
local shell = require "house.shell"
local specs = require "support.host"
local workstage = require "workstage"

local function new_host()
  local controller, stopped = cqueues.new(), false
  local host = {}
  controller:wrap(function()
    while not stopped do
      cqueues.poll(workstage.loop)
      workstage.loop:step()
    end
  end)
  function host.every(seconds, f)
    controller:wrap(function()
      while not stopped do
        cqueues.sleep(seconds)
        f()
      end
    end)
  end
  function host.after(seconds, f)
    controller:wrap(function()
      cqueues.sleep(seconds)
      f()
    end)
  end
  function host.stop()
    stopped = true
  end
  function host.run()
    while not stopped do assert(controller:step(1)) end
  end
  return host
end

describe("cqueues", function()
  specs(new_host, { it = it, before_each = before_each,
                    after_each = after_each })
end)

describe("examples/cqueues.lua", function()
  it("runs", function()
    local output = shell.must "lua5.4 examples/cqueues.lua"
    assert.matches("40 stories read", output, 1, true)
    assert.matches("%d ticks meanwhile", output)
  end)
end)
