-- A rollback is an ordinary run: it can be rolled back itself, also where it
-- deleted a workflow, and where it was cut off.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("a rollback that is rolled back", function()
  local server, space, folder, journal

  local function start(counts)
    server, space = migrations.start(migrations.space(counts))
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

  local function apply(blueprint, more)
    local options = { journal = journal }
    for name, value in pairs(more or {}) do options[name] = value end
    local plan = assert(migration.plan(space, blueprint))
    return assert(migration.apply(space, plan, options))
  end

  -- Rolls a journal back; returns the report, the plan as text, and the path
  -- of the new journal.
  local function rollback(path, more)
    local text
    local options = { confirm = function(plan)
      text = tostring(plan)
      return true
    end }
    for name, value in pairs(more or {}) do options[name] = value end
    local report = assert(migration.rollback(space, path, options))
    return report, text, path .. ".rollback"
  end

  local function picture(name)
    return migrations.text(space, name) .. "\n" ..
           table.concat(migrations.names(server, name), ",")
  end

  it("leads to what the run had made", function()
    start { ["Old review"] = 5, Drafting = 3, Review = 2 }
    local before = picture()
    assert.is_true(apply(migrations.busy()).complete)
    local after, counts = picture(), migrations.counts(server)
    local report, _, back = rollback(journal)
    assert.is_true(report.complete, tostring(report))
    assert.equal(before, picture())
    report, _, back = rollback(back)
    assert.is_true(report.complete, tostring(report))
    assert.equal(after, picture())
    assert.same(counts, migrations.counts(server))
    -- and there again
    report = rollback(back)
    assert.is_true(report.complete, tostring(report))
    assert.equal(before, picture())
  end)

  local function novel()
    local blueprint = migrations.blueprint()
    blueprint.workflow, blueprint.create = "Novel", true
    blueprint.stages[2].allow_publish = true
    blueprint.moves = { { from = { workflow = "Article", stage = "Drafting" },
                          to = "Review" } }
    return blueprint
  end

  it("restores a workflow that it had deleted, with its items", function()
    start { Drafting = 3 }
    assert.is_true(apply(novel()).complete)
    local after = picture "Novel"
    local id = migrations.workflow(server, "Novel").id
    local report, text, back = rollback(journal)
    assert.is_true(report.complete, tostring(report))
    assert.matches('- workflow "Novel"', text, 1, true)
    assert.is_nil(migrations.workflow(server, "Novel"))
    assert.same({ Drafting = 3 }, migrations.counts(server))
    report, text = rollback(back)
    assert.is_true(report.complete, tostring(report))
    assert.matches('+ workflow "Novel"', text, 1, true)
    assert.matches('workflow "Novel" is created again: it and its stages ' ..
                   "get new ids", text, 1, true)
    assert.equal(after, picture "Novel")
    assert.same({ ["Novel / Review"] = 3 }, migrations.counts(server))
    assert.not_equal(id, migrations.workflow(server, "Novel").id)
  end)

  it("does not restore a workflow whose name is taken", function()
    start { Drafting = 3 }
    apply(novel())
    local _, _, back = rollback(journal)
    assert(space.workflows:create { name = "Novel",
                                    content_types = { "page" } })
    local report = rollback(back)
    assert.is_true(report.complete, tostring(report))
    assert.matches("another one has that name", report.notes[1], 1, true)
    assert.same({ Drafting = 3 }, migrations.counts(server))
  end)

  it("says that a stage is created again", function()
    start { ["Old review"] = 2 }
    apply(migrations.smaller())
    local _, text = rollback(journal)
    assert.matches('stage "Old review" is created again and gets a new id',
                   text, 1, true)
  end)

  -- Every point at which the run, and then its rollback, can be cut off.
  it("leads back wherever both were cut off", function()
    local cut_runs, cut_rollbacks = 0, 0
    for cut = 1, 40, 3 do
      start { ["Old review"] = 4, Drafting = 2 }
      local before, counts = picture(), migrations.counts(server)
      local hasty = migrations.client(server, { max_requests = 12 + cut })
      local plan = assert(migration.plan(hasty, migrations.busy()))
      local report = migration.apply(hasty, plan, { journal = journal })
      hasty:close()
      if not report then goto continue end
      cut_runs = cut_runs + (report.complete and 0 or 1)
      hasty = migrations.client(server, { max_requests = 8 + cut })
      report = migration.rollback(hasty, journal)
      hasty:close()
      cut_rollbacks = cut_rollbacks + (report and not report.complete and 1
                                       or 0)
      assert.is_true(rollback(journal).complete)
      assert.equal(before, picture(), "cut at " .. cut)
      assert.same(counts, migrations.counts(server))
      ::continue::
      space:close()
      server:stop()
      migrations.remove(folder)
      folder = migrations.folder()
      journal = folder .. "/j"
    end
    start()
    assert.is_true(cut_runs > 5, cut_runs)
    assert.is_true(cut_rollbacks > 3, cut_rollbacks)
  end)
end)
