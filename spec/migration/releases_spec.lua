-- Moves of a release's versions, and their way back.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("moves of a release's versions", function()
  local server, space, folder, journal

  local function start(options)
    server, space = migrations.start(
      migrations.space({ ["Old review"] = 3, Drafting = 1 },
                       { releases = { { id = 91, name = "Spring" } } }),
      options or { story_stage = "change" })
  end

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- The number of stories in each stage, in the release.
  local function counts()
    local names, found = {}, {}
    for name, stage in pairs(migrations.stages_of(server)) do
      names[stage.id] = name
    end
    for story in space.stories:each { release_id = 91 } do
      local name = names[story.stage.workflow_stage_id]
      found[name] = (found[name] or 0) + 1
    end
    return found
  end

  local function plan()
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Old review", to = "Ready",
                          release_id = 91 } }
    return assert(migration.plan(space, blueprint))
  end

  local function apply()
    return assert(migration.apply(space, plan(), { journal = journal }))
  end

  local BEFORE = { ["Old review"] = 3, Drafting = 1 }
  local AFTER = { Ready = 3, Drafting = 1 }

  it("name the release in the plan", function()
    start()
    assert.matches("Old review %-> Ready  %(in release 91%)",
                   tostring(plan()))
  end)

  it("are rolled back in the release, there and back", function()
    start()
    assert.is_true(apply().complete)
    assert.same(AFTER, counts())
    assert.same(BEFORE, migrations.counts(server))
    local report = assert(migration.rollback(space, journal))
    assert.is_true(report.complete)
    assert.equal(3, report.moved)
    assert.same(BEFORE, counts())
    report = assert(migration.rollback(space, journal .. ".rollback"))
    assert.equal(3, report.moved)
    assert.same(AFTER, counts())
    assert.same(BEFORE, migrations.counts(server))
  end)

  it("are rolled back where the response of one was lost", function()
    start { faults = {
      { method = "POST", path = "workflow_stage_changes", after = 1,
        count = 1, close = "after" },
      { method = "GET", path = "workflow_stage_changes", status = 500 },
    } }
    assert.equal(1, apply().failed)
    assert(server:inject(false))
    assert.same(AFTER, counts())
    assert.is_true(assert(migration.rollback(space, journal)).complete)
    assert.same(BEFORE, counts())
  end)

  it("are not moved back if the release is gone, and are listed", function()
    start()
    assert.is_true(apply().complete)
    local snapshot = server:dump()
    snapshot.spaces[1].releases = {}
    assert(server:load(snapshot))
    local report = assert(migration.rollback(space, journal))
    assert.is_true(report.complete)
    assert.equal(0, report.moved)
    assert.same({ "3 items not moved back: release 91 of the move is gone" },
                report.notes)
  end)
end)
