--- Specs of workstage inside a host's event loop. A host is a function that
-- returns a table:
--   every(seconds, f)   calls f again and again
--   after(seconds, f)   calls f once
--   run()               runs until stop() was called
--   stop()
local assert = require "luassert"
local service = require "support.service"
local workstage = require "workstage"

local TICK = 0.01

-- The ticks of a ticker in a second, and its longest gap.
local function ticker(host)
  local began = service.now()
  local ticks, last, longest = 0, began, 0
  host.every(TICK, function()
    local now = service.now()
    ticks, longest, last = ticks + 1, math.max(longest, now - last), now
  end)
  return function()
    return ticks / (service.now() - began), longest
  end
end

local function alone(new_host)
  local host = new_host()
  local read = ticker(host)
  host.after(0.5, host.stop)
  host.run()
  return (read())
end

-- busted's functions are globals only in the spec's file, so `words` has them.
local function specs(new_host, words)
  local before_each, after_each = words.before_each, words.after_each
  local it = words.it
  local server, space

  before_each(function()
    server = service.start()
    space = service.storyblok(server, { concurrency = 100 })
  end)

  after_each(function() server:stop() end)

  it("has 100 calls in flight without delaying a ticker", function()
    local usual = alone(new_host)
    local host = new_host()
    server:inject { { delay = 0.5 } }
    local done = 0
    for _ = 1, 200 do
      workstage.loop:spawn(function()
        assert(space:whoami())
        done = done + 1
        if done == 200 then host.stop() end
      end)
    end
    local read = ticker(host)
    host.run()
    local rate, longest = read()
    assert.equal(200, done)
    assert.equal(100, server:stats().max_in_flight)
    assert.is_true(rate > usual * 0.8, ("%.0f of %.0f"):format(rate, usual))
    assert.is_true(longest < 0.25, longest)
  end)

  it("serves two clients at a time", function()
    local host = new_host()
    local other_server = service.start()
    local other = service.kantata(other_server)
    server:inject { { delay = 0.3 } }
    other_server:inject { { delay = 0.3 } }
    local done = 0
    local function count(result, err)
      assert(result, err)
      done = done + 1
      if done == 2 then host.stop() end
    end
    workstage.loop:spawn(function() count(space:whoami()) end)
    workstage.loop:spawn(function() count(other.workspaces:get(1)) end)
    local began = service.now()
    host.run()
    assert.is_true(service.now() - began < 0.55, "one after the other")
    other_server:stop()
  end)

  it("wakes for a deadline that is set while it sleeps", function()
    local host = new_host()
    server:inject { { hang = "before" } }
    local began, kind, seconds
    -- the loop sleeps for the five seconds that this call may take
    workstage.loop:spawn(function() space:whoami() end)
    host.after(0.15, function()
      began = service.now()
      workstage.loop:spawn(function()
        kind = select(2, space:whoami { deadline = 0.2 }).kind
        seconds = service.now() - began
        host.stop()
      end)
    end)
    host.run()
    assert.equal("timeout", kind)
    assert.is_true(seconds >= 0.19 and seconds < 1.5, seconds)
    space:close()
    workstage.loop:step()
  end)

  it("wakes for calls that ended while a call blocked the host", function()
    local host = new_host()
    -- late enough that libcurl has no short timers left to wake it
    server:inject { { path = "users", delay = 1 },
                    { path = "roles", delay = 0.5 } }
    local went_on
    workstage.loop:spawn(function()
      assert(space:whoami())
      went_on = service.now()
      host.stop()
    end)
    local blocked
    host.after(0.8, function()
      assert(space.roles:list())
      blocked = service.now()
    end)
    host.run()
    assert.is_true(went_on - blocked < 0.5, went_on - blocked)
  end)

  it("wakes for a task that is cancelled", function()
    local host = new_host()
    server:inject { { hang = "before" } }
    local kind
    local task = workstage.loop:spawn(function()
      kind = select(2, space:whoami()).kind
      host.stop()
    end)
    local began = service.now()
    host.after(0.1, function() task:cancel() end)
    host.run()
    assert.equal("cancelled", kind)
    assert.is_true(service.now() - began < 2)
  end)

  it("allows blocking calls before and after it", function()
    assert(space:whoami())
    local host, done = new_host(), false
    workstage.loop:spawn(function()
      done = space:whoami()
      host.stop()
    end)
    host.run()
    assert.is_truthy(done)
    assert(space:whoami())
  end)
end

return specs
