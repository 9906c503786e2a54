--[[
How much of the service's allowance the official clients get out of their own
limits, and how many of their requests are rejected, beside the module: at 3
and at 6 requests a second, 8 in flight, 100 ms each way, each against a
sandbox of its own, all at the same time.

  make bench-peers         (BENCH_SECONDS=60)
]]
local figures = require "bench.figures"
local peers = require "bench.peers"
local sandbox = require "workstage.sandbox"

local SECONDS = figures.setting("BENCH_SECONDS", 60)
local LUA = os.getenv "LUA" or "lua5.4"

local function contestants()
  local list = { { name = "workstage", command = LUA .. " bench/moves.lua" } }
  for _, peer in ipairs(peers.installed()) do
    if peer.client then
      table.insert(list, {
        name = peer.name,
        command = "node bench/peers/moves.mjs " .. peer.client,
      })
    end
  end
  return list
end

local function begin(contestant, limit)
  local server = assert(sandbox.start {
    rate_limit = limit, seed = { stories = 100 }, transitions = false,
    latency = { inbound = { 0.1, 0.1 }, outbound = { 0.1, 0.1 } },
  })
  local pipe = assert(io.popen(("%s %s %d %d"):format(
    contestant.command, server.url, limit, SECONDS + 3)))
  return { contestant = contestant, limit = limit, server = server,
           pipe = pipe }
end

-- Requests of the time, from the end of the first window: its whole is free
-- at once.
local function evaluate(run)
  local failed = tonumber((run.pipe:read "a")) or 0
  assert(run.pipe:close(), run.contestant.name .. " failed")
  local requests, accepted, rejected = run.server:requests(), 0, 0
  local began = requests[1].at
  for _, request in ipairs(requests) do
    local at = request.at - began
    if at >= 1 and at < 1 + SECONDS then
      if request.status == 429 then rejected = rejected + 1
      else accepted = accepted + 1 end
    end
  end
  run.server:stop()
  return 100 * accepted / (run.limit * SECONDS), rejected, failed
end

local part = figures.part "allowance_peers"
local runs = {}
for _, limit in ipairs { 3, 6 } do
  for _, contestant in ipairs(contestants()) do
    runs[#runs + 1] = begin(contestant, limit)
  end
end
for _, run in ipairs(runs) do
  local use, rejected, failed = evaluate(run)
  part:add {
    name = ("%s, limit %d: use of the allowance"):format(
      run.contestant.name, run.limit),
    program = run.contestant.name, limit = run.limit, value = use, unit = "%",
    rejected = rejected, failed = failed, seconds = SECONDS,
  }
  part:add {
    name = ("%s, limit %d: rejected"):format(run.contestant.name, run.limit),
    program = run.contestant.name, limit = run.limit, value = rejected,
    unit = "requests",
  }
end
part:save()
