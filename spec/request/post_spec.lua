-- POSTs, which one function of the core makes from their attributes to the
-- created object: where Lua may interrupt it, and what must hold then.
local scripted = require "support.scripted"
local service = require "support.service"
local workstage = require "workstage"

local server, space

local function open()
  return assert(workstage.storyblok {
    token = "secret-token", space_id = 1, base_url = server.url,
    rate_limit = false, proxy = false, settle_time = 0.05,
    retry = { attempts = 3, base = 0.001, cap = 0.01 },
  })
end

before_each(function()
  server = scripted.start()
  space = open()
end)

after_each(function()
  space:close()
  server:stop()
end)

local function answer(id, options)
  server:answer(201, ('{"workflow_stage_change":{"id":%d,' ..
    '"workflow_stage_id":5,"created_at":"2026-12-01T10:00:00.000Z"}}')
    :format(id), options)
end

local function change(story)
  return space.changes:create { story_id = story, workflow_stage_id = 5 }
end

local function posts()
  local count = 0
  for _, request in ipairs(server:requests()) do
    if request.method == "POST" then count = count + 1 end
  end
  return count
end

-- What the server received as the story of each POST.
local function stories()
  local list = {}
  for _, request in ipairs(server:requests()) do
    list[#list + 1] = request.body and
      math.tointeger(tonumber(request.body:match '"story_id":(%d+)'))
  end
  return list
end

describe("a POST in a coroutine of the caller's own", function()
  -- Outside tasks, and in a task whose scope has others.
  local function both(f)
    f()
    local others = 0
    workstage.run(function(scope)
      scope:spawn(f)
      for i = 1, 3 do
        scope:spawn(function()
          assert(change(100 + i))
          others = others + 1
        end)
      end
    end)
    assert.equal(3, others)
  end

  it("returns its result there, and yields nothing to the caller", function()
    answer(7, { times = 0, delay = 0.01 })
    both(function()
      local steps = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(i, assert(change(i)).id) end
        return "end"
      end)
      for i = 1, 3 do assert.same({ i, 7 }, { steps() }) end
      assert.equal("end", steps())
    end)
  end)

  it("inside callbacks, where nothing can yield", function()
    answer(7, { times = 0 })
    both(function()
      local text = ("abc"):gsub(".", function(c)
        return assert(change(1)).id == 7 and c:upper()
      end)
      assert.equal("ABC", text)
      local list = { 2, 1 }
      table.sort(list, function(a, b)
        return assert(change(1)).id == 7 and a < b
      end)
      assert.same({ 1, 2 }, list)
    end)
  end)
end)

describe("a POST of a task whose coroutine is closed from outside", function()
  it("ends with the task, and leaves the client usable", function()
    answer(1, { delay = 0.2, match = "POST" })
    answer(7, { times = 0 })
    local co, is_closed, is_continued
    local ran, why = pcall(workstage.run, function(scope)
      scope:spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          is_closed = true
        end })
        co = coroutine.running()
        change(1)
        is_continued = true
      end)
      while posts() == 0 do assert(space:request("GET", "/x")) end
      assert(coroutine.close(co))
    end)
    assert.is_false(ran)
    assert.matches("every task waits for another", why)
    assert.is_true(is_closed)
    assert.is_nil(is_continued)
    co = nil -- luacheck: ignore
    collectgarbage()
    assert.equal(7, assert(change(2)).id)
    assert.same({ 1, 2 }, stories())
  end)
end)

describe("a POST under a debug hook", function()
  after_each(function() debug.sethook() end)

  -- Calls f with a hook that raises when a function of C that f calls returns.
  local function stopped_on_return(f)
    local armed = true
    debug.sethook(function()
      local info = debug.getinfo(2, "Sn")
      if armed and info.what == "C" and info.name ~= "sethook" then
        armed = false
        error("stopped", 0)
      end
    end, "r")
    local good, why = pcall(f)
    debug.sethook()
    return good, why
  end

  it("that raises as it returns is sent once, and the next works", function()
    answer(7, { times = 0 })
    assert(change(1))
    local good, why = stopped_on_return(function()
      local made = change(2)
      return made
    end)
    assert.is_false(good)
    assert.equal("stopped", why)
    assert.equal(7, assert(change(3)).id)
    assert.same({ 1, 2, 3 }, stories())
  end)

  it("of calls and lines has its result", function()
    answer(7, { times = 0 })
    local count = 0
    debug.sethook(function() count = count + 1 end, "crl", 1)
    local made = change(1)
    debug.sethook()
    assert.equal(7, assert(made).id)
    assert.is_true(count > 0)
  end)
end)

describe("a POST inside a finalizer", function()
  it("while another is prepared spoils neither", function()
    answer(7, { times = 0 })
    local inner = 0
    for story = 1, 40 do
      -- the first thing that is allocated runs a whole collection
      collectgarbage()
      collectgarbage "stop"
      setmetatable({}, { __gc = function()
        inner = inner + 1
        assert(change(1000 + inner))
      end })
      collectgarbage("incremental", 100, 1000, 40)
      collectgarbage "restart"
      assert.equal(7, assert(change(story)).id)
    end
    collectgarbage("incremental", 200, 100, 13)
    assert.is_true(inner > 10, inner)
    local sent = {}
    for _, story in ipairs(stories()) do
      assert.is_nil(sent[story], story)
      sent[story] = true
    end
    for story = 1, 40 do assert.is_true(sent[story], story) end
    for story = 1, inner do assert.is_true(sent[1000 + story], story) end
  end)

  it("that closes the client is refused, or was sent", function()
    answer(7, { times = 0 })
    for _ = 1, 20 do
      local closed = open()
      collectgarbage()
      collectgarbage "stop"
      setmetatable({}, { __gc = function() closed:close() end })
      collectgarbage("incremental", 100, 1000, 40)
      collectgarbage "restart"
      local made, err = closed.changes:create { story_id = 1,
                                                workflow_stage_id = 5 }
      collectgarbage("incremental", 200, 100, 13)
      assert.is_truthy(made or err.kind == "invalid" or
                       err.kind == "cancelled", err)
      closed:close()
    end
  end)
end)

describe("the attributes of a POST", function()
  it("may be used again while it waits", function()
    answer(7, { times = 0, delay = 0.01 })
    local shared = {}
    workstage.run(function(scope)
      for story = 1, 5 do
        scope:spawn(function()
          shared.story_id, shared.workflow_stage_id = story, 5
          assert.equal(7, assert(space.changes:create(shared)).id)
        end)
      end
    end)
    local sent = stories()
    table.sort(sent)
    assert.same({ 1, 2, 3, 4, 5 }, sent)
  end)

  it("of a lost one, too: its own effect is looked for", function()
    server:raw("", { match = "POST", close = true }) -- no response at all
    server:answer(200, '{"user":{"id":7}}', { match = "GET /v1/users" })
    server:answer(200, ('{"workflow_stage_changes":[{"id":9,"user_id":7,' ..
      '"workflow_stage_id":5,"created_at":"%s"}]}'):format(
      os.date("!%Y-%m-%dT%H:%M:%S.000Z", os.time() + 3600)),
      { match = "GET", headers = { "total: 1", "per-page: 25" }, times = 0 })
    local shared, made = {}, nil
    workstage.run(function(scope)
      scope:spawn(function()
        shared.story_id, shared.workflow_stage_id = 11, 5
        made = space.changes:create(shared)
      end)
      scope:spawn(function()
        shared.story_id, shared.workflow_stage_id = 22, 6
      end)
    end)
    local list
    for _, request in ipairs(server:requests()) do
      list = request.target:match "with_story=(%d+)" or list
    end
    assert.equal("11", list)
    assert.is_true(made == nil or made.id == 9)
  end)
end)

describe("a call that takes the place of an earlier one", function()
  it("has nothing of it", function()
    server:answer(422, '{"error":"the earlier one"}',
                  { match = "POST", headers = { "X-Request-Id: earlier" } })
    local _, err = change(1)
    assert.equal("the earlier one", err.message)
    assert.equal("earlier", err.request_id)
    server:raw("", { match = "GET", close = true, times = 0 })
    _, err = space:request("GET", "/x", { retry = false })
    assert.equal("network", err.kind)
    assert.is_nil(err.status)
    assert.is_nil(err.body)
    assert.is_nil(err.request_id)
    server:forget()
    server:answer(201, "{}", { match = "POST" })
    _, err = change(2)
    assert.equal("decode", err.kind)
    assert.is_nil(err.request_id)
    assert.same({ 1, 2 }, stories())
  end)
end)

describe("Ctrl-C", function()
  -- A process whose script has started a POST, which waits for its response or
  -- for its turn; then it gets SIGINT and prints what came of it.
  local function interrupted(options, request)
    local out = os.tmpname()
    local file = assert(io.open(out .. ".lua", "w"))
    file:write(([[
      local service = require "support.service"
      local space = require "workstage".storyblok {
        token = "t", space_id = 1, base_url = %q, proxy = false, timeout = 20,
        %s
      }
      local function change(story)
        return space.changes:create { story_id = story,
                                      workflow_stage_id = 5 }
      end
      %s
      io.open(%q, "w"):close()
      local began = service.now()
      local good, why = pcall(change, 2)
      local seconds = service.now() - began
      assert(space:request("GET", "/x")) -- after the POST, if that is queued
      print(good, why, seconds < 1)
    ]]):format(server.url, options, request, out .. ".ready"))
    file:close()
    os.execute(("lua5.4 %s.lua >%s 2>&1 & echo $! >%s.pid")
               :format(out, out, out))
    local limit = service.now() + 10
    while not io.open(out .. ".ready") and service.now() < limit do
      os.execute "sleep 0.02"
    end
    os.execute("sleep 0.2; kill -INT " .. io.open(out .. ".pid"):read "l")
    local said = ""
    while said == "" and service.now() < limit + 15 do
      os.execute "sleep 0.05"
      said = io.open(out):read "a"
    end
    for _, ending in ipairs { "", ".lua", ".pid", ".ready" } do
      os.remove(out .. ending)
    end
    return said
  end

  it("ends a wait for the response at once", function()
    server:answer(201, "{}", { delay = 3, match = "POST" })
    server:answer(200, "{}", { times = 0, match = "GET" })
    local said = interrupted("rate_limit = false,", "")
    assert.matches("^false\t[^\t]*interrupted!\ttrue", said)
    assert.equal(1, posts())
  end)

  it("ends a wait for the turn: nothing is sent later", function()
    answer(7, { times = 0, match = "POST" })
    server:answer(200, "{}", { times = 0, match = "GET" })
    local said = interrupted("rate_limit = 0.5,", "assert(change(1))")
    assert.matches("^false\t[^\t]*interrupted!\ttrue", said)
    assert.equal(1, posts())
  end)
end)
