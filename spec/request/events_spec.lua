-- on_event, and the lines that workstage.log writes.
local log = require "workstage.log"
local service = require "support.service"
local workstage = require "workstage"

local server, events

local function note(event) events[#events + 1] = event end

local function types()
  local list = {}
  for i, event in ipairs(events) do list[i] = event.type end
  return table.concat(list, " ")
end

local function find(type)
  for _, event in ipairs(events) do
    if event.type == type then return event end
  end
end

before_each(function()
  events = {}
  server = service.start { latency = 0.03 }
end)

after_each(function() server:stop() end)

describe("events", function()
  it("report a request and its response, with times and sizes", function()
    local space = service.storyblok(server, { on_event = note })
    assert(space.stages:create { name = "Legal", color = "#4a90e2" })
    assert.equal("request response", types())
    local request, response = events[1], events[2]
    local sent = service.requests(server, "POST")[1]
    for _, event in ipairs(events) do
      assert.equal("POST", event.method)
      assert.matches("^http://127.0.0.1:%d+/v1/.*/workflow_stages$",
                     event.url)
      assert.equal(1, event.attempt)
      assert.equal(#sent.body, event.sent)
      assert.is_true(math.abs(event.time - os.time()) < 60)
      assert.equal("integer", math.type(event.call))
    end
    assert.equal(request.call, response.call)
    assert.equal(201, response.status)
    assert.equal("ok", response.kind)
    assert.is_true(response.received > 100)
    assert.is_true(response.elapsed >= 0.03 and response.elapsed < 2,
                   response.elapsed)
    assert.is_true(response.time >= request.time)
  end)

  it("report why an attempt without a response failed", function()
    local space = service.storyblok(server, {
      on_event = note, base_url = "http://127.0.0.1:1",
      retry = { attempts = 1 },
    })
    local _, err = space:whoami()
    local response = find "response"
    assert.equal("network", response.kind)
    assert.truthy(response.message:find("127.0.0.1", 1, true))
    assert.truthy(tostring(err):find(response.message, 1, true))
    events = {}
    assert(service.storyblok(server, { on_event = note }):whoami())
    assert.is_nil(find "response".message)
  end)

  it("report each attempt and the pause before the next", function()
    local space = service.storyblok(server, { on_event = note })
    server:inject { { status = 502, html = true, count = 1 },
                    { close = "before", count = 1 } }
    assert(space:whoami())
    assert.equal("request response retry request response retry " ..
                 "request response", types())
    assert.equal("server", events[2].kind)
    assert.equal(502, events[2].status)
    assert.equal("network", events[5].kind)
    assert.is_nil(events[5].status)
    assert.equal(3, events[8].attempt)
    assert.is_true(events[3].pause <= 0.002)
  end)

  it("report a wait for the turn, once", function()
    local space = service.storyblok(server, { on_event = note,
                                              rate_limit = 5 })
    for _ = 1, 6 do assert(space:whoami()) end
    local waits = select(2, types():gsub("wait", ""))
    assert.equal(1, waits)
    local wait = find "wait"
    assert.is_true(wait.pause > 0 and wait.pause < 1.2, wait.pause)
    assert.equal(0, wait.attempt)
  end)

  it("report reconciled requests", function()
    local space = service.storyblok(server, { on_event = note })
    server:inject { { method = "POST", close = "after", count = 1 } }
    assert(space.stages:create { name = "Legal", color = "#4a90e2" })
    local reconciled = find "reconciled"
    assert.equal("done", reconciled.result)
    assert.equal("POST", reconciled.method)
    assert.is_true(reconciled.elapsed >= 0.05 and reconciled.elapsed < 2)
    assert.equal("reconciled", events[#events].type)
  end)

  it("come when they happen, not when the call ends", function()
    local seen_at
    local space = service.storyblok(server, { on_event = function(event)
      if event.type == "request" then seen_at = service.now() end
    end })
    server:inject { { delay = 0.3 } }
    local began = service.now()
    assert(space:whoami())
    assert.is_true(service.now() - began >= 0.3)
    assert.is_true(seen_at - began < 0.2, seen_at - began)
  end)

  it("come in order, also from many calls at once", function()
    local space = service.storyblok(server, { on_event = note })
    server:inject { { status = 500, chance = 0.2 } }
    local items = {}
    for i = 1, 40 do items[i] = i end
    workstage.map(items, function() return space:whoami() end)
    local state = {}
    for _, event in ipairs(events) do
      local before = state[event.call]
      if event.type == "request" then
        assert.is_true(before == nil or before == "retry")
      elseif event.type == "response" then assert.equal("request", before)
      elseif event.type == "retry" then assert.equal("response", before) end
      state[event.call] = event.type
    end
    for i = 2, #events do
      assert.is_true(events[i].time >= events[i - 1].time)
    end
  end)

  it("of one client go to it alone", function()
    local mine = service.storyblok(server, { on_event = note })
    local others = 0
    local other = service.kantata(server, {
      on_event = function() others = others + 1 end })
    local silent = service.storyblok(server)
    assert(mine:whoami())
    assert(other.workspaces:get(1))
    assert(silent:whoami())
    assert.equal(2, #events)
    assert.equal(2, others)
  end)
end)

describe("the token", function()
  it("is in no event, line, error or tostring", function()
    local texts = {}
    local function keep(value)
      if type(value) == "table" then
        for k, v in pairs(value) do keep(k) keep(v) end
      end
      texts[#texts + 1] = tostring(value)
    end
    local space = service.storyblok(server, { on_event = function(event)
      keep(event)
      keep(log.line(event))
    end })
    local echo = { error = "no, " .. service.TOKEN .. " is wrong" }
    for _, fault in ipairs {
      { status = 401, body = echo }, { status = 422, body = echo },
      { status = 500, body = echo }, { close = "after" },
      { html = true }, { status = 429, body = echo },
      { body = '"' .. service.TOKEN .. '"' },
      { body = service.TOKEN .. " <" },
      { body = { workflow_stage = { id = service.TOKEN } } },
      { status = 302, headers = { Location = "/" .. service.TOKEN } },
    } do
      server:inject { fault }
      local _, err = space.stages:create { name = "L", color = "#1" }
      keep(err)
      local _, second = space.stages:get(1)
      keep(second)
      server:inject(false)
    end
    keep(tostring(space))
    keep(tostring(space.stages))
    assert.is_true(#texts > 100)
    for _, text in ipairs(texts) do
      assert.is_nil(text:find(service.TOKEN, 1, true), text)
    end
  end)
end)

describe("log", function()
  it("writes a line for each kind of event", function()
    local lines = {}
    local out = { write = function(_, ...)
      lines[#lines + 1] = table.concat { ... }
    end }
    local space = service.storyblok(server, {
      on_event = log(out), rate_limit = 5 })
    server:inject { { status = 503, count = 1 },
                    { method = "POST", close = "after", count = 1 } }
    assert(space:whoami())
    assert(space.stages:create { name = "Legal", color = "#4a90e2" })
    for _ = 1, 4 do assert(space:whoami()) end
    local text = table.concat(lines)
    for _, pattern in ipairs {
      "^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d GET http://[^ ]+ #1 sent, 0",
      "GET [^ ]+ #1 503 %(server%) in 0%.%d%d%d s, %d+ bytes\n",
      "GET [^ ]+ #1 again in 0%.%d%d%d s\n",
      "GET [^ ]+ #2 200 in 0%.%d%d%d s, %d+ bytes\n",
      "POST [^ ]+ #1 sent, %d+ bytes\n",
      "POST [^ ]+ #1 network in 0%.%d%d%d s, 0 bytes\n",
      "POST [^ ]+ reconciled in 0%.%d%d%d s: done\n",
      "waits 0%.%d%d%d s for its turn\n",
    } do assert.matches(pattern, text) end
  end)
end)
