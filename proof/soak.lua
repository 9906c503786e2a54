-- Runs at full speed with faults, and looks at what the process holds:
-- memory, descriptors and threads must stay flat.
--
-- SOAK_SECONDS (60; an hour: 3600), SOAK_FAULTS (percent, 2).
local sandbox = require "workstage.sandbox"
local workstage = require "workstage"
local core = require "workstage.core"

local seconds = tonumber(os.getenv "SOAK_SECONDS") or 60
local faults = (tonumber(os.getenv "SOAK_FAULTS") or 2) / 100

local function status(name)
  for line in io.lines "/proc/self/status" do
    local value = line:match("^" .. name .. ":%s*(%d+)")
    if value then return tonumber(value) end
  end
end

local function descriptors()
  local pipe = assert(io.popen("ls /proc/" .. status "Pid" .. "/fd | wc -l"))
  local count = pipe:read "n"
  pipe:close()
  return count
end

local server = assert(sandbox.start { rate_limit = false })
local space = assert(workstage.storyblok {
  token = "soak-token", base_url = server.url, space_id = 288868932106293,
  rate_limit = false, proxy = false, settle_time = 0.01, timeout = 5,
  retry = { base = 0.005, cap = 0.02 },
})
local quarter = faults / 4
server:inject {
  { status = 500, chance = quarter, seed = 1 },
  { status = 503, chance = quarter, seed = 2 },
  { close = "before", chance = quarter, seed = 3 },
  { close = "after", chance = quarter, seed = 4 },
}

local calls, failures = 0, 0

local function round()
  local stories = space.stories:page { per_page = 20 } or {}
  workstage.map(stories, function(story)
    return space.stories:get(story.id)
  end, { on_result = function(_, result)
    calls = calls + 1
    if not result then failures = failures + 1 end
  end })
end

local function measure()
  collectgarbage()
  collectgarbage()
  return { memory = status "VmRSS", lua = collectgarbage "count",
           descriptors = descriptors(), threads = status "Threads" }
end

local began, first = core.now(), nil
local warm = math.min(seconds / 4, 60)
while core.now() - began < seconds do
  round()
  if not first and core.now() - began > warm then first = measure() end
end
local last = measure()
local flat = last.lua < first.lua * 1.1 + 100 and
             last.descriptors < first.descriptors + 12 and
             last.threads <= first.threads + 2
print(("soak: %d calls in %.0f s, %d failed; Lua %.0f -> %.0f KB, process " ..
       "%d -> %d KB (with the sandbox's log), descriptors %d -> %d"):format(
  calls, core.now() - began, failures, first.lua, last.lua, first.memory,
  last.memory, first.descriptors, last.descriptors))
space:close()
server:stop()
os.exit(flat and failures == 0)
