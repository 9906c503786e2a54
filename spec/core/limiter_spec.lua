-- src/limit/limiter.c: each rule alone, then whole runs against a service
-- in virtual time (spec/support/probe_limiter.c). Times are in seconds.

local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_limiter"
local tries = require "support.tries"

local GUARD = 0.005 -- added to each second
local RTT = 0.2

local function near(expected, got)
  if math.abs(got - expected) > 1.5e-6 then
    error(("expected %.6f, got %.6f"):format(expected, got), 2)
  end
end

-- One request and its response, after the round-trip time.
local function exchange(limiter, at, rtt, group)
  local reservation = limiter:start(at, group)
  limiter:answered(reservation, at, at + (rtt or RTT))
end

-- `count` requests at once, with responses after the round-trip time.
local function burst(limiter, count, at, rtt)
  local reservations = {}
  for i = 1, count do reservations[i] = limiter:start(at) end
  for i = 1, count do
    limiter:answered(reservations[i], at, at + (rtt or RTT))
  end
end

local function starts_at_once(limiter, at)
  local count = 0
  while limiter:next(at) <= at do
    limiter:start(at)
    count = count + 1
    assert(count <= 2000, "no end of them")
  end
  return count
end

describe("slots", function()
  it("are free at first, as many as the limit", function()
    assert.equal(6, starts_at_once(probe.new(6), 10))
  end)

  it("are occupied by requests in flight for as long as these take", function()
    local limiter = probe.new(2)
    limiter:start(10)
    assert.equal(0, limiter:next(10))
    limiter:start(10)
    assert.equal(math.huge, limiter:next(10))
    assert.equal(math.huge, limiter:next(500))
  end)

  it("are occupied by requests in flight even if round trips are known well",
     function()
    local limiter = probe.new(1)
    for i = 1, 20 do exchange(limiter, i * 2) end
    limiter:start(50)
    assert.equal(math.huge, limiter:next(50.1))
  end)

  it("are free again a second and the guard later", function()
    local limiter = probe.new(2)
    burst(limiter, 2, 10)
    near(11 + GUARD, limiter:next(10.2))
    near(11 + GUARD, limiter:next(11.004))
    assert.equal(2, starts_at_once(limiter, 11 + GUARD))
  end)

  it("become free after the nth newest, not after the newest", function()
    local limiter = probe.new(2)
    exchange(limiter, 10)
    exchange(limiter, 10.3)
    near(11 + GUARD, limiter:next(10.6))
    exchange(limiter, 11 + GUARD)
    near(11.3 + GUARD, limiter:next(11.3))
  end)

  it("are as late as the delay allows", function()
    local limiter = probe.new(1)
    for i = 1, 50 do exchange(limiter, i * 2) end
    exchange(limiter, 200, 0.28) -- 80 ms later than the shortest
    local at = limiter:next(201)
    assert.is_true(at >= 201.08 + GUARD and at < 201.081 + GUARD, at)
  end)

  it("are counted from when the request is written, not from its start",
     function()
    local limiter = probe.new(1)
    local reservation = limiter:start(10) -- and then a connection is made
    limiter:answered(reservation, 10.7, 10.7 + RTT)
    near(11.7 + GUARD, limiter:next(11))
  end)

  it("count a request written before its start as written at its start",
     function()
    local limiter = probe.new(1)
    exchange(limiter, 10)
    limiter:answered(limiter:start(20), 0, 20 + RTT)
    near(21 + GUARD, limiter:next(20.5))
  end)

  it("count a response before the request was written as one at that time",
     function()
    local limiter = probe.new(1)
    limiter:answered(limiter:start(10), 10.5, 10.1)
    near(11.1 + GUARD, limiter:next(10.5))
  end)

  it("move later when a shorter round rtt is seen", function()
    local limiter = probe.new(2)
    exchange(limiter, 10, 0.3)
    near(0, limiter:next(10.3))
    exchange(limiter, 10.4, 0.25)
    -- The first may have arrived 50 ms later than the second; the margin of
    -- two responses is added only to later slots.
    near(11.05 + GUARD, limiter:next(10.7))
  end)

  it("never move past the response", function()
    local limiter = probe.new(1)
    exchange(limiter, 10, 30)
    limiter:lost(limiter:start(44), 45)
    exchange(limiter, 45, 0.1)
    near(46.1 + GUARD, limiter:next(45.2))
  end)

  it("have a margin that shrinks with the number of responses", function()
    local function after(answers)
      local limiter = probe.new(1)
      for i = 1, answers do exchange(limiter, i * 2, i % 2 * 0.04 + RTT) end
      local last = (answers + 1) * 2
      exchange(limiter, last, RTT)
      return limiter:next(last + 0.5) - last - 1 - GUARD
    end
    local few, more, many = after(3), after(30), after(1000)
    assert.is_true(few > more and more > many and many >= 0)
    assert.is_true(few >= 0.02 and many < 0.001)
  end)

  it("have no margin if all round trips are equal", function()
    local limiter = probe.new(6)
    for i = 0, 9 do burst(limiter, 6, i * 2) end
    near(19 + GUARD, limiter:next(18.5))
  end)

  it("accept reservations in any order, each once", function()
    local limiter = probe.new(3)
    local a, b, c = limiter:start(10), limiter:start(10.1), limiter:start(10.2)
    limiter:answered(c, 10.2, 10.4)
    limiter:answered(a, 10, 10.2)
    limiter:answered(a, 10, 10.9)
    limiter:rejected(a, 10, 10.9, 1)
    limiter:lost(a, 10.9)
    limiter:unsent(a)
    local rate, flying = limiter:state()
    assert.equal(3.0, rate)
    assert.equal(1, flying)
    limiter:answered(b, 10.1, 10.3)
    near(11 + GUARD, limiter:next(10.5))
  end)

  it("ignore unknown reservations", function()
    local limiter = probe.new(1)
    for _, reservation in ipairs { 0, 1, -1, 99 } do
      limiter:answered(reservation, 10, 11)
      limiter:lost(reservation, 11)
      limiter:unsent(reservation)
    end
    assert.equal(0, limiter:next(11))
  end)

  it("are not used by requests that were not sent", function()
    local limiter = probe.new(1)
    limiter:unsent(limiter:start(10))
    assert.equal(0, limiter:next(10))
  end)

  it("are used by a lost request until a round rtt from now", function()
    local limiter = probe.new(1)
    exchange(limiter, 10)
    limiter:lost(limiter:start(20), 25)
    near(26 + RTT + GUARD, limiter:next(25))
  end)

  it("are used by a lost request until now before any response", function()
    local limiter = probe.new(1)
    limiter:lost(limiter:start(20), 25)
    near(26 + GUARD, limiter:next(25))
  end)

  it("are kept for more requests than the array has slots", function()
    local limiter = probe.new(2)
    for i = 1, 3000 do exchange(limiter, i * 2) end
    exchange(limiter, 6000.5)
    near(6001 + GUARD, limiter:next(6000.9))
  end)

  it("are not replaced by older ones", function()
    local limiter = probe.new(1024)
    local first = limiter:start(1)
    burst(limiter, 1023, 100)
    exchange(limiter, 100)
    limiter:answered(first, 1, 1.2)
    near(101 + GUARD, limiter:next(100.5))
  end)
end)

describe("the shortest round rtt", function()
  -- The delay of the slot of a request of 0.3 s after all that.
  local function excess(limiter, at)
    exchange(limiter, at, 0.3)
    return limiter:next(at + 0.5) - at - 1 - GUARD
  end

  it("is kept for a minute", function()
    local limiter = probe.new(1)
    exchange(limiter, 1, 0.1)
    for i = 1, 39 do exchange(limiter, i * 1.4 + 2, 0.3) end
    assert.is_true(excess(limiter, 60) >= 0.2)
  end)

  it("is forgotten after two", function()
    local limiter = probe.new(1)
    exchange(limiter, 1, 0.1)
    for i = 1, 110 do exchange(limiter, i * 1.4 + 2, 0.3) end
    near(0, excess(limiter, 160))
  end)

  it("is kept longer while there are few newer responses", function()
    local limiter = probe.new(1)
    for i = 1, 20 do exchange(limiter, i, 0.1) end
    for i = 1, 20 do exchange(limiter, i * 1000, 0.3) end
    assert.is_true(excess(limiter, 30000) >= 0.2)
  end)

  it("is separate for each group with enough responses", function()
    local limiter = probe.new(1)
    for i = 1, 40 do exchange(limiter, i * 2, 0.1, 1) end
    exchange(limiter, 300, 0.5, 2)
    near(301.4 + GUARD, limiter:next(301)) -- not known yet
    for i = 1, 10 do exchange(limiter, 300 + i * 2, 0.5, 2) end
    exchange(limiter, 330, 0.5, 2)
    near(331 + GUARD, limiter:next(331))
  end)

  it("treats a group out of range as the first", function()
    local limiter = probe.new(1)
    exchange(limiter, 10, 0.2, 4000000000)
    near(11 + GUARD, limiter:next(10.5))
  end)
end)

describe("round trips longer than a second", function()
  it("do not occupy slots until the responses come", function()
    local limiter = probe.new(2)
    for i = 1, 10 do exchange(limiter, i * 10, 3) end
    limiter:start(200)
    limiter:start(200)
    near(201 + GUARD, limiter:next(200.5))
    assert.equal(2, starts_at_once(limiter, 201 + GUARD))
  end)

  it("occupy them if a response is overdue", function()
    local limiter = probe.new(1)
    for i = 1, 10 do exchange(limiter, i * 10, 3) end
    limiter:start(200)
    assert.is_true(limiter:next(202.9) <= 202.9)
    assert.equal(math.huge, limiter:next(203.1))
  end)

  it("are not delayed for long by a slower one", function()
    local limiter = probe.new(2)
    exchange(limiter, 1, 3)
    limiter:answered(limiter:start(10), 15, 18) -- a connection was made
    for i = 1, 200 do exchange(limiter, 10 + i * 10, 3) end
    limiter:start(3000)
    limiter:start(3000)
    local at = limiter:next(3000.5)
    assert.is_true(at >= 3001 + GUARD and at < 3001.1, at)
  end)

  it("are not trusted before several were measured", function()
    local limiter = probe.new(1)
    exchange(limiter, 10, 3)
    limiter:start(200)
    assert.equal(math.huge, limiter:next(202))
  end)

  it("are merged with slots in order of time", function()
    local limiter = probe.new(2)
    for i = 1, 10 do exchange(limiter, i * 10, 3) end
    local late = limiter:start(200)
    limiter:start(202.9)
    limiter:start(203)
    limiter:answered(late, 200.3, 203.3) -- so may others be late: 0.3
    limiter:lost(limiter:start(203.25), 203.25)
    near(203.25 + 1 + GUARD, limiter:next(203.4))
  end)
end)

describe("the limit", function()
  it("0 is none", function()
    local limiter = probe.new(0)
    burst(limiter, 500, 10)
    burst(limiter, 500, 10)
    assert.equal(0, limiter:next(10))
  end)

  it("of a million and more, or below 0, is none", function()
    for _, rate in ipairs { 1e6, 1e300, math.huge, -1, 0 / 0 } do
      local limiter = probe.new(rate)
      burst(limiter, 1000, 10)
      burst(limiter, 1000, 10)
      assert.equal(0, limiter:next(10))
    end
  end)

  it("0 still has at most 1024 in flight", function()
    local limiter = probe.new(0)
    assert.equal(1024, starts_at_once(limiter, 10))
    assert.equal(math.huge, limiter:next(11))
    assert.equal(0, limiter:start(11)) -- goes uncounted
    limiter:unsent(7)
    assert.equal(0, limiter:next(11))
  end)

  it("2.5 is 3 in 1.2 seconds", function()
    local limiter = probe.new(2.5)
    burst(limiter, 3, 10)
    near(11.2 + GUARD, limiter:next(11))
  end)

  it("0.5 is 1 in 2 seconds", function()
    local limiter = probe.new(0.5)
    burst(limiter, 1, 10)
    near(12 + GUARD, limiter:next(11))
  end)

  it("that is tiny still starts a request now and then", function()
    local limiter = probe.new(1e-300)
    exchange(limiter, 10)
    local at = limiter:next(11)
    assert.is_true(at > 5000 and at < 20000, at)
  end)

  it("above 1024 is counted in parts of a second", function()
    local limiter = probe.new(3000)
    assert.equal(1000, starts_at_once(limiter, 10))
    for reservation = 1, 1000 do limiter:answered(reservation, 10, 10.01) end
    near(10 + 1 / 3 + GUARD, limiter:next(10.1))
  end)

  it("above 1024 is not exceeded in any second", function()
    for _, rate in ipairs { 1024.5, 1025, 2047, 2048, 2049, 5000, 999999 } do
      local limiter = probe.new(rate)
      local at, left = 10, 0
      for _ = 1, 20000 do -- answered at once, so as many as it ever lets
        local next = limiter:next(at)
        if next > at then at = next end
        if at >= 11 then break end
        exchange(limiter, at, 0)
        left = left + 1
      end
      assert.is_true(left <= rate, rate .. " lets " .. left .. " through")
      assert.is_true(left >= math.min(rate, 20000) * 0.05)
    end
  end)

  it("can be set lower and higher", function()
    local limiter = probe.new(0)
    limiter:rate(6)
    burst(limiter, 3, 10)
    limiter:rate(3)
    near(11 + GUARD, limiter:next(10.5))
    limiter:rate(4)
    assert.equal(0, limiter:next(10.5))
    limiter:rate(0)
    burst(limiter, 20, 10.6)
    assert.equal(0, limiter:next(10.9))
  end)
end)

describe("a hold", function()
  it("delays all requests", function()
    local limiter = probe.new(6)
    limiter:hold(20)
    near(20, limiter:next(10))
    assert.is_true(limiter:next(20) <= 20)
  end)

  it("is not made shorter by another", function()
    local limiter = probe.new(6)
    limiter:hold(20)
    limiter:hold(15)
    near(20, limiter:next(10))
    limiter:hold(25)
    near(25, limiter:next(10))
  end)

  it("also works without a limit", function()
    local limiter = probe.new(0)
    limiter:hold(20)
    near(20, limiter:next(10))
  end)

  it("does not end before slots are free", function()
    local limiter = probe.new(1)
    exchange(limiter, 10)
    limiter:hold(10.5)
    near(11 + GUARD, limiter:next(10.2))
    limiter:hold(12)
    near(12, limiter:next(10.2))
  end)
end)

describe("a 429", function()
  local function reject(limiter, at, named)
    limiter:rejected(limiter:start(at), at, at + RTT, named or 0)
  end

  it("uses a slot", function()
    local limiter = probe.new(2)
    exchange(limiter, 10)
    reject(limiter, 10, 2)
    near(11 + GUARD, limiter:next(10.5))
  end)

  it("is not measured as a round rtt", function()
    local limiter = probe.new(1)
    for i = 1, 10 do exchange(limiter, i * 2, 0.3) end
    limiter:rejected(limiter:start(40), 40, 40.01, 1) -- refused quickly
    exchange(limiter, 50, 0.3)
    local at = limiter:next(51)
    assert.is_true(at >= 51 + GUARD and at < 51.02 + GUARD, at)
  end)

  it("sets the rate that it names, at once", function()
    local limiter = probe.new(20)
    reject(limiter, 10, 6)
    assert.equal(6.0, (limiter:state()))
    reject(limiter, 20, 2.5)
    assert.equal(2.5, (limiter:state()))
  end)

  it("sets it if there was no limit", function()
    local limiter = probe.new(0)
    reject(limiter, 10, 6)
    assert.equal(6.0, (limiter:state()))
  end)

  it("never raises the rate", function()
    local limiter = probe.new(3)
    burst(limiter, 3, 10)
    reject(limiter, 10.9, 6)
    assert.equal(3.0, (limiter:state()))
  end)

  it("ignores invalid rates", function()
    for _, named in ipairs { -1, 0 / 0, math.huge } do
      local limiter = probe.new(6)
      burst(limiter, 6, 10)
      reject(limiter, 10.9, named)
      assert.equal(6.0, (limiter:state()))
    end
  end)

  it("without a rate sets the number of accepted requests", function()
    local limiter = probe.new(20)
    burst(limiter, 7, 10)
    reject(limiter, 10.5)
    assert.equal(7.0, (limiter:state()))
  end)

  it("without a rate sets the most that was accepted recently", function()
    local limiter = probe.new(20)
    burst(limiter, 7, 5)
    burst(limiter, 6, 10)
    reject(limiter, 10.5)
    assert.equal(7.0, (limiter:state()))
    burst(limiter, 5, 17)
    reject(limiter, 17.5) -- those 7 are too long ago
    assert.equal(6.0, (limiter:state()))
  end)

  it("counts requests in flight as accepted", function()
    local limiter = probe.new(20)
    burst(limiter, 5, 10)
    limiter:start(10.4)
    limiter:start(10.4)
    reject(limiter, 10.5)
    assert.equal(7.0, (limiter:state()))
  end)

  it("does not count requests that were rejected before", function()
    local limiter = probe.new(20)
    burst(limiter, 8, 10)
    reject(limiter, 10.5)
    reject(limiter, 10.6)
    assert.equal(8.0, (limiter:state()))
  end)

  it("with little accepted lowers the rate halfway", function()
    local limiter = probe.new(6)
    exchange(limiter, 9)
    reject(limiter, 10)
    assert.equal(3.0, (limiter:state()))
  end)

  it("with little accepted lowers a high rate to a quarter", function()
    local limiter = probe.new(100)
    exchange(limiter, 9)
    reject(limiter, 10)
    assert.equal(25.0, (limiter:state()))
  end)

  it("with little accepted where there was no limit sets 4, if it is not "
     .. "the only one", function()
    local limiter = probe.new(0)
    exchange(limiter, 9)
    reject(limiter, 10)
    assert.equal(0.0, (limiter:state()))
    reject(limiter, 10.5)
    assert.equal(4.0, (limiter:state()))
  end)

  it("now and then changes nothing without a limit", function()
    local limiter = probe.new(0)
    for i = 1, 20 do
      burst(limiter, 9, 10 + i / 10)
      if i % 2 == 0 then reject(limiter, 10.01 + i / 10) end
    end
    assert.equal(0.0, (limiter:state()))
    reject(limiter, 12.02)
    reject(limiter, 12.03)
    reject(limiter, 12.04)
    reject(limiter, 12.05)
    reject(limiter, 12.06)
    reject(limiter, 12.07)
    reject(limiter, 12.08)
    assert.is_true((limiter:state()) > 0)
  end)

  it("with nothing accepted changes nothing the first time", function()
    for _, limit in ipairs { 6, 0 } do
      local limiter = probe.new(limit)
      reject(limiter, 10)
      assert.equal(limit, (limiter:state()))
    end
  end)

  it("that repeats lowers the rate to one a second, no further", function()
    local limiter = probe.new(6)
    for i = 1, 50 do reject(limiter, i * 10) end
    assert.equal(1.0, (limiter:state()))
  end)

  it("at the limit lengthens the window, which then shrinks", function()
    local limiter = probe.new(6)
    burst(limiter, 6, 10)
    reject(limiter, 11.005)
    burst(limiter, 6, 13)
    local more = limiter:next(13.5) - 14 - GUARD
    assert.is_true(more > 0.9 * GUARD and more <= GUARD, more)
    for i = 1, 300 do burst(limiter, 6, 20 + i * 2) end
    local at = limiter:next(620.5)
    assert.is_true(at < 621.001 + GUARD, at)
    assert.equal(6.0, (limiter:state()))
  end)

  it("at the limit lowers the rate the third time", function()
    local limiter = probe.new(6)
    for i = 1, 3 do
      assert.equal(6.0, (limiter:state()))
      burst(limiter, 6, i * 2)
      reject(limiter, i * 2 + 1.005)
    end
    assert.equal(5.0, (limiter:state()))
  end)

  it("at the limit now and then does not change the rate", function()
    local limiter = probe.new(6)
    for i = 1, 200 do
      burst(limiter, 6, i * 2)
      if i % 10 == 0 then reject(limiter, i * 2 + 1.005) end
    end
    assert.equal(6.0, (limiter:state()))
  end)
end)

describe("five quiet seconds", function()
  -- One 429 although the service accepted far less than the limit.
  local function lowered(at)
    local limiter = probe.new(6)
    burst(limiter, 2, at - 0.5)
    limiter:rejected(limiter:start(at), at, at + RTT, 0)
    assert.equal(3.0, (limiter:state()))
    return limiter
  end

  local function rate_at(limiter, at)
    limiter:next(at)
    return (limiter:state())
  end

  it("restore the limit after one unexplained 429", function()
    local limiter = lowered(100)
    assert.equal(3.0, rate_at(limiter, 105.19))
    assert.equal(6.0, rate_at(limiter, 105.21))
  end)

  it("become a minute if another 429 comes first", function()
    local limiter = lowered(100)
    limiter:rejected(limiter:start(103), 103, 103, 0)
    local low = rate_at(limiter, 103)
    assert.equal(low, rate_at(limiter, 162.9))
    assert.equal(6.0, rate_at(limiter, 163.1))
  end)

  it("become a minute if a 429 ends the trial", function()
    local limiter = lowered(100)
    assert.equal(6.0, rate_at(limiter, 106))
    burst(limiter, 6, 107)
    limiter:rejected(limiter:start(108.1), 108.1, 108.1, 0)
    assert.equal(3.0, (limiter:state()))
    assert.equal(3.0, rate_at(limiter, 168))
    assert.equal(6.0, rate_at(limiter, 168.2))
  end)

  it("are five again after the limit held for a minute", function()
    local limiter = lowered(100)
    assert.equal(6.0, rate_at(limiter, 106))
    assert.equal(6.0, rate_at(limiter, 166.1))
    burst(limiter, 2, 199.5)
    limiter:rejected(limiter:start(200), 200, 200, 0)
    assert.equal(3.0, (limiter:state()))
    assert.equal(6.0, rate_at(limiter, 205.1))
  end)

  it("are not enough if the 429 named a lower rate", function()
    local limiter = probe.new(6)
    limiter:rejected(limiter:start(100), 100, 100, 3)
    assert.equal(3.0, rate_at(limiter, 159.9))
    assert.equal(6.0, rate_at(limiter, 160))
  end)
end)

describe("a quiet minute", function()
  local function lowered(at)
    local limiter = probe.new(20)
    limiter:rejected(limiter:start(at), at, at, 6)
    assert.equal(6.0, (limiter:state()))
    return limiter
  end

  local function rate_at(limiter, at)
    limiter:next(at)
    return (limiter:state())
  end

  it("restores the limit", function()
    local limiter = lowered(100)
    assert.equal(6.0, rate_at(limiter, 159.9))
    assert.equal(20.0, rate_at(limiter, 160))
  end)

  it("becomes two, then four, if that was too early", function()
    local limiter = lowered(100)
    assert.equal(20.0, rate_at(limiter, 160))
    limiter:rejected(limiter:start(161), 161, 161, 6)
    assert.equal(6.0, rate_at(limiter, 280.9))
    assert.equal(20.0, rate_at(limiter, 281))
    limiter:rejected(limiter:start(290), 290, 290, 6)
    assert.equal(6.0, rate_at(limiter, 529.9))
    assert.equal(20.0, rate_at(limiter, 530))
  end)

  it("is never more than an hour", function()
    local limiter = lowered(100)
    local at = 100
    for _ = 1, 20 do
      at = at + 3600
      assert.equal(20.0, rate_at(limiter, at))
      limiter:rejected(limiter:start(at), at, at, 6)
    end
  end)

  it("is one again after the limit held for as long", function()
    local limiter = lowered(100)
    assert.equal(20.0, rate_at(limiter, 160))
    limiter:rejected(limiter:start(161), 161, 161, 6)
    assert.equal(20.0, rate_at(limiter, 281))
    assert.equal(20.0, rate_at(limiter, 281 + 120))
    limiter:rejected(limiter:start(500), 500, 500, 6)
    assert.equal(6.0, rate_at(limiter, 559.9))
    assert.equal(20.0, rate_at(limiter, 560))
  end)

  it("is followed by the previous rate if a 429 names none", function()
    local limiter = probe.new(8)
    limiter:rejected(limiter:start(100), 100, 100, 3)
    assert.equal(8.0, rate_at(limiter, 160))
    for i = 1, 3 do
      assert.equal(8.0, (limiter:state()))
      local at = 160 + i * 2
      burst(limiter, 8, at)
      limiter:rejected(limiter:start(at + 1.01), at + 1.01, at + 1.02, 0)
    end
    assert.equal(3.0, (limiter:state()))
    assert.equal(3.0, rate_at(limiter, 280))
    assert.equal(8.0, rate_at(limiter, 290))
  end)

  it("does not delay longer than a slot does", function()
    local limiter = probe.new(6)
    limiter:rejected(limiter:start(100), 100, 100, 0.001)
    near(160, limiter:next(100))
    assert.is_true(limiter:next(160) <= 160)
  end)

  it("uses a limit that is set during it", function()
    local limiter = lowered(100)
    limiter:rate(30)
    assert.equal(6.0, rate_at(limiter, 110))
    limiter:rate(4)
    assert.equal(4.0, rate_at(limiter, 111))
    limiter:rate(8)
    assert.equal(8.0, rate_at(limiter, 112))
  end)
end)

describe("delays after arrival", function()
  -- Requests with an increasing, then a decreasing latency.
  local function delayed(limiter, from, count)
    for i = 1, count do
      exchange(limiter, from + i * 2, i % 2 == 0 and 0.2 or 0.4)
    end
    return from + count * 2 + 2
  end

  local function excess(limiter, at)
    exchange(limiter, at, 0.4)
    return limiter:next(at + 0.5) - at - 1 - GUARD
  end

  it("cost less after many responses, in steps, then nothing", function()
    local limiter = probe.new(1)
    local at = delayed(limiter, 0, 50)
    local last = excess(limiter, at)
    assert.is_true(last >= 0.2)
    for share = 3, 0, -1 do
      at = delayed(limiter, at, 60)
      local now = excess(limiter, at)
      assert.is_true(math.abs(now - 0.2 * share / 4) < 0.02, now)
      assert.is_true(now < last)
      last = now
    end
    near(0, last)
  end)

  it("cost more again after a 429, which lowers no rate", function()
    local limiter = probe.new(1)
    local at = delayed(limiter, 0, 300)
    near(0, excess(limiter, at))
    limiter:rejected(limiter:start(at + 2), at + 2, at + 2.2, 0)
    assert.equal(1.0, (limiter:state()))
    assert.is_true(excess(limiter, at + 10) > 0.04)
    -- The next step waits for twice as many responses.
    at = delayed(limiter, at + 20, 100)
    assert.is_true(excess(limiter, at) > 0.04)
    at = delayed(limiter, at, 30)
    near(0, excess(limiter, at))
  end)
end)

describe("429s at the same time", function()
  it("raise the latency share by one step", function()
    local limiter = probe.new(4)
    for i = 1, 400 do
      burst(limiter, 2, i * 2, 0.2)
      burst(limiter, 2, i * 2, 0.4)
    end
    local reservations = {}
    for i = 1, 4 do reservations[i] = limiter:start(900) end
    for i = 1, 4 do limiter:rejected(reservations[i], 900, 900.2, 0) end
    burst(limiter, 4, 910, 0.4)
    local late = limiter:next(910.5) - 911 - GUARD
    assert.is_true(late > 0.04 and late < 0.07, late)
  end)

  it("count as one", function()
    local limiter = probe.new(6)
    burst(limiter, 6, 10)
    local reservations = {}
    for i = 1, 6 do reservations[i] = limiter:start(11.005) end
    for i = 1, 6 do limiter:rejected(reservations[i], 11.005, 11.1, 0) end
    assert.equal(6.0, (limiter:state()))
  end)

  -- The rate after 16 requests that were all rejected, and after another one
  -- that was sent at `at`, when the service has been quiet for five seconds.
  local function rate_after(at, took)
    local limiter = probe.new(100)
    burst(limiter, 3, 99.9)
    local reservations = {}
    for i = 1, 16 do reservations[i] = limiter:start(100 + i / 1000) end
    local later = at and limiter:start(at)
    for i = 1, 16 do
      limiter:rejected(reservations[i], 100, 100 + took + i / 1000, 100)
    end
    if later then limiter:rejected(later, at, at + took, 100) end
    assert.is_true((limiter:state()) < 30)
    limiter:next((at or 100.016) + took + 5.001)
    return (limiter:state())
  end

  it("reduce the rate for five seconds", function()
    assert.equal(100.0, rate_after(nil, 0.002))
    assert.equal(100.0, rate_after(nil, 3))
  end)

  it("are those of requests sent within a second", function()
    assert.equal(100.0, rate_after(101, 0.002))
    assert.is_true(rate_after(101.002, 0.002) < 30)
  end)

  it("are those of requests sent before the first response", function()
    assert.equal(100.0, rate_after(103, 3))
    assert.is_true(rate_after(103.002, 3) < 30)
  end)
end)

-- Whole runs ------------------------------------------------------------

local SEEDS = 200

-- Mean and worst of 200 seeds. `share` is of requests, not of the limit.
local function runs(options, seeds)
  local all = { use = 0, least = math.huge, rejected = 0, most = 0, share = 0 }
  seeds = seeds or SEEDS
  for seed = 1, seeds do
    options.seed = seed
    local one = probe.run(options)
    all.use = all.use + one.use / seeds
    all.least = math.min(all.least, one.use)
    all.rejected = all.rejected + one.rejected / seeds
    all.most = math.max(all.most, one.rejected)
    all.share = math.max(all.share, one.rejected / one.sent)
  end
  return all
end

local function at_least(least, got, what)
  if got < least then
    error(("%s: %.4f, not %.4f"):format(what, got, least), 2)
  end
end

local function at_most(most, got, what)
  if got > most then
    error(("%s: %.4f, not %.4f"):format(what, got, most), 2)
  end
end

local WIDE, WIDER = { 0.075, 0.125 }, { 0.05, 0.15 }

-- It is unknown how the service's window ends and if it counts rejected
-- requests: every guarantee holds for each variant.
local readings = {
  ["as it should"] = {},
  ["rejections count"] = { counts_rejected = true },
  ["a full second is within it"] = { closed_window = true },
  ["both"] = { counts_rejected = true, closed_window = true },
  ["clock seconds"] = { fixed_window = true },
  ["clock seconds, rejections count"] = { fixed_window = true,
                                          counts_rejected = true },
}

for reading, extra in pairs(readings) do
  local function with(options)
    local all = {}
    for key, value in pairs(options) do all[key] = value end
    for key, value in pairs(extra) do all[key] = value end
    return all
  end

  describe("60 s at 6 a second, 200 times (" .. reading .. ")", function()
    it("constant latency: 99 %, no 429", function()
      local all = runs(with {})
      at_least(0.99, all.least, "least use")
      assert.equal(0, all.most)
    end)

    it("75 to 125 ms to the service: 95 %, 4 429s at most", function()
      local all = runs(with { inbound = WIDE })
      at_least(0.95, all.least, "least use")
      at_least(0.965, all.use, "mean use")
      at_most(4, all.most, "most rejections")
      at_most(0.5, all.rejected, "mean rejections")
    end)

    it("50 to 150 ms to the service: 94 %, 5 429s at most", function()
      local all = runs(with { inbound = WIDER })
      at_least(0.94, all.least, "least use")
      at_least(0.945, all.use, "mean use")
      at_most(5, all.most, "most rejections")
      at_most(0.5, all.rejected, "mean rejections")
    end)

    for _, limit in ipairs { 20, 100, 7, 0 } do
      for _, named in ipairs { true, false } do
        it(("a limit of %d, %s: rejections below 5 %%"):format(limit,
           named and "corrected" or "to be found out"), function()
          local steady = runs(with { rate = limit, named = named })
          at_most(0.02, steady.share, "steady: rejections")
          at_least(0.99, steady.least, "steady: use")
          local wide = runs(with {
            rate = limit, named = named, inbound = WIDER,
          })
          at_most(0.0499, wide.share, "rejections")
          at_least(0.93, wide.least, "use")
        end)
      end
    end
  end)
end

describe("one 429 that others caused", function()
  local worlds = { {}, { inbound = WIDE }, { inbound = WIDER } }

  it("costs at most a tenth of the rate after 10 s", function()
    for _, options in ipairs(worlds) do
      for _, fixed in ipairs { false, true } do
        for at = 0.5, 12, 2.3 do
          local all = runs({ inbound = options.inbound, fixed_window = fixed,
                             reject_at = at, count_from = at + 10 }, 50)
          at_least(0.9, all.least, ("429 at %.1f s: use"):format(at))
        end
      end
    end
  end)
end)

describe("a second that others filled", function()
  -- Most requests in flight are rejected then, and some sent right after them.
  local ways = {
    { limit = 100, concurrency = 16, inbound = { 0.001, 0.003 },
      outbound = 0.001 },
    { limit = 20, concurrency = 16 },
    { limit = 6 },
  }

  it("costs at most a tenth of the rate after 10 s", function()
    local most = 0
    for _, way in ipairs(ways) do
      for part = 0.5, 1, 0.5 do
        for at = 0, 6, 1.7 do
          for variant = 0, 3 do
            local all = runs({
              limit = way.limit, concurrency = way.concurrency,
              inbound = way.inbound, outbound = way.outbound,
              others = way.limit * part, others_at = at,
              count_from = at + 10, seconds = 40,
              fixed_window = variant % 2 == 1,
              counts_rejected = variant > 1, named = variant % 3 == 0,
            }, 20)
            at_least(0.9, all.least, ("%d of %d by others at %.1f s: use")
              :format(way.limit * part, way.limit, at))
            most = math.max(most, all.most)
          end
        end
      end
    end
    assert.is_true(most > 10, "there were bursts of 429s")
  end)
end)

describe("in virtual time", function()
  it("a limit of 3 is used as fully", function()
    local steady = runs { limit = 3 }
    at_least(0.99, steady.least, "steady: use")
    assert.equal(0, steady.most)
    local wide = runs { limit = 3, inbound = WIDER }
    at_least(0.92, wide.least, "use")
    at_most(4, wide.most, "rejections")
  end)

  it("fractions are met on average", function()
    local all = runs { limit = 3, rate = 2.5 }
    at_least(0.98 * 2.5 / 3, all.least, "use")
    assert.equal(0, all.most)
    all = runs { limit = 1, rate = 0.5, seconds = 200 }
    at_least(0.98 * 0.5, all.least, "use")
    at_most(1.02 * 0.5, all.use, "use")
    assert.equal(0, all.most)
  end)

  it("a raised limit is used as fully", function()
    for _, limit in ipairs { 30, 100, 1000, 2000, 5000 } do
      local all = runs({
        limit = limit, inbound = { 0.004, 0.006 }, outbound = 0.004,
        concurrency = 100, seconds = 3,
      }, 5)
      at_least(0.97, all.least, limit .. ": use")
      at_most(3, all.most, limit .. ": rejections")
    end
  end)

  it("round trips of 2 s are limited by the concurrency", function()
    local all = runs { inbound = 1, outbound = 1 } -- 8 in 2 s: 4 a second
    at_least(0.97 * 4 / 6 * 58 / 60, all.least, "use")
    assert.equal(0, all.most)
    all = runs { inbound = { 0.9, 1.1 }, outbound = 1 }
    at_least(0.93 * 4 / 6 * 58 / 60, all.least, "use")
    at_most(3, all.most, "rejections")
  end)

  it("round trips of 2 s with enough in flight use the limit fully", function()
    local all = runs { inbound = 1, outbound = 1, concurrency = 40 }
    at_least(0.92, all.least, "use")
    assert.equal(0, all.most)
  end)

  it("bursts after idle time do not exceed the limit", function()
    local all = runs { burst = 30, pause = 7, inbound = WIDER }
    at_most(4, all.most, "rejections")
  end)

  it("lost, unsent and slow requests and new connections do no harm", function()
    local all = runs {
      inbound = WIDE, lost_chance = 0.05, unsent_chance = 0.05,
      setup_chance = 0.1, setup = 0.3,
    }
    at_most(4, all.most, "rejections")
    at_least(0.8, all.least, "use")
    all = runs { inbound = WIDE, spike_chance = 0.01, spike = 2 }
    at_most(4, all.most, "rejections")
    at_least(0.93, all.least, "use")
  end)

  it("groups with a higher latency cost nothing", function()
    local all = runs { slow_share = 0.3, slow_work = 0.2 }
    at_least(0.985, all.least, "use")
    at_most(1, all.most, "rejections")
  end)

  it("a slow service is used fully in the end", function()
    local all = runs({ work = { 0.1, 0.3 }, seconds = 1200 }, 20)
    at_least(0.98, all.least, "use")
    assert.equal(0, all.most)
  end)

  it("trying that costs few 429s in an hour of varying latency", function()
    local all = runs({ inbound = WIDER, seconds = 3600 }, 20)
    at_least(0.94, all.least, "use")
    at_most(12, all.most, "rejections")
  end)

  it("a limit that is lowered is followed", function()
    local all = runs { change_at = 20, change_limit = 3, seconds = 120 }
    at_least(0.96 * (20 * 6 + 100 * 3) / 720, all.least, "use")
    at_most(0.07, all.share, "rejections")
  end)

  it("a latency that falls costs a few 429s once", function()
    local all = runs {
      inbound = { 0.14, 0.16 }, faster_at = 30, faster = 0.08,
    }
    at_most(8, all.most, "rejections")
    at_least(0.93, all.least, "use")
  end)

  it("two limiters without a shared file share the limit", function()
    for seed = 1, SEEDS do
      local one = probe.run { clients = 2, inbound = WIDE, seed = seed }
      at_least(0.94, one.use, "use")
      at_most(0.05, one.rejected / one.sent, "rejections")
      at_least(0.1, one.first / one.done, "the first one's part")
      at_most(0.9, one.first / one.done, "the first one's part")
    end
  end)

  it("a limiter that remains gets the whole limit within minutes", function()
    for seed = 1, SEEDS do
      local one = probe.run {
        clients = 2, inbound = WIDE, seed = seed, stop_at = 60,
        seconds = 300,
      }
      assert.equal(6.0, one.rate)
    end
  end)
end)

-- If the shortest round-trip time is known, no second ever has more requests
-- than the limit, whatever else happens.
describe("the limit is never exceeded", function()
  local random = 20240229
  local function between(low, high)
    random = (random * 1103515245 + 12345) % 2 ^ 31
    return low + (high - low) * (random / 2 ^ 31)
  end

  it("in 2,000 random runs", function()
    for seed = 1, tries(2000) do
      local there, back = between(0, 0.3), between(0, 0.3)
      local options = {
        seed = seed, taught = true, seconds = 20,
        limit = math.floor(between(1, 30)),
        concurrency = math.floor(between(1, 40)),
        clients = 1,
        inbound = { there, there + between(0, 0.5) },
        outbound = { back, back + between(0, 0.5) },
        work = { 0.05, 0.05 + between(0, 0.3) },
        spike_chance = between(0, 0.05), spike = between(0, 5),
        setup_chance = between(0, 0.2), setup = between(0, 1),
        lost_chance = between(0, 0.1), unsent_chance = between(0, 0.1),
        burst = seed % 3 == 0 and math.floor(between(1, 50)) or 0,
        pause = between(0, 4),
        closed_window = seed % 2 == 0, counts_rejected = seed % 5 == 0,
      }
      local one = probe.run(options)
      if one.rejected ~= 0 then
        local lines = {}
        for key, value in pairs(options) do
          lines[#lines + 1] = key .. " = " .. (type(value) == "table"
            and table.concat(value, "..") or tostring(value))
        end
        table.sort(lines)
        error(one.rejected .. " rejected with\n" .. table.concat(lines, "\n"))
      end
    end
  end)
end)
