-- Failures: reported item by item, and tried again.
local clients = require "support.clients"
local files = require "support.files"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("a failure", function()
  local server, space, folder

  local function start(counts, more, options)
    server, space = migrations.start(migrations.space(counts), options, more)
  end

  local function apply(blueprint, more)
    local options = { journal = folder .. "/j" }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(space, assert(migration.plan(
      space, blueprint or migrations.smaller())), options))
  end

  local function resume(more)
    return assert(migration.resume(space, folder .. "/j", more))
  end

  local POST = "workflow_stage_changes"

  local function refuse(count, after, status)
    server:inject { { method = "POST", path = POST, count = count,
                      after = after or 0, status = status or 422,
                      body = { error = "This story is locked" } } }
  end

  local function posts()
    local count = 0
    for _, request in ipairs(server:requests()) do
      if request.method == "POST" and request.path:find(POST, 1, true) then
        count = count + 1
      end
    end
    return count
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  it("of some items does not stop the others", function()
    start { ["Old review"] = 120 }
    refuse(7, 30)
    local report = apply()
    assert.is_false(report.complete)
    assert.is_nil(report.error)
    assert.equal(113, report.moved)
    assert.equal(7, report.failed)
    assert.equal(7, #report.failures)
    for _, failure in ipairs(report.failures) do
      has(failure.error, "This story is locked")
      assert.equal("rejected", failure.error.kind)
    end
    assert.equal(120, posts())
  end)

  it("postpones the last changes, and resume tries again", function()
    start { ["Old review"] = 20 }
    refuse(3)
    local report = apply()
    has(report, "3 failed")
    has(report, "were not applied")
    assert.same({ "Drafting", "Review", "Old review", "Ready" },
                migrations.names(server))
    -- the way that the moves need is still open
    report = resume()
    assert.is_true(report.complete, tostring(report))
    assert.equal(3, report.moved)
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
    assert.equal(23, posts())
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
    local progress = assert(migration.progress(folder .. "/j"))
    assert.equal(20, progress.moved)
    assert.equal(0, progress.failed)
    assert.is_true(progress.complete)
  end)

  it("fails again, and is listed again", function()
    start { ["Old review"] = 10 }
    refuse(4)
    apply()
    refuse(4)
    local report = resume()
    assert.equal(4, report.failed)
    assert.equal(4, #report.failures)
    assert.equal(4, assert(migration.progress(folder .. "/j")).failed)
    assert.is_true(resume().complete)
  end)

  it("that a person has resolved is not tried again", function()
    start { ["Old review"] = 5 }
    refuse(2)
    local report = apply()
    local stages = migrations.stages_of(server)
    local ids = { report.failures[1].item, report.failures[2].item }
    assert(space.changes:create { story_id = ids[1],
                                  workflow_stage_id = stages.Ready.id })
    assert(space.changes:create { story_id = ids[2],
                                  workflow_stage_id = stages.Review.id })
    report = resume()
    assert.is_true(report.complete)
    assert.equal(2, report.skipped)
    assert.equal(0, report.moved)
  end)

  it("stops the run if on_failure is stop", function()
    start { ["Old review"] = 60 }
    refuse(1, 10)
    local report = apply(nil, { on_failure = "stop", concurrency = 4 })
    assert.is_false(report.complete)
    assert.equal(1, report.failed)
    assert.is_true(posts() <= 10 + 1 + 4)
    has(report, "an item failed")
    report = resume()
    assert.is_true(report.complete)
    assert.same({ Review = 60 }, migrations.counts(server))
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)

  it("of every item alike ends the run, with one explanation", function()
    start { ["Old review"] = 300 }
    server:inject { { method = "POST", path = POST, after = 5, status = 403,
                      body = { error = "You may not do this" } } }
    local report = apply()
    assert.is_false(report.complete)
    assert.equal("forbidden", report.error.kind)
    assert.equal(5, report.moved)
    assert.is_true(posts() >= 25 and posts() < 25 + 8, posts())
    has(report, '20 moves in a row from stage "Old review" to stage "Review"')
    has(report, "You may not do this")
    server:inject(false)
    report = resume()
    assert.is_true(report.complete, tostring(report))
    assert.equal(295, report.moved)
    assert.same({ Review = 300 }, migrations.counts(server))
  end)

  it("of the token ends the run at once", function()
    start { ["Old review"] = 200 }
    server:inject { { method = "POST", path = POST, after = 20,
                      status = 401, body = { error = "Unauthorized" } } }
    local report = apply()
    assert.equal("unauthorized", report.error.kind)
    assert.is_false(report.complete)
    assert.is_true(posts() <= 20 + 8)
    server:inject(false)
    assert.is_true(resume().complete)
    assert.same({ Review = 200 }, migrations.counts(server))
  end)

  it("of the budget ends the run, and another month goes on", function()
    start({ ["Old review"] = 100 }, { max_requests = 60 })
    local report = apply()
    assert.equal("budget", report.error.kind)
    assert.equal(60, #server:requests())
    space:close()
    space = migrations.client(server)
    assert.is_true(resume().complete)
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)

  -- Moves the first story that never had a change, as an editor does who
  -- comes between two runs; returns its id.
  local function move_unsent()
    local changes, stages = migrations.changes(server),
                            migrations.stages_of(server)
    local other = migrations.client(server)
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if not changes[story.id] then
        assert(other.changes:create { story_id = story.id,
                                      workflow_stage_id = stages.Review.id })
        other:close()
        return story.id
      end
    end
  end

  -- After a run that ended early: what an editor moved to the same stage is
  -- not counted as moved by the run, and a rollback leaves it.
  local function assert_left_to_editor()
    local moved = assert(migration.progress(folder .. "/j")).moved
    local id = move_unsent()
    local report = resume()
    assert.is_true(report.complete, tostring(report))
    assert.equal(60 - moved - 1, report.moved)
    assert.same({ { item = id, why = "it is there already" } }, report.skips)
    report = assert(migration.rollback(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.equal(59, report.moved)
    assert.same({ ["Old review"] = 59, Review = 1 },
                migrations.counts(server))
  end

  it("of the budget leaves to editors what was not sent", function()
    start({ ["Old review"] = 60 }, { max_requests = 40 })
    local report = apply()
    assert.equal("budget", report.error.kind)
    assert.equal(0, report.failed)
    space:close()
    space = migrations.client(server)
    assert_left_to_editor()
  end)

  it("of the service leaves to editors what was not sent", function()
    start { ["Old review"] = 60 }
    server:inject { { method = "POST", path = POST, after = 20, status = 401,
                      body = { error = "Unauthorized" } } }
    assert.equal("unauthorized", apply(nil, { concurrency = 1 }).error.kind)
    server:inject(false)
    assert.equal(1, assert(migration.progress(folder .. "/j")).failed)
    assert_left_to_editor()
  end)

  it("that a person wants leaves to editors what was not sent", function()
    start { ["Old review"] = 60 }
    local moved = 0
    apply(nil, { should_stop = function() return moved >= 20 end,
                 on_progress = function(progress) moved = progress.done end })
    assert.is_true(moved >= 20 and moved < 30)
    assert_left_to_editor()
  end)

  it("in a callback leaves to editors what was not sent", function()
    start { ["Old review"] = 60 }
    local report = apply(nil, { on_progress = function(progress)
      if progress.done == 20 then error("no more", 0) end
    end })
    assert.equal("no more", report.error)
    assert_left_to_editor()
  end)

  it("of everything in a row is not tried on every item", function()
    start({ ["Old review"] = 300 }, { retry = { attempts = 1 } })
    server:inject { { method = "POST", path = POST, after = 10,
                      close = "before" } }
    local report = apply(nil, { concurrency = 2 })
    assert.is_false(report.complete)
    assert.equal("network", report.error.kind)
    assert.is_true(posts() < 40, posts())
    server:inject(false)
    assert.is_true(resume().complete)
    assert.same({ Review = 300 }, migrations.counts(server))
  end)

  it("of reading a page ends the run with its error", function()
    start { ["Old review"] = 150 }
    local plan = assert(migration.plan(space, migrations.smaller()))
    server:inject { { method = "GET", path = "/stories", after = 1,
                      status = 403, body = { error = "No" } } }
    local report = assert(migration.apply(space, plan,
                                          { journal = folder .. "/j" }))
    assert.equal("forbidden", report.error.kind)
    assert.is_true(report.moved <= 100)
    server:inject(false)
    assert.is_true(resume().complete)
  end)

  it("of a change to the workflow ends the run, which goes on from there",
     function()
    start { ["Old review"] = 2 }
    local blueprint = migrations.smaller()
    table.insert(blueprint.stages, { name = "Legal", color = "#123456" })
    server:inject { { method = "POST", path = "/workflow_stages", count = 1,
                      status = 403, body = { error = "No" } } }
    local report = apply(blueprint)
    assert.equal("forbidden", report.error.kind)
    assert.equal(0, report.moved)
    assert.is_true(resume().complete)
    assert.is_true(assert(migration.plan(space, blueprint)):is_empty())
  end)

  it("with an unknown outcome is read before it is repeated", function()
    start { ["Old review"] = 80 }
    server:inject {
      { method = "POST", path = POST, chance = 0.2, close = "after" },
      { method = "POST", path = POST, chance = 0.2, close = "before" },
      { method = "POST", path = POST, chance = 0.1, status = 502,
        effect = true, html = true },
    }
    local report = apply()
    server:inject(false)
    if not report.complete then report = resume() end
    assert.is_true(report.complete, tostring(report))
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)

  it("leaves no token in journal, plan or report", function()
    start { ["Old review"] = 3 }
    server:inject { { method = "POST", path = POST, count = 1, status = 403,
                      body = { error = "no: " .. clients.TOKEN } } }
    local report = apply()
    assert.is_false(clients.shows_token(report))
    assert.is_nil(files.read(folder .. "/j"):find("s3cret", 1, true))
  end)

  it("to write a journal leaves nothing half done", function()
    start { ["Old review"] = 3 }
    local plan = assert(migration.plan(space, migrations.smaller()))
    local before = #server:requests()
    failed("io", migration.apply(space, plan, {
      journal = folder .. "/no/such/folder" }))
    for _, request in ipairs(server:requests(before + 1)) do
      assert.equal("GET", request.method)
    end
  end)
end)

-- The journal's own failures: a disk that is full, a sync that fails.
describe("a journal that cannot be written", function()
  local journals = require "workstage.migration.journal.file"
  local errors = require "workstage.errors"
  local server, space, folder

  before_each(function()
    folder = migrations.folder()
    server, space = migrations.start(migrations.space {
      ["Old review"] = 230, Drafting = 3 })
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function writes()
    local count = 0
    for _, request in ipairs(server:requests()) do
      if request.method ~= "GET" then count = count + 1 end
    end
    return count
  end

  -- Makes the n-th call of a journal's method fail, and all after it.
  local function break_at(method, number, run)
    local real = journals.create
    local calls = 0
    journals.create = function(...)
      local journal, err = real(...)
      if not journal then return nil, err end
      local inner = journal[method]
      rawset(journal, method, function(self, ...)
        calls = calls + 1
        if calls >= number then
          return nil, errors.new { kind = "io", message =
            "'j' cannot be written: No space left on device" }
        end
        return inner(self, ...)
      end)
      return journal
    end
    local good, why = pcall(run)
    journals.create = real
    assert(good, why)
  end

  for _, number in ipairs { 1, 2, 3, 4 } do
    it("when intent " .. number .. " fails, sends nothing after it",
       function()
      local plan = assert(migration.plan(space, migrations.smaller()))
      break_at("intend", number, function()
        local seen
        local report = assert(migration.apply(space, plan, {
          journal = folder .. "/j",
          on_progress = function() seen = writes() end }))
        assert.equal("io", report.error.kind)
        assert.is_false(report.complete)
        if number == 1 then assert.equal(0, writes()) end
        -- what was intended may be sent; no further page is
        assert.is_true(writes() <= 1 + 100 * (number - 2) or number == 1)
        assert.is_true(seen == nil or writes() - seen <= 16)
      end)
      local report = assert(migration.resume(space, folder .. "/j"))
      assert.is_true(report.complete, tostring(report))
      for _, changes in pairs(migrations.changes(server)) do
        assert.equal(1, #changes)
      end
    end)
  end

  for _, number in ipairs { 25, 60, 150 } do
    it("when record " .. number .. " fails, finishes only what is on its way",
       function()
      local plan = assert(migration.plan(space, migrations.smaller()))
      break_at("write", number, function()
        local report = assert(migration.apply(space, plan, {
          journal = folder .. "/j", concurrency = 4 }))
        assert.equal("io", report.error.kind)
        assert.is_true(writes() <= number + 4)
      end)
      local report = assert(migration.resume(space, folder .. "/j"))
      assert.is_true(report.complete, tostring(report))
      for _, changes in pairs(migrations.changes(server)) do
        assert.equal(1, #changes)
      end
    end)
  end

  for _, number in ipairs { 2, 3, 5 } do
    it("when sync " .. number .. " fails, sends nothing after it", function()
      local plan = assert(migration.plan(space, migrations.smaller()))
      break_at("sync", number, function()
        local report = assert(migration.apply(space, plan, {
          journal = folder .. "/j" }))
        assert.equal("io", report.error.kind)
        assert.is_true(writes() <= math.max(0, number - 2) * 101)
      end)
      assert.is_true(assert(migration.resume(space, folder .. "/j")).complete)
    end)
  end

  it("in the plan's part is gone again, and nothing is sent", function()
    local plan = assert(migration.plan(space, migrations.smaller()))
    break_at("write", 3, function()
      failed("io", migration.apply(space, plan, { journal = folder .. "/j" }))
    end)
    assert.equal(0, writes())
    assert.is_nil(io.open(folder .. "/j"))
    assert.is_true(assert(migration.apply(space, plan, {
      journal = folder .. "/j" })).complete)
  end)
end)
