-- Retries beyond the matrix: pauses, hold-offs, limits.
local service = require "support.service"
local workstage = require "workstage"

describe("retries", function()
  local server, ids

  before_each(function()
    server = service.start()
    ids = service.ids(server)
  end)

  after_each(function() server:stop() end)

  local function timed(f)
    local began = service.now()
    local result, err = f()
    return service.now() - began, result, err
  end

  it("end with the attempts, and the error counts them", function()
    local space = service.storyblok(server, {
      retry = { attempts = 3, base = 0.001, cap = 0.002 } })
    server:inject { { status = 502, html = true } }
    local _, err = space:whoami()
    assert.equal("server", err.kind)
    assert.equal(502, err.status)
    assert.equal(3, err.attempts)
    assert.matches("after 3 attempts", tostring(err), 1, true)
    assert.equal(3, service.count(server))
  end)

  it("can be turned off, for a client or a call", function()
    server:inject { { status = 500 } }
    local space = service.storyblok(server, { retry = false })
    local _, err = space:whoami()
    assert.equal(1, err.attempts)
    space = service.storyblok(server)
    _, err = space:whoami { retry = false }
    assert.equal(1, err.attempts)
    assert.equal(2, service.count(server))
  end)

  it("pause increasingly longer, with full jitter, up to the cap", function()
    local pauses = {}
    local space = service.storyblok(server, {
      retry = { attempts = 7, base = 0.002, cap = 0.008 },
      on_event = function(event)
        if event.type == "retry" then pauses[#pauses + 1] = event.pause end
      end })
    server:inject { { status = 500 } }
    assert.is_nil(space:whoami())
    assert.equal(6, #pauses)
    local bounds = { 0.002, 0.004, 0.008, 0.008, 0.008, 0.008 }
    for i, pause in ipairs(pauses) do assert.is_true(pause <= bounds[i]) end
    for i = 2, 6 do assert.not_equal(pauses[1], pauses[i]) end
  end)

  it("end before the deadline, which counts for all attempts", function()
    local space = service.storyblok(server, {
      retry = { attempts = 1000, base = 0.01, cap = 60 } })
    server:inject { { status = 500, count = 1 },
                    { status = 503, retry_after = 60 } }
    local seconds, _, err = timed(function()
      return space:whoami { deadline = 30 }
    end)
    assert.equal("server", err.kind)
    assert.equal(503, err.status)
    assert.equal(2, err.attempts)
    assert.is_true(seconds < 30, seconds)
  end)

  it("give an attempt no more than the time until the deadline", function()
    local space = service.storyblok(server)
    server:inject { { hang = "before" } }
    local seconds, _, err = timed(function()
      return space:whoami { deadline = 0.1 }
    end)
    assert.equal("timeout", err.kind)
    assert.is_true(seconds >= 0.09 and seconds < 1, seconds)
    assert.equal(1, service.count(server))
  end)

  it("do not wait for a turn beyond the deadline", function()
    local space = service.storyblok(server, { rate_limit = 1 })
    assert(space:whoami())
    local seconds, _, err = timed(function()
      return space:whoami { deadline = 0.05 }
    end)
    assert.equal("timeout", err.kind)
    assert.is_nil(err.ambiguous or nil)
    assert.is_true(seconds < 0.5, seconds)
    assert.equal(1, service.count(server))
  end)

  it("are not sent when their turn comes too late", function()
    local space = service.storyblok(server, { rate_limit = 1 })
    local ox = service.kantata(server, { token = "another-allowance" })
    assert(space:whoami())
    local err
    workstage.run(function()
      local waiting = workstage.loop:spawn(function()
        err = select(2, space:whoami { deadline = 0.2 })
      end)
      assert(ox.workspaces:page()) -- during this the other one is queued
      local busy_until = service.now() + 1.6
      repeat until service.now() > busy_until
      assert(space:whoami())
      waiting:wait()
    end)
    assert.equal("timeout", err.kind)
    assert.is_nil(err.ambiguous or nil)
    assert.equal(3, service.count(server))
  end)

  it("do not start after start_within, however much time is left", function()
    local space = service.storyblok(server, { retry = { cap = 5 } })
    server:inject { { status = 429, retry_after = 2, count = 1 } }
    local took, _, err = timed(function()
      return space:whoami { start_within = 1, deadline = 30 }
    end)
    assert.is_true(took < 1)
    assert.equal("rate_limited", err.kind)
    assert.is_false(err.ambiguous)
    assert.equal(1, err.attempts)
    assert.equal(1, service.count(server))
  end)

  it("do not wait for a turn beyond start_within", function()
    local space = service.storyblok(server, { rate_limit = 1 })
    assert(space:whoami())
    local took, _, err = timed(function()
      return space:whoami { start_within = 0.05 }
    end)
    assert.is_true(took < 0.5)
    assert.equal("timeout", err.kind)
    assert.equal(0, err.attempts)
    assert.matches("start_within passed", err.message, 1, true)
    assert.equal(1, service.count(server))
  end)

  it("may end after start_within once they have started", function()
    local space = service.storyblok(server)
    server:inject { { delay = 0.3, count = 1 } }
    assert.is_table(space:whoami { start_within = 0.05 })
  end)

  it("do not send a create again after start_within", function()
    local space = service.storyblok(server, { settle_time = 0.3 })
    server:inject { { method = "POST", close = "before" } }
    local _, err = space.changes:create({
      story_id = ids.stories[1], workflow_stage_id = ids.Ready,
    }, { start_within = 0.2 })
    assert.is_false(err.ambiguous)
    assert.equal("network", err.kind)
    assert.equal(1, service.count(server, "POST"))
  end)

  it("have one deadline for all pages of a list", function()
    local space = service.storyblok(server)
    server:inject { { method = "GET", delay = 0.1 } }
    local list, err = space.stories:list({ per_page = 2 }, { deadline = 0.35 })
    assert.is_nil(list)
    assert.equal("timeout", err.kind)
    assert.is_true(service.count(server) <= 4)
    server:inject {}
    assert(space.stories:list({ per_page = 2 }, { deadline = 30 }))
    assert.is_true(service.count(server) > 10)
  end)

  it("limit each attempt by `timeout`, not all of them", function()
    local space = service.storyblok(server)
    server:inject { { hang = "before", count = 2 } }
    local seconds, user = timed(function()
      return space:whoami { timeout = 0.1 }
    end)
    assert.is_truthy(user)
    assert.is_true(seconds >= 0.2, seconds)
    assert.equal(3, service.count(server))
  end)

  it("count against max_requests", function()
    local space = service.storyblok(server, { max_requests = 3 })
    server:inject { { status = 500, count = 1 } }
    assert(space:whoami())
    assert(space:whoami())
    local _, err = space:whoami()
    assert.equal("budget", err.kind)
    assert.equal(3, service.count(server))
    server:inject { { status = 500 } }
    local other = service.storyblok(server, { max_requests = 2 })
    _, err = other:whoami()
    assert.equal("budget", err.kind)
    assert.equal(5, service.count(server))
  end)

  it("stop a map if the budget is used up", function()
    local space = service.storyblok(server, { max_requests = 10 })
    local results, errors = workstage.map(ids.stories, function(id)
      return space.stories:get(id)
    end, { concurrency = 3 })
    local good, kinds = 0, {}
    for i = 1, #ids.stories do
      if results[i] then good = good + 1
      else kinds[errors[i].kind] = (kinds[errors[i].kind] or 0) + 1 end
    end
    assert.equal(10, good)
    assert.equal(10, service.count(server))
    assert.equal(15, (kinds.budget or 0) + (kinds.cancelled or 0))
    assert.is_true(kinds.cancelled >= 12)
  end)

  it("report a DELETE without any response as ambiguous", function()
    local space = service.storyblok(server)
    server:inject { { method = "DELETE", close = "after" } }
    local _, err = space.stages:delete(ids["Old review"])
    assert.equal("network", err.kind)
    assert.is_true(err.ambiguous)
    assert.equal(4, err.attempts)
  end)

  it("treat a DELETE as done if a retry gets a 404", function()
    local space = service.storyblok(server)
    server:inject { { method = "DELETE", close = "after", count = 1 },
                    { method = "DELETE", status = 404, html = true,
                      count = 1 } }
    assert.is_true(assert(space.stages:delete(ids["Old review"])))
    assert.equal(2, service.count(server, "DELETE"))
  end)

  it("treat a DELETE that first gets a 404 as an error", function()
    local space = service.storyblok(server)
    assert(space.stages:delete(ids["Old review"]))
    local _, err = space.stages:delete(ids["Old review"])
    assert.equal("not_found", err.kind)
    assert.equal(3, 1 + service.count(server, "DELETE"))
  end)

  it("follow no redirects, and send no token there", function()
    local other = service.start()
    local space = service.storyblok(server)
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      server:inject { { status = status, count = 1,
                        headers = { Location = other.url .. "/v1/users/me" } } }
      local _, err = space:whoami()
      assert.equal("redirect", err.kind)
      assert.equal(status, err.status)
    end
    assert.equal(5, service.count(server))
    assert.equal(0, service.count(other))
    other:stop()
  end)
end)

describe("a hold-off after 429", function()
  local server

  before_each(function() server = service.start() end)
  after_each(function() server:stop() end)

  local slow = { attempts = 4, base = 0.01, cap = 5 }

  -- Seconds between the first two requests of a kind.
  local function gap(path)
    local requests = service.requests(server, nil, path)
    return requests[2].at - requests[1].at
  end

  it("lasts for the seconds of Retry-After", function()
    local space = service.storyblok(server, { retry = slow })
    server:inject { { retry_after = 1, count = 1 } }
    assert(space:whoami())
    assert.is_true(gap() >= 0.99 and gap() < 1.5, gap())
  end)

  it("lasts until the date of Retry-After", function()
    local space = service.storyblok(server, { retry = slow })
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2)
    server:inject { { status = 429, count = 1,
                      headers = { ["Retry-After"] = date } } }
    assert(space:whoami())
    assert.is_true(gap() >= 0.9 and gap() < 2.5, gap())
  end)

  it("is capped", function()
    local space = service.storyblok(server, {
      retry = { attempts = 4, base = 0.01, cap = 0.05 } })
    server:inject { { retry_after = 3600, count = 1 } }
    assert(space:whoami())
    assert.is_true(gap() >= 0.049 and gap() < 0.5, gap())
  end)

  it("is short and grows without Retry-After", function()
    local pauses = {}
    local space = service.storyblok(server, {
      retry = { attempts = 5, base = 0.02, cap = 5 },
      on_event = function(event)
        if event.type == "retry" then pauses[#pauses + 1] = event.pause end
      end })
    server:inject { { status = 429, count = 4 } }
    assert(space:whoami())
    for i, pause in ipairs(pauses) do
      local most = 0.02 * 2 ^ (i - 1)
      assert.is_true(pause >= most / 2 and pause <= most, pause)
    end
    assert.equal(4, #pauses)
  end)

  it("does not wait beyond the deadline", function()
    local space = service.storyblok(server, {
      retry = { attempts = 4, base = 0.01, cap = 60 } })
    server:inject { { retry_after = 60, count = 1 } }
    local began = service.now()
    local _, err = space:whoami { deadline = 30 }
    assert.equal("rate_limited", err.kind)
    assert.is_true(service.now() - began < 30)
    assert.equal(1, service.count(server))
  end)

  it("applies to all clients of the token, and to no other", function()
    local mine = service.storyblok(server, { retry = slow })
    local too = service.storyblok(server, { retry = slow })
    local other = service.storyblok(server, { retry = slow, token = "other" })
    server:inject { { path = "/users/me", retry_after = 1, count = 1 } }
    local held, free
    workstage.run(function(scope)
      scope:spawn(function() assert(mine:whoami()) end)
      scope:spawn(function()
        while service.count(server) < 1 do assert(other.roles:list()) end
        assert(other.releases:list())
        while not server:stats().status["429"] do
          assert(other.roles:list())
        end
        free = service.now()
        assert(other.roles:list())
        free = service.now() - free
        held = service.now()
        assert(too.releases:list())
        held = service.now() - held
      end)
    end)
    assert.is_true(held > 0.8, held)
    assert.is_true(free < 0.5, free)
  end)
end)

describe("a POST over a connection that the server closed", function()
  it("is received once", function()
    local server = service.start()
    local space = service.storyblok(server, { retry = false })
    local path = ("/v1/spaces/%d/workflow_stages"):format(service.SPACE)
    -- on a used connection, as only there libcurl would send again
    assert(space:whoami())
    assert.is_nil(space:request("POST", path, { body = {} }))
    assert.equal(1, server:stats().connections)
    for i = 1, 20 do
      assert(space:whoami())
      server:inject { { method = "POST", close = "after", count = 1,
                        reset = i % 2 == 0 } }
      local _, err = space:request("POST", path, { body = {
        workflow_stage = { name = "Stage " .. i, color = "#00000" .. i },
      } })
      assert.equal("network", err.kind)
      assert.is_true(err.ambiguous)
      assert.equal(i + 1, service.count(server, "POST"))
      assert.equal(i, server:stats().effects.workflow_stages)
    end
    server:stop()
  end)
end)
