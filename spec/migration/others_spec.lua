-- Neither resume nor rollback mistakes what others create or change, during a
-- run or while it is stopped, for the run's own.
local clients = require "support.clients"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("what others have made", function()
  local server, space, folder, journal

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
    server, space = migrations.start(migrations.space { Drafting = 2 },
                                     { story_stage = "change" })
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function apply(blueprint)
    local plan = assert(migration.plan(space, blueprint))
    return assert(migration.apply(space, plan, { journal = journal }))
  end

  local function resume() return assert(migration.resume(space, journal)) end

  local function rollback()
    return assert(migration.rollback(space, journal))
  end

  -- A run that is refused when it makes something.
  local function refused(blueprint, path, fault)
    local opts = { method = "POST", path = path, count = 1, status = 422,
                    body = { error = "No" } }
    for name, value in pairs(fault or {}) do opts[name] = value end
    server:inject { opts }
    local report = apply(blueprint)
    server:inject(false)
    assert.is_false(report.complete)
    return report
  end

  local function noted(report, piece)
    has(table.concat(report.notes, "; "), piece)
  end

  local function novel()
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    return blueprint
  end

  local function with_legal()
    local blueprint = migrations.blueprint()
    blueprint.stages[5] = { name = "Legal", color = "#123456",
                            next = { "Ready" } }
    return blueprint
  end

  local function make_legal()
    return assert(space.stages:create {
      name = "Legal", color = "#00ff00", allow_editor_change = true,
      workflow_id = migrations.workflow(server).id })
  end

  -- -------------------------------------------------- after a refusal

  it("under a stage's name is not taken for it by resume", function()
    refused(with_legal(), "/workflow_stages")
    make_legal()
    local before = migrations.stages_of(server).Legal
    has(failed("stale", migration.resume(space, journal)),
        'name "Legal" is taken')
    assert.same(before, migrations.stages_of(server).Legal)
    rollback()
    assert.same(before, migrations.stages_of(server).Legal)
  end)

  it("under a stage's name is not taken for it by rollback", function()
    -- even where it is all that the run would have made
    refused(with_legal(), "/workflow_stages")
    assert(space.stages:create { name = "Legal", color = "#123456",
      allow_admin_publish = false, allow_all_users = false,
      allow_admin_change = false, allow_editor_change = false,
      workflow_stage_ids = {},
      workflow_id = migrations.workflow(server).id })
    assert.is_true(rollback().complete)
    assert.is_table(migrations.stages_of(server).Legal)
  end)

  it("is still to be made once it is out of the way", function()
    refused(with_legal(), "/workflow_stages")
    local stage = make_legal()
    failed("stale", migration.resume(space, journal))
    assert(space.stages:delete(stage.id))
    assert.is_true(resume().complete)
    assert.equal("#123456", migrations.stages_of(server).Legal.color)
    assert.is_true(rollback().complete)
    assert.is_nil(migrations.stages_of(server).Legal)
  end)

  -- A workflow of the name that the plan has, made by hand.
  local function make_novel()
    local made = assert(space.workflows:create {
      name = "Novel", content_types = { "article" } })
    assert(space.stages:create { name = "Mine", color = "#999999",
                                 workflow_id = made.id })
    return made
  end

  it("under a workflow's name is not taken for it by rollback", function()
    refused(novel(), "/workflows")
    make_novel()
    assert.is_true(rollback().complete)
    assert.same({ "Mine" }, migrations.names(server, "Novel"))
  end)

  it("under a workflow's name is not taken for it by resume", function()
    refused(novel(), "/workflows")
    local made = make_novel()
    has(failed("stale", migration.resume(space, journal)), "now exists")
    local stages = assert(space.stages:list { in_workflow = made.id })
    assert.equal(1, #stages)
    assert.equal("Mine", stages[1].name)
  end)

  it("is the run's own where its answer was lost", function()
    local hasty = migrations.client(server, { retry = { attempts = 1 } })
    local plan = assert(migration.plan(space, novel()))
    -- it is done, and nobody can be asked about it
    server:inject { { method = "POST", path = "/workflows", count = 1,
                      close = "after" },
                    { method = "GET", close = "before", after = 3 } }
    local report = assert(migration.apply(hasty, plan,
                                          { journal = journal }))
    hasty:close()
    server:inject(false)
    assert.is_true(report.error.ambiguous)
    assert.is_true(rollback().complete)
    assert.is_nil(migrations.workflow(server, "Novel"))
  end)

  -- ------------------------------------------------ in a new workflow

  it("in a workflow that the run makes is not cleared away", function()
    refused(novel(), "/workflow_stages", { after = 2 })
    assert(space.stages:create {
      name = "Mine", color = "#999999",
      workflow_id = migrations.workflow(server, "Novel").id })
    assert.is_true(resume().complete)
    assert.is_table(migrations.stages_of(server, "Novel").Mine)
  end)

  -- The journal as an earlier version wrote it.
  local function make_old()
    local reader, records = assert(journals.read(journal)), {}
    local header = reader.header
    for record in reader do
      record.opts = nil
      if record.type ~= "refused" then records[#records + 1] = record end
    end
    os.remove(journal)
    local old = assert(journals.create(journal, {
      plan = header.plan, of = header.of, space_id = header.space_id,
      created = header.created }))
    for _, record in ipairs(records) do assert(old:write(record)) end
    assert(old:close())
  end

  it("does not prevent an old journal from being resumed", function()
    refused(novel(), "/workflow_stages", { after = 2 })
    make_old()
    assert.is_true(resume().complete)
    assert.same({ "Drafting", "Review", "Old review", "Ready" },
                migrations.names(server, "Novel"))
    make_old()
    assert.is_true(rollback().complete)
    assert.is_nil(migrations.workflow(server, "Novel"))
  end)

  -- ------------------------------------- of a workflow that the run made

  -- Changes the workflow that the run made, and rolls the run back.
  local function keeps(piece, change)
    assert.is_true(apply(novel()).complete)
    local workflow = migrations.workflow(server, "Novel")
    change(workflow, migrations.stages_of(server, "Novel"))
    local before = server:dump().spaces[1].workflows
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, 'workflow "Novel" is kept')
    noted(report, piece)
    assert.same(before, server:dump().spaces[1].workflows)
  end

  it("of it keeps it: another name", function()
    keeps('renamed to "Book"', function(workflow)
      assert(space.workflows:update(workflow.id, {
        name = "Book", content_types = { "article" } }))
    end)
  end)

  it("of it keeps it: content types", function()
    keeps("content types", function(workflow)
      assert(space.workflows:update(workflow.id, {
        name = "Novel", content_types = { "article", "novel" } }))
    end)
  end)

  it("of it keeps it: a new stage", function()
    keeps('a stage "Mine"', function(workflow)
      assert(space.stages:create { name = "Mine", color = "#999999",
                                   workflow_id = workflow.id })
    end)
  end)

  it("of it keeps it: another colour", function()
    keeps('stage "Ready" was changed', function(_, stages)
      assert(space.stages:update(stages.Ready.id, { color = "#999999",
        name = "Ready", allow_publish = true }))
    end)
  end)

  it("of it keeps it: a stage that is gone", function()
    keeps('stage "Old review" is gone', function(_, stages)
      assert(space.stages:delete(stages["Old review"].id))
    end)
  end)

  it("of it keeps it while the rollback is under way", function()
    assert.is_true(apply(novel()).complete)
    local planned
    local report = assert(migration.rollback(space, journal, {
      confirm = function(plan)
        planned = plan.requests
        assert(space.stages:create {
          name = "Mine", color = "#999999",
          workflow_id = migrations.workflow(server, "Novel").id })
        return true
      end }))
    assert.is_true(report.complete, tostring(report))
    assert.is_true(planned > report.requests)
    noted(report, 'stage "Mine" is new')
    assert.is_table(migrations.stages_of(server, "Novel").Mine)
  end)

  it("is distinguished from what the run made, which is removed", function()
    local blueprint = novel()
    blueprint.moves = { { from = { workflow = "Article", stage = "Drafting" },
                          to = "Review" } }
    assert.is_true(apply(blueprint).complete)
    local planned
    local report = assert(migration.rollback(space, journal, {
      confirm = function(plan)
        planned = plan.requests
        return true
      end }))
    assert.same({}, report.notes)
    assert.is_nil(migrations.workflow(server, "Novel"))
    -- both workflows, two moves on a page, the workflow with its four stages
    assert.equal(3 + 2 + 1 + 2 + 4 + 1, planned)
    assert.equal(planned, report.requests)
  end)

  it("is distinguished from the stages of a new workflow", function()
    local real = space.workflows.create
    rawset(space.workflows, "create", function(self, attributes, ...)
      local made = assert(real(self, attributes, ...))
      for _, stage in ipairs {
        { name = "Drafting", color = "#000001", is_default = true },
        { name = "Reviewing", color = "#f5a623" },
        { name = "Done", color = "#000003" },
      } do
        stage.workflow_id = made.id
        assert(space.stages:create(stage))
      end
      return made
    end)
    local blueprint = novel()
    blueprint.stages[1].is_default = nil
    blueprint.stages[2].is_default = true
    local function stop_at(number)
      server:inject { { method = "PUT", path = "/workflow_stages", count = 1,
                        after = number, status = 422 } }
      assert.is_false(apply(blueprint).complete)
      server:inject(false)
    end
    for number = 1, 2 do
      stop_at(number)
      assert.is_true(rollback().complete)
      assert.is_nil(migrations.workflow(server, "Novel"), number)
      os.remove(journal)
      os.remove(journal .. ".rollback")
    end
    stop_at(1)
    assert(space.stages:update(
      migrations.stages_of(server, "Novel").Done.id,
      { name = "Done", color = "#00000f" }))
    noted(rollback(), 'stage "Done" was changed')
  end)
end)

describe("what others change meanwhile", function()
  local server, space, folder, journal

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function start(counts)
    server, space = migrations.start(migrations.space(counts))
  end

  local function apply(blueprint, more)
    local options = { journal = journal }
    for name, value in pairs(more or {}) do options[name] = value end
    local plan = assert(migration.plan(space, blueprint))
    return assert(migration.apply(space, plan, options)), plan
  end

  -- Gives the workflow another name and one more content type.
  local function rename()
    assert(space.workflows:update(migrations.workflow(server).id, {
      name = "Story", content_types = { "article", "essay" } }))
  end

  local function assert_renamed(...)
    local workflow = migrations.workflow(server, "Story")
    assert.is_table(workflow)
    assert.same({ ... }, workflow.content_types)
  end

  local function in_another_order()
    local blueprint = migrations.smaller()
    blueprint.stages[2], blueprint.stages[3] = blueprint.stages[3],
                                               blueprint.stages[2]
    return blueprint
  end

  it("in the workflow is kept: an order, after resume", function()
    start { ["Old review"] = 3 }
    apply(in_another_order(), { limit = 1 })
    rename()
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert_renamed("article", "essay")
    assert.same({ "Drafting", "Ready", "Review" },
                migrations.names(server, "Story"))
  end)

  it("in the workflow is kept: content types, after resume", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.content_types = { "article", "news" }
    server:inject { { method = "PUT", path = "/workflows/", count = 1,
                      status = 422 } }
    apply(blueprint)
    server:inject(false)
    rename()
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert_renamed("article", "news")
  end)

  it("in the workflow is kept: after rollback", function()
    start { ["Old review"] = 3 }
    assert.is_true(apply(in_another_order()).complete)
    rename()
    local title
    local report = assert(migration.rollback(space, journal, {
      confirm = function(plan)
        title = tostring(plan)
        return true
      end }))
    assert.is_true(report.complete, tostring(report))
    has(title, 'Workflow "Story"')
    assert_renamed("article", "essay")
    assert.same({ "Drafting", "Review", "Old review", "Ready" },
                migrations.names(server, "Story"))
  end)

  -- Does something once, when the stage that goes is counted: behind the
  -- moves.
  local function behind_moves(act)
    local real, done = space.stories.page, false
    rawset(space.stories, "page", function(self, filter, ...)
      if filter.per_page == 1 and not done then
        done = true
        act()
      end
      return real(self, filter, ...)
    end)
  end

  local function change(name, values)
    local stage = migrations.stages_of(server)[name]
    local all = { name = name, color = stage.color,
                  workflow_stage_ids = stage.workflow_stage_ids }
    for key, value in pairs(values) do all[key] = value end
    assert(space.stages:update(stage.id, all))
  end

  it("in a stage is kept: after the moves", function()
    start { ["Old review"] = 3 }
    local blueprint = migrations.smaller()
    blueprint.stages[2].allow_publish = true
    blueprint.stages[3].allow_editor_change = true
    table.insert(blueprint.stages, { name = "Legal", color = "#123456",
                                     next = { "Review" } })
    local plan = assert(migration.plan(space, blueprint))
    behind_moves(function()
      change("Review", { color = "#0000ff" })
      change("Legal", { auto_remove_assignee = true })
    end)
    local before = #server:requests()
    local report = assert(migration.apply(space, plan,
                                          { journal = journal }))
    assert.is_true(report.complete, tostring(report))
    local stages = migrations.stages_of(server)
    assert.equal("#0000ff", stages.Review.color)
    assert.is_true(stages.Review.allow_publish)
    assert.is_true(stages.Legal.auto_remove_assignee)
    assert.same({ stages.Review.id }, stages.Legal.workflow_stage_ids)
    -- the two changes themselves are not the run's
    assert.equal(plan.requests + 2, #server:requests() - before)
  end)

  it("in a stage is kept: while a rollback awaits confirmation", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[2].allow_publish = true
    apply(blueprint)
    local planned
    local report = assert(migration.rollback(space, journal, {
      confirm = function(plan)
        planned = plan.requests
        change("Review", { color = "#0000ff", allow_publish = true })
        return true
      end }))
    assert.is_true(report.complete)
    assert.equal("#0000ff", migrations.stages_of(server).Review.color)
    assert.is_false(migrations.stages_of(server).Review.allow_publish)
    assert.equal(planned, report.requests)
  end)

  it("is not taken for news where it is the run's own, shown late",
     function()
    start { Drafting = 2 }
    local blueprint = migrations.blueprint()
    blueprint.stages[1].next = { "Review", "Ready" }
    blueprint.stages[1].color = "#123456"
    blueprint.moves = { { from = "Drafting", to = "Ready" } }
    local plan = assert(migration.plan(space, blueprint))
    -- the read behind the moves still shows what was there before
    local real, first = space.stages.list, nil
    rawset(space.stages, "list", function(self, ...)
      local list, err = real(self, ...)
      first = first or list
      return first, err
    end)
    assert.is_true(assert(migration.apply(space, plan, {
      journal = journal })).complete)
    rawset(space.stages, "list", nil)
    local stages = migrations.stages_of(server)
    assert.equal("#123456", stages.Drafting.color)
    assert.same({ stages.Review.id, stages.Ready.id },
                stages.Drafting.workflow_stage_ids)
  end)

  it("is not taken for news where it is its content types, shown late",
     function()
    start()
    local blueprint = in_another_order()
    blueprint.content_types = { "article", "news" }
    local plan = assert(migration.plan(space, blueprint))
    local real, first = space.workflows.get, nil
    rawset(space.workflows, "get", function(self, ...)
      first = first or assert(real(self, ...))
      return first
    end)
    assert.is_true(assert(migration.apply(space, plan, {
      journal = journal })).complete)
    rawset(space.workflows, "get", nil)
    assert.same({ "article", "news" },
                migrations.workflow(server).content_types)
  end)
end)

-- Two stages go; the second still names the first when something comes to it
-- whose way has to be opened.
describe("a late arrival in a stage that names one that is gone", function()
  local server, space, folder

  before_each(function()
    folder = migrations.folder()
    local content = migrations.space { Ready = 1, Drafting = 1 }
    content.workflows[2].stages = {
      { name = "Drafting", color = "#babcb6", position = 1, is_default = true,
        allow_all_stages = true },
      { name = "Review", color = "#f5a623", position = 2,
        workflow_stage_ids = { "Drafting" } },
      { name = "Ready", color = "#7ed321", position = 3,
        workflow_stage_ids = { "Review" } },
    }
    server, space = migrations.start(content)
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function put(name)
    for _, each in ipairs(server:dump().spaces[1].stories) do
      if each.full_slug == "ready/1" then
        assert(space.changes:create { story_id = each.id,
          workflow_stage_id = migrations.stages_of(server)[name].id })
      end
    end
  end

  local function apply(fault)
    put "Review"
    put "Drafting"
    local plan = assert(migration.plan(space, {
      workflow = "Article", content_types = { "article" },
      stages = { { name = "Drafting", color = "#babcb6", is_default = true,
                   next = "all" } },
      moves = { { from = "Review", to = "Drafting" },
                { from = "Ready", to = "Drafting" } } }))
    put "Ready"
    server:inject(fault or false)
    local report = assert(migration.apply(space, plan,
                                          { journal = folder .. "/j" }))
    server:inject(false)
    return report
  end

  local function rollback()
    local report = assert(migration.rollback(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    local stages = migrations.stages_of(server)
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
    assert.same({ stages.Review.id }, stages.Ready.workflow_stage_ids)
    return report
  end

  it("is moved", function()
    local report = apply()
    assert.is_true(report.complete, tostring(report))
    assert.same({ "Drafting" }, migrations.names(server))
    assert.same({ Drafting = 2 }, migrations.counts(server))
    assert.same({}, migrations.refused(server))
    rollback()
  end)

  it("leaves a way that rollback knows for the run's own", function()
    local report = apply { { method = "POST", status = 422,
                             path = "workflow_stage_changes" } }
    assert.equal(1, report.failed)
    assert.same({ "Drafting", "Ready" }, migrations.names(server))
    assert.same({}, rollback().notes)
    assert.same({ Drafting = 1, Ready = 1 }, migrations.counts(server))
  end)
end)
