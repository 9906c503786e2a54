-- What editors do while items are moved, at the services' own rates.
local clients = require "support.clients"
local core = require "workstage.core"
local journals = require "workstage.migration.journal.file"
local loop = require "workstage.loop"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local workstage = require "workstage"

local has = clients.has

describe("while items are moved", function()
  local servers, open, folder

  before_each(function()
    folder, servers, open = migrations.folder(), {}, {}
  end)

  after_each(function()
    for _, client in ipairs(open) do client:close() end
    for _, server in ipairs(servers) do server:stop() end
    migrations.remove(folder)
  end)

  local function start(counts, options, more)
    local opts = { story_stage = "change" }
    for name, value in pairs(options or {}) do opts[name] = value end
    local server, space = migrations.start(migrations.space(counts), opts,
                                           more)
    servers[#servers + 1], open[#open + 1] = server, space
    return server, space
  end

  local function editor_of(server)
    local client = migrations.client(server, { token = "token-of-an-editor" })
    open[#open + 1] = client
    return client
  end

  local function story(server, slug)
    for _, each in ipairs(server:dump().spaces[1].stories) do
      if each.full_slug == slug then return each end
    end
  end

  local function put(server, editor, slug, stage)
    assert(editor.changes:create {
      story_id = story(server, slug).id,
      workflow_stage_id = migrations.stages_of(server)[stage].id })
  end

  -- Applies a plan at a rate beside `act(server, editor)`; returns the
  -- report, and how many requests each item took.
  local function apply_at(rate, count, act)
    local server, space = start({ ["Old review"] = count },
      { rate_limit = rate }, { rate_limit = rate, token = "token-of-the-run" })
    local plan = assert(migration.plan(space, migrations.smaller()))
    local report
    local editor = act and editor_of(server)
    loop.sleep(1.1) -- the plan's requests were another second's
    workstage.run(function(tasks)
      if act then tasks:spawn(function() act(server, editor) end) end
      report = assert(migration.apply(space, plan, {
        journal = ("%s/%d.%d"):format(folder, rate, count) }))
    end)
    local per_item = 0
    for _, request in ipairs(server:requests()) do
      local is_move = request.method == "POST"
      local is_read = request.query and request.query:find("by_ids", 1, true)
      if is_move or is_read then per_item = per_item + 1 / count end
    end
    return report, per_item, server
  end

  it("a page of five seconds is read at a time, and an editor is noticed",
     function()
    local began = core.now()
    local at_six, at_three
    workstage.run(function(tasks)
      tasks:spawn(function()
        at_six = table.pack(apply_at(6, 60, function(server, editor)
          loop.sleep(1)
          put(server, editor, "old-review/59", "Ready")
        end))
      end)
      tasks:spawn(function()
        at_three = table.pack(apply_at(3, 33))
      end)
    end)
    assert.is_true(core.now() - began < 60)
    local report, per_item, server = table.unpack(at_six)
    assert.equal(59, report.moved)
    assert.equal(1, report.skipped)
    assert.equal("it has been moved since the plan", report.skips[1].why)
    assert.same({ Review = 59, Ready = 1 }, migrations.counts(server))
    assert.is_true(per_item - 1 / 60 <= 1.05, per_item) -- the editor's one
    report, per_item = table.unpack(at_three)
    assert.equal(33, report.moved)
    assert.is_true(per_item <= 1.09 + 1 / 33, per_item) -- a page begun
  end)

  -- The story whose move got a 429.
  local function held_story(server)
    for _, request in ipairs(server:requests()) do
      if request.status == 429 then
        return math.tointeger(tonumber(request.body:match '"story_id":(%d+)'))
      end
    end
  end

  it("a delayed move does not rely on an old read", function()
    local server, space = start({ ["Old review"] = 20 }, nil,
                                { retry = { attempts = 8, cap = 60 } })
    local plan = assert(migration.plan(space, migrations.smaller()))
    local editor = editor_of(server)
    local ready = migrations.stages_of(server).Ready.id
    server:inject { { method = "POST", path = "workflow_stage_changes",
                      after = 4, count = 1, retry_after = 9 } }
    local report
    workstage.run(function(tasks)
      tasks:spawn(function()
        loop.sleep(2)
        assert(editor.changes:create { story_id = held_story(server),
                                       workflow_stage_id = ready })
      end)
      report = assert(migration.apply(space, plan, { journal = folder .. "/j",
                                                     concurrency = 1 }))
    end)
    assert.is_true(report.complete, tostring(report))
    assert.same({ { item = held_story(server),
                    why = "it has been moved since the plan" } },
                report.skips)
    assert.same({ Review = 19, Ready = 1 }, migrations.counts(server))
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)

  it("a story that is deleted is skipped, and the run completes", function()
    local server, space = start { ["Old review"] = 40 }
    local plan = assert(migration.plan(space, migrations.smaller()))
    local editor = editor_of(server)
    local gone = story(server, "old-review/30").id
    local report = assert(migration.apply(space, plan, {
      journal = folder .. "/j", concurrency = 1,
      on_progress = function(progress)
        if progress.done == 3 then
          assert(editor:request("DELETE", ("/v1/spaces/%d/stories/%d")
            :format(migrations.SPACE, gone)))
        end
      end }))
    assert.is_true(report.complete, tostring(report))
    assert.equal(39, report.moved)
    assert.same({ { item = gone, why = "it is gone" } }, report.skips)
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
    local progress = assert(migration.progress(folder .. "/j"))
    assert.same({ 40, 39, 1, 0 }, { progress.total, progress.moved,
                                    progress.skipped, progress.failed })
    local named = {}
    for record in assert(journals.read(folder .. "/j")) do
      for _, each in ipairs(record.skipped or {}) do
        named[#named + 1] = each.name
      end
    end
    assert.same({ "old-review/30" }, named)
  end)

  -- A run whose process was killed: its journal ends at the tenth item, and
  -- says of all others of the page that they may have been sent.
  local function apply_killed(server, space)
    local plan = assert(migration.plan(space, migrations.smaller()))
    migration.apply(space, plan, {
      journal = folder .. "/whole", concurrency = 4,
      on_progress = function(progress)
        if progress.done ~= 10 then return end
        os.execute(("cp %s/whole %s/j"):format(folder, folder))
        error("killed", 0)
      end })
    local sent = 0
    for _ in pairs(migrations.changes(server)) do sent = sent + 1 end
    assert.is_true(sent > 10 and sent <= 14, sent)
    return sent
  end

  local function start_for_two()
    local server, space = start({ ["Old review"] = 40 },
      { latency = 0.005, tokens = {
          ["token-of-the-run"] = { id = 1, userid = "run@example.com" },
          ["token-of-an-editor"] = { id = 2, userid = "ed@example.com" },
      } }, { token = "token-of-the-run", settle_time = 0.05 })
    return server, space, editor_of(server)
  end

  it("what an editor moved after a run was killed is left by its rollback",
     function()
    local server, space, editor = start_for_two()
    apply_killed(server, space)
    put(server, editor, "old-review/40", "Review")
    local report = assert(migration.rollback(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.same({ Review = 1, ["Old review"] = 39 },
                migrations.counts(server))
  end)

  it("what an editor moved while a killed run was stopped is kept",
     function()
    local server, space, editor = start_for_two()
    local sent = apply_killed(server, space)
    put(server, editor, "old-review/40", "Review")
    space = migrations.client(server, { token = "token-of-the-run" })
    open[#open + 1] = space
    local report = assert(migration.resume(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.same({ { item = story(server, "old-review/40").id,
                    why = "it is there already" } }, report.skips)
    assert.equal(29, report.moved)
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
    assert.is_true(sent > 10)
    report = assert(migration.rollback(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.same({ Review = 1, ["Old review"] = 39 },
                migrations.counts(server))
  end)

  -- Moves stories into "Old review" without pauses, until `is_over()`; returns
  -- the number of moves.
  local function keep_putting(server, editor, is_over)
    local stages, moved = migrations.stages_of(server), 0
    while not is_over() do
      for _, each in ipairs(assert(editor.stories:list())) do
        local at = each.stage and each.stage.workflow_stage_id
        if (at == stages.Review.id or at == stages.Drafting.id) and
           not is_over() and editor.changes:create {
             story_id = each.id, workflow_stage_id = stages["Old review"].id,
           } then
          moved = moved + 1
        end
      end
    end
    return moved
  end

  it("a fast editor leaves no story in a deleted stage", function()
    for _ = 1, 5 do
      local content = migrations.space { ["Old review"] = 20, Review = 30,
                                         Drafting = 30 }
      for _, stage in ipairs(content.workflows[2].stages) do
        if stage.name ~= "Old review" then
          stage.workflow_stage_ids, stage.allow_all_stages = {}, true
        end
      end
      local server, space = migrations.start(content, { latency = 0.001 })
      servers[#servers + 1], open[#open + 1] = server, space
      local editor, report, moved = editor_of(server), nil, nil
      local plan = assert(migration.plan(space, migrations.smaller()))
      workstage.run(function(tasks)
        local task = tasks:spawn(function()
          return keep_putting(server, editor, function() return report end)
        end)
        report = assert(migration.apply(space, plan, {
          journal = ("%s/%d"):format(folder, #servers) }))
        moved = task:wait()
      end)
      assert.is_true(report.complete, tostring(report))
      assert.is_true(moved > 0)
      assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
      local counts = migrations.counts(server)
      assert.is_nil(counts.none)
      assert.equal(80, counts.Drafting + counts.Review)
    end
  end)

  it("a stage that is deleted makes the moves to it fail", function()
    local server, space = start { Drafting = 5 }
    local blueprint = migrations.blueprint()
    blueprint.stages = nil
    blueprint.moves = { { from = "Drafting", to = "Review" } }
    local plan = assert(migration.plan(space, blueprint))
    server:inject { { method = "POST", path = "workflow_stage_changes",
                      status = 404, body = { "This record could not be found" }
                    } }
    local report = assert(migration.apply(space, plan,
                                          { journal = folder .. "/j" }))
    assert.equal(5, report.failed)
    assert.equal(0, report.skipped)
    has(report.failures[1].error, "could not be found")
  end)
end)
