--[[
Migrations of 10,000 and 100,000 items without a limit of rate, journal and
all, beside a bare libcurl program that sends as many changes to the same
service, both 16 at a time. The service runs in a process of its own.

  make bench BENCH=migration      BENCH_ROUNDS=5

BENCH_LONG=1: 100,000 items as well, and ten minutes at the service's rate of
6 a second (BENCH_SECONDS=600), against the sandbox.
]]
local cjson = require "cjson"
local figures = require "bench.figures"
local process = require "bench.process"

local ROUNDS = figures.setting("BENCH_ROUNDS", 5)
local LONG = os.getenv "BENCH_LONG"
local LUA = os.getenv "LUA" or "lua5.4"
local RATE = 6

local journal = figures.folder .. "/journal"

-- The figures of a run, as printed by migrate.lua.
local function migrate(url, options, environment)
  os.remove(journal)
  return cjson.decode(process.output(
    ("%s%s bench/migrate.lua %s %s %s"):format(environment or "", LUA, url,
                                               journal, options or "")))
end

local function bare(url, count)
  local words = process.output(("%s/measure %s/bare_multi %s %d 16"):format(
    figures.folder, figures.folder, url, count))
  local wall, cpu = words:match "^%S+ (%S+) (%S+)"
  return { wall = tonumber(wall), cpu = tonumber(cpu) }
end

-- Each round has new services, so that all items are in their first stages.
local function run_round(count)
  local empty <close> = process.service(count)
  local base = bare(empty.url, count)
  local full <close> = process.service(count)
  local run = migrate(full.url)
  assert(run.items == count)
  run.base = base
  return run
end

local function run_journal(count)
  local server <close> = process.service(count)
  return migrate(server.url, "", "BENCH_JOURNAL=1 ")
end

local function add(part, count, name, unit, runs, value_of, ratio_of)
  local values, ratios = {}, {}
  for round, run in ipairs(runs) do
    values[round] = value_of(run)
    ratios[round] = ratio_of and ratio_of(run)
  end
  part:add {
    name = ("%d items: %s"):format(count, name), quantity = name,
    items = count, value = figures.median(values), unit = unit,
    rounds = values, ratio = ratio_of and figures.median(ratios),
    ratios = ratio_of and ratios,
  }
end

local function measure(part, count)
  local runs, journals = {}, {}
  for round = 1, ROUNDS do
    io.stderr:write(("%d items, round %d of %d\n"):format(count, round,
                                                          ROUNDS))
    runs[round], journals[round] = run_round(count), run_journal(count)
  end
  add(part, count, "items a second", "/s", runs,
      function(run) return count / run.wall end,
      function(run) return run.base.wall / run.wall end)
  add(part, count, "processor time an item", "us", runs,
      function(run) return 1e6 * run.cpu / count end,
      function(run) return run.cpu / run.base.cpu end)
  add(part, count, "of that, the journal's", "us", journals,
      function(run) return 1e6 * run.journal_cpu / count end,
      function(run) return run.journal_cpu / run.cpu end)
  add(part, count, "time in the journal, syncs and all", "%", journals,
      function(run) return 100 * run.journal_wall / run.wall end)
  add(part, count, "planning, processor time an item", "us", runs,
      function(run) return 1e6 * run.plan_cpu / count end)
  add(part, count, "peak memory", "MB", runs,
      function(run) return run.memory / 1024 end)
  add(part, count, "requests an item", "", runs,
      function(run) return run.requests / count end)
end

-- Ten minutes at the rate of the service: the share that is used, including
-- requests other than moves.
local function measure_allowance(part)
  local seconds = figures.setting("BENCH_SECONDS", LONG and 600 or 30)
  local server <close> = process.server(
    ("%s bench/emulator.lua %d %d"):format(LUA, 8 * RATE * seconds, RATE))
  local run = migrate(server.url, ("%d %d"):format(RATE, seconds))
  part:add {
    name = ("%d s at %d a second: use of the allowance"):format(seconds,
                                                                RATE),
    value = 100 * run.used, unit = "%", seconds = seconds,
    requests = run.requests, items = run.items, limit = RATE,
  }
  part:add {
    name = ("%d s at %d a second: rejected"):format(seconds, RATE),
    value = run.rejected, unit = "requests", seconds = seconds, limit = RATE,
  }
  part:add {
    name = ("%d s at %d a second: processor time"):format(seconds, RATE),
    value = 1e6 * run.cpu / run.items, unit = "us an item",
    seconds = seconds, limit = RATE,
  }
end

local part = figures.part "migration"
measure(part, 10000)
if LONG then measure(part, 100000) end
measure_allowance(part)
part:save()
os.remove(journal)
