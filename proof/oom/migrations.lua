-- The scenarios of migrations for the harness that makes memory fail, see
-- calls.lua.
local addresses, folder = ...
local migration = require "workstage.migration"
local workstage = require "workstage"

-- Loads modules in advance that are loaded on demand, as `require` has its own
-- scenarios.
for name in pairs(package.preload) do
  if name:find "^workstage" then require(name) end
end

local url, kantata_url = addresses:match "^(%S+) (%S+)$"
local DEFAULT = " Default(Drafting)"
local WHOLE = "Article(Drafting,Old review,Review)" .. DEFAULT

local space

local function connect(new, more)
  local opts = {
    token = "oom-token", base_url = url, rate_limit = false, proxy = false,
    settle_time = 0.002, timeout = 10,
    retry = { attempts = 3, base = 0.001, cap = 0.002 },
  }
  for name, value in pairs(more) do opts[name] = value end
  space = assert(new(opts))
end

local function prepare()
  connect(workstage.storyblok, { space_id = 288868932106293 })
end

local function prepare_kantata()
  connect(workstage.kantata, { base_url = kantata_url })
end

local function finish()
  if space then space:close() end
  space = nil
end

-- Distinguishes errors that are raised from errors that a call returns.
local function need(value, err)
  if value == nil then error(tostring(err), 0) end
  return value
end

local scenarios, order = {}, {}

local function add(name, scenario)
  scenario.stories = scenario.stories or 0
  scenario.finish = finish
  scenarios[name] = scenario
  order[#order + 1] = name
end

local plan
local journal, plan_file = folder .. "/journal", folder .. "/plan"

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

-- A stage is removed, and its items are moved.
local function fewer_stages()
  local opts = blueprint()
  opts.stages[3] = nil
  return opts
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- A plan that was made and saved before.
local function plan_for(connect_first, opts)
  return function()
    connect_first()
    need(need(migration.plan(space, opts)):save(plan_file))
  end
end

local function load_plan(connect_first)
  return function()
    connect_first()
    plan = need(migration.load(plan_file))
  end
end

local function said(report)
  if report.error then error(tostring(report.error), 0) end
  if report.failures and report.failures[1] then
    error(tostring(report.failures[1].error or report.failures[1]), 0)
  end
  return ("complete=%s"):format(tostring(report.complete))
end

local function apply(more)
  local opts = { journal = journal, concurrency = 2 }
  for name, value in pairs(more or {}) do opts[name] = value end
  return migration.apply(space, plan, opts)
end

-- Resumes if there is a journal; otherwise nothing has started, so it applies.
local function carry_on()
  if exists(journal) then
    local report, err = migration.resume(space, journal)
    if report then return said(report) end
    -- the plan never became whole in it, so nothing was sent
    if not err.unplanned then error(tostring(err), 0) end
    os.remove(journal)
  end
  return said(need(apply()))
end

-- Items that were moved according to a journal must be moved.
local function check_journal(path, words)
  return function(held)
    local records = exists(path) and migration.progress(path)
    if not records then return nil end
    local count, from = 0, 1
    while true do
      local at, to = held:find(words, from, true)
      if not at then break end
      count, from = count + 1, to + 1
    end
    if records.moved > count then
      return ("the journal has %d moved, %d were"):format(records.moved,
                                                           count)
    end
  end
end

add("plan", {
  stories = 3, prepare = prepare, expect = "3 true",
  run = function()
    local made = need(migration.plan(space, blueprint()))
    local moves = 0
    for _, operation in ipairs(made.operations) do
      moves = moves + (operation.count or 0)
    end
    return ("%d %s"):format(moves, tostring(tostring(made):find "Legal" ~=
                                            nil))
  end,
})

add("plan in a file", {
  set_up = plan_for(prepare, blueprint()), prepare = load_plan(prepare),
  expect = "true",
  run = function()
    local path = folder .. "/saved"
    os.remove(path)
    need(plan:save(path))
    local read = need(migration.load(path))
    return tostring(tostring(read) == tostring(plan))
  end,
})

add("blueprint in a file", {
  prepare = prepare, expect = "Article 3",
  run = function()
    local path = folder .. "/blueprint.lua"
    os.remove(path)
    need(migration.write(blueprint(), path))
    local read = need(migration.read(path))
    return ("%s %d"):format(read.workflow, #read.stages)
  end,
})

add("export", {
  prepare = prepare, expect = "Article 3",
  run = function()
    local read = need(migration.export(space, "Article"))
    return ("%s %d"):format(read.workflow, #read.stages)
  end,
})

add("apply", {
  stories = 2, set_up = plan_for(prepare, blueprint()),
  prepare = load_plan(prepare), expect = "complete=true",
  server = "moved=2 twice=0 Article(Drafting,Legal,Review)" .. DEFAULT,
  check = check_journal(journal, "change "),
  run = function() return said(need(apply())) end,
  again = carry_on,
})

add("resume", {
  stories = 2, set_up = function()
    plan_for(prepare, fewer_stages())()
    load_plan(prepare)()
    need(apply { limit = 1 })
  end,
  prepare = load_plan(prepare), expect = "complete=true",
  server = "moved=2 twice=0 Article(Drafting,Review)" .. DEFAULT,
  check = check_journal(journal, "change "),
  run = function()
    return said(need(migration.resume(space, journal, { concurrency = 2 })))
  end,
  again = carry_on,
})

add("rollback", {
  stories = 2, set_up = function()
    plan_for(prepare, fewer_stages())()
    load_plan(prepare)()
    need(apply())
  end,
  prepare = prepare, expect = "complete=true",
  server = "moved=4 twice=0 " .. WHOLE,
  check = check_journal(journal .. ".rollback", "change "),
  run = function()
    return said(need(migration.rollback(space, journal,
                                        { concurrency = 2 })))
  end,
})

add("progress", {
  stories = 2, set_up = function()
    plan_for(prepare, fewer_stages())()
    load_plan(prepare)()
    need(apply { limit = 1, concurrency = 1 })
  end,
  expect = "1 2",
  run = function()
    local progress = need(migration.progress(journal))
    return ("%d %d"):format(progress.moved, progress.total)
  end,
})

local function new_workflow()
  return {
    workflow = "News", content_types = { "news" },
    stages = { { name = "In", color = "#babcb6", is_default = true,
                 next = "all" },
               { name = "Out", color = "#f5a623", next = { "In" } } },
  }
end

add("workflow", {
  prepare = prepare, expect = "complete=true",
  server = "moved=0 twice=0 " .. WHOLE .. " News(In,Out)",
  run = function()
    plan = need(migration.plan(space, new_workflow()))
    return said(need(apply()))
  end,
  again = function()
    plan = plan or need(migration.plan(space, new_workflow()))
    return carry_on()
  end,
})

add("Kantata, a migration", {
  stories = 2,
  set_up = plan_for(prepare_kantata, {
    service = "kantata", moves = { { from = 310, to = 605 } },
  }),
  prepare = load_plan(prepare_kantata), expect = "complete=true",
  server = "moved=2 twice=0 " .. WHOLE,
  check = check_journal(journal, "status "),
  run = function() return said(need(apply())) end,
  again = carry_on,
})

return scenarios, order
