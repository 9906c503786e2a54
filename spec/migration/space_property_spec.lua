-- Any space becomes any other, and comes back: random pairs of several
-- workflows, with renames, exchanged content types, moves across workflows and
-- stages that change theirs. One pair in three meets faults and is stopped and
-- resumed on its way, one is watched between any two operations.
-- WORKSTAGE_PAIRS: how many; WORKSTAGE_SEED: which.
local attributes = require "workstage.migration.stage"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local operations = require "workstage.migration.operations"
local spaces = require "support.spaces"
local state = require "workstage.migration.state"

local PAIRS = tonumber(os.getenv "WORKSTAGE_PAIRS") or 300
local SEED = tonumber(os.getenv "WORKSTAGE_SEED") or 1

local function same(expected, got)
  assert(expected == got, "expected\n" .. expected .. "\ngot\n" .. got)
end

-- ------------------------------------------------------- on the way there

-- True if items can leave a stage.
local function leads_on(space_state, ref)
  local stage = space_state.stages[ref]
  for _, other in ipairs(state.order(space_state, stage.workflow)) do
    if other ~= ref and attributes.leads_to(stage, other) then return true end
  end
  return false
end

local function assert_one_default(now)
  local seen = {}
  for _, stage in pairs(now.stages) do
    if stage.is_default and seen[stage.workflow] then
      error "two default stages"
    end
    seen[stage.workflow] = seen[stage.workflow] or stage.is_default
  end
end

-- People can work between any two operations of an hour-long run: a stage
-- that items can leave before and after the run lets them leave all the time,
-- and a workflow has one default stage at most.
local function assert_workable(first, last, now, what)
  assert_one_default(now)
  for ref in pairs(first.stages) do
    if last.stages[ref] and leads_on(first, ref) and leads_on(last, ref) and
       not leads_on(now, ref) then
      error(("stage %s leads nowhere after %s"):format(now.stages[ref].name,
                                                       what))
    end
  end
end

local function assert_plan_workable(plan)
  local last = operations.after(plan.state, plan.operations)
  local now = plan.state
  for index, op in ipairs(plan.operations) do
    now = operations.reduce(now, op)
    assert_workable(plan.state, last, now, ("operation %d, %s"):format(index,
                                                                     op.op))
  end
end

-- What the server holds, as a state.
local function state_of(content)
  local stages = {}
  for _, workflow in ipairs(content.workflows) do
    for _, stage in ipairs(workflow.stages) do
      local values = attributes.of_stage(stage)
      values.workflow = workflow.id
      stages[#stages + 1] = values
    end
  end
  return state.new(content.workflows, stages)
end

local function assert_staged(content)
  for _, story in ipairs(content.stories) do
    if not (story.stage and story.stage.workflow_stage_id) then
      error(story.full_slug .. " has no stage")
    end
  end
end

-- How often stages and workflows were changed.
local function count_changes(server)
  local stats, count = server:stats(), 0
  for _, kind in ipairs { "effects", "updates", "deletes" } do
    count = count + (stats[kind].workflow_stages or 0) +
            (stats[kind].workflows or 0)
  end
  return count
end

-- Looks at what the server holds between two operations, where the first has
-- changed stages or workflows.
local function watch(server, plan)
  local last = operations.after(plan.state, plan.operations)
  local changes = 0
  return function()
    if count_changes(server) == changes then return false end
    changes = count_changes(server)
    local content = server:dump().spaces[1]
    assert_staged(content)
    assert_workable(plan.state, last, state_of(content), "a request")
    return false
  end
end

-- ---------------------------------------------------------------- the pairs

-- Applies a plan, stopped and resumed at random moments.
local function apply_stopping(space, plan, journal)
  local calls, limit = 0, 0
  local function options()
    calls, limit = 0, math.random(12)
    return { journal = journal, should_stop = function()
      calls = calls + 1
      return calls > limit
    end }
  end
  local report, err = migration.apply(space, plan, options())
  assert(report, tostring(err))
  for _ = 1, 200 do
    if report and report.complete then return report end
    local opts = options()
    opts.journal = nil
    report, err = migration.resume(space, journal, opts)
  end
  error(tostring(err or report))
end

-- A plan's way back is known once it is to be confirmed.
local function watch_rollback(server)
  local look
  return { should_stop = function() return look() end,
           confirm = function(plan)
             assert_plan_workable(plan)
             look = watch(server, plan)
             return true
           end }
end

local function roll_back(space, journal, options)
  local report, err
  for _ = 1, 20 do
    report, err = migration.rollback(space, journal, options)
    if report and report.complete then return report end
  end
  error(tostring(err or report))
end

local function run_pair(server, space, journal, number)
  math.randomseed(SEED, number)
  local a = spaces.first()
  local b, becomes = spaces.second(a)
  assert(server:inject(false))
  assert(server:load(migrations.snapshot(spaces.content_of(a))))
  local before = spaces.text(space)
  same(spaces.text_of(a), before)
  local plan = assert(migration.plan(space, b))
  assert_plan_workable(plan)
  local is_hard, is_watched = number % 3 == 0, number % 3 == 1
  if is_hard then
    assert(server:inject(spaces.FAULTS))
    apply_stopping(space, plan, journal)
    assert(server:inject(false))
  else
    local report = assert(migration.apply(space, plan, {
      journal = journal,
      should_stop = is_watched and watch(server, plan) or nil }))
    assert(report.complete, tostring(report))
    assert(report.requests == plan.requests, ("%d requests, %d planned")
           :format(report.requests, plan.requests))
  end
  same(spaces.text_of(b.workflows), spaces.text(space))
  spaces.assert_places(server, becomes)
  b.moves = {}
  local again = assert(migration.plan(space, b))
  assert(again:is_empty(), tostring(again))
  if is_hard then assert(server:inject(spaces.FAULTS)) end
  local report = roll_back(space, journal,
                           is_watched and watch_rollback(server) or nil)
  assert(server:inject(false))
  assert(#report.notes == 0, report.notes[1])
  same(before, spaces.text(space))
  spaces.assert_places(server)
end

describe("any space", function()
  it("becomes any other, and comes back", function()
    local folder = migrations.folder()
    local server, space = migrations.start(
      {}, { log = 3000, story_stage = "change", permissions = "admin" },
      { settle_time = 0.01 })
    local journal = folder .. "/journal"
    for number = 1, PAIRS do
      local good, why = xpcall(run_pair, debug.traceback, server, space,
                               journal, number)
      if not good then
        error(("pair %d of seed %d: %s"):format(number, SEED, why), 0)
      end
      os.remove(journal)
      os.remove(journal .. ".rollback")
      if number % 20 == 0 then collectgarbage() end
    end
    space:close()
    server:stop()
    migrations.remove(folder)
  end)
end)
