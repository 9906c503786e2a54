-- Many requests and descriptors at the same time.

local files = require "support.files"
local service = require "support.service"
local shell = require "house.shell"
local workstage = require "workstage"

-- Two clients, as one limiter has at most 1,024 requests in flight.
local TWO_THOUSAND = [[
  local service = require "support.service"
  local workstage = require "workstage"
  local server = service.start { latency = 3 }
  local story, spaces, items = service.ids(server).stories[1], {}, {}
  for i = 0, 1 do
    spaces[i] = service.storyblok(server, {
      token = "token" .. i, concurrency = 1000, timeout = 60,
      connect_timeout = 60 })
  end
  for i = 1, 2000 do items[i] = i end
  local function descriptors()
    local list = io.popen "ls /proc/$PPID/fd | sort -n"
    local count, last = 0, 0
    for number in list:lines() do count, last = count + 1, number end
    list:close()
    return count, tonumber(last)
  end
  local before = descriptors()
  local results = workstage.map(items, function(i)
    return spaces[i % 2].stories:get(story)
  end, { concurrency = 2000 })
  local _, last = descriptors()
  print(results.done, server:stats().max_in_flight, last > 1024)
  for i = 0, 1 do spaces[i]:close() end
  server:stop()
  print(descriptors() - before <= 0)
]]

local TOO_FEW = [[
  local service = require "support.service"
  local workstage = require "workstage"
  local story = math.tointeger(arg[2])
  local space = service.storyblok({ url = arg[1] }, { concurrency = 300 })
  local items = {}
  for i = 1, 600 do items[i] = story end
  local results, errors = workstage.map(items, function(id)
    return space.stories:get(id)
  end, { concurrency = 300 })
  local kinds = {}
  for _, err in pairs(errors) do kinds[err.kind] = true end
  print(results.done > 0, results.failed > 0, next(kinds),
        next(kinds, next(kinds)))
  print(space.stories:get(story).id)
  os.exit(0) -- the idle connections leave no descriptor for /dev/null
]]

describe("with many requests", function()
  it("2,000 are in flight, on descriptors beyond 1,024", function()
    assert.equal("2000\t2000\ttrue\ntrue\n", shell.must(
      "ulimit -n 6000 && %s", files.command(TWO_THOUSAND)))
  end)

  it("those without a descriptor fail, and later ones do not", function()
    local server <close> = service.start { latency = 0.2 }
    local story = service.ids(server).stories[1]
    assert.equal(("true\ttrue\tnetwork\tnil\n%d\n"):format(story), shell.must(
      "ulimit -n 128 && %s", files.command(TOO_FEW, server.url, story)))
  end)

  -- If the same ones were always served first, others would take as long as
  -- the whole run.
  it("none waits for all the others", function()
    local server <close> = service.start()
    local space = service.storyblok(server, { concurrency = 200 })
    local story, items = service.ids(server).stories[1], {}
    for i = 1, 6000 do items[i] = story end
    local longest, began = 0, service.now()
    local results = workstage.map(items, function(id)
      local start = service.now()
      local found = space.stories:get(id)
      longest = math.max(longest, service.now() - start)
      return found
    end, { concurrency = 200 })
    local whole = service.now() - began
    assert.equal(6000, results.done)
    assert.is_true(longest < whole / 3, longest / whole)
    space:close()
  end)
end)
