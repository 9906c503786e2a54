--[[
What a request costs: POSTs of a stage change to an nginx on loopback, by
bare libcurl and by the module, one after another and 16 in flight; with
BENCH_PEERS (a folder; see bench/peers/install) by what else there is, too.

  make bench BENCH=requests      BENCH_ROUNDS=7 BENCH_REQUESTS=10000

In every round each program runs once, whole, and is set against the bare
program of the same round.
]]
local figures = require "bench.figures"
local peers = require "bench.peers"
local server = require "bench.server"

local ROUNDS = figures.setting("BENCH_ROUNDS", 7)
local REQUESTS = figures.setting("BENCH_REQUESTS", 10000)
local LUA = os.getenv "LUA" or "lua5.4"

local function contestants()
  local post = LUA .. " bench/post.lua"
  local easy, multi = figures.folder .. "/bare_easy",
                      figures.folder .. "/bare_multi"
  local list = {
    { name = "bare libcurl", [1] = easy, [16] = multi },
    { name = "bare libcurl, read callback", environment = "BARE_READ=1",
      [1] = easy, [16] = multi },
    { name = "workstage", [1] = post, [16] = post },
    { name = "workstage, limit shared by a file", [1] = post, [16] = post,
      environment = "BENCH_SHARED=" .. figures.folder .. "/limit" },
  }
  for _, peer in ipairs(peers.installed()) do
    table.insert(list, { name = peer.name, environment = peer.environment,
                         [1] = peer.command, [16] = peer.command })
  end
  return list
end

local FIELDS = { "first", "wall", "cpu", "cpu_first", "memory" }

-- One run of a program: seconds, and KiB.
local function measure(contestant, url, flight)
  local command = contestant[flight]
  local pipe = assert(io.popen(("%s %s/measure %s %s %d %d"):format(
    contestant.environment or "", figures.folder, command, url, REQUESTS,
    flight)))
  local line = pipe:read "a"
  assert(pipe:close(), command .. " failed")
  local result, at = {}, 0
  for word in line:gmatch "%S+" do
    at = at + 1
    result[FIELDS[at]] = tonumber(word)
  end
  -- the cost of each further request, after loading and connecting; a few may
  -- cost less than the resolution of the clock
  result.further = math.max(result.cpu - result.cpu_first, 1e-6) /
                   (REQUESTS - 1)
  return result
end

-- results[flight][contestant] = runs, one for each round
local function run_rounds(list, url)
  local results = { [1] = {}, [16] = {} }
  for round = 1, ROUNDS do
    io.stderr:write(("round %d of %d\n"):format(round, ROUNDS))
    for _, flight in ipairs { 1, 16 } do
      for i, contestant in ipairs(list) do
        local runs = results[flight][i] or {}
        results[flight][i] = runs
        runs[round] = measure(contestant, url, flight)
      end
    end
  end
  return results
end

local function column(runs, bare, field, scale)
  local values, ratios = {}, {}
  for round, run in ipairs(runs) do
    values[round] = run[field] * scale
    ratios[round] = run[field] / bare[round][field]
  end
  return values, ratios
end

local QUANTITIES = {
  { field = "cpu", name = "processor time a request", unit = "us",
    scale = 1e6 / REQUESTS },
  { field = "further", name = "of that, each further one", unit = "us",
    scale = 1e6 },
  { field = "wall", name = "requests a second", unit = "/s" },
  { field = "memory", name = "peak memory", unit = "MB", scale = 1 / 1024 },
}

local function add_row(part, contestant, flight, quantity, runs, bare)
  local values, ratios = column(runs, bare, quantity.field,
                                quantity.scale or 1)
  if quantity.field == "wall" then
    for i, wall in ipairs(values) do
      values[i], ratios[i] = REQUESTS / wall, 1 / ratios[i]
    end
  end
  part:add {
    name = ("%s, %d: %s"):format(contestant.name, flight, quantity.name),
    program = contestant.name, flight = flight, quantity = quantity.name,
    value = figures.median(values), unit = quantity.unit,
    ratio = figures.median(ratios),
    low = figures.quantile(ratios, 0.25),
    high = figures.quantile(ratios, 0.75),
    rounds = values, ratios = ratios, requests = REQUESTS,
  }
end

local place <close> = server.start()
local list = contestants()
local results = run_rounds(list, place.url)
local part = figures.part "requests"
for _, flight in ipairs { 1, 16 } do
  for i, contestant in ipairs(list) do
    for _, quantity in ipairs(QUANTITIES) do
      add_row(part, contestant, flight, quantity, results[flight][i],
              results[flight][1])
    end
  end
end
part:save()
