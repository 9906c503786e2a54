-- The rate limit against a real server, and the number of requests at once.
local service = require "support.service"
local system = require "system"
local workstage = require "workstage"

local server

after_each(function() server:stop() end)

local function repeated(count)
  local items = {}
  for i = 1, count do items[i] = i end
  return items
end

describe("concurrency", function()
  it("caps the requests in flight of a client", function()
    server = service.start { latency = 0.02 }
    local space = service.storyblok(server, { concurrency = 3 })
    workstage.map(repeated(30), function() return space:whoami() end,
                  { concurrency = 20 })
    assert.equal(3, server:stats().max_in_flight)
  end)

  it("is 8 by default", function()
    server = service.start { latency = 0.02 }
    local space = service.storyblok(server)
    workstage.map(repeated(60), function() return space:whoami() end,
                  { concurrency = 30 })
    assert.equal(8, server:stats().max_in_flight)
  end)

  -- The cap of a space on requests in flight is also met by a 429, without a
  -- rate; it is not known if the Management API has one.
  it("above the service's cap loses and doubles nothing", function()
    server = service.start { concurrent_limit = 3, latency = 0.02 }
    local space = service.storyblok(server, {
      concurrency = 8, retry = { attempts = 12, base = 0.05, cap = 0.4 } })
    local before = #assert(space.stages:list())
    local _, errors = workstage.map(repeated(24), function(i)
      return space.stages:create { name = "Stage " .. i,
                                   color = ("#%06d"):format(i) }
    end)
    assert.same({}, errors)
    assert.is_true(server:stats().rejected > 0)
    assert.equal(before + 24, #assert(space.stages:list()))
  end)

  it("needs no more connections, and keeps them", function()
    server = service.start { latency = 0.01 }
    local space = service.storyblok(server, { concurrency = 4 })
    workstage.map(repeated(100), function(i)
      if i % 4 > 0 then return space:whoami() end
      return space.stages:create { name = "Stage " .. i,
                                   color = ("#%06d"):format(i) }
    end)
    local stats = server:stats()
    assert.equal(100, stats.requests)
    assert.is_true(stats.connections <= 4, stats.connections)
  end)

  -- By default libcurl keeps four for each running transfer, so it closes some
  -- when many transfers end at the same time.
  it("keeps connections when many responses come at once", function()
    server = service.start()
    local space = service.storyblok(server, { concurrency = 16 })
    workstage.map(repeated(320), function(i)
      local busy = os.clock() + (i % 32 == 0 and 0.02 or 0)
      while os.clock() < busy do end
      return space:whoami()
    end, { concurrency = 16 })
    local stats = server:stats()
    assert.equal(320, stats.requests)
    assert.is_true(stats.connections <= 16, stats.connections)
  end)

  it("uses one connection for sequential calls", function()
    server = service.start()
    local space = service.storyblok(server)
    for i = 1, 10 do
      assert(space:whoami())
      assert(space.stages:create { name = "Stage " .. i,
                                   color = "#00000" .. i })
    end
    assert.equal(1, server:stats().connections)
  end)
end)

describe("the limit", function()
  -- The duration of the requests, and the most requests in any second.
  local function busiest()
    local requests, first, most = server:requests(), 1, 0
    for i, request in ipairs(requests) do
      while requests[first].at <= request.at - 1 do first = first + 1 end
      most = math.max(most, i - first + 1)
    end
    return most, requests[#requests].at - requests[1].at
  end

  for _, window in ipairs { "fixed", "rolling" } do
    local in_window = (" (%s window)"):format(window)
    it("is used fully and never exceeded by several clients"
       .. in_window, function()
      server = service.start { rate_limit = 50, window = window }
      local clients = {}
      for i = 1, 3 do
        clients[i] = service.storyblok(server, { rate_limit = 50 })
      end
      local _, errors = workstage.map(repeated(201), function(i)
        return clients[i % 3 + 1]:whoami()
      end, { concurrency = 24 })
      assert.same({}, errors)
      local most, seconds = busiest()
      assert.equal(201, server:stats().requests)
      assert.equal(0, server:stats().rejected)
      assert.is_true(most <= 50, most)
      assert.is_true(seconds < 4 * 1.15, seconds)
    end)

    it("is not exceeded with varying latency"
       .. in_window, function()
      server = service.start {
        rate_limit = 50, window = window,
        latency = { inbound = { 0.01, 0.04 }, outbound = 0.02 },
      }
      local space = service.storyblok(server, { rate_limit = 50 })
      local _, errors = workstage.map(repeated(200), function(i)
        if i % 2 == 0 then return space:whoami() end
        return space.stages:create { name = "Stage " .. i,
                                     color = ("#%06d"):format(i) }
      end)
      assert.same({}, errors)
      assert.is_true(server:stats().rejected <= 2, server:stats().rejected)
      assert.is_true(select(2, busiest()) < 4 * 1.25, select(2, busiest()))
    end)
  end

  it("is one per host, ignoring case", function()
    server = service.start()
    local port = server.url:match "%d+$"
    local function client(host)
      return assert(workstage.storyblok {
        space_id = 288868932106293, token = "one-for-a-host", proxy = false,
        base_url = ("http://%s:%s"):format(host, port), rate_limit = 1,
      })
    end
    local lower <close> = client "localhost"
    local upper <close> = client "LOCALHOST"
    assert(lower:whoami())
    local _, err = upper:whoami { deadline = 0.2 }
    assert.equal("timeout", err.kind)
    assert.equal(1, service.count(server))
  end)

  it("of two clients is the lower one", function()
    server = service.start { rate_limit = 20 }
    local high = service.storyblok(server, { rate_limit = 1000 })
    local low = service.storyblok(server, { rate_limit = 20 })
    workstage.map(repeated(41), function(i)
      return (i % 2 == 0 and high or low):whoami()
    end)
    assert.equal(0, server:stats().rejected)
    assert.is_true(busiest() <= 20)
  end)

  it("serves the call of any client that has waited longest", function()
    server = service.start()
    local options = { rate_limit = 40, concurrency = 90 }
    local old = service.storyblok(server, options)
    local new = service.storyblok(server, options)
    workstage.map(repeated(90), function(i)
      if i <= 60 then return old:whoami() end
      return new.stages:list()
    end, { concurrency = 90 })
    for i, request in ipairs(server:requests()) do
      local of_old = request.path:find("users/me", 1, true) ~= nil
      -- requests that start together may arrive in any order
      if i <= 52 or i > 68 then assert.equal(i <= 60, of_old, i) end
    end
  end)

  it("counts requests of a closed client", function()
    server = service.start()
    for _, pause in ipairs { 0, 5.2 } do
      system.sleep(pause)
      local one <close> = service.storyblok(server, { rate_limit = 0.15 })
      assert(one:whoami())
    end
    local first, second = table.unpack(server:requests())
    local apart = second.at - first.at
    assert.is_true(apart >= 6.66 and apart < 7.5, apart)
  end)

  it("is separate for each token", function()
    server = service.start { rate_limit = 10, limit_by = "token" }
    local mine = service.storyblok(server, { rate_limit = 10 })
    local other = service.storyblok(server, { rate_limit = 10,
                                              token = "other" })
    workstage.map(repeated(20), function(i)
      return (i % 2 == 0 and mine or other):whoami()
    end)
    assert.equal(0, server:stats().rejected)
    local _, seconds = busiest()
    assert.is_true(seconds < 0.9, seconds)
  end)

  -- Clients with different tokens are limited like those of two processes:
  -- neither knows that the other one has used the service's second, and all
  -- that the second one has in flight is rejected.
  it("is used fully again soon after another process used it", function()
    server = service.start { rate_limit = 100, limit_by = "space" }
    local function run(token, count, seconds)
      local space <close> = service.storyblok(server, {
        rate_limit = 100, concurrency = 16, token = token,
        retry = { attempts = 8, base = 0.5, cap = 1 } })
      local ends = system.monotime() + seconds
      local _, errors = workstage.map(repeated(count), function()
        repeat assert(space.stages:list()) until system.monotime() > ends
        return true
      end, { concurrency = 16 })
      assert.same({}, errors)
    end
    local tries = 0
    repeat -- a second may end in between
      tries = tries + 1
      run("one-process-" .. tries, 95, 0)
      run("another-one-" .. tries, 16, 10)
    until server:stats().rejected > 8 or tries == 5
    assert.is_true(server:stats().rejected > 8)
    local requests, last = server:requests(), 0
    for _, request in ipairs(requests) do
      if request.at > requests[#requests].at - 2 then last = last + 1 end
    end
    assert.is_true(last > 100, last)
  end)

  it("that is too high is lowered, and all requests succeed", function()
    server = service.start { rate_limit = 20 }
    local space = service.storyblok(server, {
      rate_limit = 100, retry = { attempts = 8, base = 0.05, cap = 1 } })
    local _, errors = workstage.map(repeated(100), function()
      return space:whoami()
    end)
    assert.same({}, errors)
    local stats = server:stats()
    assert.equal(100, stats.status["200"])
    assert.is_true(stats.rejected <= 10, stats.rejected)
  end)
end)
