-- workstage.run: tasks, how they end, and where calls may wait.
local service = require "support.service"
local workstage = require "workstage"

local server, space

before_each(function()
  server = service.start { latency = 0.02 }
  space = service.storyblok(server)
end)

after_each(function() server:stop() end)

local function closing(f) return setmetatable({}, { __close = f }) end

describe("run", function()
  it("returns what fn returns, once all tasks have ended", function()
    local ended = 0
    local a, b, c = workstage.run(function(scope)
      for _ = 1, 5 do
        scope:spawn(function()
          assert(space:whoami())
          ended = ended + 1
        end)
      end
      return 1, nil, 3
    end)
    assert.same({ 1, nil, 3 }, { a, b, c })
    assert.equal(5, ended)
    assert.equal(5, server:stats().max_in_flight)
  end)

  it("lets a task wait for another's results", function()
    workstage.run(function(scope)
      local task = scope:spawn(function()
        return assert(space:whoami()).id, nil, "three"
      end)
      local values = table.pack(task:wait())
      assert.equal(3, values.n)
      assert.equal("three", values[3])
      assert.same(values, table.pack(task:wait()))
    end)
  end)

  it("passes a task's error to its waiter", function()
    local value, why = workstage.run(function(scope)
      local task = scope:spawn(function()
        space:whoami()
        error("it broke", 0)
      end)
      return task:wait()
    end)
    assert.is_nil(value)
    assert.equal("it broke", why)
  end)

  it("ends the wait of its body when a task raises", function()
    for _, wait in ipairs {
      function() return space:whoami { timeout = 5 } end,
      function(scope)
        return scope:spawn(function() return space:whoami() end):wait()
      end,
      function()
        local results, errors = workstage.map({ 1, 2 }, function()
          return space:whoami()
        end)
        return results[1], errors[1]
      end,
      function()
        return workstage.run(function() return space:whoami() end)
      end,
    } do
      server:inject(false)
      server:inject { { delay = 3 } }
      local err
      local good, why = pcall(workstage.run, function(scope)
        scope:spawn(function() error("it broke", 0) end)
        err = select(2, wait(scope))
      end)
      assert.is_false(good)
      assert.equal("it broke", why)
      assert.equal("cancelled", err.kind)
    end
    server:inject(false)
    assert(space:whoami())
  end)

  it("makes the body's next call fail after a task raised", function()
    local first, second
    local good, why = pcall(workstage.run, function(scope)
      scope:spawn(function()
        space:whoami()
        error("it broke", 0)
      end)
      assert(space:whoami())
      first = select(2, space:whoami())
      second = select(2, space:whoami())
      return "not this"
    end)
    assert.is_false(good)
    assert.equal("it broke", why)
    assert.equal("cancelled", (second or first).kind)
  end)

  it("lets the task continue in which a run has failed", function()
    workstage.run(function(scope)
      local task = scope:spawn(function()
        local good = pcall(workstage.run, function(inner)
          inner:spawn(function() error("it broke", 0) end)
          space:whoami()
          workstage.run(function(innermost)
            innermost:spawn(function() error("this too", 0) end)
            space:whoami()
          end)
        end)
        assert(not good)
        return assert(space:whoami()).id
      end)
      assert.equal("integer", math.type(task:wait()))
      assert(space:whoami())
    end)
  end)

  it("raises a task's error that nobody waits for, and ends the rest",
     function()
    local closed, kind
    local good, why = pcall(workstage.run, function(scope)
      server:inject { { path = "roles", delay = 5 } }
      scope:spawn(function()
        local _ <close> = closing(function() closed = true end)
        kind = select(2, space.roles:list()).kind
      end)
      scope:spawn(function()
        space:whoami()
        error("it broke", 0)
      end)
    end)
    assert.is_false(good)
    assert.equal("it broke", why)
    assert.equal("cancelled", kind)
    assert.is_true(closed)
  end)

  it("raises fn's error, and ends its tasks", function()
    local kind
    server:inject { { path = "roles", delay = 5 } }
    local began = service.now()
    local good, why = pcall(workstage.run, function(scope)
      scope:spawn(function()
        kind = select(2, space.roles:list()).kind
      end)
      space:whoami()
      error("fn broke", 0)
    end)
    assert.is_false(good)
    assert.equal("fn broke", why)
    assert.equal("cancelled", kind)
    assert.is_true(service.now() - began < 2)
  end)

  it("nests", function()
    local sum = workstage.run(function(scope)
      local task = scope:spawn(function()
        return workstage.run(function(inner)
          local one = inner:spawn(function()
            return space:whoami() and 1
          end)
          return one:wait() + 1
        end)
      end)
      return task:wait() + 1
    end)
    assert.equal(3, sum)
  end)

  it("refuses a task in a scope that has ended, and wrong arguments",
     function()
    local kept
    workstage.run(function(scope) kept = scope end)
    assert.has_error(function() kept:spawn(print) end)
    assert.has_error(function() workstage.run(5) end)
    workstage.run(function(scope)
      assert.has_error(function() scope:spawn() end)
      assert.has_error(function() scope.spawn(print) end)
    end)
  end)

  it("raises if tasks wait for each other", function()
    local a, b
    local good, why = pcall(workstage.run, function(scope)
      a = scope:spawn(function() return b:wait() end)
      b = scope:spawn(function() return a:wait() end)
    end)
    assert.is_false(good)
    assert.matches("none can go on", why, 1, true)
  end)
end)

describe("a cancelled task", function()
  it("ends its wait and every further call with `cancelled`", function()
    server:inject { { path = "roles", delay = 5 } }
    local first, second
    local began = service.now()
    workstage.run(function(scope)
      local task = scope:spawn(function()
        first = select(2, space.roles:list())
        second = select(2, space:whoami())
        return "an end of its own"
      end)
      space:whoami()
      task:cancel()
      assert.equal("an end of its own", task:wait())
    end)
    assert.equal("cancelled", first.kind)
    assert.equal("cancelled", second.kind)
    assert.is_true(service.now() - began < 2)
  end)

  it("does not start if it has not started", function()
    local begun = false
    workstage.run(function(scope)
      local task = scope:spawn(function() begun = true end)
      task:cancel()
      local value, err = task:wait()
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
    end)
    assert.is_false(begun)
  end)

  it("closes its to-be-closed variables", function()
    local closed = {}
    workstage.run(function(scope)
      scope:spawn(function()
        local _ <close> = closing(function() closed[1] = true end)
        space:whoami()
      end)
      local task = scope:spawn(function()
        local _ <close> = closing(function()
          space:whoami()
          closed[2] = true
        end)
        space.roles:list()
      end)
      space:whoami()
      task:cancel()
    end)
    assert.same({ true, true }, closed)
  end)

  it("can be cancelled twice, by its own task, and after its end", function()
    workstage.run(function(scope)
      local task
      task = scope:spawn(function()
        task:cancel()
        task:cancel()
        return select(2, space:whoami()).kind
      end)
      assert.equal("cancelled", task:wait())
      task:cancel()
    end)
    assert.equal(0, service.count(server))
  end)

  it("in a scope that is cancelled: all of them, and later ones", function()
    server:inject { { path = "roles", delay = 5 } }
    local kinds = {}
    workstage.run(function(scope)
      for i = 1, 3 do
        scope:spawn(function()
          kinds[i] = select(2, space.roles:list()).kind
        end)
      end
      space:whoami()
      scope:cancel()
      local _, err = scope:spawn(function() return 1 end):wait()
      kinds[4] = err.kind
    end)
    assert.same({ "cancelled", "cancelled", "cancelled", "cancelled" }, kinds)
  end)

  it("with a POST in flight gets an ambiguous error", function()
    server:inject { { method = "POST", delay_after = 5 } }
    local err
    workstage.run(function(scope)
      local task = scope:spawn(function()
        err = select(2, space.stages:create { name = "L", color = "#1" })
      end)
      while service.count(server, "POST") == 0 do space:whoami() end
      task:cancel()
    end)
    assert.equal("cancelled", err.kind)
    assert.is_true(err.ambiguous)
  end)
end)

describe("a call works also", function()
  local function works() return assert(space:whoami()).id end

  -- In the main program, and in a task, where it must not affect the others.
  local function both(f)
    f()
    local others = 0
    workstage.run(function(scope)
      for _ = 1, 3 do
        scope:spawn(function() works() others = others + 1 end)
      end
      scope:spawn(f)
      scope:spawn(function() f() works() end)
    end)
    assert.equal(3, others)
  end

  it("inside a callback of gsub", function()
    both(function()
      local text = ("abc"):gsub(".", function(c)
        return works() and c:upper()
      end)
      assert.equal("ABC", text)
    end)
  end)

  it("inside a callback of sort", function()
    both(function()
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b) return works() and a < b end)
      assert.same({ 1, 2, 3 }, list)
    end)
  end)

  it("inside the caller's own coroutines", function()
    both(function()
      local pages = coroutine.wrap(function()
        for i = 1, 3 do
          works()
          coroutine.yield(i)
        end
      end)
      assert.same({ 1, 2, 3 }, { pages(), pages(), pages() })
    end)
  end)

  it("inside a finalizer", function()
    both(function()
      local id
      local object = setmetatable({}, { __gc = function() id = works() end })
      assert(object)
      object = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.is_truthy(id)
    end)
  end)

  it("inside metamethods, pcall and iterators", function()
    both(function()
      local lazy = setmetatable({}, { __index = function() return works() end })
      assert.is_truthy(lazy.id)
      assert.is_true((pcall(works)))
      for id in function(_, last) return not last and works() or nil end do
        assert.is_truthy(id)
      end
      assert.is_true(xpcall(works, debug.traceback))
    end)
  end)

  it("inside require", function()
    both(function()
      package.preload["a.lazy.module"] = function() return works() end
      package.loaded["a.lazy.module"] = nil
      assert.is_truthy(require "a.lazy.module")
    end)
  end)
end)

describe("Ctrl-C", function()
  -- A child process, blocked in `script`, gets SIGINT when the server has
  -- received its request.
  local function interrupt(script)
    server:inject { { path = "roles", hang = "before" } }
    local out = os.tmpname()
    local code = ([[
      local service = require "support.service"
      local workstage = require "workstage"
      local space = service.storyblok({ url = %q }, { timeout = 20 })
      %s
    ]]):format(server.url, script)
    local file = assert(io.open(out .. ".lua", "w"))
    file:write(code)
    file:close()
    os.execute(("lua5.4 %s.lua >%s 2>&1 & echo $! >%s.pid")
               :format(out, out, out))
    local pid = io.open(out .. ".pid"):read "l"
    local limit = service.now() + 10
    while service.count(server, "GET", "roles") == 0 and
          service.now() < limit do
      os.execute "sleep 0.02"
    end
    local began = service.now()
    os.execute("kill -INT " .. pid)
    while os.execute("kill -0 " .. pid .. " 2>/dev/null") and
          service.now() < limit + 5 do
      os.execute "sleep 0.02"
    end
    local seconds = service.now() - began
    local said = io.open(out):read "a"
    os.remove(out)
    os.remove(out .. ".lua")
    os.remove(out .. ".pid")
    return said, seconds
  end

  -- A background command of sh ignores SIGINT; lua5.4 sets its own handler.
  for name, script in pairs {
    ["a call"] = "space.roles:list()",
    ["map"] = "workstage.map({1, 2, 3}, function() "
              .. "return space.roles:list() end)",
    ["run"] = "workstage.run(function(scope) scope:spawn(function() "
              .. "space.roles:list() end) end)",
  } do
    it("ends a script that is blocked in " .. name, function()
      local said, seconds = interrupt(script)
      assert.matches("interrupted!", said, 1, true)
      assert.is_true(seconds < 3, seconds)
    end)
  end
end)
