-- src/limit/shared_limiter.c: the limiter that the clients of one token share
-- (spec/support/probe_shared_limiter.c). Times are in seconds.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_shared_limiter"
local fork = require "probe_fork"
local shared_limiter = require "support.shared_limiter"
local system = require "system"

local near, free, use = shared_limiter.near, shared_limiter.free,
                        shared_limiter.use

local GUARD = 0.005
local number = 0
local opened

local function open(key, rate, path, other)
  local handle, why = probe.open(key, rate, path, other)
  if handle then opened[#opened + 1] = handle end
  return handle, why
end

-- When the handle may start, without a wait for it.
local function turn(handle, now)
  local at = handle:start(now)
  handle:stop_waiting(now)
  return at
end

local key, path

before_each(function()
  opened = {}
  number = number + 1
  key, path = "token " .. number, os.tmpname()
  os.remove(path)
end)

after_each(function()
  for _, handle in ipairs(opened) do handle:close() end
  os.remove(path)
end)

describe("a limiter", function()
  it("is one for all handles of a key, and no other", function()
    local one, two = open(key, 3), open(key, 3)
    local other = open(key .. " of another", 3)
    assert.is_number((select(2, one:start(100))))
    assert.equal(2, (free(two, 100)))
    assert.equal(0, (free(one, 100)))
    assert.equal(0, (free(two, 100)))
    assert.equal(3, (free(other, 100)))
    local third = open(key, 3)
    assert.equal(0, (free(third, 100)))
  end)

  it("has the lowest rate of all handles", function()
    local high = open(key, 9)
    local none = open(key, 0)
    assert.equal(9, use(none, 100))
    local low = open(key, 0.5)
    assert.equal(1, use(high, 200))
    local lower = open(key, 0.25)
    near(304 + GUARD, use(high, 300) and turn(high, 300))
    lower:close()
    assert.equal(1, use(high, 400))
    near(402 + GUARD, turn(high, 400))
    low:close()
    assert.equal(9, use(none, 500))
    high:close()
    assert.equal(1024, (free(none, 600)))
  end)

  it("has no limit if no handle has one", function()
    local handle = open(key, 0)
    assert.equal(1024, (free(handle, 100)))
  end)

  it("records how each request ended", function()
    local handle = open(key, 1)
    local at, reservation = handle:start(100)
    assert.is_true(at <= 100)
    assert.equal(math.huge, (handle:start(100)))
    handle:answered(reservation, 100, 100.2)
    near(101 + GUARD, (handle:start(100.3)))
    at, reservation = handle:start(101 + GUARD)
    near(101 + GUARD, math.max(at, 101 + GUARD))
    handle:unsent(reservation)
    at, reservation = handle:start(101.5)
    assert.is_true(at <= 101.5)
    handle:lost(reservation, 102)
    near(102.2 + 1 + GUARD, (handle:start(102.5)))
    at, reservation = handle:start(104)
    assert.is_true(at <= 104)
    handle:rejected(reservation, 104, 104.2, 0.5, 150)
    near(150, (handle:start(105)))
    at, reservation = handle:start(150)
    assert.is_true(at <= 150)
    handle:answered(reservation, 150, 150.2)
    near(152 + GUARD, (handle:start(151)))
  end)
end)

describe("a handle that waits", function()
  it("is woken when its turn may come earlier", function()
    local one, two = open(key, 1), open(key, 1)
    local _, reservation = one:start(100)
    two:start(100)
    assert.is_false(two:woken())
    one:answered(reservation, 100, 100.2)
    assert.is_true(two:woken())
    assert.is_false(one:woken())
  end)

  it("is woken by each end of a request, once", function()
    local one, two = open(key, 1), open(key, 1)
    local ends = {
      function(reservation, at) one:answered(reservation, at, at) end,
      function(reservation, at) one:lost(reservation, at) end,
      function(reservation) one:unsent(reservation) end,
      function(reservation, at) one:rejected(reservation, at, at, 0, at) end,
    }
    for i, finish in ipairs(ends) do
      local at = 100 + i * 10
      local _, reservation = one:start(at)
      two:start(at)
      finish(reservation, at)
      assert.is_true(two:woken())
      one:unsent(0)
      assert.is_false(two:woken())
      local _, other = two:start(at + 3)
      two:answered(other, at + 3, at + 3)
    end
  end)

  it("is not woken by a handle of its own loop", function()
    local one = open(key, 1)
    local two = open(key, 1, nil, one)
    local _, reservation = one:start(100)
    two:start(100)
    one:answered(reservation, 100, 100)
    assert.is_false(two:woken())
  end)

  it("is not woken after it has had its turn", function()
    local one, two = open(key, 2), open(key, 2)
    local _, reservation = one:start(100)
    assert.is_number((select(2, two:start(100))))
    one:answered(reservation, 100, 100)
    assert.is_false(two:woken())
    one, two = open(key .. " 1", 1), open(key .. " 1", 1)
    use(one, 100)
    near(101 + GUARD, (two:start(101 + GUARD))) -- to the microsecond
    one:unsent(0)
    assert.is_false(two:woken())
  end)

  it("is woken when another one closes", function()
    local one, two, three = open(key, 1), open(key, 5), open(key, 5)
    two:start(100)
    two:start(100)
    one:close()
    assert.is_true(two:woken())
    assert.is_false(three:woken())
    assert.is_number((select(2, two:start(100))))
  end)
end)

describe("of handles that wait the one", function()
  -- Three of one loop, none of which can start at 100.
  local function three()
    local one = open(key, 1)
    local two, late = open(key, 1, nil, one), open(key, 1, nil, one)
    use(one, 100)
    one:start(100.1, 90)
    two:start(100.1, 80)
    return one, two, late
  end

  it("that has waited longest is next", function()
    local one, two, late = three()
    local now = 101 + GUARD
    near(now, (late:start(now, 95))) -- after the others, in this round
    near(now, (one:start(now, 90)))
    local _, reservation = two:start(now, 80)
    assert.is_number(reservation)
    two:answered(reservation, now, now)
    now = now + 1 + GUARD
    near(now, (late:start(now, 95)))
    assert.is_number((select(2, one:start(now, 90))))
  end)

  it("that asks first is next among calls of the same time", function()
    local one = open(key, 1)
    local two = open(key, 1, nil, one)
    use(one, 100)
    one:start(100.1, 90)
    assert.is_number((select(2, two:start(102, 90))))
  end)

  it("that stopped waiting is skipped", function()
    local one, two = three()
    near(100.5, two:stop_waiting(100.5)) -- the others are to ask now
    assert.is_number((select(2, one:start(102, 90))))
    assert.equal(math.huge, one:stop_waiting(102))
    assert.equal(math.huge, two:stop_waiting(102))
  end)

  it("that was closed is skipped", function()
    local one, two = three()
    two:close()
    assert.is_number((select(2, one:start(102, 90))))
  end)

  it("of another loop is woken, and has a second", function()
    local one, two = open(key, 1), open(key, 1)
    use(one, 100)
    two:start(100.1, 80)
    near(103.000001, (one:start(102, 90)))
    near(103.000001, (one:start(102.5, 90)))
    assert.is_true(two:woken())
    assert.is_number((select(2, one:start(103.01, 90))))
  end)

  it("that let a handle of another loop start is woken by that", function()
    local one, two = open(key, 1), open(key, 1)
    use(one, 100)
    two:start(100.1, 80)
    one:start(102, 90)
    local _, reservation = two:start(102, 80)
    assert.is_number(reservation)
    assert.is_true(one:woken())
    one:start(102, 90)
    two:stop_waiting(102)
    assert.is_false(one:woken())
  end)

  it("that let a handle of another loop give up is woken by that", function()
    local one, two = open(key, 1), open(key, 1)
    use(one, 100)
    two:start(100.1, 80)
    one:start(102, 90)
    two:stop_waiting(102)
    assert.is_true(one:woken())
    assert.is_number((select(2, one:start(102, 90))))
  end)
end)

describe("a handle without memory", function()
  it("is an error at each allocation, and leaks nothing", function()
    for _, file in ipairs { false, path } do
      open(key, 1):close() -- what went before counts for neither
      for n = 1, 10 do
        local own = ("%s %d %s"):format(key, n, file)
        local _, before = probe.memory()
        probe.fail_at(n)
        local handle, why = probe.open(own, 1, file or nil)
        local calls, living = probe.memory()
        probe.fail_at()
        if handle then
          assert.is_true(calls < n)
          handle:close()
          break
        end
        assert.equal("not enough memory", why)
        assert.is_true(living <= before)
      end
    end
  end)
end)

describe("a forked child", function()
  it("does not use its parent's handles", function()
    local now = probe.now()
    local one, filed = open(key, 2), open(key .. " filed", 2, path)
    local _, reservation = one:start(now)
    local _, mine = filed:start(now)
    assert.equal("none", fork.in_child(function()
      local _, plain = one:start(now + 100)
      local _, shared = filed:start(now + 100)
      one:answered(reservation, now, now)
      one:rejected(reservation, now, now, 0, now)
      one:lost(reservation, now)
      one:unsent(reservation)
      filed:answered(mine, now, now)
      one:close()
      filed:close()
      return plain or shared or "none"
    end))
    assert.equal(1, (free(one, now)))
    assert.equal(1, (free(filed, now)))
    filed:answered(mine, now, now)
    assert.equal(1, (free(filed, now + 1 + GUARD)))
  end)

  it("has a limiter of its own", function()
    local one = open(key, 2)
    assert.equal(2, use(one, 100))
    assert.equal("2", fork.in_child(function()
      local own = open(key, 2)
      return tostring((free(own, 100)))
    end))
  end)

  local function descriptors()
    local pipe = assert(io.popen "ls -l /proc/$PPID/fd")
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  it("closes its parent's file", function()
    open(key, 2, path)
    assert.truthy(descriptors():find(path, 1, true))
    assert.is_nil(fork.in_child(descriptors):find(path, 1, true))
  end)

  -- With POSIX alone the closed one of two descriptors of a file stays open,
  -- because closing it would end the locks of both.
  it("closes its parent's file also after one of two was closed", function()
    open(key, 2, path)
    open(key .. " of another", 2, path):close()
    assert.is_nil(fork.in_child(descriptors):find(path, 1, true))
  end)

  it("keeps the parent's turn in the file", function()
    local now = probe.now()
    local filed = open(key, 2, path)
    filed:start(now)
    fork.in_child(function() return "" end)
    local other = open(key .. " of another", 5, path)
    assert.equal(1, (free(other, now + 1)))
  end)
end)

describe("the requests of a closed handle", function()
  it("count for the next handle of the key", function()
    local now = probe.now()
    local handle = open(key, 2)
    assert.equal(2, use(handle, now))
    handle:close()
    open(key .. " of another", 1)
    handle = open(key, 2)
    assert.equal(0, (free(handle, now)))
    near(now + 1 + GUARD, turn(handle, now))
  end)

  it("are forgotten after five seconds, if they delay nothing", function()
    local now = probe.now()
    local quick, slow = open(key, 1), open(key .. " 2", 0.1)
    local held = open(key .. " 3", 1)
    for _, handle in ipairs { quick, slow } do use(handle, now) end
    local _, reservation = held:start(now)
    held:rejected(reservation, now, now, 0, now + 60)
    for _, handle in ipairs { quick, slow, held } do handle:close() end
    system.sleep(5.1)
    local _, before = probe.memory()
    local again = open(key, 1)
    local _, after = probe.memory()
    assert.is_true(after <= before + 1) -- one went, one came, and its handle
    assert.equal(1, (free(again, now)))
    near(now + 10 + GUARD, turn(open(key .. " 2", 0.1), now + 5))
    assert.equal(0, (free(open(key .. " 3", 1), now + 50)))
  end)

  it("count for less than five seconds too", function()
    local now = probe.now()
    local handle = open(key, 100)
    local _, reservation = handle:start(now)
    handle:rejected(reservation, now, now, 2, now)
    handle:close()
    system.sleep(2)
    assert.equal(2, (free(open(key, 100), now + 2)))
  end)

  it("take no memory once they are forgotten", function()
    local _, before = probe.memory()
    local handle = probe.open(key, 1, path)
    handle:close()
    local _, after = probe.memory()
    assert.equal(before, after)
  end)
end)
