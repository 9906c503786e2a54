-- Failures of late arrivals in a stage that is removed, and runs inside a
-- cancelled task.
local loop = require "workstage.loop"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local workstage = require "workstage"

describe("late arrivals", function()
  local server, space, folder, journal, other

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
    server, space = migrations.start(migrations.space {
      ["Old review"] = 2, none = 130 })
    other = migrations.client(server)
  end)

  after_each(function()
    other:close()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- Puts stories into "Old review" when the stage is counted.
  local function arrive(count)
    local real, done = space.stories.page, false
    local stage = migrations.stages_of(server)["Old review"].id
    rawset(space.stories, "page", function(self, filter, ...)
      if filter.per_page == 1 and not done then
        done = true
        for _, story in ipairs(server:dump().spaces[1].stories) do
          if count > 0 and not story.stage then
            count = count - 1
            assert(other.changes:create { story_id = story.id,
                                          workflow_stage_id = stage })
          end
        end
      end
      return real(self, filter, ...)
    end)
  end

  local function apply(more)
    local plan = assert(migration.plan(space, migrations.smaller()))
    local options = { journal = journal }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(space, plan, options))
  end

  local function resume()
    rawset(space.stories, "page", nil)
    return assert(migration.resume(space, journal))
  end

  local function assert_moved_once(late)
    assert.same({ Review = 2 + late, none = 130 - late },
                migrations.counts(server))
    local twos = 0
    for _, changes in pairs(migrations.changes(server)) do
      assert.is_true(#changes <= 2)
      twos = twos + #changes - 1
    end
    assert.equal(late, twos)
  end

  it("stop the run where the plan says so, and are not moved", function()
    local plan = assert(migration.plan(space, migrations.smaller()))
    for _, op in ipairs(plan.operations) do
      if op.if_not_empty then op.if_not_empty = "stop" end
    end
    arrive(5)
    local report = assert(migration.apply(space, plan, { journal = journal }))
    assert.is_false(report.complete)
    assert.equal(2, report.moved)
    assert.same({ ["Old review"] = 5, Review = 2, none = 125 },
                migrations.counts(server))
    for _, story in ipairs(assert(other.stories:list {
      in_workflow_stages = { migrations.stages_of(server)["Old review"].id },
    })) do
      assert(other.changes:create { story_id = story.id, workflow_stage_id =
        migrations.stages_of(server).Review.id })
    end
    assert.is_true(resume().complete)
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
  end)

  it("of a stage without moves stop the run", function()
    local blueprint = migrations.smaller()
    blueprint.moves = {}
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if story.stage then
        assert(other.changes:create { story_id = story.id, workflow_stage_id =
          migrations.stages_of(server).Ready.id })
      end
    end
    local plan = assert(migration.plan(space, blueprint))
    for _, op in ipairs(plan.operations) do
      assert.is_true(op.if_not_empty == nil or op.if_not_empty == "stop")
    end
    arrive(1)
    local report = assert(migration.apply(space, plan, { journal = journal }))
    assert.is_false(report.complete)
    assert.equal(1, migrations.counts(server)["Old review"])
  end)

  it("that are refused keep their stage, and the run its end", function()
    arrive(5)
    -- two come well, then each late one is refused
    local real, calls = space.changes.create, 0
    rawset(space.changes, "create", function(self, ...)
      calls = calls + 1
      if calls == 3 then
        server:inject { { method = "POST", count = 5, status = 403,
                          path = "workflow_stage_changes",
                          body = { error = "It is locked" } } }
      end
      return real(self, ...)
    end)
    local report = apply()
    assert.is_false(report.complete)
    assert.equal(2, report.moved)
    assert.equal(5, report.failed)
    rawset(space.changes, "create", nil)
    server:inject(false)
    assert.is_true(resume().complete)
    assert_moved_once(5)
  end)

  it("are counted in the progress", function()
    arrive(3)
    local last
    assert.is_true(apply { on_progress = function(progress)
      last = progress
    end }.complete)
    assert.equal(5, last.total)
    assert.equal(5, last.done)
    local progress = assert(migration.progress(journal))
    assert.equal(5, progress.total)
    assert.equal(5, progress.moved)
  end)

  -- Puts one more story into "Old review" whenever the stage is counted.
  local function keep_arriving()
    local real = space.stories.page
    local stage = migrations.stages_of(server)["Old review"].id
    rawset(space.stories, "page", function(self, filter, ...)
      if filter.per_page == 1 then
        for _, story in ipairs(server:dump().spaces[1].stories) do
          if not story.stage then
            assert(other.changes:create { story_id = story.id,
                                          workflow_stage_id = stage })
            break
          end
        end
      end
      return real(self, filter, ...)
    end)
  end

  it("that never end are not moved forever, and none is left behind", function()
    keep_arriving()
    local report = apply()
    assert.is_false(report.complete)
    assert.is_nil(report.error)
    assert.is_true(report.moved >= 2 + 10 and report.moved < 130)
    assert.matches("it still holds", report.notes[1])
    assert.same({ "Drafting", "Review", "Old review", "Ready" },
                migrations.names(server))
    local counts = migrations.counts(server)
    assert.equal(132, counts.Review + counts.none + counts["Old review"])
    report = resume()
    assert.is_true(report.complete, tostring(report))
    assert.is_nil(migrations.counts(server)["Old review"])
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
  end)

  it("go on from a limit", function()
    arrive(120)
    local report = apply { limit = 40 }
    assert.is_false(report.complete)
    assert.equal(40, report.moved)
    report = resume()
    assert.is_true(report.complete, tostring(report))
    assert_moved_once(120)
  end)

  -- A run that is cut at one of its late moves, whose answer is lost; what
  -- would show its effect cannot be read any more either.
  local function cut(content, number, blueprint)
    assert(server:load(migrations.snapshot(content)))
    space:close() -- what it knows is of another world
    space = migrations.client(server)
    arrive(6)
    local plan = assert(migration.plan(space, blueprint or
                                              migrations.smaller()))
    local hasty = migrations.client(server, { retry = { attempts = 1 },
                                              settle_time = 0.001 })
    rawset(hasty.stories, "page", function(_, ...)
      return space.stories:page(...)
    end)
    local posts = { method = "POST", path = "workflow_stage_changes",
                    after = number - 1, count = 1, close = "after" }
    local rest = { method = "POST", path = "workflow_stage_changes",
                   after = number - 1, close = "before" }
    server:inject { posts, rest, { method = "GET", close = "before",
                                   path = "workflow_stage_changes" } }
    migration.apply(hasty, plan, { journal = journal, concurrency = 2 })
    hasty:close()
    server:inject(false)
    rawset(space.stories, "page", nil)
  end

  it("go on from a cut, and roll back", function()
    for number = 9, 14 do
      -- two moves, six by the other client, then the late ones
      cut(migrations.space { ["Old review"] = 2, none = 130 }, number)
      assert.is_true(resume().complete, number)
      assert_moved_once(6)
      local progress = assert(migration.progress(journal))
      assert.equal(8, progress.moved)
      assert.equal(0, progress.failed)
      local report = assert(migration.rollback(space, journal))
      assert.is_true(report.complete)
      assert.same({ ["Old review"] = 8, none = 124 },
                  migrations.counts(server))
      os.remove(journal)
      os.remove(journal .. ".rollback")
    end
  end)

  it("go on from a cut, though two rules lead to one stage", function()
    local blueprint = migrations.smaller()
    table.insert(blueprint.moves, 1, {
      from = "Old review", where = { starts_with = "none/1" }, to = "Review" })
    for number = 9, 12 do
      cut(migrations.space { ["Old review"] = 2, none = 130 }, number,
          blueprint)
      assert.is_true(resume().complete, number)
      assert_moved_once(6)
      assert.equal(8, assert(migration.progress(journal)).moved)
      os.remove(journal)
    end
  end)

  it("roll back after a cut, with the transition opened for them",
     function()
    for number = 7, 11 do
      cut(migrations.space { none = 130 }, number)
      local cut_short = migrations.stages_of(server)["Old review"]
      assert.equal(2, #cut_short.workflow_stage_ids)
      local report = assert(migration.rollback(space, journal))
      assert.is_true(report.complete)
      assert.same({ ["Old review"] = 6, none = 124 },
                  migrations.counts(server))
      assert.equal(1, #migrations.stages_of(server)["Old review"]
                       .workflow_stage_ids)
      os.remove(journal)
      os.remove(journal .. ".rollback")
    end
  end)
end)

describe("a run in a task", function()
  local server, space, folder

  before_each(function()
    folder = migrations.folder()
    server, space = migrations.start(
      migrations.space { ["Old review"] = 230 }, { latency = 0.002 })
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  it("is applied beside others", function()
    local plan = assert(migration.plan(space, migrations.smaller()))
    local ticks, report = 0, nil
    workstage.run(function(scope)
      local task = scope:spawn(function()
        return migration.apply(space, plan, { journal = folder .. "/j" })
      end)
      scope:spawn(function()
        while not report do
          loop.sleep(0.005)
          ticks = ticks + 1
        end
      end)
      report = task:wait()
    end)
    assert.is_true(report.complete)
    assert.is_true(ticks > 5)
  end)

  for _, at in ipairs { 1, 50, 95, 229, 230 } do
    it(("is cancelled after %d, and resumed"):format(at), function()
      local plan = assert(migration.plan(space, migrations.smaller()))
      local report
      workstage.run(function(scope)
        local task
        task = scope:spawn(function()
          report = migration.apply(space, plan, {
            journal = folder .. "/j",
            on_progress = function(progress)
              if progress.moved == at then task:cancel() end
            end })
          return report
        end)
        task:wait()
      end)
      if report then assert.is_false(report.complete) end
      report = assert(migration.resume(space, folder .. "/j"))
      assert.is_true(report.complete, tostring(report))
      assert.same({ Review = 230 }, migrations.counts(server))
      for _, changes in pairs(migrations.changes(server)) do
        assert.equal(1, #changes)
      end
    end)
  end
end)
