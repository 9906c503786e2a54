-- What the harness does while memory fails. Each scenario: `prepare` (all
-- memory there), `run` (it fails; returns a text), `again` (all there once
-- more, in the same state, whatever `run` came to; `run` unless given),
-- `stories` to begin with, `expect` (what the texts must be), and `server`:
-- what the space must hold in the end.
local url, folder = ...
local workstage = require "workstage"

local WHOLE = "Drafting,Old review,Review"

local function connect()
  return workstage.storyblok {
    space_id = 288868932106293, token = "oom-token", base_url = url,
    rate_limit = false, proxy = false, settle_time = 0.002, timeout = 10,
    retry = { attempts = 3, base = 0.001, cap = 0.002 },
  }
end

-- What raises is told apart from what a call returns as an error.
local function need(value, err)
  if value == nil then error(tostring(err), 0) end
  return value
end

local function names(list)
  local found = {}
  for i, item in ipairs(list) do found[i] = item.name end
  return table.concat(found, ",")
end

local scenarios, order = {}, {}

local function add(name, scenario)
  scenario.name = name
  scenario.stories = scenario.stories or 0
  scenarios[name] = scenario
  order[#order + 1] = name
end

local space -- of a scenario that begins with one

local function prepare() space = need(connect()) end

add("client", {
  expect = "made",
  run = function()
    local made <close> = need(connect())
    return made and "made"
  end,
})

add("call", {
  prepare = prepare, expect = "Default,Article",
  run = function() return names(need(space.workflows:list())) end,
})

add("first call", {
  expect = WHOLE,
  run = function()
    local made <close> = need(connect())
    local article = need(made.workflows:find "Article")
    return names(need(made.stages:list { in_workflow = article.id }))
  end,
})

add("refused call", {
  prepare = prepare, expect = "not_found",
  run = function()
    local value, err = space.stories:get(77)
    if value ~= nil or err.kind ~= "not_found" then
      error(tostring(err), 0)
    end
    return err.kind
  end,
})

add("create", {
  prepare = prepare, expect = "Legal", server =
    "moved=0 twice=0 stages=Drafting,Legal,Old review,Review",
  run = function()
    local article = need(space.workflows:find "Article")
    return need(space.stages:create {
      name = "Legal", color = "#4a90e2", workflow_id = article.id }).name
  end,
  again = function()
    local article = need(space.workflows:find "Article")
    local legal = space.stages:find("Legal", { in_workflow = article.id })
    if legal then return legal.name end
    return need(space.stages:create {
      name = "Legal", color = "#4a90e2", workflow_id = article.id }).name
  end,
})

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = 1000 + i end
  return list
end

add("map", {
  stories = 20, prepare = prepare, expect = "20 1001 1020",
  run = function()
    local results, errs = workstage.map(numbers(20), function(id)
      return space.stories:get(id)
    end)
    local index, err = next(errs)
    if index then error(tostring(err), 0) end
    return ("%d %d %d"):format(#results, results[1].id, results[20].id)
  end,
})

add("map of changes", {
  stories = 20, prepare = function()
    prepare()
    local article = need(space.workflows:find "Article")
    scenarios.stage = need(space.stages:find(
      "Review", { in_workflow = article.id })).id
  end,
  expect = "20", server = "moved=20 twice=0 stages=" .. WHOLE,
  run = function()
    local results, errs = workstage.map(numbers(20), function(id)
      return space.changes:create { story_id = id, comment = "é\n\"",
                                    workflow_stage_id = scenarios.stage }
    end)
    local index, err = next(errs)
    if index then error(tostring(err), 0) end
    return tostring(#results)
  end,
  -- what a program would do: those that are not there yet
  again = function()
    local count = 0
    for id = 1001, 1020 do
      local story = need(space.stories:get(id))
      if story.stage.workflow_stage_id ~= scenarios.stage then
        need(space.changes:create { story_id = id,
                                    workflow_stage_id = scenarios.stage })
      end
      count = count + 1
    end
    return tostring(count)
  end,
})

add("each", {
  stories = 30, prepare = prepare, expect = "30 30465",
  run = function()
    local count, sum = 0, 0
    for story in space.stories:each { per_page = 7 } do
      count, sum = count + 1, sum + story.id
    end
    return ("%d %d"):format(count, sum)
  end,
})

add("tasks", {
  prepare = prepare, expect = "Default,Article/Default,Article",
  run = function()
    local function work()
      return names(need(space.workflows:list()))
    end
    return workstage.run(function(scope)
      local one, two = scope:spawn(work), scope:spawn(work)
      local first = need(one:wait())
      return first .. "/" .. need(two:wait())
    end)
  end,
})

-- ------------------------------------------------------------ migrations

local function blueprint()
  return {
    workflow = "Article", content_types = { "article" },
    stages = {
      { name = "Drafting", color = "#babcb6", is_default = true,
        next = "all" },
      { name = "Review", color = "#f5a623", next = "all" },
      { name = "Legal", color = "#4a90e2", next = { "Review" } },
    },
    moves = { { from = "Old review", to = "Review" } },
  }
end

local migration, plan
local journal = folder .. "/journal"

local function begin()
  migration = require "workstage.migration"
  os.remove(journal)
  prepare()
end

local function begin_plan()
  begin()
  plan = need(migration.plan(space, blueprint()))
end

local function said(report)
  if report.error then error(tostring(report.error), 0) end
  if report.failures and report.failures[1] then
    error(tostring(report.failures[1].error or report.failures[1]), 0)
  end
  return ("complete=%s"):format(tostring(report.complete))
end

local DONE = "moved=6 twice=0 stages=Drafting,Legal,Review"

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Carries on where a journal is; else nothing has begun, and it begins anew.
local function carry_on()
  if exists(journal) then
    local report, err = migration.resume(space, journal)
    if report then return said(report) end
    -- the plan never became whole in it, so nothing was sent
    if not err.unplanned then error(tostring(err), 0) end
    os.remove(journal)
  end
  return said(need(migration.apply(space, plan, { journal = journal })))
end

add("plan", {
  stories = 6, prepare = begin, expect = "6 true",
  run = function()
    local made = need(migration.plan(space, blueprint()))
    local moves = 0
    for _, operation in ipairs(made.operations) do
      if operation.op == "move" then moves = moves + operation.count end
    end
    return ("%d %s"):format(moves, tostring(tostring(made):find "Legal" ~=
                                            nil))
  end,
})

add("plan in a file", {
  prepare = begin_plan, expect = "true",
  run = function()
    local path = folder .. "/plan"
    os.remove(path)
    need(plan:save(path))
    local read = need(migration.load(path))
    return tostring(tostring(read) == tostring(plan))
  end,
})

add("blueprint in a file", {
  prepare = begin, expect = "Article 3",
  run = function()
    local path = folder .. "/blueprint.lua"
    os.remove(path)
    need(migration.write(blueprint(), path))
    local read = need(migration.read(path))
    return ("%s %d"):format(read.workflow, #read.stages)
  end,
})

add("apply", {
  stories = 6, prepare = begin_plan, expect = "complete=true", server = DONE,
  run = function()
    return said(need(migration.apply(space, plan, { journal = journal })))
  end,
  again = carry_on,
})

add("resume", {
  stories = 6, expect = "complete=true", server = DONE,
  prepare = function()
    begin_plan()
    need(migration.apply(space, plan, { journal = journal, limit = 2 }))
  end,
  run = function()
    return said(need(migration.resume(space, journal)))
  end,
  again = carry_on,
})

add("progress", {
  stories = 6, expect = "2 6", prepare = function()
    begin_plan()
    need(migration.apply(space, plan, { journal = journal, limit = 2 }))
  end,
  run = function()
    local progress = need(migration.progress(journal))
    return ("%d %d"):format(progress.moved, progress.total)
  end,
})

add("close", {
  stories = 2, prepare = prepare, expect = "closed",
  run = function()
    local task = workstage.loop:spawn(function()
      return space.stories:get(1001)
    end)
    workstage.loop:step(0)
    space:close()
    task:wait()
    return "closed"
  end,
  again = function()
    prepare()
    need(space.stories:get(1001))
    return "closed"
  end,
})

function scenarios.finish()
  if space then space:close() end
  space = nil
end

return scenarios, order
