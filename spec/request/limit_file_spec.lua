local sandbox = require "workstage.sandbox"
local system = require "system"
local workstage = require "workstage"

local SPACE = 288868932106293

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Starts a child that sends `count` requests; returns its process id.
local function start(url, path, count)
  local pipe = assert(io.popen(
    ("lua5.4 spec/support/limit_file_client.lua %s %s %d >/dev/null & echo $!")
    :format(quoted(url), quoted(path), count)))
  local pid = assert(tonumber(pipe:read "l"))
  pipe:close()
  return pid
end

local function is_running(pid)
  local state = io.open(("/proc/%d/stat"):format(pid))
  if not state then return false end
  local text = state:read "a"
  state:close()
  return not text:find(") Z", 1, true)
end

local function wait_for(condition, what)
  for _ = 1, 3000 do
    if condition() then return end
    system.sleep(0.02)
  end
  error("waited in vain for " .. what)
end

-- The number of requests between two times of the server's clock.
local function between(requests, from, to)
  local count = 0
  for _, request in ipairs(requests) do
    if request.at >= from and request.at < to then count = count + 1 end
  end
  return count
end

describe("a limit shared between processes", function()
  local server, path

  local function set_up()
    path = os.tmpname()
    os.remove(path)
    server = assert(sandbox.start {
      rate_limit = 6, latency = 0.05, seed = { stories = 1 },
    })
  end

  local function tear_down()
    server:stop()
    os.remove(path)
  end

  before_each(set_up)
  after_each(tear_down)

  -- Tries again if a busy machine disturbs the measurement: a limit that is
  -- not shared never passes.
  local function once_of_three(measure)
    for _ = 1, 2 do
      if pcall(measure) then return end
      tear_down()
      set_up()
    end
    measure()
  end

  local function client(options)
    local opts = { space_id = SPACE, token = "shared", proxy = false,
                    base_url = server.url,
                    rate_limit = { per_second = 6, shared = path } }
    for name, value in pairs(options or {}) do opts[name] = value end
    return workstage.storyblok(opts)
  end

  local function use_together()
    local one, two = start(server.url, path, 36), start(server.url, path, 36)
    wait_for(function()
      return not is_running(one) and not is_running(two)
    end, "both to end")
    local stats, requests = server:stats(), server:requests()
    assert.equal(72, #requests)
    assert.equal(0, stats.rejected)
    assert.is_true(stats.peak <= 6)
    -- the first six are sent at once, then six a second
    local took = requests[#requests].at - requests[1].at
    local used = (#requests - 6) / 6 / took
    assert.is_true(used >= 0.93, ("only %.3f of it was used"):format(used))
  end

  it("is used fully by two processes, and never exceeded", function()
    once_of_three(use_together)
  end)

  local function use_what_a_killed_one_leaves()
    local one = start(server.url, path, 1000)
    local two = start(server.url, path, 1000)
    wait_for(function() return #server:requests() >= 15 end, "both to begin")
    os.execute("kill -KILL " .. one)
    wait_for(function() return not is_running(one) end, "its end")
    local killed = server:requests()
    killed = killed[#killed].at
    wait_for(function()
      local requests = server:requests()
      return requests[#requests].at > killed + 9
    end, "the other to go on")
    os.execute("kill -KILL " .. two)
    local share = between(server:requests(), killed + 3, killed + 9) / 36
    assert.is_true(share >= 0.9, ("only %.2f of it was used"):format(share))
    assert.equal(0, server:stats().rejected)
  end

  it("belongs to the other process three seconds after one is killed",
     function()
    once_of_three(use_what_a_killed_one_leaves)
  end)

  it("is stored in a file that only its owner can use", function()
    local space <close> = assert(client())
    assert(space.stages:list())
    local pipe = assert(io.popen("stat -c %a " .. quoted(path)))
    assert.equal("600", pipe:read "l")
    pipe:close()
  end)

  it("survives the truncation of a file in use", function()
    local space <close> = assert(client())
    assert(space.stages:list())
    assert(os.execute("truncate -s 50 " .. quoted(path)))
    assert(space.stages:list())
  end)

  it("does not use a file that was truncated before", function()
    do
      local space <close> = assert(client())
      assert(space.stages:list())
    end
    assert(os.execute("truncate -s 50 " .. quoted(path)))
    local space, err = client()
    assert.is_nil(space)
    assert.matches("is damaged: name another file, or delete this one",
                   tostring(err), 1, true)
  end)

  -- A stopped process that holds the file's lock.
  local function hold_lock()
    local build = os.getenv "WORKSTAGE_BUILD" or "build"
    local pipe = assert(io.popen(([[lua5.4 -e 'package.cpath = "%s/spec/?.so"
      assert(require "probe_shared_limiter".lock "%s")
      os.execute "kill -STOP $PPID"' >/dev/null & echo $!]])
      :format(build, path)))
    local pid = pipe:read "l"
    pipe:close()
    wait_for(function()
      local file = assert(io.open("/proc/" .. pid .. "/stat"))
      local text = file:read "a"
      file:close()
      return text:find(") T", 1, true)
    end, "it to stop")
    return pid
  end

  it("whose lock a stopped process holds: calls end by their deadline",
     function()
    local space <close> = assert(client())
    local other <close> = assert(client { token = "other",
                                          rate_limit = { per_second = 6 } })
    assert(space.stages:list())
    local pid = hold_lock()
    local began, took, errors = system.monotime(), {}, {}
    workstage.run(function(scope)
      scope:spawn(function()
        errors[1] = select(2, space.stages:list({}, { deadline = 0.4 }))
        took[1] = system.monotime() - began
      end)
      scope:spawn(function()
        errors[2] = select(2, space.stages:list({}, { timeout = 0.6 }))
        took[2] = system.monotime() - began
      end)
      for _ = 1, 3 do assert(other.stages:list()) end
      took[3] = system.monotime() - began
    end)
    os.execute("kill -KILL " .. pid)
    assert.equal("timeout", errors[1].kind)
    assert.matches("another process keeps the limit file locked",
                   tostring(errors[1]), 1, true)
    assert.matches("has been locked by another process for 0.6 s",
                   tostring(errors[2]), 1, true)
    assert.is_true(took[1] < 0.6 and took[2] < 0.9 and took[3] < 0.4)
    assert(space.stages:list())
  end)

  it("does not change other kinds of files", function()
    local file = assert(io.open(path, "w"))
    file:write(("something else\n"):rep(2000))
    file:close()
    local space, err = client()
    assert.is_nil(space)
    assert.equal("invalid", err.kind)
    assert.matches("holds something else", tostring(err), 1, true)
    file = assert(io.open(path))
    assert.equal("something else", file:read "l")
    file:close()
  end)

  it("needs a writable regular file", function()
    local space, err = client {
      rate_limit = { per_second = 6, shared = "/nowhere/at/all" },
    }
    assert.is_nil(space)
    assert.equal("invalid", err.kind)
    assert.matches("rate_limit.shared: '/nowhere/at/all'", tostring(err), 1,
                   true)
    space, err = client {
      rate_limit = { per_second = 6, shared = "/dev/null" },
    }
    assert.is_nil(space)
    assert.matches("is not a regular file", tostring(err), 1, true)
  end)

  it("is one for all clients of a token", function()
    local space <close> = assert(client())
    local other, err = client {
      rate_limit = { per_second = 6, shared = path .. ".other" },
    }
    assert.is_nil(other)
    assert.matches("another client of this token", tostring(err), 1, true)
    os.remove(path .. ".other")
    local same <close> = assert(client())
    assert(same.stages:list())
    assert(space.stages:list())
  end)
end)
