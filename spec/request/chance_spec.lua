-- Random faults: whatever happens, each create takes effect once, and its
-- result is true.
--
-- WORKSTAGE_SEEDS: how many seeds (200); WORKSTAGE_FIRST_SEED (1);
-- WORKSTAGE_TOGETHER: how many at the same time (24), as they mostly wait.
-- WORKSTAGE_TIMEOUT (0.25): the timeout of a request in seconds; more for a
-- slow interpreter.
local service = require "support.service"
local workstage = require "workstage"

local SEEDS = tonumber(os.getenv "WORKSTAGE_SEEDS" or "") or 200
local FIRST = tonumber(os.getenv "WORKSTAGE_FIRST_SEED" or "") or 1
local TOGETHER = math.tointeger(os.getenv "WORKSTAGE_TOGETHER") or 24
local TIMEOUT = tonumber(os.getenv "WORKSTAGE_TIMEOUT" or "") or 0.25
local CHANCE = 0.08
local CREATES = 50

-- A 429 that names no rate, as the client would keep to it.
local CALM = { error = "Too many requests" }

local KINDS = {
  { close = "before" }, { close = "before", reset = true },
  { close = "after" }, { close = "after", reset = true },
  { close = "after", late = 0.03 },
  { status = 500, effect = true, late = 0.03 },
  { hang = "after" }, { hang = "before" },
  { status = 429, body = CALM }, { retry_after = 1, body = CALM },
  { status = 500 }, { status = 500, effect = true },
  { status = 502, html = true }, { status = 503, html = true },
  { status = 504, html = true },
  { truncate = true }, { malformed = true }, { html = true },
  { idle_close = 0 },
}

-- Each kind of fault with its probability; the first that applies is used.
local function faults(seed)
  local list = {}
  for i, kind in ipairs(KINDS) do
    local fault = { chance = CHANCE / #KINDS, seed = seed * 100 + i }
    for name, value in pairs(kind) do fault[name] = value end
    list[i] = fault
  end
  return list
end

-- ----------------------------------------------------------- what is made

-- The i-th create: its call, and the number of its effects on the server.
local function change(i, ids)
  local story, stage = ids.stories[i], ids.stages[i % 4 + 1]
  return function(space)
    return space.changes:create { story_id = story,
                                  workflow_stage_id = stage }
  end, function(books)
    local count = 0
    for _, one in ipairs(books.space.workflow_stage_changes) do
      if one.story_id == story and one.workflow_stage_id == stage then
        count = count + 1
      end
    end
    return count
  end
end

local function stage(i, ids)
  local name = "Stage " .. i
  return function(space)
    return space.stages:create { name = name, workflow_id = ids.workflow,
                                 color = ("#%06d"):format(i) }
  end, function(books)
    local count = 0
    for _, workflow in ipairs(books.space.workflows) do
      for _, one in ipairs(workflow.stages) do
        if one.name == name then count = count + 1 end
      end
    end
    return count
  end
end

local function count_workflows(name)
  return function(books)
    local count = 0
    for _, workflow in ipairs(books.space.workflows) do
      if workflow.name == name then count = count + 1 end
    end
    return count
  end
end

local function workflow(i)
  local name = "Workflow " .. i
  return function(space)
    return space.workflows:create { name = name,
                                    content_types = { "type" .. i } }
  end, count_workflows(name)
end

local function duplicate(i, ids)
  local name = "Copy " .. i
  return function(space)
    return space.workflows:duplicate(ids.default_workflow, {
      name = name, content_types = { "type" .. i } })
  end, count_workflows(name)
end

local function status_change(i)
  local id = i
  return function(_, ox)
    return ox.changes:create { workspace_id = id, to_status_key = 605 }
  end, function(books)
    local count = 0
    for _, one in ipairs(books.kantata.workspace_status_changes) do
      if one.workspace_id == id then count = count + 1 end
    end
    return count
  end
end

local MAKERS = { change, stage, change, status_change, change, workflow,
                 change, duplicate, change, status_change }

local function creates(ids)
  local list = {}
  for i = 1, CREATES do
    local run, count = MAKERS[i % #MAKERS + 1](i, ids)
    list[i] = { run = run, count = count }
  end
  return list
end

-- --------------------------------------------------------------- one seed

local function wait_for_late(server, space)
  local limit = service.now() + 5
  while server:stats().late > 0 and service.now() < limit do
    space:whoami()
  end
end

-- The reason why the result of a create is wrong, or nil.
local function find_error(one, result, err, books)
  local effects = one.count(books)
  if result then
    if effects ~= 1 then return ("succeeded with %d"):format(effects) end
  elseif err.ambiguous then
    if effects > 1 then return ("ambiguous with %d"):format(effects) end
  elseif effects ~= 0 then
    return ("failed with %d: %s"):format(effects, tostring(err))
  end
end

local function run_seed(seed)
  local options = { seed = { stories = CREATES, workspaces = CREATES },
                    random_seed = seed, transitions = false }
  local server = service.start(options)
  local ids = service.ids(server)
  local opts = { settle_time = 0.6 * TIMEOUT, timeout = TIMEOUT,
                  retry = { attempts = 8, base = 0.001, cap = 0.005 } }
  local space = service.storyblok(server, opts)
  local ox = service.kantata(server, opts)
  assert(space.workflows:list())
  assert(server:inject(faults(seed)))
  local list, wrong, doubtful, failed = creates(ids), {}, 0, 0
  local results, errors = workstage.map(list, function(one)
    return one.run(space, ox)
  end)
  server:inject(false)
  wait_for_late(server, space)
  local dump = server:dump()
  local books = { space = dump.spaces[1], kantata = dump.kantata }
  for i, one in ipairs(list) do
    local why = find_error(one, results[i], errors[i], books)
    if why then
      wrong[#wrong + 1] = ("seed %d, create %d %s"):format(seed, i, why)
    end
    if not results[i] and errors[i].ambiguous then doubtful = doubtful + 1
    elseif not results[i] then failed = failed + 1 end
  end
  local stats = server:stats()
  server:stop()
  return { wrong = wrong, doubtful = doubtful, failed = failed,
           requests = stats.requests }
end

describe(("%d seeds of mixed faults"):format(SEEDS), function()
  it("apply each of 50 creates once, or report the truth", function()
    local seeds, wrong = {}, {}
    local doubtful, failed, requests = 0, 0, 0
    for i = 1, SEEDS do seeds[i] = FIRST + i - 1 end
    workstage.map(seeds, run_seed, {
      concurrency = TOGETHER,
      on_result = function(_, report, err)
        if not report then error(err, 0) end
        table.move(report.wrong, 1, #report.wrong, #wrong + 1, wrong)
        doubtful = doubtful + report.doubtful
        failed = failed + report.failed
        requests = requests + report.requests
      end,
    })
    if os.getenv "WORKSTAGE_SEEDS" then
      io.stderr:write(("%d seeds: %d creates, %d requests, %d ambiguous, "
        .. "%d failed\n"):format(SEEDS, SEEDS * CREATES, requests, doubtful,
                                failed))
    end
    assert.same({}, wrong)
    assert.equal(0, failed)
    -- unknown outcomes are allowed, but most outcomes must be known
    assert.is_true(doubtful <= SEEDS * CREATES * 0.005, doubtful)
    assert.is_true(requests > SEEDS * CREATES * 1.05)
  end)
end)
