-- workstage.loop, polled and stepped by a host's event loop.
local service = require "support.service"
local workstage = require "workstage"

local loop = workstage.loop
local server, space

before_each(function()
  server = service.start { latency = 0.02 }
  space = service.storyblok(server)
end)

after_each(function() server:stop() end)

-- The simplest host: steps until `is_done`.
local function drive(is_done)
  local limit = service.now() + 5
  while not is_done() do
    loop:step(math.min(loop:timeout() or 1, 1))
    assert(service.now() < limit, "it takes too long")
  end
end

describe("the loop", function()
  it("has the methods that cqueues and others need", function()
    assert.equal("integer", math.type(loop:fileno()))
    assert.equal(loop:fileno(), loop:pollfd())
    assert.equal("r", loop:events())
    assert.has_error(function() loop.step() end)
    assert.has_error(function() loop:spawn "x" end)
  end)

  it("runs spawned tasks when it is stepped, several at a time", function()
    local done = 0
    for _ = 1, 10 do
      loop:spawn(function()
        assert(space:whoami())
        done = done + 1
      end)
    end
    assert.equal(0, done)
    assert.equal(0, loop:timeout())
    drive(function() return done == 10 end)
    assert.is_true(server:stats().max_in_flight > 1)
  end)

  it("does not wait in a step without a timeout", function()
    local done = false
    server:inject { { delay = 1 } }
    loop:spawn(function() space:whoami() done = true end)
    local longest, steps = 0, 0
    while not done do
      local began = service.now()
      loop:step()
      longest = math.max(longest, service.now() - began)
      steps = steps + 1
    end
    assert.is_true(longest < 0.8, longest)
    assert.is_true(steps > 10)
  end)

  it("keeps a task's error for its waiter", function()
    local task = loop:spawn(function() error("it broke", 0) end)
    drive(function() return task.done end)
    local value, why = task:wait()
    assert.is_nil(value)
    assert.equal("it broke", why)
  end)

  -- as Ctrl-C in the standalone interpreter does
  it("lets a hook interrupt it between tasks, and loses none", function()
    local waits = require "workstage.loop"
    local stepper, continued = coroutine.running(), 0
    local function interrupt()
      debug.sethook(stepper)
      error("interrupted", 0)
    end
    for _ = 1, 3 do
      workstage.loop:spawn(function()
        waits.sleep(0.01)
        continued = continued + 1
        if continued == 1 then debug.sethook(stepper, interrupt, "", 1) end
        waits.sleep(0.001)
      end)
    end
    workstage.loop:step()
    os.execute "sleep 0.02"
    local good, why = pcall(workstage.loop.step, workstage.loop, 1)
    assert.same({ false, "interrupted", 1 }, { good, why, continued })
    for _ = 1, 100 do
      if continued == 3 then break end
      workstage.loop:step(0.01)
    end
    assert.equal(3, continued)
  end)

  it("runs a blocking call beside tasks", function()
    local done = 0
    loop:spawn(function() assert(space:whoami()) done = done + 1 end)
    loop:step()
    assert(space.roles:list())
    drive(function() return done == 1 end)
  end)

  it("waits for a task from the main program", function()
    local task = loop:spawn(function() return assert(space:whoami()).id end)
    assert.is_truthy(task:wait())
  end)

  it("serves several clients", function()
    local ox = service.kantata(server)
    local other = service.start { latency = 0.02 }
    local third = service.storyblok(other)
    local done = 0
    for _, call in ipairs {
      function() return space:whoami() end,
      function() return ox.workspaces:list() end,
      function() return third:whoami() end,
    } do
      loop:spawn(function() assert(call()) done = done + 1 end)
    end
    drive(function() return done == 3 end)
    other:stop()
  end)

  it("returns when it needs a step: the next deadline or turn", function()
    server:inject { { hang = "before" } }
    local err
    loop:spawn(function()
      err = select(2, space:whoami { deadline = 0.3 })
    end)
    loop:step()
    local timeout = loop:timeout()
    assert.is_true(timeout and timeout <= 0.31, timeout)
    drive(function() return err end)
    assert.equal("timeout", err.kind)
  end)

  -- Built with POSIX alone, a host looks at the sockets every 10 ms.
  it("has timers of hours", function()
    local polls = (os.getenv "PORTABLE" or "") ~= ""
    for i, seconds in ipairs { 2148, 4296, 86400 } do
      server:inject { { hang = "before" } }
      local patient <close> = service.storyblok(server, {
        timeout = seconds, connect_timeout = seconds })
      local ended = false
      local task = loop:spawn(function()
        patient:whoami()
        ended = true
      end)
      drive(function()
        return service.count(server) == i and
               (polls or (loop:timeout() or 0) > seconds - 5)
      end)
      assert.is_false(ended)
      assert.is_true(loop:timeout() < seconds + 1)
      task:cancel()
      drive(function() return ended end)
    end
  end)

  it("is woken only once by the end of an idle connection", function()
    assert(space:whoami())
    server:stop()
    local poll = require "cqueues".poll
    local watched = { pollfd = loop:fileno(), events = "r" }
    assert.is_truthy(poll(watched, 5))
    loop:step(0)
    assert.not_equal(watched, poll(watched, 0.2))
  end)

  it("opens and closes connections on the same descriptors", function()
    for _ = 1, 5 do
      assert(space:whoami())
      local port = server.port
      server:stop()
      server = service.start { port = port }
    end
    assert(space:whoami())
  end)

  it("ends a client's requests when it is closed", function()
    server:inject { { delay = 5 } }
    local err
    loop:spawn(function() err = select(2, space:whoami()) end)
    loop:step()
    space:close()
    drive(function() return err end)
    assert.equal("cancelled", err.kind)
  end)
end)

describe("an on_event that raises", function()
  it("loses no results", function()
    local calls = 0
    local noisy = service.storyblok(server, {
      on_event = function()
        calls = calls + 1
        error "the listener broke"
      end,
    })
    assert(noisy:whoami())
    local results, errors = workstage.map({ 1, 2, 3 }, function()
      return noisy:whoami()
    end)
    assert.equal(3, #results)
    assert.same({}, errors)
    assert.is_true(calls >= 8)
  end)

  it("may make requests", function()
    local asked = 0
    local nosy
    nosy = service.storyblok(server, {
      on_event = function(event)
        if event.type == "response" and event.url:find "roles" then
          assert(nosy:whoami())
          asked = asked + 1
        end
      end,
    })
    assert(nosy.roles:list())
    workstage.map({ 1, 2 }, function() return nosy.roles:list() end)
    assert.equal(3, asked)
  end)
end)
