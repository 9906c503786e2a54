--[[
How cost grows: migrations of 100 to 10,000 items, and plans of 1 to 1,000
stages. Processor time for each item or stage, and memory for each beyond what
the smallest takes, must stay flat. 100,000 items with BENCH_LONG=1.

  make bench BENCH=growth      BENCH_ROUNDS=5
]]
local cjson = require "cjson"
local figures = require "bench.figures"
local process = require "bench.process"

local ROUNDS = figures.setting("BENCH_ROUNDS", 5)
local LUA = os.getenv "LUA" or "lua5.4"
local ITEMS = { 100, 1000, 10000, os.getenv "BENCH_LONG" and 100000 or nil }
local STAGES = { 1, 10, 100, 1000 }

local journal = figures.folder .. "/journal"

local function run_items(count)
  local server <close> = process.service(count)
  local run = cjson.decode(process.output(
    ("%s bench/migrate.lua %s %s"):format(LUA, server.url, journal)))
  return { cpu = run.cpu + run.plan_cpu, memory = run.memory }
end

local function run_stages(count)
  local server <close> = process.server(LUA .. " bench/emulator.lua 4")
  local run = cjson.decode(process.output(
    ("%s bench/grow.lua %s %s %d"):format(LUA, server.url, journal, count)))
  return { cpu = run.plan + run.apply, memory = run.memory }
end

-- results[size] = runs; the sizes in turn in each round.
local function run_rounds(what, sizes, run)
  local results = {}
  for round = 1, ROUNDS do
    io.stderr:write(("%s, round %d of %d\n"):format(what, round, ROUNDS))
    for _, size in ipairs(sizes) do
      os.remove(journal)
      results[size] = results[size] or {}
      results[size][round] = run(size)
    end
  end
  return results
end

local function add(part, what, size, unit, values, ratios, reference)
  part:add {
    name = ("%d %s: %s"):format(size, what, unit), what = what, size = size,
    value = figures.median(values), unit = unit, rounds = values,
    ratio = ratios and figures.median(ratios), ratios = ratios,
    reference = ratios and reference,
  }
end

-- Each size against the reference: time for each, and memory for each.
local function measure(part, what, sizes, reference, run)
  local results = run_rounds(what, sizes, run)
  for _, size in ipairs(sizes) do
    local times, ratios, memory = {}, {}, {}
    for round, one in ipairs(results[size]) do
      times[round] = 1e6 * one.cpu / size
      ratios[round] = times[round] /
                      (1e6 * results[reference][round].cpu / reference)
      memory[round] = (one.memory - results[sizes[1]][round].memory) * 1024 /
                      size
    end
    add(part, what, size, "us each", times, size ~= reference and ratios,
        reference)
    if size > reference then
      add(part, what, size, "bytes each", memory)
    end
  end
end

local part = figures.part "growth"
measure(part, "items", ITEMS, 1000, run_items)
measure(part, "stages", STAGES, 10, run_stages)
part:save()
os.remove(journal)
