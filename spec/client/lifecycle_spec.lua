local clients = require "support.clients"
local scripted = require "support.scripted"
local system = require "system"
local failed, has = clients.failed, clients.has

local function fds()
  local pipe = io.popen "ls /proc/$PPID/fd | wc -l"
  local count = tonumber(pipe:read "a")
  pipe:close()
  return count
end

describe("a client", function()
  local server, space, ox

  before_each(function()
    server, space, ox = clients.sandbox { seed = { stories = 30 } }
  end)

  after_each(function()
    space:close()
    ox:close()
    server:stop()
  end)

  it("keeps its connection from call to call", function()
    for _ = 1, 20 do
      assert(space.stages:list())
      assert(space.stages:update(assert(space.stages:list())[1].id,
                                 { allow_publish = true }))
    end
    failed("not_found", space.stories:get(5))
    failed("rejected", space.stages:create { name = "", color = "#fff" })
    assert.equal(1, server:stats().connections)
  end)

  it("closes all connections if it is the last one", function()
    assert(space.stages:list())
    assert(ox.workspaces:list())
    space:close()
    assert.is_true(server:stats().open_connections > 0)
    ox:close()
    for _ = 1, 200 do
      if server:stats().open_connections == 0 then break end
      system.sleep(0.01)
    end
    assert.equal(0, server:stats().open_connections)
  end)

  it("opens a new connection if the old one was closed", function()
    assert(space.stages:list())
    assert(server:inject { { path = "/workflow_stages", idle_close = true,
                             count = 1 } })
    for _ = 1, 3 do assert(space.stages:list()) end
  end)

  it("is an error after close; closing again does nothing", function()
    space:close()
    space:close()
    local before = #server:requests()
    for _, call in ipairs {
      function() return space.stages:list() end,
      function() return space.stories:page() end,
      function() return space.changes:create { story_id = 1,
                                               workflow_stage_id = 2 } end,
      function() return space.workflows:duplicate(5, {
        name = "x", content_types = { "x" } }) end,
      function() return space.stages:delete(5) end,
      function() return space:whoami() end,
      function() return space:request("GET", "/v1/x") end,
    } do
      has(failed("invalid", call()), "closed")
    end
    assert.equal(before, #server:requests())
  end)

  it("is closed at the end of its block, also by an error", function()
    local inner
    do
      local other <close> = clients.space(server.url)
      assert(other.stages:list())
      inner = other
    end
    has(failed("invalid", inner.stages:list()), "closed")
    pcall(function()
      local other <close> = clients.ox(server.url)
      inner = other
      error "no"
    end)
    has(failed("invalid", inner.workspaces:list()), "closed")
  end)

  it("is closed when it is collected, with its connections", function()
    assert(space.stages:list())
    collectgarbage()
    collectgarbage()
    local before = fds()
    for _ = 1, 30 do
      local other = clients.space(server.url)
      assert(other.stages:list())
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(fds() <= before + 2, "descriptors are left open")
  end)

  it("lives as long as its parts are in use", function()
    local stages, each
    do
      local other = clients.space(server.url)
      stages = other.stages
      each = other.stories:each { per_page = 10 }
    end
    local changes = clients.ox(server.url).changes
    collectgarbage()
    collectgarbage()
    assert(stages:list())
    assert.is_table(each())
    failed("not_found", changes:get(5))
  end)

  it("lives as long as its calls", function()
    local count = 0
    local function on_event()
      count = count + 1
      collectgarbage()
      collectgarbage()
    end
    assert(clients.space(server.url, { on_event = on_event }):whoami())
    assert(clients.space(server.url, { on_event = on_event }).stages:list())
    assert.equal(4, count)
  end)

  it("is not affected by closing another", function()
    local a, b = clients.space(server.url), clients.space(server.url)
    assert(a.stages:list())
    assert(b.stages:list())
    a:close()
    assert(b.stages:list())
    assert(space.stages:list())
    b:close()
  end)

  it("works beside others, of other tokens and services", function()
    local list = {}
    for i = 1, 20 do
      list[i] = clients.space(server.url, { token = "token-" .. i })
    end
    for round = 1, 3 do
      for i, other in ipairs(list) do
        assert(other.stages:list())
        if round == 3 then
          local all = server:requests()
          assert.equal("/v1/spaces/288868932106293/workflow_stages",
                       all[#all].path)
        end
        if round == 3 and i % 2 == 0 then other:close() end
      end
    end
    assert(ox.workspaces:list())
    for _, other in ipairs(list) do other:close() end
  end)

  it("can be printed without its token", function()
    for _, value in ipairs { space, ox, space.stages, ox.changes } do
      assert.is_false(clients.shows_token(value))
      assert.is_false(clients.shows_token(tostring(value)))
    end
    has(tostring(space), "workstage.storyblok")
    has(tostring(ox), "workstage.kantata")
  end)

  it("can be given call options", function()
    assert(space.stages:list(nil, { timeout = 5, deadline = 10 }))
    assert(space.stages:get(assert(space.stages:list())[1].id,
                            { timeout = 5 }))
    assert(space.workflows:get(assert(space.workflows:list())[1].id, nil,
                               { timeout = 5 }))
    assert(space:whoami { deadline = 5 })
    assert(space.stages:find("Ready", {
      in_workflow = assert(space.workflows:find "Article").id },
      { retry = false }))
    local n = 0
    for _ in space.stories:each({ per_page = 10 }, { timeout = 5 }) do
      n = n + 1
    end
    assert.equal(30, n)
    assert(server:inject { { method = "GET", status = 500, count = 1 } })
    assert.equal(1, failed("server", space.stages:list(nil, {
      retry = false })).attempts)
    assert(server:inject { { method = "GET", status = 500, count = 1 } })
    assert(space.stages:list())
    assert(server:inject { { method = "GET", delay = 2, count = 1 } })
    failed("timeout", space.stages:list(nil, { timeout = 0.05,
                                               retry = false }))
    assert(server:inject { { method = "GET", delay = 2, count = 2 } })
    failed("timeout", space.stages:list(nil, { deadline = 0.1 }))
  end)

  it("works in a coroutine of the caller's own", function()
    local thread = coroutine.wrap(function()
      for story in space.stories:each { per_page = 10 } do
        coroutine.yield(story.id)
      end
    end)
    local n = 0
    while thread() do n = n + 1 end
    assert.equal(30, n)
  end)

  it("can be collected in a coroutine", function()
    for _ = 1, 10 do
      coroutine.wrap(function()
        local other = clients.space(server.url)
        assert(other.stages:list())
        coroutine.yield()
      end)()
    end
    collectgarbage()
    collectgarbage()
    assert(space.stages:list())
  end)

  it("in a Lua state of another thread works at the same time", function()
    local thread = require "cqueues.thread"
    local function work(_, url, paths, cpaths)
      package.path, package.cpath = paths, cpaths
      local workstage = require "workstage"
      local other = assert(workstage.storyblok {
        token = "s3cret-Token.42+x", space_id = 288868932106293,
        base_url = url, rate_limit = false, proxy = false })
      for _ = 1, 20 do assert(#assert(other.stories:list()) == 30) end
      other:close()
    end
    local before = #server:requests()
    local threads = {}
    for i = 1, 3 do
      threads[i] = assert(thread.start(work, server.url, package.path,
                                       package.cpath))
    end
    for _ = 1, 20 do assert(space.stages:list()) end
    for _, each in ipairs(threads) do
      local joined, why = each:join()
      assert.is_true(joined)
      assert.is_nil(why)
    end
    assert.equal(before + 80, #server:requests())
  end)
end)

describe("a client that is closed while it waits", function()
  it("ends its calls", function()
    local loop = require "workstage".loop
    local server = scripted.start()
    server:answer(200, "{}", { delay = 30 })
    local space = clients.space(server.url, { timeout = 60 })
    local value, err
    local task = loop:spawn(function() value, err = space.stages:list() end)
    while #server:requests() == 0 do loop:step(0.01) end
    space:close()
    task:wait()
    failed("cancelled", value, err)
    server:stop()
  end)
end)

local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local fork = require "probe_fork"

describe("a loop after fork", function()
  it("is an error in the child", function()
    local core = require "workstage.core"
    local opened <close> = core.loop()
    local said = fork.in_child(function()
      local text = {}
      for _, start in ipairs {
        function() return opened:sleep(1) end,
        function() return core.client(opened, { service = "kantata",
                                                token = "t" }) end,
      } do
        text[#text + 1] = table.concat({ select(2, start()) }, ": ")
      end
      return table.concat(text, "\n")
    end)
    local why = "invalid: the event loop was opened before fork: open a new one"
    assert.equal(why .. "\n" .. why, said)
  end)
end)

describe("a client after fork", function()
  it("is an error in the child; a new one works there", function()
    local server, space = clients.sandbox()
    assert(space.stages:list())
    local before = #server:requests()
    local said = fork.in_child(function()
      local value, err = space.stages:list()
      return tostring(value) .. " " .. err.kind .. ": " .. tostring(err)
    end)
    has(said, "nil invalid: ")
    has(said, "fork")
    assert.equal(before, #server:requests())
    said = fork.in_child(function()
      space:close()
      collectgarbage()
      return "closed"
    end)
    assert.equal("closed", said)
    assert(space.stages:list())
    assert.equal(1, server:stats().connections)
    said = fork.in_child(function()
      local other = clients.space(server.url)
      return #assert(other.stages:list()) .. " stages"
    end)
    assert.equal("7 stages", said)
    assert(space.stages:list())
    space:close()
    server:stop()
  end)
end)
