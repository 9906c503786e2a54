-- A plan that lasts an hour, in virtual time: a real sandbox without a limit,
-- and a clock that each request of the run takes on by what a limit would make
-- it wait. Between any two requests the whole space is looked at, and editors
-- move stories.
-- WORKSTAGE_HOUR: seconds of a plan; WORKSTAGE_SEED: another random space.
local core = require "workstage.core"
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local space_watch = require "support.space_watch"
local spaces = require "support.spaces"

local has = clients.has

local HOUR = tonumber(os.getenv "WORKSTAGE_HOUR") or 3600
local SEED = tonumber(os.getenv "WORKSTAGE_SEED") or os.time()

local TOKENS = {
  ["token-of-the-run"] = { id = 1, userid = "run@example.com" },
  ["token-of-an-editor"] = { id = 2, userid = "ed@example.com" },
}

describe("a plan that lasts an hour", function()
  local folder, real_now, now, open

  before_each(function()
    folder, real_now, open = migrations.folder(), core.now, {}
    now = real_now()
    core.now = function() return now end
  end)

  after_each(function()
    core.now = real_now
    for _, client in ipairs(open) do client:close() end
    open.server:stop()
    migrations.remove(folder)
  end)

  -- A random space, and a blueprint that moves many of its stories.
  local function random_pair(seed)
    for number = 1, 100 do
      math.randomseed(seed, number)
      local a = spaces.first()
      local b, becomes = spaces.second(a)
      if #a > 2 and #b.moves > 2 then return a, b, becomes end
    end
  end

  -- Puts nearly all stories into the stages that moves empty.
  local function content_of(a, b, count)
    local emptied = {}
    for _, move in ipairs(b.moves) do
      emptied[spaces.key_of(move.from, move.from.stage)] = true
    end
    return spaces.content_of(a, function(key)
      return emptied[key] and math.ceil(count / #b.moves) or 5
    end)
  end

  -- A sandbox with the space, and a client whose requests take the time that
  -- the rate limit makes them wait.
  local function start(content, rate)
    local watch
    local server, space = migrations.start(content,
      { log = 10, story_stage = "change", permissions = "admin",
        tokens = TOKENS },
      { token = "token-of-the-run", on_event = function(event)
          if event.type == "request" then now = now + 1 / rate end
          if watch then watch:take(event) end
        end })
    space.transport.rate = rate
    local people = migrations.client(server, { token = "token-of-an-editor" })
    open = { space, people, server = server }
    return space, function(edit_chance)
      watch = edit_chance and space_watch.new(server, people, edit_chance)
      return watch
    end
  end

  local function apply(space, plan)
    local report = assert(migration.apply(space, plan, {
      journal = folder .. "/j", concurrency = 1 }))
    assert(report.complete, tostring(report))
    return report
  end

  local function run(seed, rate, edit_chance)
    local a, b = random_pair(seed)
    local space, watch_with = start(content_of(a, b, HOUR * rate), rate)
    local before = spaces.text(space)
    local plan = assert(migration.plan(space, b))
    local watch, began = watch_with(edit_chance), now
    local report = apply(space, plan)
    assert(now - began >= HOUR, "it did not last an hour")
    watch:assert_fine()
    assert.equal(report.requests, watch.requests)
    assert.is_true(#watch.views > 10)
    assert.equal(edit_chance > 0, watch.edits > 0)
    assert.equal(spaces.text_of(b.workflows), spaces.text(space))
    watch = watch_with(0)
    report = assert(migration.rollback(space, folder .. "/j",
                                       { concurrency = 1 }))
    assert(report.complete, tostring(report))
    watch:assert_fine()
    -- a stage into which an editor has put a story stays
    if edit_chance == 0 then assert.equal(before, spaces.text(space)) end
  end

  for _, each in ipairs {
    { 1, 3, 0 }, { 2, 6, 0.05 }, { SEED, 3, 0.05 },
  } do
    local seed, rate, edit_chance = table.unpack(each)
    it(("hinders nobody (seed %d, %d requests a second, %s)"):format(
         seed, rate, edit_chance > 0 and "with editors" or "alone"),
       function() run(seed, rate, edit_chance) end)
  end

  it("would be noticed if it closed transitions before it opens others",
     function()
    local content = migrations.space { ["Old review"] = 20, Drafting = 5 }
    content.workflows[2].stages[1].workflow_stage_ids = { "Old review" }
    local space, watch_with = start(content, 6)
    local b = migrations.smaller()
    b.stages[1].next = { "Ready" }
    local plan = assert(migration.plan(space, b))
    for _, op in ipairs(plan.operations) do
      local set = op.op == "update_stage" and op.name == "Drafting" and op.set
      if set and #set.workflow_stage_ids == 2 then set.workflow_stage_ids = {}
      end
    end
    local watch = watch_with(0)
    apply(space, plan)
    has(select(2, pcall(watch.assert_fine, watch)),
        "stage Drafting leads nowhere after request")
  end)

  it("would be noticed if it left a story without a stage", function()
    local space, watch_with = start(migrations.space { ["Old review"] = 5,
                                                       Review = 5 }, 6)
    local watch = watch_with(0)
    assert(space.stages:delete(migrations.stages_of(open.server).Review.id))
    has(select(2, pcall(watch.assert_fine, watch)), "5 stories have no stage")
  end)
end)
