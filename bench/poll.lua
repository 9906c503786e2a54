--[[
POSIX alone beside what Linux has: the requests of bench/post.lua, with poll
and with epoll, one after another, 16 and 500 in flight. In each round both
run, and are compared.

  make bench BENCH=poll      BENCH_ROUNDS=7 BENCH_REQUESTS=10000
]]
local figures = require "bench.figures"
local process = require "bench.process"
local server = require "bench.server"

local ROUNDS = figures.setting("BENCH_ROUNDS", 7)
local REQUESTS = figures.setting("BENCH_REQUESTS", 10000)
local LUA = os.getenv "LUA" or "lua5.4"
local BUILD = os.getenv "WORKSTAGE_BUILD" or "build"
local PORTABLE = BUILD .. "/portable"

-- Microseconds of processor time a request, with one of the two trees.
local function measure(tree, url, flight)
  local words = process.output(
    ([[eval "$(script/env '%s')" && %s/measure %s bench/post.lua %s %d %d]])
    :format(tree, figures.folder, LUA, url, REQUESTS, flight))
  return words:match "^%S+ %S+ (%S+)" * 1e6 / REQUESTS
end

local function add_row(part, url, flight)
  local values, ratios = {}, {}
  for round = 1, ROUNDS do
    local epoll = measure(BUILD, url, flight)
    values[round] = measure(PORTABLE, url, flight)
    ratios[round] = values[round] / epoll
  end
  part:add {
    name = ("poll, %d in flight: processor time a request"):format(flight),
    value = figures.median(values), unit = "us",
    ratio = figures.median(ratios), low = figures.quantile(ratios, 0.25),
    high = figures.quantile(ratios, 0.75),
    rounds = values, ratios = ratios, requests = REQUESTS,
  }
end

process.output(("env -u MAKEFLAGS make -s PORTABLE=1 BUILD='%s' client"):format(
  PORTABLE))
local place <close> = server.start()
local part = figures.part "poll"
for _, flight in ipairs { 1, 16, 500 } do add_row(part, place.url, flight) end
part:save()
