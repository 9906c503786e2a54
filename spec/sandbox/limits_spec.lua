local http = require "sandbox.http"

describe("the rate limit", function()
  local server

  after_each(function() server:stop() end)

  -- Statuses of that many requests at once, counted.
  local function burst(count, client, path)
    local requests, counted = {}, {}
    for i = 1, count do
      requests[i] = client:request("GET", path or "/workflow_stages")
    end
    local answers = http.all(requests, count)
    for _, answer in ipairs(answers) do
      counted[answer.status] = (counted[answer.status] or 0) + 1
    end
    return counted, answers
  end

  local function rejected(answers)
    for _, answer in ipairs(answers) do
      if answer.status == 429 then return answer end
    end
  end

  it("is six requests in a second by default, and says so", function()
    server = http.start { rate_limit = 6, window = "rolling" }
    local counted, answers = burst(10, http.client(server))
    assert.same({ [200] = 6, [429] = 4 }, counted)
    local answer = rejected(answers)
    assert.same({ error = "Rate limit of 6 request per second reached. " ..
                          "Retry later." }, answer.json)
    assert.is_nil(answer.headers["retry-after"])
    assert.equal(4, server:stats().rejected)
    assert.equal(10, server:stats().peak)
  end)

  it("is six when no option is given, and none with false", function()
    local sandbox = require "workstage.sandbox"
    server = assert(sandbox.start { window = "rolling" })
    assert.same({ [200] = 6, [429] = 2 }, (burst(8, http.client(server))))
    server:stop()
    server = http.start { rate_limit = false }
    assert.same({ [200] = 40 }, (burst(40, http.client(server))))
  end)

  it("rolls: never more than the limit in any second", function()
    server = http.start { rate_limit = 5, window = "rolling" }
    local client = http.client(server)
    repeat burst(4, client) until server:stats().status["200"] > 12
    local accepted = {}
    for _, request in ipairs(server:requests()) do
      if request.status == 200 then
        accepted[#accepted + 1] = request.at
      end
    end
    for i = 6, #accepted do
      assert.is_true(accepted[i] - accepted[i - 5] >= 0.9999,
                     accepted[i] - accepted[i - 5])
    end
  end)

  -- The second of the clock in which a request was counted.
  local function seconds(accepted, offset)
    local counts = {}
    for _, at in ipairs(accepted) do
      local second = (at + offset) // 1
      counts[second] = (counts[second] or 0) + 1
    end
    local most = 0
    for _, count in pairs(counts) do most = math.max(most, count) end
    return most
  end

  it("is that of the clock's second by default: twice as many may come at"
     .. " its turn", function()
    server = http.start { rate_limit = 5 }
    local client = http.client(server)
    repeat burst(5, client) until server:stats().status["200"] > 22
    local accepted, offset = {}, nil
    for _, request in ipairs(server:requests()) do
      if request.status == 200 then accepted[#accepted + 1] = request.at end
    end
    -- there is one phase of the clock with which no second has more
    for phase = 0, 99 do
      if seconds(accepted, phase / 100) <= 5 then offset = phase end
    end
    assert.truthy(offset)
    local closest = math.huge
    for i = 6, #accepted do
      closest = math.min(closest, accepted[i] - accepted[i - 5])
    end
    assert.is_true(closest < 0.9999)
    assert.is_true(server:stats().peak_second >= 5)
  end)

  it("may count by user or by space", function()
    local tokens = { a = { id = 1 }, b = { id = 1 }, c = { id = 2 } }
    local function accepted(by)
      server = http.start { rate_limit = 2, limit_by = by, tokens = tokens,
                            window = "rolling" }
      local all = 0
      for token in pairs(tokens) do
        all = all + (burst(2, http.client(server, token))[200] or 0)
      end
      server:stop()
      return all
    end
    assert.equal(6, accepted "token")
    assert.equal(4, accepted "user")
    assert.equal(2, accepted "space")
    server = http.start()
  end)

  it("may be one of requests in flight", function()
    server = http.start { concurrent_limit = 3, latency = 0.2 }
    local counted = burst(6, http.client(server))
    assert.is_true(counted[200] >= 3)
    assert.is_true(counted[429] >= 1)
  end)

  it("is each token's own", function()
    server = http.start { rate_limit = 3, window = "rolling" }
    assert.same({ [200] = 3 }, (burst(3, http.client(server, "one"))))
    assert.same({ [200] = 3 }, (burst(3, http.client(server, "two"))))
    assert.same({ [429] = 3 }, (burst(3, http.client(server, "Bearer one"))))
    assert.equal(6, server:stats().peak)
  end)

  it("is apart for the two services", function()
    server = http.start { rate_limit = 3, kantata_rate_limit = 2,
                          window = "rolling" }
    assert.same({ [200] = 3, [429] = 1 },
                (burst(4, http.client(server, "Bearer x"))))
    local counted, answers = burst(4, http.kantata(server, "Bearer x"),
                                   "/workspaces/1")
    assert.same({ [200] = 2, [429] = 2 }, counted)
    local err = rejected(answers).json.errors[1]
    assert.equal("Rate limit of 2 request per second reached. Retry later.",
                 err.message)
  end)

  it("is the same for both services unless set separately", function()
    server = http.start { rate_limit = 3, window = "rolling" }
    assert.same({ [200] = 3, [429] = 1 },
                (burst(4, http.kantata(server), "/workspaces/1")))
  end)

  it("may be lower for the list of workspaces", function()
    server = http.start { kantata_workspaces_limit = 2, window = "rolling" }
    assert.same({ [200] = 2, [429] = 3 },
                (burst(5, http.kantata(server), "/workspaces")))
    assert.same({ [200] = 5 },
                (burst(5, http.kantata(server), "/workspaces/1")))
  end)

  it("sends Retry-After if the option is set", function()
    server = http.start { rate_limit = 1, retry_after = 0.3,
                          window = "rolling" }
    local _, answers = burst(3, http.client(server))
    assert.equal("1", rejected(answers).headers["retry-after"])
  end)

  -- Enough requests over more than a second: where rejected ones count, the
  -- window never empties.
  it("counts rejected requests only where the option says so", function()
    local function accepted(option)
      server = http.start { rate_limit = 2, count_rejected = option,
                            window = "rolling" }
      local client = http.client(server)
      local from = server:stats().requests
      burst(3, client)
      repeat
        burst(3, client)
        local log = server:requests()
      until log[#log].at - log[1].at > 1.5
      local ok = server:stats().status["200"]
      assert.equal(0, from)
      server:stop()
      return ok
    end
    assert.equal(2, accepted(true))
    assert.is_true(accepted(false) > 2)
    server = http.start()
  end)

  it("leaves no effect and meets no fault when it rejects", function()
    server = http.start { rate_limit = 1, window = "rolling",
                          faults = { { status = 500, after = 1 } } }
    local client = http.client(server)
    local requests = {}
    for i = 1, 4 do
      requests[i] = client:request("POST", "/workflow_stages", {
        workflow_stage = { name = "N" .. i, color = "#" .. i } })
    end
    http.all(requests, 4)
    assert.equal(1, server:stats().effects.workflow_stages)
    assert.equal(3, server:stats().status["429"])
    assert.is_nil(server:stats().status["500"])
  end)

  it("sends headers about requests at once where the option says so",
     function()
    server = http.start { rate_headers = true }
    local answer = http.client(server):get "/workflow_stages"
    assert.equal('"concurrent-requests";r=29', answer.headers["x-ratelimit"])
    assert.equal('"concurrent-requests";q=30',
                 answer.headers["x-ratelimit-policy"])
    server:stop()
    server = http.start()
    answer = http.client(server):get "/workflow_stages"
    assert.is_nil(answer.headers["x-ratelimit"])
  end)

  it("counts after the inbound latency", function()
    server = http.start { rate_limit = 2, window = "rolling",
                          latency = { inbound = 0.4, outbound = 0 } }
    local client = http.client(server)
    assert.same({ [200] = 2, [429] = 1 }, (burst(3, client)))
    local log = server:requests()
    assert.equal(3, #log)
    for _, request in ipairs(log) do
      assert.is_true(request.at >= 0.4, request.at)
    end
  end)
end)

describe("latency", function()
  local function spans(latency)
    local server = http.start { latency = latency }
    local client = http.client(server)
    local requests = {}
    for i = 1, 20 do requests[i] = client:request("GET", "/releases") end
    http.all(requests, 20)
    local first, last = math.huge, 0
    for _, request in ipairs(server:requests()) do
      first = math.min(first, request.at)
      last = math.max(last, request.at)
    end
    server:stop()
    return first, last
  end

  it("is one number for the way in and out", function()
    local first = spans(0.6)
    assert.is_true(first >= 0.3, first)
  end)

  it("is drawn between two numbers", function()
    local first, last = spans { inbound = { 0.1, 0.6 } }
    assert.is_true(first >= 0.1, first)
    assert.is_true(last - first > 0.1, last - first)
  end)
end)
