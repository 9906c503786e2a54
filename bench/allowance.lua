--[[
How much of the service's allowance a bulk job gets, and how many requests are
rejected: 6 a second, 8 in flight, 60 seconds, on three kinds of way to the
service. All run at the same time, each against a sandbox of its own.

  make bench BENCH=allowance         (BENCH_SECONDS=60)
]]
local sandbox = require "workstage.sandbox"
local workstage = require "workstage"
local figures = require "bench.figures"

local SECONDS = figures.setting("BENCH_SECONDS", 60)
local RATE = 6

local SCENARIOS = {
  { name = "100 ms each way", inbound = { 0.1, 0.1 }, least = 98, most = 0 },
  { name = "75 to 125 ms in, 100 ms out", inbound = { 0.075, 0.125 },
    least = 94, most = 4 },
  { name = "50 to 150 ms in, 100 ms out", inbound = { 0.05, 0.15 },
    least = 93, most = 5 },
}

local part = figures.part "allowance"

-- Moves stories back and forth until the time is over.
local function load(scenario)
  local server = assert(sandbox.start {
    rate_limit = RATE, seed = { stories = 100 }, transitions = false,
    latency = { inbound = scenario.inbound, outbound = { 0.1, 0.1 } },
  })
  local space = assert(workstage.storyblok {
    space_id = 288868932106293, token = "bench", base_url = server.url,
  })
  local stages = assert(space.stages:list())
  local stories = assert(space.stories:list())
  local number = 0
  local function next_change()
    local requests = server:requests(2)
    local first, last = requests[1], requests[#requests]
    if first and last.at - first.at > SECONDS + 1 then return nil end
    number = number + 1
    return {
      story_id = stories[number % #stories + 1].id,
      workflow_stage_id = stages[number % #stages + 1].id,
    }
  end
  local failed = 0
  workstage.map(next_change, function(change)
    return space.changes:create(change)
  end, { on_result = function(_, result)
    if not result then failed = failed + 1 end
  end })
  return server, failed
end

-- The accepted requests as a share of the allowed ones. Counts from the end of
-- the first window, as that is full at once.
local function evaluate(scenario, server, failed)
  local requests = server:requests()
  local began, accepted = requests[1].at, 0
  for _, request in ipairs(requests) do
    local at = request.at - began
    if at >= 1 and at < 1 + SECONDS and request.status ~= 429 then
      accepted = accepted + 1
    end
  end
  local use = 100 * accepted / (RATE * SECONDS)
  local rejected = server:stats().rejected
  local good = use >= scenario.least and rejected <= scenario.most and
               failed == 0
  part:add {
    name = scenario.name .. ": use of the allowance", value = use, unit = "%",
    limit = RATE, seconds = SECONDS, rejected = rejected, failed = failed,
    least = scenario.least, most_rejected = scenario.most,
  }
  if not good then
    print(("  missed: at least %d %%, at most %d rejected; %d rejected, "
           .. "%d failed"):format(scenario.least, scenario.most, rejected,
                                  failed))
  end
  return good
end

local good = true
print(("%d requests a second, 8 in flight, %d s"):format(RATE, SECONDS))
workstage.run(function(scope)
  for _, scenario in ipairs(SCENARIOS) do
    scope:spawn(function()
      local server, failed = load(scenario)
      if not evaluate(scenario, server, failed) then good = false end
      server:stop()
    end)
  end
end)
part:save()
os.exit(good, true)
