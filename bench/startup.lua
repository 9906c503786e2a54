--[[
What it takes to start: `require`, the first response of a fresh process beside
bare libcurl's, and the size of the installed module.

  make bench BENCH=startup      BENCH_STARTS=41
]]
local figures = require "bench.figures"
local peers = require "bench.peers"
local server = require "bench.server"

local STARTS = figures.setting("BENCH_STARTS", 41)
local LUA = os.getenv "LUA" or "lua5.4"

-- Time and processor time until a program's first output, in milliseconds;
-- its peak memory in MB.
local function start(program)
  local pipe = assert(io.popen(("%s %s/measure %s"):format(
    program.environment or "", figures.folder, program.command)))
  local first, cpu, memory = pipe:read("a"):match
    "^(%S+) %S+ %S+ (%S+) (%S+)"
  assert(pipe:close(), program.command .. " failed")
  return { first = 1e3 * first, cpu = 1e3 * cpu, memory = memory / 1024 }
end

local function programs(url)
  local print_first = "io.stdout:write 'first' io.stdout:flush()"
  local list = {
    { program = "bare libcurl", what = "first response", command =
      ("%s/bare_easy %s 1 1"):format(figures.folder, url) },
    { program = "Lua", what = "start", command =
      ('%s -e "%s"'):format(LUA, print_first) },
    { program = "workstage", what = "require", command =
      ([[%s -e "require 'workstage' %s"]]):format(LUA, print_first) },
    { program = "workstage", what = "first response", command =
      ("%s bench/post.lua %s 1 1"):format(LUA, url) },
  }
  for _, peer in ipairs(peers.installed()) do
    table.insert(list, {
      program = peer.name, what = "first response",
      environment = peer.environment,
      command = ("%s %s 1 1"):format(peer.command, url),
    })
  end
  return list
end

local QUANTITIES = {
  { field = "first", name = "", unit = "ms" },
  { field = "cpu", name = ", processor time", unit = "ms" },
  { field = "memory", name = ", peak memory", unit = "MB" },
}

local function add_row(part, program, quantity, runs, bare)
  local values, ratios = {}, {}
  for round, run in ipairs(runs) do
    values[round] = run[quantity.field]
    ratios[round] = run[quantity.field] / bare[round][quantity.field]
  end
  part:add {
    name = ("%s: %s%s"):format(program.program, program.what, quantity.name),
    program = program.program, quantity = program.what .. quantity.name,
    value = figures.median(values), unit = quantity.unit,
    ratio = figures.median(ratios), low = figures.quantile(ratios, 0.25),
    high = figures.quantile(ratios, 0.75), rounds = values, ratios = ratios,
  }
end

local function add_starts(part, list)
  local runs = {}
  for i in ipairs(list) do runs[i] = {} end
  for round = 1, STARTS do
    for i, program in ipairs(list) do runs[i][round] = start(program) end
  end
  for i, program in ipairs(list) do
    for _, quantity in ipairs(QUANTITIES) do
      add_row(part, program, quantity, runs[i], runs[1])
    end
  end
end

local function number_of(command)
  local pipe = assert(io.popen(command))
  local value = pipe:read "n"
  assert(pipe:close() and value, command)
  return value
end

-- The installed client alone (`make install-client`), the C part without debug
-- information.
local function add_sizes(part)
  local root = figures.folder .. "/root"
  assert(os.execute(("rm -rf '%s' && make -s BUILD='%s' DESTDIR=\"$PWD/%s\" "
    .. "PREFIX=/usr install-client >/dev/null && find '%s' -name '*.so' "
    .. "-exec strip --strip-unneeded {} +"):format(
    root, figures.folder:gsub("/bench$", ""), root, root)))
  local function add(name, pattern)
    part:add {
      name = name, unit = "KB",
      value = number_of(("find '%s' -type f -path '%s' -printf '%%s\\n' | "
        .. "awk '{ s += $1 } END { print s / 1024 }'"):format(root, pattern))
    }
  end
  add("installed client", "*")
  add("of that machine code", "*.so")
  os.execute(("rm -rf '%s'"):format(root))
end

local place <close> = server.start()
local part = figures.part "startup"
add_starts(part, programs(place.url))
add_sizes(part)
part:save()
