-- A process that migrates is killed at random moments, in a space where one
-- request of twenty goes wrong, and resumed until it is done.
-- WORKSTAGE_CRASHES: how often it is killed; WORKSTAGE_SEED: when.
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local run_child = require "support.killed"
local service = require "support.service"

local CRASHES = tonumber(os.getenv "WORKSTAGE_CRASHES") or 20
local SEED = tonumber(os.getenv "WORKSTAGE_SEED") or 1

local FAULTS = {
  { chance = 0.01, seed = 1, status = 500 },
  { chance = 0.01, seed = 2, close = "before" },
  { chance = 0.01, seed = 3, close = "after" },
  { chance = 0.005, seed = 4, truncate = true },
  { chance = 0.005, seed = 5, status = 502, effect = true, html = true },
  { chance = 0.005, seed = 6, late = 0.02, status = 503 },
  { chance = 0.005, seed = 7, status = 429 },
}

local COUNTS = { ["Old review"] = 200, Drafting = 100 }
local AFTER = { Legal = 111, Review = 89, Ready = 100 }

describe("a process that is killed", function()
  local server, space, folder, expected

  before_each(function()
    math.randomseed(SEED)
    folder = migrations.folder()
    server, space = migrations.start(migrations.space(COUNTS))
    local plan = assert(migration.plan(space, migrations.busy()))
    assert.is_true(assert(migration.apply(space, plan, {
      journal = folder .. "/expected" })).complete)
    expected = migrations.text(space)
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- Begins again, with faults.
  local function begin()
    os.remove(folder .. "/j")
    os.remove(folder .. "/j.rollback")
    server:inject(false)
    assert(server:load(migrations.snapshot(migrations.space(COUNTS))))
    local plan = assert(migration.plan(space, migrations.busy()))
    assert(plan:save(folder .. "/plan"))
    server:inject(FAULTS)
  end

  -- A journal that ended within its plan is in nobody's way.
  local function clear_unplanned(code, path)
    if code == 3 then assert(os.remove(path)) end
  end

  -- Kills it a few times and sees it to its end. Returns how often.
  local function run(kills, whole, kind)
    local killed = 0
    local code
    repeat
      local output
      local seconds = killed < kills and math.random() * whole * 1.1 or nil
      output, code = run_child(server, folder, seconds, kind)
      if code == 137 then killed = killed + 1 end
      clear_unplanned(code, folder .. "/j")
      assert(code == 0 or code == 1 or code == 3 or code == 137, output)
      assert(not output:find("damaged", 1, true) or code == 3, output)
    until code == 0
    return killed
  end

  local function journal_of(path)
    local moved, ids = {}, {}
    for record in assert(journals.read(path)) do
      if record.type == "moved" then
        assert(not moved[record.item], "twice in the journal")
        moved[record.item] = record.change or true
        ids[#ids + 1] = record.item
      end
    end
    return moved, #ids
  end

  local function assert_done()
    assert.equal(expected, migrations.text(space))
    assert.same(AFTER, migrations.counts(server))
    local moved, count = journal_of(folder .. "/j")
    assert.equal(300, count)
    local stories = 0
    for story, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes, story)
      assert.is_true(moved[story] == true or moved[story] == changes[1].id)
      stories = stories + 1
    end
    assert.equal(300, stories)
    local progress = assert(migration.progress(folder .. "/j"))
    assert.is_true(progress.complete)
    assert.equal(300, progress.moved)
    assert.equal(0, progress.failed)
  end

  -- Seconds that it takes when nobody kills it.
  local function whole_time(kind)
    local began = service.now()
    local output, code
    repeat output, code = run_child(server, folder, nil, kind) until code ~= 1
    assert(code == 0, output)
    return service.now() - began
  end

  it("can be resumed until every story has exactly one change", function()
    begin()
    local whole, killed = whole_time(), 0
    server:inject(false)
    assert_done()
    while killed < CRASHES do
      begin()
      killed = killed + run(math.min(math.random(1, 5), CRASHES - killed),
                            whole)
      server:inject(false)
      assert_done()
    end
    assert.equal(CRASHES, killed)
  end)

  it("can also be resumed while it rolls back", function()
    local crashes, killed = math.ceil(CRASHES / 4), 0
    begin()
    whole_time()
    local whole = whole_time "rollback"
    while killed < crashes do
      begin()
      whole_time()
      killed = killed + run(math.min(math.random(1, 3), crashes - killed),
                            whole, "rollback")
      server:inject(false)
      assert.same(COUNTS, migrations.counts(server))
      for _, changes in pairs(migrations.changes(server)) do
        assert.equal(2, #changes)
      end
      local names = { "Drafting", "Review", "Old review", "Ready" }
      assert.same(names, migrations.names(server))
    end
  end)
end)
