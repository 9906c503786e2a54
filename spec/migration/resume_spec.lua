-- Resuming: after a limit, a stop, or a cut between any two requests.
local clients = require "support.clients"
local files = require "support.files"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local replay = require "workstage.migration.journal.replay"
local tries = require "support.tries"

local failed, has = clients.failed, clients.has

describe("resume", function()
  local server, space, folder, journal

  local function start(counts, more)
    server, space = migrations.start(migrations.space(counts), more)
  end

  local function apply(blueprint, more)
    local options = { journal = journal }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(space, assert(migration.plan(
      space, blueprint or migrations.smaller())), options))
  end

  local function resume(more)
    return assert(migration.resume(space, journal, more))
  end

  local function assert_once(count)
    local total = 0
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
      total = total + 1
    end
    if count then assert.equal(count, total) end
  end

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
  end)

  after_each(function()
    if space then space:close() end
    if server then server:stop() end
    server, space = nil, nil
    migrations.remove(folder)
  end)

  it("goes on behind a limit, once and again", function()
    start { ["Old review"] = 230 }
    local report = apply(nil, { limit = 10 })
    assert.is_false(report.complete)
    assert.equal(10, report.moved)
    has(report, "limit of 10 items")
    assert_once(10)
    report = resume { limit = 100 }
    assert.equal(100, report.moved)
    assert_once(110)
    local progress = assert(migration.progress(journal))
    assert.equal(110, progress.moved)
    assert.equal(230, progress.total)
    assert.is_false(progress.complete)
    assert.is_true(resume().complete)
    assert_once(230)
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
  end)

  it("keeps changes by others to items not moved before a limit", function()
    start { ["Old review"] = 50 }
    apply(nil, { limit = 5, concurrency = 1 })
    local stages, other = migrations.stages_of(server), nil
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if story.stage.workflow_stage_id == stages["Old review"].id then
        other = story.id
      end
    end
    assert(space.changes:create { story_id = other,
                                  workflow_stage_id = stages.Review.id })
    local report = resume()
    assert.is_true(report.complete)
    -- it is not counted as this run's, and no rollback takes it back
    assert.equal(1, report.skipped)
    assert.equal(44, report.moved)
    assert.is_true(assert(migration.rollback(space, journal)).complete)
    assert.same({ ["Old review"] = 49, Review = 1 },
                migrations.counts(server))
  end)

  it("accepts the name that an interrupted run has given a workflow",
     function()
    start()
    server:inject { { method = "PUT", path = "/workflows/", close = "after" } }
    local blueprint = migrations.blueprint()
    blueprint.workflow, blueprint.was = "Post", "Article"
    local report = apply(blueprint)
    assert.is_false(report.complete)
    assert.is_table(migrations.workflow(server, "Post"))
    server:inject(false)
    assert.is_true(resume().complete)
  end)

  it("continues after should_stop, and reports its total progress",
     function()
    start { ["Old review"] = 100 }
    local moved = 0
    local report = apply(nil, {
      on_progress = function(progress) moved = progress.moved end,
      should_stop = function() return moved >= 40 end })
    assert.is_false(report.complete)
    has(report, "interrupted")
    assert.is_true(report.moved >= 40 and report.moved <= 48)
    local last
    report = resume { on_progress = function(progress) last = progress end }
    assert.is_true(report.complete)
    assert.equal(100, last.done)
    assert.equal(100, last.total)
    assert_once(100)
  end)

  it("of a finished run sends nothing and writes nothing", function()
    start { ["Old review"] = 3 }
    apply()
    local text, before = files.read(journal), #server:requests()
    local report = resume()
    assert.is_true(report.complete)
    assert.equal(0, report.requests)
    assert.equal(before, #server:requests())
    assert.equal(text, files.read(journal))
  end)

  it("of a journal that another process holds is refused", function()
    start { ["Old review"] = 30 }
    local errs = {}
    apply(nil, { on_progress = function(progress)
      if progress.moved == 5 then
        errs[1] = select(2, migration.resume(space, journal))
        errs[2] = select(2, migration.rollback(space, journal))
      end
    end })
    assert.equal(2, #errs)
    for _, err in ipairs(errs) do
      assert.equal("locked", err.kind)
      has(err, journal)
    end
    assert.same({ Review = 30 }, migrations.counts(server))
  end)

  it("of an invalid or damaged journal, or of another space, is refused",
     function()
    start { ["Old review"] = 30 }
    failed("io", migration.resume(space, folder .. "/none"))
    apply(nil, { limit = 3 })
    local text = files.read(journal)
    files.write(journal, (text:gsub('"type":"moved"', '"type":"mooved"', 1)))
    local err = failed("damaged", migration.resume(space, journal))
    has(err, "line ")
    has(err, "a new plan contains what is left to do")
    has(failed("damaged", migration.rollback(space, journal)),
        "apply a blueprint")
    files.write(journal, text)
    local other = migrations.client(server, { space_id = 1234 })
    failed("invalid", migration.resume(other, journal))
    other:close()
    assert.is_true(resume().complete)
  end)

  it("drops a torn last line", function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 7 })
    local text = files.read(journal)
    files.write(journal, text:sub(1, -10))
    assert.is_true(resume().complete)
    assert_once(30)
  end)

  it("of a journal without its whole plan says that nothing was sent",
     function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 1 })
    local lines = {}
    for line in files.read(journal):gmatch "[^\n]+\n" do
      lines[#lines + 1] = line
    end
    files.write(journal, table.concat(lines, "", 1, 5))
    has(failed("damaged", migration.resume(space, journal)),
        "nothing was sent")
  end)

  it("keeps what others have changed in the workflow meanwhile", function()
    start { ["Old review"] = 10 }
    local blueprint = migrations.smaller()
    blueprint.stages[2].color = "#000001"
    apply(blueprint, { limit = 2 })
    local review = migrations.stages_of(server).Review
    assert(space.stages:update(review.id, { name = "Review",
      color = review.color, allow_editor_change = true,
      workflow_stage_ids = review.workflow_stage_ids }))
    assert.is_true(resume().complete)
    review = migrations.stages_of(server).Review
    assert.equal("#000001", review.color)
    assert.is_true(review.allow_editor_change)
  end)

  it("waits for what shows late, and sends nothing twice", function()
    start { Drafting = 4 }
    -- four changes whose answers are lost and whose effects show late, and
    -- a client that does not wait for them
    local hasty = migrations.client(server, { settle_time = 0.001,
                                              retry = { attempts = 1 } })
    server:inject { { method = "POST", path = "workflow_stage_changes",
                      count = 4, late = 0.2, status = 503 } }
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Drafting", to = "Review" } }
    local plan = assert(migration.plan(hasty, blueprint))
    local report = assert(migration.apply(hasty, plan, { journal = journal }))
    assert.equal(4, report.failed)
    hasty:close()
    space:close()
    space = migrations.client(server, { settle_time = 0.3 })
    assert.is_true(resume().complete)
    require "workstage.loop".sleep(0.3)
    assert_once(4)
  end)

  -- ---------------------------------------------- between any two requests

  local COUNTS = { ["Old review"] = 4, Drafting = 2, Ready = 1, Review = 1 }

  -- ------------------------------------------------------------ a session

  -- How often journals are read while `act` runs.
  local function count_reads(act)
    local real, count = replay.read, 0
    replay.read = function(...)
      count = count + 1
      return real(...)
    end
    local good, err = pcall(act)
    replay.read = real
    assert(good, err)
    return count
  end

  it("reads a journal once, though it was asked about first", function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 5 })
    assert.equal(1, count_reads(function()
      local opened = assert(migration.open(journal))
      assert.equal(5, opened:progress().moved)
      has(failed("locked", migration.open(journal)), "in use")
      assert.is_true(assert(migration.resume(space, opened)).complete)
    end))
    local back = { limit = 5 }
    assert.equal(1, count_reads(function()
      local opened = assert(migration.open(journal, { rollback = true }))
      assert.is_true(opened:progress().complete)
      assert.is_false(assert(migration.rollback(space, opened,
                                                back)).complete)
    end))
    -- the run's and the rollback's
    assert.equal(2, count_reads(function()
      assert.is_true(assert(migration.rollback(space, journal)).complete)
    end))
    assert.same({ ["Old review"] = 30 }, migrations.counts(server))
  end)

  it("unlocks a journal that was only asked about", function()
    start { ["Old review"] = 6 }
    apply(nil, { limit = 2 })
    local opened = assert(migration.open(journal))
    opened:close()
    assert.is_true(resume().complete)
    failed("invalid", migration.open(journal, { rolback = true }))
    failed("io", migration.open(folder .. "/none"))
  end)

  local function expected()
    local other, client = migrations.start(migrations.space(COUNTS))
    local plan = assert(migration.plan(client, migrations.busy "Old draft"))
    assert.is_true(assert(migration.apply(client, plan, {
      journal = folder .. "/expected" })).complete)
    local text, counts = migrations.text(client), migrations.counts(other)
    local requests = plan.requests
    client:close()
    other:stop()
    return text, counts, requests
  end

  -- Cuts the run at its n-th request: it is done and unanswered, or not done;
  -- nothing gets through after it.
  local on_client
  local function cut(blueprint, number, moment)
    local plan = assert(migration.plan(space, blueprint))
    server:inject {
      { after = number - 1, count = 1, close = moment },
      { after = number - 1, close = "before" },
    }
    local hasty = migrations.client(server, { retry = { attempts = 1 },
                                              settle_time = 0.001 })
    if on_client then on_client(hasty) end
    local report, err = migration.apply(hasty, plan, { journal = journal,
                                                       concurrency = 1 })
    server:inject(false)
    hasty:close()
    on_client = nil
    return report, err
  end

  for _, moment in ipairs { "before", "after" } do
    it("goes on from a cut at any request, " .. moment .. " its effect",
       function()
      local text, counts, requests = expected()
      for number = 3, requests, tries.step(requests) do
        start(COUNTS)
        local report = cut(migrations.busy "Old draft", number, moment)
        if report then
          assert.is_false(report.complete)
          report = resume()
          assert.is_true(report.complete, number .. ": " .. tostring(report))
          assert.equal(text, migrations.text(space), "cut at " .. number)
          assert.same(counts, migrations.counts(server))
          assert_once(6)
          assert.same({}, (function()
            local bad = {}
            for _, each in ipairs(migrations.refused(server)) do
              if not each:find "%-> 404" then bad[#bad + 1] = each end
            end
            return bad
          end)())
          local plan = assert(migration.plan(space,
                                             migrations.busy "Old draft"))
          assert.is_true(plan:is_empty())
        end
        space:close()
        server:stop()
        server, space = nil, nil
        os.remove(journal)
      end
    end)
  end

  -- Cuts the making of a workflow at each request, and carries it on.
  local function make_novel(last, prepare)
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    for _, moment in ipairs { "before", "after" } do
      for number = 2, last do
        start()
        prepare()
        local report = cut(blueprint, number, moment)
        if report then
          assert.is_true(resume().complete)
          assert.is_true(assert(migration.plan(space, blueprint)):is_empty())
          local made = 0
          for _, each in ipairs(server:dump().spaces[1].workflows) do
            if each.name == "Novel" then made = made + 1 end
          end
          assert.equal(1, made)
          assert.same({ "Drafting", "Review", "Old review", "Ready" },
                      migrations.names(server, "Novel"))
        end
        space:close()
        server:stop()
        server, space = nil, nil
        os.remove(journal)
      end
    end
  end

  it("goes on from a cut while a workflow is made", function()
    make_novel(10, function() end)
  end)

  it("goes on from there also where the workflow came with stages",
     function()
    make_novel(18, function()
      on_client = function(hasty)
        local real = hasty.workflows.create
        rawset(hasty.workflows, "create", function(self, attributes, ...)
          local made, err = real(self, attributes, ...)
          for _, stage in ipairs {
            { name = "Done", color = "#000003" },
            { name = "Review", color = "#000004" },
          } do
            stage.workflow_id = made and made.id or 1
            space.stages:create(stage)
          end
          return made, err
        end)
      end
    end)
  end)
end)
