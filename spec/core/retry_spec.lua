-- src/request/retry.c: which requests may be sent again, and after what pause
-- (spec/support/probe_retry.c).
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_retry"

describe("the kind of a status", function()
  local kinds = {
    decode = { 0, 100, 199 }, ok = { 200, 201, 204, 299 },
    redirect = { 300, 301, 399 }, rejected = { 400, 402, 405, 422, 430, 499 },
    unauthorized = { 401 }, forbidden = { 403 }, not_found = { 404 },
    rate_limited = { 429 }, server = { 500, 503, 599 },
  }
  for kind, list in pairs(kinds) do
    for _, status in ipairs(list) do
      it(("%d is %s"):format(status, kind), function()
        assert.equal(kind, probe.kind(status))
      end)
    end
  end
end)

describe("the decision", function()
  local methods = { "GET", "POST", "PUT", "DELETE", "PATCH",
                    "GET with effect" }
  local once = { POST = true, PATCH = true, ["GET with effect"] = true }
  -- kind: sent and not sent, for repeatable methods and for others
  local table_of = {
    ok = "report report report report",
    invalid = "report report report report",
    network = "retry retry unsafe retry",
    tls = "report report report report",
    timeout = "retry retry unsafe retry",
    redirect = "report report report report",
    unauthorized = "report report report report",
    forbidden = "report report report report",
    not_found = "report report report report",
    rejected = "report report report report",
    rate_limited = "hold hold hold hold",
    server = "retry retry unsafe retry",
    decode = "report report unsafe report",
    too_large = "report report unsafe report",
    cancelled = "report report unsafe report",
    budget = "report report report report",
    memory = "report report unsafe report",
  }
  -- After these the outcome of a request that changes something is unknown.
  local unknown = { network = true, timeout = true, server = true,
                    decode = true, too_large = true, cancelled = true,
                    memory = true }
  for kind, row in pairs(table_of) do
    local cells = {}
    for cell in row:gmatch "%a+" do cells[#cells + 1] = cell end
    for _, method in ipairs(methods) do
      local first = once[method] and 3 or 1
      it(("after %s of a %s"):format(kind, method), function()
        local sent, is_unknown = probe.decide(method, kind, true)
        assert.equal(cells[first], sent)
        assert.equal(method ~= "GET" and unknown[kind] or false, is_unknown)
        local unsent, unsent_unknown = probe.decide(method, kind, false)
        assert.equal(cells[first + 1], unsent)
        assert.is_false(unsent_unknown)
      end)
    end
  end
end)

describe("attempts", function()
  it("are two if a name was never found, else all", function()
    assert.equal(2, probe.attempts(8, true, false))
    assert.equal(2, probe.attempts(2, true, false))
    assert.equal(1, probe.attempts(1, true, false))
    assert.equal(8, probe.attempts(8, true, true))
    assert.equal(8, probe.attempts(8, false, false))
  end)
end)

describe("a pause", function()
  it("is random below a bound that doubles up to the cap", function()
    local bounds = { [2] = 1, [3] = 2, [4] = 4, [5] = 8, [6] = 10, [7] = 10,
                     [1000] = 10 }
    for attempt, bound in pairs(bounds) do
      for seed = 1, 20 do
        local pause, random = probe.pause(attempt, 1, 10, seed)
        assert.equal(bound * random, pause)
      end
    end
  end)

  it("is below the cap if that is less than the base", function()
    local pause, random = probe.pause(2, 5, 3, 1)
    assert.equal(3 * random, pause)
  end)

  it("does not overflow after many attempts", function()
    local pause, random = probe.pause(2000000, 0.5, 30, 1)
    assert.equal(30 * random, pause)
  end)
end)

describe("a hold-off", function()
  it("is as long as requested, up to the cap", function()
    assert.equal(3, (probe.hold(3, 1, 1, 10, 1)))
    assert.equal(0.5, (probe.hold(0.5, 4, 1, 10, 1)))
    assert.equal(10, (probe.hold(11, 1, 1, 10, 1)))
    assert.equal(0, (probe.hold(0, 1, 1, 10, 1)))
  end)

  it("is otherwise between half a growing bound and the bound", function()
    for rejections, bound in pairs { 1, 2, 4, 8, 10, 10 } do
      for seed = 1, 20 do
        local hold, random = probe.hold(-1, rejections, 1, 10, seed)
        local expected = bound / 2 + bound / 2 * random
        assert.is_true(math.abs(hold - expected) < 1e-12, hold)
      end
    end
  end)
end)

describe("Retry-After", function()
  local DATE, SECONDS = "Sat, 21 Nov 2026 10:00:00 GMT", 1795255200

  it("is seconds", function()
    assert.equal(120, probe.after("120", 5))
    assert.equal(0, probe.after("0", 5))
    assert.equal(1.5, probe.after("1.5", 5))
  end)

  it("is a date", function()
    assert.equal(90, probe.after(DATE, SECONDS - 90))
    assert.equal(0.25, probe.after(DATE, SECONDS - 0.25))
    assert.equal(0, probe.after(DATE, SECONDS))
    assert.equal(0, probe.after(DATE, SECONDS + 7))
  end)

  it("is ignored if invalid", function()
    for _, text in ipairs { "", "soon", "-5", "Sat, 99 Nov 2026" } do
      assert.equal(-1, probe.after(text, 5))
    end
  end)
end)

describe("the rate in the text of a 429", function()
  local function rate(text) return probe.named_rate(text) end

  it("is found", function()
    assert.equal(6, rate "Rate limit of 6 request per second reached.")
    assert.equal(6, rate '{"error":"Limit of 6 requests per second"}')
    assert.equal(3, rate "limit of 3 request per second")
    assert.equal(1250, rate "limit of 1250 requests per second")
    assert.equal(1000000, rate "limit of 1000000 requests per second")
  end)

  it("is none if the text differs or is truncated", function()
    local text = "Rate limit of 6 request per second"
    for size = 0, #text - 1 do assert.equal(0, rate(text:sub(1, size))) end
    assert.equal(0, rate "Rate limit of six request per second")
    assert.equal(0, rate "Rate limit of:6 request per second")
    assert.equal(0, rate "Rate limit of 6 answers per second")
    assert.equal(0, rate "Rate limit of 6 request per minute")
    assert.equal(0, rate "Rate limit of 1000001 requests per second")
    assert.equal(0, rate("limit of " .. ("9"):rep(400)))
    assert.equal(0, rate "Limit of -6 requests per second")
    assert.equal(0, rate "per second, a limit of 6 requests")
  end)
end)
