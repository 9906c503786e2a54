-- Works at full speed, with faults, on a sandbox in another process, and
-- measures this process: its memory, descriptors, connections and threads must
-- not rise, and nothing may fail.
--
-- SOAK_SECONDS (60; an hour: 3600), SOAK_FAULTS (percent, 2), SOAK_LEAK
-- (bytes to leak with each request, to see that it is noticed; 0).
local here = arg[0]:match "^(.*)/" or "."
local build = os.getenv "BUILD" or "build"
package.path = here .. "/?.lua;" .. package.path
package.cpath = build .. "/spec/?.so;" .. package.cpath

local core = require "workstage.core"
local flat = require "flat"
local heap = require "probe_heap"
local migration = require "workstage.migration"
local workstage = require "workstage"

local SECONDS = tonumber(os.getenv "SOAK_SECONDS") or 60
local FAULTS = (tonumber(os.getenv "SOAK_FAULTS") or 2) / 100
local LEAK = tonumber(os.getenv "SOAK_LEAK") or 0
local SPACE = 288868932106293

-- The most that may be gained between the warm-up and the end: KiB, KiB, KiB,
-- and numbers. Fragmented memory that the C library keeps is not a leak, but
-- must be limited.
local MOST = { used = 256, lua = 256, memory = 8192, descriptors = 2,
               connections = 2, threads = 0.5 }

local counts = { calls = 0, failures = 0, kinds = {} }
local leaked = {}

-- ------------------------------------------------------------ the sandbox

local function folder_of_its_own()
  local pipe = assert(io.popen "mktemp -d -p /dev/shm 2>/dev/null || mktemp -d")
  local path = pipe:read "l"
  pipe:close()
  return path
end

-- A 429 slows all down for a while, as it should: there are fewer of them.
local function faults()
  local list = {
    '"status":500', '"status":503', '"close":"before"', '"close":"after"',
    '"truncate":true', '"status":502,"effect":true',
  }
  for i, fault in ipairs(list) do
    list[i] = ('{%s,"chance":%.6f,"seed":%d}'):format(fault, FAULTS / #list,
                                                      i)
  end
  list[#list + 1] = ('{"status":429,"body":"slowly","chance":%.6f,"seed":7}')
                    :format(FAULTS / 200)
  return "[" .. table.concat(list, ",") .. "]"
end

local function start_sandbox(folder)
  local file = assert(io.open(folder .. "/faults", "w"))
  file:write(faults())
  file:close()
  local pipe = assert(io.popen(
    "echo $$; exec workstage sandbox --rate-limit off --faults " .. folder ..
    "/faults"))
  local pid, url = pipe:read("l", "l")
  assert(url and url:find "^http", "no sandbox")
  return { pid = pid, url = url, pipe = pipe }
end

-- ---------------------------------------------------------- what is held

local function status(name)
  for line in io.lines "/proc/self/status" do
    local value = line:match("^" .. name .. ":%s*(%d+)")
    if value then return tonumber(value) end
  end
end

local function descriptors()
  local pipe = assert(io.popen("ls -l /proc/" .. status "Pid" .. "/fd 2>&1"))
  local count, sockets = 0, 0
  for line in pipe:lines() do
    if line:find "%->" then count = count + 1 end
    if line:find "%-> socket" then sockets = sockets + 1 end
  end
  pipe:close()
  return count, sockets
end

local function measure()
  collectgarbage()
  collectgarbage()
  local count, sockets = descriptors()
  return { memory = status "VmRSS", used = heap.used() / 1024,
           lua = collectgarbage "count", descriptors = count,
           connections = sockets, threads = status "Threads" }
end

-- --------------------------------------------------------------- the work

local url, folder

local function count(kind, good, err)
  counts.kinds[kind] = (counts.kinds[kind] or 0) + 1
  if good then return good end
  counts.failures = counts.failures + 1
  io.stderr:write("soak: ", kind, ": ", tostring(err), "\n")
end

local function on_event(event)
  if event.type ~= "request" then return end
  counts.calls = counts.calls + 1
  if LEAK > 0 then
    leaked[#leaked + 1] = ("%d"):format(counts.calls) .. ("x"):rep(LEAK)
  end
end

local function options(base_url, space_id)
  return {
    token = "soak-token", base_url = base_url, space_id = space_id,
    rate_limit = false, proxy = false, settle_time = 0.01, timeout = 5,
    retry = { attempts = 12, base = 0.002, cap = 0.02 }, on_event = on_event,
  }
end

local function new_space()
  return assert(workstage.storyblok(options(url, SPACE)))
end

local work = {}

function work.call(space)
  count("call", space.workflows:find "Article")
  count("call", space:whoami())
end

-- Many at a time, and some that find nothing.
function work.map(space)
  local stories = count("page", space.stories:page { per_page = 20 })
  workstage.map(stories or {}, function(story)
    return space.stories:get(story.id)
  end, { on_result = function(_, result, err) count("map", result, err) end })
  local none, err = space.stories:get(7)
  count("error", none == nil and err.kind == "not_found", err)
end

function work.each(space)
  local good, err = pcall(function()
    for _ in space.stories:each { per_page = 10 } do end
  end)
  count("each", good, err)
end

-- A story goes round: Ready, Drafting, Review, Ready.
function work.change(space)
  local article = count("call", space.workflows:find "Article")
  local ids = {}
  for _, stage in ipairs(article and space.stages:list {
    in_workflow = article.id } or {}) do ids[stage.name] = stage.id end
  local stories = space.stories:page { per_page = 1,
                                       in_workflow_stages = { ids.Ready } }
  for _, name in ipairs { "Drafting", "Review", "Ready" } do
    count("change", space.changes:create {
      story_id = stories[1].id, workflow_stage_id = ids[name] })
  end
end

-- There and back, with a journal each.
function work.migration(space)
  local journal = folder .. "/journal"
  local blueprint = assert(migration.export(space, "Article"))
  blueprint.stages[1].color = "#123456"
  blueprint.moves = { { from = "Drafting", to = "Review" } }
  local plan = count("plan", migration.plan(space, blueprint))
  local report = count("apply", migration.apply(space, plan,
                                                { journal = journal }))
  count("applied", report.complete, report)
  report = count("rollback", migration.rollback(space, journal))
  count("rolled back", report.complete, report)
  os.remove(journal)
  os.remove(journal .. ".rollback")
end

-- Tasks that are cancelled during their requests.
function work.cancel(space)
  local good, err = pcall(workstage.run, function(scope)
    for _ = 1, 4 do
      scope:spawn(function() return space.stories:list() end)
    end
    scope:spawn(function() return space:whoami() end):wait()
    scope:cancel()
  end)
  count("cancel", good, err)
end

-- A client of one's own, closed or left to the collector.
function work.client()
  local space = new_space()
  count("client", space:whoami())
  if counts.kinds.client % 2 == 0 then space:close() end
end

function work.kantata()
  local ox <close> = assert(workstage.kantata(options(url .. "/api/v1")))
  local all = count("Kantata", ox.workspaces:list())
  count("Kantata", ox.workspaces:get(all[1].id))
  local none, err = ox.workspaces:get(987654)
  count("error", none == nil and err.kind == "not_found", err)
end

local function work_for(space, seconds)
  local until_then = core.now() + seconds
  repeat
    for _, step in pairs(work) do step(space) end
  until core.now() >= until_then
end

-- ---------------------------------------------------------------- the end

local function tell(began, samples)
  local first, last = samples[1], samples[#samples]
  local kinds = {}
  for kind, number in pairs(counts.kinds) do
    kinds[#kinds + 1] = ("%s %d"):format(kind, number)
  end
  table.sort(kinds)
  print(("soak: %d requests in %.0f s, %d of the work failed; from the " ..
    "warming up to the end: in use %.0f -> %.0f KiB, of that Lua %.0f -> " ..
    "%.0f, process %d -> %d KiB, descriptors %d -> %d, connections %d -> %d")
    :format(counts.calls, core.now() - began, counts.failures, first.used,
    last.used, first.lua, last.lua, first.memory, last.memory,
    first.descriptors, last.descriptors, first.connections,
    last.connections))
  print("soak: " .. table.concat(kinds, ", "))
end

local function main()
  folder = folder_of_its_own()
  local server = start_sandbox(folder)
  url = server.url
  local began, samples = core.now(), {}
  local good, err = pcall(function()
    local space <close> = new_space()
    work_for(space, math.max(SECONDS / 5, 5))
    local apart = math.min(math.max(SECONDS / 60, 0.5), 10)
    while core.now() - began < SECONDS do
      samples[#samples + 1] = measure()
      work_for(space, apart)
    end
    samples[#samples + 1] = measure()
  end)
  os.execute("kill " .. server.pid)
  server.pipe:close()
  os.execute("rm -rf '" .. folder .. "'")
  if not good then error(err, 0) end
  return began, samples
end

local began, samples = main()
tell(began, samples)
local found = flat.find_rises(samples, MOST)
for _, text in ipairs(found) do print("soak: " .. text) end
if LEAK > 0 then
  print(("proof: soak, a leak of %d bytes is noticed|1|%d")
        :format(LEAK, #found > 0 and 0 or 1))
  os.exit(#found > 0)
end
print(("proof: soak, %d seconds|%d|%d"):format(SECONDS, counts.calls,
                                               counts.failures + #found))
os.exit(#found == 0 and counts.failures == 0)
