-- What a plan needs is checked when it is applied or resumed, and before each
-- operation: what others change under a run stops it before the next change.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("preconditions", function()
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

  local function id_of(name, workflow)
    return migrations.stages_of(server, workflow)[name].id
  end

  local function move_stage(name, to)
    assert(space.stages:update(id_of(name), {
      name = name, color = migrations.stages_of(server)[name].color,
      workflow_id = migrations.workflow(server, to).id }))
  end

  -- Applies a plan; `act` runs once, when some items were moved.
  local function apply_and(blueprint, act)
    local plan = assert(migration.plan(space, blueprint))
    local done = false
    return migration.apply(space, plan, {
      journal = journal, concurrency = 1,
      on_progress = function(progress)
        if progress.done >= 2 and not done then
          done = true
          act()
        end
      end,
    })
  end

  local function writes(from)
    local found = {}
    for _, request in ipairs(server:requests(from)) do
      if request.method ~= "GET" then found[#found + 1] = request end
    end
    return found
  end

  -- Moves out of "Old review", and a change of the stage that they go to.
  local function changed_target()
    local blueprint = migrations.smaller()
    blueprint.stages[2].allow_publish = true
    return blueprint
  end

  it("stop a run whose target is put into another workflow", function()
    start { ["Old review"] = 4 }
    local blueprint = changed_target()
    table.insert(blueprint.stages, 3, { name = "Old review",
                                        color = "#b8860b", next = {} })
    local report = assert(apply_and(blueprint, function()
      move_stage("Review", "Default")
    end))
    assert.is_false(report.complete)
    assert.equal("stale", report.error.kind)
    has(report.error.message, 'stage "Review" is in workflow "Default" now')
    local stage = migrations.stages_of(server, "Default").Review
    assert.is_false(stage.allow_publish)
    -- and goes on once it is back
    local before = #server:requests()
    has(failed("stale", migration.resume(space, journal)),
        'stage "Review" is in workflow "Default" now')
    assert.equal(0, #writes(before + 1))
    assert(space.stages:update(stage.id, {
      name = "Review", color = "#f5a623",
      workflow_id = migrations.workflow(server).id }))
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert.is_true(migrations.stages_of(server).Review.allow_publish)
  end)

  it("stop in the middle of moves whose target is put elsewhere", function()
    start { ["Old review"] = 40 }
    local report = assert(apply_and(migrations.smaller(), function()
      move_stage("Review", "Default")
    end))
    assert.is_false(report.complete)
    assert.equal("stale", report.error.kind)
    has(report.error.message, 'stage "Review" is in workflow "Default" now')
    assert.is_true(report.moved <= 4, tostring(report))
    has(failed("stale", migration.resume(space, journal)),
        'stage "Review" is in workflow "Default" now')
  end)

  it("stop before the stage goes whose items' target is elsewhere", function()
    start { ["Old review"] = 2 }
    local report = assert(apply_and(migrations.smaller(), function()
      move_stage("Review", "Default")
    end))
    assert.equal("stale", report.error.kind)
    has(report.error.message, 'stage "Review" is in workflow "Default" now')
    assert.equal(2, report.moved)
    assert.is_table(migrations.stages_of(server)["Old review"])
  end)

  it("stop a run that would delete a stage of another workflow", function()
    start { ["Old review"] = 4 }
    local report = assert(apply_and(migrations.smaller(), function()
      move_stage("Old review", "Default")
    end))
    assert.equal("stale", report.error.kind)
    has(report.error.message,
        'stage "Old review" is in workflow "Default" now')
    assert.is_table(migrations.stages_of(server, "Default")["Old review"])
  end)

  it("stop a run that would delete the default stage", function()
    start { ["Old review"] = 4 }
    local report = assert(apply_and(migrations.smaller(), function()
      assert(space.stages:update(id_of "Old review", {
        name = "Old review", color = "#b8860b", is_default = true,
        allow_all_stages = true }))
    end))
    assert.equal("stale", report.error.kind)
    has(report.error.message, 'stage "Old review" is the default stage now')
    assert.is_table(migrations.stages_of(server)["Old review"])
  end)

  it("stop before the next move where the transition is closed", function()
    start { ["Old review"] = 3, Drafting = 3 }
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Old review", to = "Ready" },
                        { from = "Drafting", to = "Review" } }
    local report = assert(apply_and(blueprint, function()
      assert(space.stages:update(id_of "Drafting", {
        name = "Drafting", color = "#babcb6", is_default = true,
        workflow_stage_ids = {} }))
    end))
    assert.equal("stale", report.error.kind)
    has(report.error.message, 'stage "Drafting" no longer leads to "Review"')
    assert.same({ Drafting = 3, Ready = 3 }, migrations.counts(server))
    assert.equal(3, report.moved)
  end)

  it("make a plan stale whose moves name a stage that is gone", function()
    start { Drafting = 3 }
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Drafting", to = { workflow = "Default",
                                                    stage = "Reviewing" } } }
    local plan = assert(migration.plan(space, blueprint))
    assert(space.stages:delete(id_of("Reviewing", "Default")))
    local before = #server:requests()
    has(failed("stale", migration.apply(space, plan, { journal = journal })),
        'stage "Default / Reviewing" is gone')
    assert.equal(0, #writes(before + 1))
    assert.same({ Drafting = 3 }, migrations.counts(server))
  end)

  it("name a stage that is gone, to which another was to lead", function()
    start { ["Old review"] = 3 }
    local blueprint = migrations.smaller()
    blueprint.stages[1].next = { "Ready" }
    local report = assert(apply_and(blueprint, function()
      assert(space.stages:delete(id_of "Ready"))
    end))
    assert.equal("stale", report.error.kind)
    has(report.error.message, 'stage "Ready" is gone')
    assert.is_nil(report.error.message:find "%d%d%d")
  end)

  it("go on where a stage that is to be deleted is gone already", function()
    start { ["Old review"] = 2 }
    local report = assert(apply_and(migrations.smaller(), function()
      assert(space.stages:delete(id_of "Old review"))
    end))
    assert.is_true(report.complete, tostring(report))
    assert.is_nil(migrations.stages_of(server)["Old review"])
  end)

  it("skip what depends on a stage that a rollback cannot create again",
     function()
    start { ["Old review"] = 2 }
    local plan = assert(migration.plan(space, migrations.smaller()))
    assert.is_true(assert(migration.apply(space, plan, {
      journal = journal })).complete)
    local mine
    local report = assert(migration.rollback(space, journal, {
      confirm = function()
        mine = assert(space.stages:create {
          name = "Old review", color = "#111111",
          workflow_id = migrations.workflow(server).id })
        return true
      end,
    }))
    assert.is_true(report.complete, tostring(report))
    assert.equal(0, report.moved)
    assert.same({ Review = 2 }, migrations.counts(server))
    assert.equal("#111111", migrations.stages_of(server)["Old review"].color)
    assert.equal(mine.id, migrations.stages_of(server)["Old review"].id)
    local notes = table.concat(report.notes, "\n")
    has(notes, 'skipped: the name "Old review" is taken by stage')
    has(notes, 'skipped: stage "Old review" is gone')
  end)
end)
