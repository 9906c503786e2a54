--[[
Measures a migration from inside: moves the items of one stage to another, with
a journal. Prints the measurements as JSON. Arguments: URL JOURNAL, and for a
service with a rate limit RATE (requests a second) and the SECONDS after which
it stops. With BENCH_JOURNAL=1 it also measures the part of the journal, which
takes time.
]]
local cjson = require "cjson"
local core = require "workstage.core"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local process = require "bench.process"
local workstage = require "workstage"

local url, path, rate, seconds = arg[1], arg[2], tonumber(arg[3] or ""),
                                 tonumber(arg[4] or "")

-- The journal's part: seconds, and of those the processor's.
local spent = { wall = 0, cpu = 0, inside = false }

local function measured(journal, name)
  local real = journal[name]
  journal[name] = function(...)
    if spent.inside then return real(...) end
    spent.inside = true
    local wall, cpu = core.now(), os.clock()
    local good, err = real(...)
    spent.wall = spent.wall + core.now() - wall
    spent.cpu = spent.cpu + os.clock() - cpu
    spent.inside = false
    return good, err
  end
end

local create = journals.create
function journals.create(...)
  local journal, err = create(...)
  if not journal then return nil, err end
  for _, name in ipairs { "write", "intend", "tick", "sync" } do
    if os.getenv "BENCH_JOURNAL" then measured(journal, name) end
  end
  return journal
end

-- The accepted requests of each second.
local answers, rejected = {}, 0
local function on_event(event)
  if event.type ~= "response" then return end
  if event.status == 429 then
    rejected = rejected + 1
  else
    answers[#answers + 1] = core.now()
  end
end

local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "bench", base_url = url,
  rate_limit = rate or false, concurrency = 16,
  on_event = rate and on_event or nil,
})

local blueprint = assert(migration.export(space, "Article"))
blueprint.moves = { { from = "Old review", to = "Review" } }

local function now()
  return { wall = core.now(), cpu = os.clock(),
           requests = space.transport.client:requests() }
end

local began = now()
local plan = assert(migration.plan(space, blueprint))
local planned = now()
local report = assert(migration.apply(space, plan, {
  journal = path, concurrency = 16,
  should_stop = seconds and function()
    return core.now() - planned.wall > seconds + 2
  end,
}))
local ended = now()
assert(report.complete or seconds, report)

-- Counts from the end of the first window, which is used up immediately.
local used
if rate then
  local count = 0
  for _, at in ipairs(answers) do
    local since = at - planned.wall
    if since >= 1 and since < 1 + seconds then count = count + 1 end
  end
  used = count / (rate * seconds)
end

print(cjson.encode {
  items = report.moved, requests = ended.requests - began.requests,
  wall = ended.wall - planned.wall, cpu = ended.cpu - planned.cpu,
  plan_cpu = planned.cpu - began.cpu,
  journal_wall = spent.wall, journal_cpu = spent.cpu,
  memory = process.memory "VmHWM", used = used, rejected = rejected,
})
