-- src/limit/limiter.c at its bounds: one response, one microsecond, one step
-- to either side. Times are in seconds.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_limiter"

local GUARD = 0.005
local RTT = 0.2

local function near(expected, got)
  if math.abs(got - expected) > 1.5e-6 then
    error(("expected %.6f, got %.6f"):format(expected, got), 2)
  end
end

local function exchange(limiter, at, rtt, group)
  limiter:answered(limiter:start(at, group), at, at + (rtt or RTT))
end

local function burst(limiter, count, at)
  for _ = 1, count do exchange(limiter, at) end
end

local function reject(limiter, at)
  limiter:rejected(limiter:start(at), at, at + RTT, 0)
end

local function rate(limiter) return (limiter:state()) end

-- How much later than its start the slot of a request of that rtt is.
local function excess(limiter, at, rtt)
  exchange(limiter, at, rtt)
  return limiter:next(at + 0.5) - at - 1 - GUARD
end

describe("a 429 after few accepted requests", function()
  it("lowers 12 to a half, 13 to a quarter", function()
    for limit, lowered in pairs { [12] = 6.0, [13] = 3.25 } do
      local limiter = probe.new(limit)
      exchange(limiter, 9)
      reject(limiter, 10)
      assert.equal(lowered, rate(limiter))
    end
  end)

  it("counts two bursts a second apart as two seconds", function()
    local limiter = probe.new(20)
    burst(limiter, 8, 10)
    burst(limiter, 8, 11)
    reject(limiter, 15)
    assert.equal(8.0, rate(limiter))
  end)

  it("looks ten seconds back", function()
    for at, lowered in pairs { [14.9] = 7.0, [15.1] = 6.0 } do
      local limiter = probe.new(20)
      burst(limiter, 7, 5)
      burst(limiter, 6, 10)
      reject(limiter, at)
      assert.equal(lowered, rate(limiter))
    end
  end)

  it("counts each recorded request once", function()
    local limiter = probe.new(0)
    burst(limiter, 1281, 10) -- one more than there are slots
    for i = 1, 129 do reject(limiter, 10.5 + i / 1000) end
    assert.equal(1025.0, rate(limiter))
  end)

  it("without a limit, needs an eighth of all, two at least", function()
    local function after(accepted, rejected, at)
      local limiter = probe.new(0)
      burst(limiter, accepted, 10)
      for i = 1, rejected do reject(limiter, (at or 10) + i / 1000) end
      return rate(limiter)
    end
    assert.equal(0.0, after(4, 1))
    assert.equal(4.0, after(4, 2))
    assert.equal(16.0, after(16, 2))
    assert.equal(0.0, after(17, 2))
    assert.equal(17.0, after(17, 2, 10.999)) -- they are a second old
  end)

  it("counts both if responses are late", function()
    local limiter = probe.new(20)
    burst(limiter, 4, 10)
    for _ = 1, 4 do
      limiter:answered(limiter:start(10.8), 11.1, 11.1 + RTT)
    end
    reject(limiter, 11.31) -- a second, 50 ms and 300 ms after the first
    assert.equal(8.0, rate(limiter))
  end)
end)

describe("the slot of a 429", function()
  local function after(written, answered)
    local limiter = probe.new(1)
    exchange(limiter, 10, 0.5)
    limiter:rejected(limiter:start(20), written, answered, 0)
    return limiter:next(20.5)
  end

  it("is not before the start", function()
    near(21 + 2 * GUARD, after(0, 20.2)) -- once more, for the rejection
  end)

  it("is not after the response", function()
    near(21.1 + 2 * GUARD, after(20.5, 20.1))
  end)
end)

describe("consecutive 429s at the limit", function()
  -- 429s at the limit, with `answers` responses between them.
  local function struck(answers)
    local limiter = probe.new(6)
    for i = 1, 12 do
      burst(limiter, answers - 6, i * 10)
      burst(limiter, 6, i * 10 + 5)
      reject(limiter, i * 10 + 6.005)
    end
    return rate(limiter)
  end

  it("have less than three windows of responses between them", function()
    assert.is_true(struck(17) < 6)
    assert.equal(6.0, struck(18))
  end)
end)

describe("a 429 at the limit after many responses", function()
  it("starts the count again", function()
    local limiter = probe.new(6)
    for i, answers in ipairs { 30, 6, 30, 6 } do
      burst(limiter, answers - 6, i * 10)
      burst(limiter, 6, i * 10 + 5)
      reject(limiter, i * 10 + 6.005)
    end
    assert.equal(6.0, rate(limiter))
  end)
end)

describe("the third 429 in a row", function()
  it("lowers the rate by an eighth, or by one up to 8", function()
    for limit, lowered in pairs { [4] = 3.0, [8] = 7.0, [9] = 7.875 } do
      local limiter = probe.new(limit)
      for i = 1, 3 do
        burst(limiter, limit, i * 2)
        reject(limiter, i * 2 + 1.005)
      end
      assert.equal(lowered, rate(limiter))
      burst(limiter, limit, 8)
      reject(limiter, 9.005)
      assert.equal(lowered, rate(limiter)) -- that is the first again
    end
  end)
end)

describe("the third 429 in a row with fewer accepted", function()
  it("lowers the rate to that number, by a half at most", function()
    for _, case in ipairs { { 12, 5, 6.0 }, { 12, 7, 7.0 }, { 3, 1, 1.5 } } do
      local limit, fit, lowered = table.unpack(case)
      local limiter = probe.new(limit)
      for i = 1, 3 do
        burst(limiter, limit, i * 20)
        burst(limiter, fit, i * 20 + 4)
        reject(limiter, i * 20 + 4.5)
      end
      assert.equal(lowered, rate(limiter))
    end
  end)
end)

describe("a service that counts by the clock second", function()
  -- `peak` requests in one second, then 429s with these numbers of accepted
  -- requests between them.
  local function after(limit, peak, ...)
    local limiter = probe.new(limit)
    burst(limiter, peak, 10)
    local at = 10
    for _, accepted in ipairs { ... } do
      reject(limiter, at + 0.9)
      at = at + 1
      burst(limiter, accepted, at)
    end
    reject(limiter, at + 0.9)
    return rate(limiter)
  end

  it("is recognized by the same number accepted twice", function()
    assert.equal(6.0, after(8, 8, 6, 6))
    assert.equal(8.0, after(8, 8, 6))
    assert.equal(9.0, after(9, 9, 7))
    assert.equal(4.0, after(8, 8, 4, 4))
  end)

  it("is recognized at once in clear cases above 8", function()
    assert.equal(6.0, after(12, 12, 6))
    assert.equal(7.0, after(12, 12, 7))
    assert.equal(12.0, after(12, 12, 8))
    assert.equal(5.0, after(9, 9, 5))
    assert.equal(8.0, after(8, 8, 5))
  end)

  it("cannot accept less than half of what it did", function()
    assert.equal(12.0, after(12, 12, 5))
    assert.equal(4.0, after(8, 8, 3, 3)) -- a half, for the third 429
  end)
end)

describe("the safety margin", function()
  it("is at most a tenth of a second", function()
    local limiter = probe.new(1)
    for i = 1, 60 do
      for j = 1, 3 do exchange(limiter, i * 10 + j * 2) end
      reject(limiter, i * 10 + 7.005)
    end
    exchange(limiter, 1000)
    near(1001 + GUARD + 0.1 * 255 / 256, limiter:next(1000.5))
  end)

  it("counts where round trips are compared with the window", function()
    local limiter = probe.new(6)
    for i = 1, 12 do exchange(limiter, i < 7 and 10 or 13, 1.008) end
    reject(limiter, 14.005)
    for _ = 1, 6 do limiter:start(200) end
    assert.equal(math.huge, limiter:next(200.5))
  end)
end)

describe("one of the maximum number of reservations", function()
  it("is removed alone", function()
    local limiter, reservations = probe.new(0), {}
    exchange(limiter, 10)
    for i = 1, 1024 do reservations[i] = limiter:start(20) end
    limiter:unsent(reservations[2])
    for i = 1, 1024 do limiter:unsent(reservations[i]) end
    limiter:rate(1)
    limiter:lost(limiter:start(30), 30.5)
    near(30.5 + RTT + 1 + GUARD, limiter:next(30.6))
  end)
end)

describe("the round-rtt times", function()
  -- One short round trip, and from `first` on a longer one each second.
  local function excess_at(first, at)
    local limiter = probe.new(1)
    exchange(limiter, 1000, 0.1) -- answered at 1000.1
    for i = 0, at - first - 1 do exchange(limiter, first + i + 0.8, 0.3) end
    return excess(limiter, at, 0.3)
  end

  it("are replaced after two minutes", function()
    assert.is_true(excess_at(1000, 1119.2) > 0.1)
    near(0, excess_at(1000, 1120.9))
  end)

  it("are as old as the first response", function()
    assert.is_true(excess_at(1030, 1119) > 0.1)
    near(0, excess_at(1030, 1130))
  end)

  it("do not exist for an unknown group", function()
    local limiter = probe.new(1)
    exchange(limiter, 10, RTT, 8)
    limiter:lost(limiter:start(20), 20.5)
    near(20.5 + RTT + 1 + GUARD, limiter:next(20.6))
  end)

  it("are not replaced by fewer than 32 responses in a minute", function()
    for answers, late in pairs { [31] = true, [32] = false } do
      local limiter = probe.new(1)
      exchange(limiter, 1000, 0.1)
      for i = 1, answers - 1 do exchange(limiter, 1000 + i, 0.3) end
      for i = 1, answers do exchange(limiter, 1100 + i, 0.3) end
      assert.equal(late, excess(limiter, 1200, 0.3) > 0.1)
    end
  end)

  it("put requests in flight before the oldest slot too", function()
    local limiter = probe.new(9)
    for i = 1, 8 do exchange(limiter, 10 + i / 10, 3) end
    limiter:start(13.9)
    near(11.1 + GUARD, limiter:next(14)) -- the flight, and all eight
    for _, more in ipairs { 10, 20 } do -- than there are of both
      limiter:rate(more)
      assert.equal(0, limiter:next(14))
    end
  end)

  it("do not move the slot of a request lost before any response", function()
    local limiter = probe.new(2)
    limiter:lost(limiter:start(10), 10.2)
    exchange(limiter, 20)
    near(11.2 + GUARD, limiter:next(20.5))
  end)

  it("are a group's own from the eighth response on", function()
    for answers, late in pairs { [7] = 0.4, [8] = 0 } do
      local limiter = probe.new(1)
      for i = 1, 20 do exchange(limiter, i * 2, 0.1, 1) end
      for i = 1, answers do exchange(limiter, 100 + i * 2, 0.5, 2) end
      local at = 100 + answers * 2
      near(at + 1 + GUARD + late, limiter:next(at + 0.9))
    end
  end)

  it("stay a group's own after the minute", function()
    local limiter = probe.new(1)
    for i = 1, 20 do exchange(limiter, i * 2, 0.1, 1) end
    for i = 1, 34 do
      exchange(limiter, 100 + i * 2, 0.5, 2)
      if i > 8 then near(101 + i * 2 + GUARD, limiter:next(100.9 + i * 2)) end
    end
  end)

  it("are the first group's for an unknown group", function()
    local limiter = probe.new(1)
    for i = 1, 20 do exchange(limiter, i * 2, 0.1, 1) end
    for i = 1, 8 do exchange(limiter, 100 + i * 2, 0.5, 8) end
    exchange(limiter, 200, 0.5, 0)
    near(201 + GUARD, limiter:next(200.9))
  end)

  it("predict a request in flight for as long as others were late", function()
    local limiter = probe.new(1)
    for i = 1, 10 do exchange(limiter, i * 10, 3) end
    limiter:answered(limiter:start(190), 190.3, 193.3) -- so 0.3
    limiter:start(200)
    near(201.3 + GUARD, limiter:next(203.2))
    assert.equal(math.huge, limiter:next(203.4))
  end)

  it("do not predict a request in flight that is overdue", function()
    local limiter = probe.new(3)
    for i = 1, 10 do exchange(limiter, i * 10, 3) end
    limiter:start(196)
    limiter:start(199.5)
    near(101 + GUARD, limiter:next(200))
  end)

  it("predict requests if round trips are longer than the window", function()
    for rtt, turn in pairs { [1.004] = math.huge, [1.006] = 201 + GUARD } do
      local limiter = probe.new(1)
      for i = 1, 10 do exchange(limiter, i * 10, rtt) end
      limiter:start(200)
      assert.equal(turn, limiter:next(200.5))
    end
  end)

  it("predict requests from the eighth response on", function()
    for answers, turn in pairs { [7] = math.huge, [8] = 201 + GUARD } do
      local limiter = probe.new(1)
      for i = 1, answers do exchange(limiter, i * 10, 3) end
      limiter:start(200)
      assert.equal(turn, limiter:next(200.5))
    end
  end)
end)

describe("a lower latency share", function()
  local function delayed(limiter, from, count)
    for i = 1, count do
      exchange(limiter, from + i * 2, i % 2 == 0 and 0.2 or 0.4)
    end
    return from + count * 2 + 2
  end

  it("needs sixty seconds of responses", function()
    for answers, least in pairs { [59] = 0.2, [60] = 0.15, [119] = 0.15,
                                  [120] = 0.1 } do
      local limiter = probe.new(1)
      local late = excess(limiter, delayed(limiter, 0, answers), 0.4)
      assert.is_true(late >= least and late < least + 0.03, late)
    end
  end)

  it("needs as many after a 429", function()
    for answers, least in pairs { [59] = 0.2, [60] = 0.15 } do
      local limiter = probe.new(1)
      local at = delayed(limiter, 0, 20)
      reject(limiter, at)
      local late = excess(limiter, delayed(limiter, at, answers), 0.4)
      assert.is_true(late >= least and late < least + 0.03, late)
    end
  end)

  it("needs at most half an hour of responses", function()
    local limiter = probe.new(1)
    local at = 0
    for _ = 1, 9 do
      at = delayed(limiter, at, 2000)
      reject(limiter, at)
    end
    at = delayed(limiter, at, 1919)
    assert.is_true(excess(limiter, at, 0.4) > 0.04)
    near(0, excess(limiter, at + 2, 0.4))
  end)
end)

describe("a trial of the limit", function()
  it("begins with no consecutive 429s", function()
    local limiter = probe.new(8)
    limiter:rejected(limiter:start(100), 100, 100, 3)
    for at = 110, 112, 2 do
      burst(limiter, 3, at)
      reject(limiter, at + 1.005)
    end
    limiter:next(180)
    assert.equal(8.0, rate(limiter))
    burst(limiter, 8, 181)
    reject(limiter, 182.005)
    assert.equal(8.0, rate(limiter))
  end)

  -- A limiter that tries its limit of 20 from 200 on, after a rate of 3.
  local function trying()
    local limiter = probe.new(20)
    limiter:rejected(limiter:start(100), 100, 100, 3)
    limiter:next(200)
    assert.equal(20.0, rate(limiter))
    return limiter
  end

  it("sends requests above the proven rate one at a time at first", function()
    local limiter = trying()
    local reservations = {}
    for i = 1, 3 do
      assert.is_true(limiter:next(200.1) <= 200.1)
      reservations[i] = limiter:start(200.1)
    end
    assert.equal(math.huge, limiter:next(200.1))
    for i = 1, 3 do
      assert.equal(math.huge, limiter:next(200.3))
      limiter:answered(reservations[i], 200.1, 200.3)
    end
    assert.is_true(limiter:next(200.3) <= 200.3)
    limiter:start(200.3)
    assert.equal(math.huge, limiter:next(200.999999))
    assert.is_true(limiter:next(201) <= 201)
  end)

  it("counts only a second for that", function()
    local limiter = probe.new(20)
    limiter:rejected(limiter:start(100), 100, 100, 3)
    burst(limiter, 2, 159)
    limiter:next(160)
    limiter:start(160)
    assert.equal(0, limiter:next(160.1))
    limiter:start(160.1)
    assert.equal(0, limiter:next(160.1))
  end)

  it("lasts as long as the quiet period before it", function()
    local limiter = probe.new(20)
    limiter:rejected(limiter:start(100), 100, 100, 6)
    limiter:next(160) -- the limit is tried
    limiter:next(160.5)
    limiter:rejected(limiter:start(161), 161, 161, 6)
    limiter:next(280.9) -- quiet for two minutes then
    assert.equal(6.0, rate(limiter))
    limiter:next(281)
    assert.equal(20.0, rate(limiter))
  end)
end)
