-- src/limit/limit_file.c and limit_record.c: a limiter that processes share
-- through a file (spec/support/probe_shared_limiter.c). Two keys with one file
-- act as two processes. Times are in seconds.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_shared_limiter"
local fork = require "probe_fork"
local shared_limiter = require "support.shared_limiter"
local system = require "system"
local tries = require "support.tries"

local near, free, use = shared_limiter.near, shared_limiter.free,
                        shared_limiter.use

local GUARD = 0.005
local number = 0
local opened, key, path, now

local function open(name, rate, file, other)
  local handle, why = probe.open(name, rate, file, other)
  if handle then opened[#opened + 1] = handle end
  return handle, why
end

-- A handle of another "process".
local function process(name, rate, patience)
  local handle = assert(open(key .. name, rate, path))
  return setmetatable({
    -- The time of the turn, or the reservation of a request that started.
    ask = function(_, at, more)
      return handle:start(at, at, more, patience)
    end,
  }, { __index = function(_, method)
    return function(_, ...) return handle[method](handle, ...) end
  end })
end

local function content(name)
  local file = assert(io.open(name or path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function write(bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

local function run(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close())
  return text
end

before_each(function()
  opened = {}
  number = number + 1
  key, path = "token " .. number, os.tmpname()
  -- some time ago: clients are opened now, and nothing may lie ahead
  now = math.max(probe.now() - 300, 10)
  os.remove(path)
end)

after_each(function()
  probe.fail_locks(0)
  probe.fail_writes(0)
  for _, handle in ipairs(opened) do handle:close() end
  os.remove(path)
end)

describe("a limit file", function()
  it("is shared by all processes that name it", function()
    local one, two = open(key, 2, path), open(key .. " 2", 2, path)
    local _, reservation = one:start(now)
    assert.equal(1, (free(two, now)))
    assert.equal(0, (free(one, now)))
    one:answered(reservation, now, now)
    assert.equal(0, (free(two, now + 1)))
    assert.equal(1, (free(two, now + 1 + GUARD)))
  end)

  it("takes the lowest rate of all, and keeps it", function()
    local one = open(key, 4, path)
    assert.equal(4, use(one, now))
    local two = open(key .. " 2", 1, path)
    assert.equal(1, use(two, now + 10))
    local three = open(key .. " 3", 2, path)
    assert.equal(1, use(three, now + 20))
    two:close()
    assert.equal(1, use(one, now + 30))
    open(key, 0.5, path)
    assert.equal(1, use(one, now + 40))
    assert.equal(0, use(three, now + 41.9))
    assert.equal(1, use(three, now + 42.1))
  end)

  it("starts with the rate of the only process", function()
    open(key, 1, path):close()
    assert.equal(3, use(open(key .. " 2", 3, path), now))
  end)

  it("records how each request ended", function()
    local one, two = open(key, 1, path), open(key .. " 2", 1, path)
    local ends = {
      { function(id, at) one:answered(id, at, at + 0.2) end, 1 + GUARD },
      { function(id, at) one:lost(id, at + 0.1) end, 1.3 + GUARD },
      { function(id) one:unsent(id) end, 0 },
      { function(id, at) one:rejected(id, at, at, 0, at + 2) end, 2 },
    }
    for i, case in ipairs(ends) do
      local at = now + i * 10
      local _, reservation = one:start(at)
      case[1](reservation, at)
      if case[2] == 0 then
        assert.equal(1, use(two, at + 0.5))
      else
        near(at + case[2], (two:start(at + 0.5)))
        two:stop_waiting(at + 0.5)
      end
    end
  end)

  it("keeps a rate that was lowered after a 429", function()
    local one, two = process(" 1", 4), process(" 2", 4)
    local _, id = one:ask(now)
    one:rejected(id, now, now, 1, now)
    assert.equal(0, (free(two, now + 0.9)))
    assert.equal(1, (free(two, now + 1.1)))
  end)

  it("keeps a rate for five seconds after 429s at the same time", function()
    local one, two = process(" 1", 6), process(" 2", 6)
    local _, first = one:ask(now)
    local _, second = two:ask(now)
    local _, third = two:ask(now)
    one:rejected(first, now, now + 0.1, 6, now)
    two:rejected(second, now, now + 0.2, 6, now)
    two:rejected(third, now, now + 2, 6, now)
    assert.is_true(use(one, now + 4) < 6)
    assert.is_true(use(two, now + 7.1) < 6) -- the limit is tried
    assert.equal(6, use(two, now + 8.2))
  end)

  it("is the same for all handles of the key", function()
    local one = assert(open(key, 1, path))
    assert(open(key, 1, path))
    assert(open(key, 1)) -- whatever the others have
    local handle, why = open(key, 1, path .. ".other")
    assert.is_nil(handle)
    assert.equal("rate_limit.shared: another client of this token shares "
                 .. "through " .. path, why)
    assert.is_nil(io.open(path .. ".other"))
    assert(open(key .. " alone", 1))
    handle, why = open(key .. " alone", 1, path)
    assert.is_nil(handle)
    assert.equal("rate_limit.shared: another client of this token does not "
                 .. "share", why)
    assert.is_number((select(2, one:start(now))))
  end)

  it("may follow a limiter without one", function()
    local function blocks() return (select(2, probe.memory())) end
    local empty = blocks()
    local handle = open(key, 1)
    use(handle, now)
    handle:close()
    local kept = blocks() - empty
    handle = assert(open(key, 2, path))
    assert.equal(2, (free(handle, now)))
    local first = blocks() - empty
    local other = path .. ".other"
    free(open(key .. " of another", 2, other), now)
    os.remove(other)
    assert.equal(first, blocks() - empty - first)
    assert.is_true(kept > 0)
  end)

  it("counts the requests in flight of a dead process as lost", function()
    now = probe.now() - 12
    local one = open(key, 100, path)
    for _ = 1, 1100 do -- more than can be in flight
      local _, reservation = one:start(now)
      one:answered(reservation, now, now)
      now = now + 0.011
    end
    assert.equal("true", fork.in_child(function()
      local handle = open(key .. " of a child", 1, path)
      return tostring((select(2, handle:start(now + 1.2))) ~= nil)
    end))
    assert.is_nil((select(2, one:start(now + 2.5))))
    assert.is_number((select(2, one:start(now + 10))))
  end)

  it("is closed with the last handle", function()
    local one = open(key, 1, path)
    one:start(now)
    one:close()
    local _, before = probe.memory()
    local two = open(key .. " 2", 5, path)
    assert.equal(4, (free(two, now + 0.5))) -- one may have been sent
    two:close()
    local _, after = probe.memory()
    assert.equal(before, after)
  end)

  it("that cannot be opened leaves nothing behind", function()
    local _, before = probe.memory()
    local handle, why = open(key, 1, "/nowhere/at/all")
    assert.is_nil(handle)
    assert.equal("rate_limit.shared: '/nowhere/at/all' cannot be opened: No "
                 .. "such file or directory", why)
    local _, after = probe.memory()
    assert.is_true(after <= before)
  end)
end)

describe("processes that wait", function()
  it("get their turns in order, each with a time of its own", function()
    local one, two, three = process(" 1", 2), process(" 2", 2),
                            process(" 3", 2)
    use(one, now)
    local first = now + 1 + GUARD
    near(first, (two:ask(now + 0.1)))
    near(first + 0.02, (three:ask(now + 0.2)))
    near(first + 1 + GUARD, (one:ask(now + 0.3)))
    near(first, (two:ask(now + 0.4)))
  end)

  it("do not access the file until then", function()
    local one, two = process(" 1", 1), process(" 2", 1)
    use(one, now)
    two:ask(now)
    os.remove(path) -- who looks there now, notices
    for i = 1, 9 do near(now + 1 + GUARD, (two:ask(now + i / 10))) end
    assert.is_nil(io.open(path))
    two:ask(now + 2)
    assert(io.open(path)):close()
  end)

  it("write nothing when nothing changed", function()
    local one, two = process(" 1", 1), process(" 2", 1)
    local _, reservation = one:ask(now)
    local at = two:ask(now)
    local before = content()
    for _ = 1, 20 do
      now = math.max(now, at)
      at = two:ask(now) -- until the answer, which nobody knows of
      assert.is_true(at > now)
    end
    assert.not_equal(before, content())
    one:answered(reservation, now, now)
    near(now + 1 + GUARD, (two:ask(at)))
    before = content()
    two:ask(at + 0.1)
    two:ask(at + 0.2)
    assert.equal(before, content())
  end)

  it("lose a turn that they do not take within a window", function()
    local one, two = process(" 1", 1), process(" 2", 1)
    use(one, now)
    local first = now + 1 + GUARD
    near(first, (two:ask(now)))
    near(first + 1 + GUARD, (one:ask(now)))
    -- two never comes
    local at = one:ask(first + 1 + GUARD)
    assert.is_true(at > first + 1 + GUARD, at) -- it may any moment
    at = first + 2 * (1 + GUARD)
    assert.is_number((select(2, one:ask(at))))
    near(at + 1 + GUARD, math.max(at + 1 + GUARD, (two:ask(at))))
  end)

  it("lose it, the last in line as well", function()
    local one, two = process(" 1", 1), process(" 2", 1)
    use(one, now)
    two:ask(now)
    assert.is_number((select(2, one:ask(now + 3))))
  end)

  it("free their turn at once when they stop waiting", function()
    local one, two = process(" 1", 1), process(" 2", 1)
    use(one, now)
    two:ask(now)
    two:stop_waiting(now)
    near(now + 1 + GUARD, (one:ask(now)))
  end)

  it("move up when one before them stops waiting", function()
    local one, two, three, four = process(" 1", 1), process(" 2", 1),
                                  process(" 3", 1), process(" 4", 1)
    use(one, now)
    local first = now + 1 + GUARD
    two:ask(now)
    three:ask(now)
    near(first + 2 * (1 + GUARD), (four:ask(now)))
    three:stop_waiting(now)
    near(first + 3 * (1 + GUARD), (one:ask(now))) -- behind two and four
  end)

  it("need no turns if no process has a limit", function()
    local one, two = process(" 1", 0), process(" 2", 0)
    local _, id = one:ask(now)
    assert.is_number((select(2, two:ask(now))))
    one:rejected(id, now, now, 0, now + 3)
    near(now + 3, (two:ask(now + 1)))
    near(now + 3, (one:ask(now + 1)))
  end)

  it("keep their turns and requests when another one dies", function()
    now = probe.now()
    local one, two = process(" 1", 2), process(" 2", 2)
    assert.is_number((select(2, one:ask(now))))
    fork.in_child(function()
      process(" 3", 2):ask(now)
      return ""
    end)
    assert.equal(0, (free(two, now + 5))) -- it may just have arrived
    assert.equal(1, (free(two, now + 7))) -- and one's still may
  end)

  it("free their turn at once when they close or die", function()
    now = probe.now()
    local one, two = process(" 1", 1), process(" 2", 1)
    use(one, now)
    two:ask(now)
    fork.in_child(function()
      process(" 3", 1):ask(now)
      return ""
    end)
    two:close()
    near(now + 1 + GUARD, (one:ask(now + 0.5)))
  end)

  -- Runs `count` processes that always have work; returns the number of
  -- requests that each started.
  local function use_limit(count, rate, seconds, rtt, watch)
    local started, each, due, flights = {}, {}, {}, {}
    for i = 1, count do
      started[i], each[i], due[i] = 0, process(" " .. i, rate), now
    end
    while true do
      local next = 1
      for i = 2, count do if due[i] < due[next] then next = i end end
      local at, flight = due[next], flights[1]
      if flight and flight.at <= at then
        table.remove(flights, 1)
        flight.of:answered(flight.id, flight.at - rtt, flight.at)
      elseif at >= now + seconds then
        return started
      else
        local turn, id = each[next]:ask(at, true)
        if id then
          started[next] = started[next] + 1
          flights[#flights + 1] = { of = each[next], id = id,
                                    at = at + rtt }
        else
          due[next] = math.max(turn, at) + 0.0003 * next -- to wake up
        end
        if watch then watch(#flights) end
      end
    end
  end

  local function sum_of(started)
    local sum = 0
    for _, one in ipairs(started) do sum = sum + one end
    return sum
  end

  for _, case in ipairs { { 2, 2 }, { 2, 6 }, { 3, 6 }, { 2, 40 } } do
    local count, rate = table.unpack(case)
    it(("get even shares, and use the limit: %d, %d a second")
       :format(count, rate), function()
      local started = use_limit(count, rate, 60, 0.1)
      local sum = sum_of(started)
      assert.is_true(sum >= 60 * rate * 0.97 and sum <= 61 * rate, sum)
      for _, one in ipairs(started) do
        assert.is_true(math.abs(one - sum / count) <= sum * 0.02 + rate,
                       table.concat(started, " and "))
      end
    end)
  end

  it("access the file twice for each request", function()
    local function writes()
      local text = content "/proc/self/io"
      return tonumber(text:match "syscw: (%d+)")
    end
    local before = writes()
    local sum = sum_of(use_limit(2, 6, 60, 0.1))
    local each = (writes() - before) / sum
    assert.is_true(each <= 2.05, each)
  end)

  it("fit into a kilobyte with 10 requests a second, 16 in flight", function()
    local largest, most_in_flight = 0, 0
    use_limit(4, 10, 60, 1.6, function(in_flight)
      largest = math.max(largest, #content())
      most_in_flight = math.max(most_in_flight, in_flight)
    end)
    assert.is_true(largest < 1024, largest)
    assert.is_true(most_in_flight >= 16, most_in_flight)
  end)
end)

describe("a limit file that was moved or replaced", function()
  for what, replace in pairs {
    deleted = function() os.remove(path) end,
    replaced = function()
      write ""
      assert(os.rename(path, path .. ".old"))
      os.remove(path .. ".old")
      write ""
    end,
  } do
    it("(" .. what .. ") is noticed: one limiter again", function()
      local one, two = process(" 1", 2), process(" 2", 2)
      local _, a = one:ask(now)
      local _, b = two:ask(now)
      assert.is_number(a and b)
      replace()
      -- both are still in flight, and the requests of others are unknown
      one:answered(a, now, now + 0.1)
      near(now + 1.1 + GUARD, (one:ask(now + 0.1)))
      near(now + 1.2 + GUARD, math.max(now + 1.2 + GUARD,
                                       (two:ask(now + 0.2))))
      one:stop_waiting(now + 1)
      two:stop_waiting(now + 1)
      assert.equal(1, (free(one, now + 5)))
      assert.equal(0, (free(two, now + 5)))
      two:answered(b, now, now + 5)
      assert.equal(0, (free(one, now + 5)))
      assert.equal(1, (free(one, now + 7)))
    end)
  end

  it("is an error while the new one is unsuitable", function()
    local one = process(" 1", 2)
    os.remove(path)
    assert(os.execute("ln -s /dev/null " .. path))
    local at, why = one:ask(now)
    assert.is_nil(at)
    assert.equal(("rate_limit.shared: '%s' is a symbolic link: name the file "
                  .. "itself"):format(path), why)
    os.remove(path)
    assert.is_number((one:ask(now)))
  end)
end)

describe("the lock of a limit file", function()
  -- A stopped process that holds the lock.
  local function hold()
    local pid = run(([[lua5.4 -e 'package.cpath = "%s/spec/?.so"
      assert(require "probe_shared_limiter".lock "%s")
      os.execute "kill -STOP $PPID"' >/dev/null & echo $!]])
      :format(build, path)):match "%d+"
    for _ = 1, 500 do
      if content("/proc/" .. pid .. "/stat"):find("%) T") then return pid end
      system.sleep(0.01)
    end
    error "does not stop"
  end

  local function kill(pid)
    os.execute("kill -KILL " .. pid)
    for _ = 1, 500 do
      local file = io.open("/proc/" .. pid .. "/stat")
      if not file then return end
      local is_dead = file:read("a"):find "%) [ZX]"
      file:close()
      if is_dead then return end
      system.sleep(0.01)
    end
    error "does not die"
  end

  it("held by a stopped process blocks nothing and is retried", function()
    local one = process(" 1", 6)
    local _, id = one:ask(now)
    local pid = hold()
    local started, pauses, at = probe.now(), {}, now
    for i = 1, 7 do
      local again = one:ask(at)
      pauses[i] = math.floor((again - at) * 1000 + 0.5)
      at = again
    end
    assert.is_true(one:is_locked())
    one:answered(id, now, at)
    assert.is_true(one:woken())
    assert.is_true(probe.now() - started < 0.5)
    kill(pid)
    assert.same({ 1, 2, 4, 8, 16, 16, 16 }, pauses)
    at = at + 1
    assert.equal(math.huge, one:stop_waiting(at)) -- and writes the answer
    assert.is_false(one:is_locked())
    assert.equal(6, (free(one, at + 1)))
  end)

  it("is an error when it stays busy for too long", function()
    local one = process(" 1", 6, 2)
    local pid = hold()
    local at, why = now, nil
    while not why do
      local again
      again, why = one:ask(at)
      at = again or at
    end
    kill(pid)
    assert.matches("has been locked by another process for 2.0 s", why, 1,
                   true)
    near(now + 2, math.floor((at - now) * 50) / 50 + now)
  end)

  it("may be busy when a client is opened", function()
    now = probe.now()
    process(" 1", 6)
    local pid = hold()
    local two = process(" 2", 2)
    near(now + 0.001, math.min(now + 0.001, (two:ask(now))))
    kill(pid)
    assert.equal(2, (free(two, now + 1)))
  end)

  it("that the system cannot provide is an error", function()
    local one = process(" 1", 6)
    local ENOLCK = 37
    probe.fail_locks(ENOLCK)
    local at, why = one:ask(now)
    assert.is_nil(at)
    assert.matches("cannot be locked: No locks available", why, 1, true)
    local handle
    handle, why = open(key .. " 2", 6, path)
    assert.is_nil(handle)
    assert.matches("cannot be locked: No locks available", why, 1, true)
    probe.fail_locks(0)
    assert.is_number((select(2, one:ask(now))))
  end)
end)

describe("a limit file on a full disk", function()
  local ENOSPC = 28

  it("does not start a request that it cannot record", function()
    local one = process(" 1", 2)
    probe.fail_writes(ENOSPC)
    for _ = 1, 2 do
      local at, why = one:ask(now)
      assert.is_nil(at)
      assert.matches("cannot be written: No space left", why, 1, true)
    end
    probe.fail_writes(0)
    os.remove(path)
    assert.equal(0, (free(one, now + 10)))
    assert.equal(2, (free(one, now + 12)))
  end)

  it("gets the ends of requests as soon as there is space", function()
    local one = process(" 1", 2)
    local count, reservations = free(one, now)
    assert.equal(2, count)
    probe.fail_writes(ENOSPC)
    for _, reservation in ipairs(reservations) do
      one:answered(reservation, now, now)
    end
    probe.fail_writes(0)
    assert.equal(2, (free(one, now + 10)))
  end)

  it("keeps the requests in flight", function()
    local one = process(" 1", 3)
    local _, first = one:ask(now)
    local _, second = one:ask(now)
    probe.fail_writes(ENOSPC)
    one:answered(first, now, now)
    probe.fail_writes(0)
    local count, more = free(one, now + 10)
    assert.equal(2, count)
    for _, reservation in ipairs(more) do
      one:answered(reservation, now + 10, now + 10)
    end
    one:answered(second, now + 10, now + 10)
    assert.equal(3, (free(one, now + 20)))
  end)
end)

describe("an unsuitable limit file", function()
  local function refusal()
    local handle, why = open(key .. " 2", 6, path)
    assert.is_nil(handle)
    return (why:gsub("^rate_limit.shared: '[^']*' ", ""))
  end

  it("is refused and not changed", function()
    write "something else\n"
    assert.equal("holds something else: name another file, or delete this "
                 .. "one", refusal())
    assert.equal("something else\n", content())
  end)

  it("is refused: a link, a folder, a device, writable by others",
  function()
    os.execute("ln -s /tmp/elsewhere " .. path)
    assert.equal("is a symbolic link: name the file itself", refusal())
    assert.is_nil(io.open "/tmp/elsewhere")
    os.remove(path)
    os.execute("mkfifo " .. path)
    assert.equal("is not a regular file", refusal())
    os.remove(path)
    write ""
    os.execute("chmod 666 " .. path)
    assert.equal("can be written by other users: run chmod 600 on it, or "
                 .. "name another file", refusal())
  end)

  it("is refused: of another user", function()
    write ""
    if not os.execute("chown 12345 " .. path .. " 2>/dev/null") then
      return pending "only root can make such a file"
    end
    assert.equal("belongs to another user (uid 12345): name a file of your "
                 .. "own", refusal())
  end)

  it("that becomes so while in use: each request is an error", function()
    local one = process(" 1", 6)
    write "something else\n"
    local at, why = one:ask(now)
    assert.is_nil(at)
    assert.matches("holds something else", why, 1, true)
  end)
end)

describe("the content of a limit file", function()
  -- A record that uses every field.
  local function record()
    local one, two = process(" 1", 6), process(" 2", 0.7)
    for i = 1, 40 do
      local _, id = one:ask(now + i * 2)
      one:answered(id, now + i * 2, now + i * 2 + i % 3 / 10)
    end
    now = now + 100
    local _, id = one:ask(now)
    one:rejected(id, now, now + 0.1, 0.5, now + 0.3)
    one:ask(now + 30)
    two:ask(now + 30)
    return content(), now + 30
  end

  it("survives reading and writing unchanged", function()
    local bytes = record()
    local clock = string.unpack("<i8", bytes, 9)
    local written = string.unpack("<i8", bytes, 33) / 1e6
    local state, again = probe.read(bytes, written, clock)
    assert.equal("good", state)
    assert.is_true(bytes == again)
  end)

  it("has no rate above its limit", function()
    local bytes, at = record()
    local clock = string.unpack("<i8", bytes, 9)
    for rate, state in pairs { [0.5] = "good", [0.8] = "damaged" } do
      local changed = bytes:sub(1, 48) .. string.pack("<d", rate)
                      .. bytes:sub(57)
      assert.equal(state, (probe.read(probe.seal(changed), at, clock)))
    end
  end)

  it("may be empty", function()
    assert.equal("empty", (probe.read("", 100)))
    assert.equal("empty", (probe.read(("\0"):rep(5000), 100)))
  end)

  it("may be of another clock", function()
    local bytes, at = record()
    local clock = string.unpack("<i8", bytes, 9)
    assert.equal("other clock", (probe.read(bytes, at, clock + 1)))
    local moment = string.unpack("<i8", bytes, 33) / 1e6
    assert.equal("good", (probe.read(bytes, moment - 0.9, clock)))
    assert.equal("other clock", (probe.read(bytes, moment - 1.1, clock)))
  end)

  it("of another clock is replaced", function()
    local one = process(" 1", 1)
    local _, id = one:ask(now)
    one:rejected(id, now, now, 0, now + 3000)
    one:close()
    local bytes = content()
    write(bytes:sub(1, 8) .. "another " .. bytes:sub(17))
    local two = process(" 2", 2)
    assert.equal(2, (free(two, now)))
  end)

  it("of another clock that is in use is refused", function()
    local one = process(" 1", 1)
    one:ask(now)
    local bytes = content()
    write(bytes:sub(1, 8) .. "another " .. bytes:sub(17))
    local handle, why = open(key .. " 2", 6, path)
    assert.is_nil(handle)
    assert.matches("is in use by a process with another clock", why, 1, true)
  end)

  it("that is lost while in use is replaced, after a window", function()
    local one = process(" 1", 2)
    local _, id = one:ask(now)
    write(content():sub(1, 60))
    near(now + 1 + GUARD, (one:ask(now)))
    one:answered(id, now, now)
    assert.equal(2, (free(one, now + 1 + GUARD)))
  end)

  it("that is truncated when a client is opened is an error", function()
    process(" 1", 2):close()
    write(content():sub(1, 60))
    local handle, why = open(key .. " 2", 6, path)
    assert.is_nil(handle)
    assert.matches("is damaged: name another file, or delete this one", why,
                   1, true)
  end)

  -- Each has the right checksum, so that only the fields are wrong.
  it("is checked field by field", function()
    local bytes, at = record()
    local clock = string.unpack("<i8", bytes, 9)
    local random = 7
    local function below(n)
      random = (random * 1103515245 + 12345) % 2 ^ 31
      return math.floor(random / 2 ^ 31 * n)
    end
    local counts = { good = 0, damaged = 0 }
    local function try(changed)
      local state, again = probe.read(probe.seal(changed), at, clock)
      counts[state] = (counts[state] or 0) + 1
      if again then
        assert.equal("good", (probe.read(again, at, clock)))
      end
    end
    for i = 41, #bytes do
      for _, byte in ipairs { 0, 1, 0x7f, 0x80, 0xff } do
        try(bytes:sub(1, i - 1) .. string.char(byte) .. bytes:sub(i + 1))
      end
    end
    for _ = 1, tries(20000) do
      local from = 41 + below(#bytes - 40)
      local part = {}
      for i = 1, below(12) do part[i] = string.char(below(256)) end
      try(bytes:sub(1, from - 1) .. table.concat(part)
          .. bytes:sub(from + below(12)))
    end
    assert.is_true(counts.good > 100 and counts.damaged > 1000)
  end)
end)
