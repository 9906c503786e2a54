-- src/limit/shared_limiter.c: what the clients of one token share
-- (spec/support/probe_shared_limiter.c). Times are in seconds.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_shared_limiter"
local fork = require "probe_fork"
local system = require "system"

local GUARD = 0.005
local number = 0
local opened

local function open(key, rate, path, other)
  local share, why = probe.open(key, rate, path, other)
  if share then opened[#opened + 1] = share end
  return share, why
end

local function near(expected, got)
  if math.abs(got - expected) > 1.5e-6 then
    error(("expected %.6f, got %.6f"):format(expected, got), 2)
  end
end

-- How many may start at once.
local function free(share, now)
  local tickets = {}
  while true do
    local _, ticket = share:start(now)
    if not ticket then return #tickets, tickets end
    tickets[#tickets + 1] = ticket
    assert(#tickets <= 2000, "no end of them")
  end
end

local function use(share, now)
  local count, tickets = free(share, now)
  for _, ticket in ipairs(tickets) do share:answered(ticket, now, now) end
  return count
end

local key, path

before_each(function()
  opened = {}
  number = number + 1
  key, path = "token " .. number, os.tmpname()
  os.remove(path)
end)

after_each(function()
  for _, share in ipairs(opened) do share:close() end
  os.remove(path)
end)

describe("an allowance", function()
  it("is one for all shares of a key, and no other", function()
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

  it("is as high as the lowest share", function()
    local high = open(key, 9)
    local none = open(key, 0)
    assert.equal(9, use(none, 100))
    local low = open(key, 0.5)
    assert.equal(1, use(high, 200))
    local lower = open(key, 0.25)
    near(304 + GUARD, (use(high, 300) and high:start(300)))
    lower:close()
    assert.equal(1, use(high, 400))
    near(402 + GUARD, (high:start(400)))
    low:close()
    assert.equal(9, use(none, 500))
    high:close()
    assert.equal(1024, (free(none, 600)))
  end)

  it("has no limit where no share has one", function()
    local share = open(key, 0)
    assert.equal(1024, (free(share, 100)))
  end)

  it("is told what became of each request", function()
    local share = open(key, 1)
    local turn, ticket = share:start(100)
    assert.is_true(turn <= 100)
    assert.equal(math.huge, (share:start(100)))
    share:answered(ticket, 100, 100.2)
    near(101 + GUARD, (share:start(100.3)))
    turn, ticket = share:start(101 + GUARD)
    near(101 + GUARD, math.max(turn, 101 + GUARD))
    share:unsent(ticket)
    turn, ticket = share:start(101.5)
    assert.is_true(turn <= 101.5)
    share:lost(ticket, 102)
    near(102.2 + 1 + GUARD, (share:start(102.5)))
    turn, ticket = share:start(104)
    assert.is_true(turn <= 104)
    share:rejected(ticket, 104, 104.2, 0.5, 150)
    near(150, (share:start(105)))
    turn, ticket = share:start(150)
    assert.is_true(turn <= 150)
    share:answered(ticket, 150, 150.2)
    near(152 + GUARD, (share:start(151)))
  end)
end)

describe("a share that waits", function()
  it("is woken when its turn may come earlier", function()
    local one, two = open(key, 1), open(key, 1)
    local _, ticket = one:start(100)
    two:start(100)
    assert.equal(0, two:woken())
    one:answered(ticket, 100, 100.2)
    assert.equal(1, two:woken())
    assert.equal(0, one:woken())
  end)

  it("is woken by each end of a request, once", function()
    local one, two = open(key, 1), open(key, 1)
    local ends = {
      function(ticket, at) one:answered(ticket, at, at) end,
      function(ticket, at) one:lost(ticket, at) end,
      function(ticket) one:unsent(ticket) end,
      function(ticket, at) one:rejected(ticket, at, at, 0, at) end,
    }
    for i, finish in ipairs(ends) do
      local at = 100 + i * 10
      local _, ticket = one:start(at)
      two:start(at)
      finish(ticket, at)
      assert.equal(1, two:woken(), i)
      _, ticket = one:start(at + 3)
      one:answered(ticket, at + 3, at + 3)
      assert.equal(0, two:woken(), i)
    end
  end)

  it("is not woken in its own loop, which knows", function()
    local one = open(key, 1)
    local two = open(key, 1, nil, one)
    local _, ticket = one:start(100)
    two:start(100)
    one:answered(ticket, 100, 100)
    assert.equal(0, two:woken())
  end)

  it("is not woken when it has had its turn", function()
    local one, two = open(key, 2), open(key, 2)
    local _, ticket = one:start(100)
    assert.is_number((select(2, two:start(100))))
    one:answered(ticket, 100, 100)
    assert.equal(0, two:woken())
    one, two = open(key .. " 1", 1), open(key .. " 1", 1)
    use(one, 100)
    near(101 + GUARD, (two:start(101 + GUARD))) -- to the microsecond
    one:unsent(0)
    assert.equal(0, two:woken())
  end)

  it("is woken when another one closes", function()
    local one, two, three = open(key, 1), open(key, 5), open(key, 5)
    two:start(100)
    two:start(100)
    one:close()
    assert.equal(1, two:woken())
    assert.equal(0, three:woken())
    assert.is_number((select(2, two:start(100))))
  end)
end)

describe("a share without memory", function()
  it("is an error at each allocation, and leaks nothing", function()
    for _, file in ipairs { false, path } do
      open(key, 1):close() -- what went before counts for neither
      for n = 1, 10 do
        local own = ("%s %d %s"):format(key, n, file)
        local _, before = probe.memory()
        probe.fail_at(n)
        local share, why = probe.open(own, 1, file or nil)
        local calls, living = probe.memory()
        probe.fail_at()
        if share then
          assert.is_true(calls < n)
          share:close()
          break
        end
        assert.equal("not enough memory", why)
        assert.is_true(living <= before)
      end
    end
  end)
end)

describe("an allowance in a file", function()
  it("is shared with whoever has the file", function()
    local one, two = open(key, 2, path), open(key .. " of another", 2, path)
    local _, ticket = one:start(100)
    assert.equal(1, (free(two, 100)))
    local turn = one:start(100)
    near(100.01, turn) -- nobody can wake us: asked for again and again
    one:answered(ticket, 100, 100)
    near(100.01, (two:start(100)))
    near(101 + GUARD, (two:start(101)))
    assert.equal(1, (free(two, 101 + GUARD)))
  end)

  it("takes the lowest rate of all, and keeps it", function()
    local one = open(key, 4, path)
    assert.equal(4, use(one, 100))
    local two = open(key, 1, path)
    assert.equal(1, use(two, 200))
    local three = open(key, 2, path)
    assert.equal(1, use(three, 300))
    two:close()
    assert.equal(1, use(one, 400))
  end)

  it("is told of each end, which wakes the others", function()
    local one, two = open(key, 1, path), open(key, 1, path)
    local ends = {
      function(ticket, at) one:answered(ticket, at, at) end,
      function(ticket, at) one:lost(ticket, at) end,
      function(ticket) one:unsent(ticket) end,
      function(ticket, at) one:rejected(ticket, at, at, 0, at) end,
    }
    for i, finish in ipairs(ends) do
      local at = 100 + i * 10
      local _, ticket = one:start(at)
      near(at + 0.01, (two:start(at)))
      finish(ticket, at)
      assert.equal(1, two:woken(), i)
    end
  end)

  it("needs the same file of all shares of the key", function()
    local one = assert(open(key, 1, path))
    assert(open(key, 1, path))
    assert(open(key, 1)) -- whatever the others have
    local share, why = open(key, 1, path .. ".other")
    assert.is_nil(share)
    assert.equal("rate_limit.shared: another client of this token shares "
                 .. "through " .. path, why)
    assert.is_nil(io.open(path .. ".other"))
    assert(open(key .. " alone", 1))
    share, why = open(key .. " alone", 1, path)
    assert.is_nil(share)
    assert.equal("rate_limit.shared: another client of this token does not "
                 .. "share", why)
    assert.is_number((one:start(100)))
  end)

  it("may come after an allowance without one", function()
    local function blocks() return (select(2, probe.memory())) end
    local empty = blocks()
    local share = open(key, 1)
    use(share, 100)
    share:close()
    local kept = blocks() - empty
    share = assert(open(key, 2, path))
    assert.equal(2, (free(share, 100)))
    local first = blocks() - empty
    local other = path .. ".other"
    open(key .. " of another", 2, other)
    os.remove(other)
    assert.equal(first, blocks() - empty - first)
    assert.is_true(kept > 0)
  end)

  it("gets back what was in flight in a process that died", function()
    local now = probe.now()
    local one = open(key, 1, path)
    for _ = 1, 1100 do -- more than there is room for at a time
      local _, ticket = one:start(now)
      one:answered(ticket, now, now)
      now = now + 2
    end
    assert.equal("true", fork.in_child(function()
      local _, ticket = open(key .. " of a child", 1, path):start(now)
      return tostring(ticket ~= nil)
    end))
    assert.is_nil((select(2, one:start(now + 2))))
    assert.is_number((select(2, one:start(now + 10))))
  end)

  it("is left when the last share closes", function()
    local now = probe.now()
    local one = open(key, 1, path)
    one:start(now)
    one:close()
    local _, before = probe.memory()
    local two = open(key .. " of another", 5, path)
    assert.equal(4, (free(two, now))) -- one may have been sent
    two:close()
    local _, after = probe.memory()
    assert.equal(before, after)
  end)

  it("that cannot be one leaves nothing behind", function()
    local _, before = probe.memory()
    local share, why = open(key, 1, "/nowhere/at/all")
    assert.is_nil(share)
    assert.matches("/nowhere/at/all", why, 1, true)
    local _, after = probe.memory()
    assert.is_true(after <= before)
  end)
end)

describe("a forked child", function()
  it("does not go on with its parent's shares", function()
    local one, filed = open(key, 2), open(key .. " filed", 2, path)
    local _, ticket = one:start(100)
    local _, mine = filed:start(100)
    assert.equal("none", fork.in_child(function()
      local _, plain = one:start(200)
      local _, shared = filed:start(200)
      one:answered(ticket, 100, 100)
      one:rejected(ticket, 100, 100, 0, 100)
      one:lost(ticket, 100)
      one:unsent(ticket)
      filed:answered(mine, 100, 100)
      one:close()
      filed:close()
      return plain or shared or "none"
    end))
    assert.equal(1, (free(one, 100)))
    assert.equal(1, (free(filed, 100)))
    filed:answered(mine, 100, 100)
    assert.equal(1, (free(filed, 101 + GUARD)))
  end)

  it("has an allowance of its own", function()
    local one = open(key, 2)
    assert.equal(2, use(one, 100))
    assert.equal("2", fork.in_child(function()
      local own = open(key, 2)
      return tostring((free(own, 100)))
    end))
  end)

  it("does not hold on to its parent's file", function()
    open(key, 2, path)
    local function list()
      local pipe = assert(io.popen "ls -l /proc/$PPID/fd")
      local text = pipe:read "a"
      pipe:close()
      return text
    end
    assert.truthy(list():find(path, 1, true))
    assert.is_nil(fork.in_child(list):find(path, 1, true))
  end)

  it("leaves the parent's place in the file", function()
    local filed = open(key, 2, path)
    filed:start(100)
    fork.in_child(function() return "" end)
    local other = open(key .. " of another", 5, path)
    assert.equal(1, (free(other, 100)))
  end)
end)

describe("what the last share used up", function()
  it("counts for the next one of the key", function()
    local now = probe.now()
    local share = open(key, 2)
    assert.equal(2, use(share, now))
    share:close()
    open(key .. " of another", 1)
    share = open(key, 2)
    assert.equal(0, (free(share, now)))
    near(now + 1 + GUARD, (share:start(now)))
  end)

  it("is forgotten after some seconds without a share, not before",
  function()
    local now = probe.now()
    local long, short, held = open(key, 0.01), open(key .. " 2", 0.01),
                              open(key .. " 3", 1)
    local kept = open(key .. " 4", 0.01)
    for _, share in ipairs { long, short, kept } do use(share, now) end
    local _, ticket = held:start(now)
    held:rejected(ticket, now, now, 0, now + 60)
    long:close()
    held:close()
    system.sleep(3.5)
    short:close()
    system.sleep(1.6)
    local _, before = probe.memory()
    local again = open(key, 0.01)
    local _, after = probe.memory()
    assert.is_true(after <= before + 2) -- one went, one came, and its share
    assert.equal(1, (free(again, now)))
    assert.equal(0, (free(open(key .. " 2", 0.01), now)))
    assert.equal(0, (free(open(key .. " 3", 1), now + 50)))
    assert.equal(0, (free(kept, now)))
  end)

  it("takes no memory once it is forgotten", function()
    local _, before = probe.memory()
    local share = probe.open(key, 1, path)
    share:close()
    local _, after = probe.memory()
    assert.equal(before, after)
  end)
end)
