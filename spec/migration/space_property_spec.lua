-- Any space becomes any other, and comes back: random pairs of several
-- workflows, with renames, exchanged content types, moves across workflows and
-- stages that change theirs. One pair in three meets faults and is stopped and
-- resumed on its way, one is watched between any two changes.
-- WORKSTAGE_PAIRS: how many; WORKSTAGE_SEED: which.
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local space_watch = require "support.space_watch"
local spaces = require "support.spaces"

local PAIRS = tonumber(os.getenv "WORKSTAGE_PAIRS") or 300
local SEED = tonumber(os.getenv "WORKSTAGE_SEED") or 1

local function same(expected, got)
  assert(expected == got, "expected\n" .. expected .. "\ngot\n" .. got)
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

local function roll_back(space, journal, options)
  local report, err
  for _ = 1, 20 do
    report, err = migration.rollback(space, journal, options)
    if report and report.complete then return report end
  end
  error(tostring(err or report))
end

local watch -- what looks between two changes; nil for most pairs

-- Applies a plan, under watch or through faults.
local function apply(server, space, plan, journal, is_hard)
  if is_hard then
    assert(server:inject(spaces.FAULTS))
    apply_stopping(space, plan, journal)
    assert(server:inject(false))
    return
  end
  local report = assert(migration.apply(space, plan, {
    journal = journal, concurrency = watch and 1 or nil }))
  assert(report.complete, tostring(report))
  assert(report.requests == plan.requests, ("%d requests, %d planned")
         :format(report.requests, plan.requests))
end

local function return_from(server, space, journal, is_hard)
  if is_hard then assert(server:inject(spaces.FAULTS)) end
  local report = roll_back(space, journal, {
    concurrency = watch and 1 or nil,
    confirm = function(plan)
      space_watch.assert_order(plan)
      return true
    end })
  assert(server:inject(false))
  assert(#report.notes == 0, report.notes[1])
end

local function assert_fine()
  if not watch then return end
  local ended = watch
  watch = nil
  ended:assert_fine()
end

local function run_pair(server, space, people, journal, number)
  math.randomseed(SEED, number)
  local a = spaces.first()
  local b, becomes = spaces.second(a)
  local is_hard, is_watched = number % 3 == 0, number % 3 == 1
  assert(server:inject(false))
  assert(server:load(migrations.snapshot(spaces.content_of(a))))
  local before = spaces.text(space)
  same(spaces.text_of(a), before)
  local plan = assert(migration.plan(space, b))
  space_watch.assert_order(plan)
  watch = is_watched and space_watch.new(server, people) or nil
  apply(server, space, plan, journal, is_hard)
  assert_fine()
  same(spaces.text_of(b.workflows), spaces.text(space))
  spaces.assert_places(server, becomes)
  b.moves = {}
  local again = assert(migration.plan(space, b))
  assert(again:is_empty(), tostring(again))
  watch = is_watched and space_watch.new(server, people) or nil
  return_from(server, space, journal, is_hard)
  assert_fine()
  same(before, spaces.text(space))
  spaces.assert_places(server)
end

describe("any space", function()
  it("becomes any other, and comes back", function()
    local folder = migrations.folder()
    local server, space = migrations.start(
      {}, { log = 3000, story_stage = "change", permissions = "admin" },
      { settle_time = 0.01,
        on_event = function(event) if watch then watch:take(event) end end })
    local people = migrations.client(server)
    local journal = folder .. "/journal"
    for number = 1, PAIRS do
      local good, why = xpcall(run_pair, debug.traceback, server, space,
                               people, journal, number)
      if not good then
        error(("pair %d of seed %d: %s"):format(number, SEED, why), 0)
      end
      os.remove(journal)
      os.remove(journal .. ".rollback")
      if number % 20 == 0 then collectgarbage() end
    end
    people:close()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)
end)
