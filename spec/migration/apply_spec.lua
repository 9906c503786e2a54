-- Applying a plan: the workflow, its items, and late arrivals.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("apply", function()
  local server, space, folder

  local function start(counts, more, options)
    server, space = migrations.start(migrations.space(counts, more), options)
  end

  local function plan(blueprint)
    return assert(migration.plan(space, blueprint))
  end

  local function apply(made, more)
    local options = { journal = folder .. "/j" }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(space, made, options))
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    if space then space:close() end
    if server then server:stop() end
    server, space = nil, nil
    migrations.remove(folder)
  end)

  it("creates the described workflow", function()
    start({ ["Old review"] = 5 }, {
      space_roles = { { role = "Lawyer" } },
      users = { { userid = "law@example.com" } },
      collaborators = { { user = "law@example.com" } },
    })
    local blueprint = {
      workflow = "Article", content_types = { "article", "page" },
      stages = {
        { name = "Drafting", color = "#babcb6", is_default = true,
          next = { "Review" } },
        { name = "Review", color = "#f5a623", next = { "Legal", "Drafting" } },
        { name = "Legal", color = "#4a90e2", next = "all",
          roles = { "Lawyer" }, users = { "law@example.com" } },
        { name = "Ready", color = "#7ed321", allow_publish = true,
          after_publish = "Drafting", next = "none" },
      },
      moves = { { from = "Old review", to = "Legal" } },
    }
    assert.is_true(apply(plan(blueprint)).complete)
    assert.same({ "Drafting", "Review", "Legal", "Ready" },
                migrations.names(server))
    local stages = migrations.stages_of(server)
    assert.same({ stages.Legal.id, stages.Drafting.id },
                stages.Review.workflow_stage_ids)
    assert.is_true(stages.Legal.allow_all_stages)
    assert.equal(1, #stages.Legal.space_role_ids)
    assert.equal(1, #stages.Legal.user_ids)
    assert.equal(stages.Drafting.id, stages.Ready.after_publish_id)
    assert.is_true(stages.Ready.allow_none_for_next_stages)
    assert.same({ "article", "page" },
                migrations.workflow(server).content_types)
    assert.is_true(plan(blueprint):is_empty())
    assert.same({}, migrations.refused(server))
  end)

  it("creates a workflow that does not exist", function()
    start { Drafting = 2 }
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    blueprint.moves = { { from = { workflow = "Article", stage = "Drafting" },
                          to = "Review" } }
    assert.is_true(apply(plan(blueprint)).complete)
    assert.same({ "Drafting", "Review", "Old review", "Ready" },
                migrations.names(server, "Novel"))
    assert.same({ ["Novel / Review"] = 2 }, migrations.counts(server))
    assert.is_true(plan(blueprint):is_empty())
  end)

  it("adopts or deletes the stages that come with a new workflow", function()
    start()
    local real = space.workflows.create
    rawset(space.workflows, "create", function(self, attributes, ...)
      local made = assert(real(self, attributes, ...))
      for _, stage in ipairs {
        { name = "Drafting", color = "#000001", workflow_id = made.id },
        { name = "Reviewing", color = "#f5a623", workflow_id = made.id },
        { name = "Done", color = "#000003", workflow_id = made.id },
      } do
        assert(space.stages:create(stage))
      end
      return made
    end)
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    local report = apply(plan(blueprint))
    assert.is_true(report.complete, tostring(report))
    assert.same({ "Drafting", "Review", "Old review", "Ready" },
                migrations.names(server, "Novel"))
    assert.same({}, migrations.refused(server))
    rawset(space.workflows, "create", nil)
    assert.is_true(plan(blueprint):is_empty())
  end)

  it("sends attributes whole, for a service that resets what is left out",
     function()
    start(nil, nil, { put = "reset" })
    local before = migrations.stages_of(server).Review
    local blueprint = migrations.blueprint()
    blueprint.stages[2].color = "#000001"
    blueprint.stages[1].next = { "Review", "Ready" }
    apply(plan(blueprint))
    local stages = migrations.stages_of(server)
    assert.is_true(stages.Drafting.is_default)
    before.color = "#000001"
    assert.same(before, stages.Review)
    assert.is_true(plan(blueprint):is_empty())
  end)

  for count, with in pairs { [0] = "none", [2] = "some" } do
    it("says nothing of a stage that goes to those that stay, with " .. with ..
       " in it", function()
      -- the step aside of "Drafting" comes after "Review" is gone
      start { Review = count }
      local blueprint = {
        workflow = "Article", content_types = { "article" },
        stages = {
          { name = "Drafting", color = "#7ed321", next = { "Ready" } },
          { name = "Ready", color = "#babcb6", is_default = true,
            next = "all" },
          { name = "Old review", color = "#b8860b" },
        }, moves = { { from = "Review", to = "Ready" } } }
      assert.is_true(apply(plan(blueprint)).complete)
      assert.same({}, migrations.refused(server))
    end)
  end

  it("reports its progress", function()
    start { ["Old review"] = 120 }
    local last, calls = nil, 0
    apply(plan(migrations.smaller()), { on_progress = function(progress)
      calls, last = calls + 1, progress
    end })
    assert.equal(120, calls)
    assert.equal(120, last.total)
    assert.equal(120, last.done)
    assert.equal(120, last.moved)
    assert.is_true(last.requests > 120)
    assert.is_true(last.elapsed >= 0)
  end)

  it("runs as many moves at a time as `concurrency`", function()
    start({ Drafting = 12 }, nil, { latency = 0.1 })
    local function most(concurrency, to, from, journal)
      local blueprint = migrations.blueprint()
      blueprint.moves = { { from = from, to = to } }
      apply(plan(blueprint), { concurrency = concurrency,
                               journal = folder .. journal })
      return server:stats().max_in_flight
    end
    assert.is_true(most(2, "Review", "Drafting", "/1") <= 2)
    local many = most(12, "Ready", "Review", "/2")
    assert.is_true(many > 2 and many <= 12, many)
  end)

  it("refuses options that it does not know, before it sends anything",
     function()
    start { Drafting = 1 }
    local made = plan(migrations.smaller())
    local before = #server:requests()
    for _, options in ipairs {
      { jurnal = "x" }, { on_failure = "ignore" }, { limit = 0 },
      { concurrency = "many" }, { limit = 1.5 },
    } do
      failed("invalid", migration.apply(space, made, options))
    end
    assert.equal(before, #server:requests())
  end)

  it("does nothing, and asks nothing, for an empty plan", function()
    start()
    local made = plan(migrations.blueprint())
    local before = #server:requests()
    assert.is_true(apply(made).complete)
    assert.equal(before, #server:requests())
  end)

  -- ---------------------------------------------------------- late arrivals

  -- Something done just before the request to list or count a stage.
  local function before_page(number, act)
    local real, calls = space.stories.page, 0
    rawset(space.stories, "page", function(self, filter, ...)
      calls = calls + 1
      if calls == number then act() end
      return real(self, filter, ...)
    end)
  end

  local function put(slug, stage, other)
    local stages = migrations.stages_of(server)
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if story.full_slug == slug then
        return assert(other.changes:create {
          story_id = story.id, workflow_stage_id = stages[stage].id })
      end
    end
  end

  it("moves late arrivals before it deletes their stage", function()
    start { ["Old review"] = 3, Ready = 2, none = 2 }
    local other = migrations.client(server)
    local made = plan(migrations.smaller())
    before_page(2, function()
      put("none/1", "Old review", other)
      put("none/2", "Old review", other)
    end)
    local report = apply(made)
    assert.is_true(report.complete, tostring(report))
    assert.equal(5, report.moved)
    assert.same({ Review = 5, Ready = 2 }, migrations.counts(server))
    assert.same({}, migrations.refused(server))
    other:close()
  end)

  it("does so until a read finds none", function()
    start { ["Old review"] = 1, none = 5 }
    local other = migrations.client(server)
    local made = plan(migrations.smaller())
    local real, calls, came = space.stories.page, 0, 0
    rawset(space.stories, "page", function(self, filter, ...)
      calls = calls + 1
      if filter.per_page == 1 and came < 5 then
        came = came + 1
        put("none/" .. came, "Old review", other)
      end
      return real(self, filter, ...)
    end)
    assert.is_true(apply(made).complete)
    assert.same({ Review = 6 }, migrations.counts(server))
    for _, changes in pairs(migrations.changes(server)) do
      assert.is_true(#changes <= 2)
    end
    other:close()
  end)

  it("opens a transition for them that the plan did not need", function()
    start { none = 1 }
    local other = migrations.client(server)
    local made = plan(migrations.smaller())
    before_page(1, function() put("none/1", "Old review", other) end)
    local report = apply(made)
    assert.is_true(report.complete, tostring(report))
    assert.same({ Review = 1 }, migrations.counts(server))
    assert.same({}, migrations.refused(server))
    other:close()
  end)

  it("moves them by the first of the plan's rules that matches", function()
    start { none = 4 }
    local other = migrations.client(server)
    local blueprint = migrations.smaller()
    table.insert(blueprint.moves, 1, {
      from = "Old review", where = { by_slugs = "none/2" }, to = "Ready",
      comment = "rule one" })
    local made = plan(blueprint)
    assert(made:save(folder .. "/plan"))
    made = assert(migration.load(folder .. "/plan"))
    before_page(1, function()
      put("none/1", "Old review", other)
      put("none/2", "Old review", other)
    end)
    assert.is_true(apply(made).complete)
    assert.same({ Review = 1, Ready = 1, none = 2 },
                migrations.counts(server))
    other:close()
  end)

  it("keeps a stage that no rule empties, and says so", function()
    start { none = 1 }
    local other = migrations.client(server)
    local blueprint = migrations.smaller()
    blueprint.moves = {}
    local made = plan(blueprint)
    before_page(1, function() put("none/1", "Old review", other) end)
    local report = apply(made)
    assert.is_false(report.complete)
    has(report.notes[1], "Old review")
    assert.same({ ["Old review"] = 1 }, migrations.counts(server))
    -- once it is empty, the rest is done
    put("none/1", "Ready", other)
    report = assert(migration.resume(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.same({ "Drafting", "Review", "Ready" }, migrations.names(server))
    other:close()
  end)

  it("moves nothing out of a stage that is kept", function()
    start { none = 1 }
    local other = migrations.client(server)
    local blueprint = migrations.smaller()
    blueprint.moves = {}
    blueprint.stages[3].color = "#b8860b"
    local made = plan(blueprint)
    before_page(1, function() put("none/1", "Old review", other) end)
    local report = apply(made)
    assert.is_false(report.complete)
    assert.is_nil(report.error)
    has(report, "a stage is not empty")
    assert.same({}, migrations.refused(server))
    assert.equal("#7ed321", migrations.stages_of(server).Ready.color)
    put("none/1", "Ready", other)
    assert.is_true(assert(migration.resume(space, folder .. "/j")).complete)
    assert.equal("#b8860b", migrations.stages_of(server).Ready.color)
    other:close()
  end)

  it("reports how many stages it added, changed and removed", function()
    start { ["Old review"] = 3 }
    local blueprint = migrations.smaller()
    blueprint.stages[2].allow_publish = true
    table.insert(blueprint.stages, { name = "Legal", color = "#123456",
                                     next = {} })
    local report = apply(plan(blueprint))
    assert.same({ 1, 1, 1, 3 }, { report.added, report.changed,
                                  report.removed, report.moved })
    assert.equal("1 added, 1 changed, 1 removed, 3 moved", tostring(report))
    os.remove(folder .. "/j")
    blueprint = migrations.blueprint()
    blueprint.workflow, blueprint.create = "Novel", true
    report = apply(plan(blueprint))
    assert.equal("4 added, 0 moved", tostring(report))
  end)

  it("leaves no item in a deleted stage, however fast they arrive",
     function()
    start { ["Old review"] = 6, Review = 12 }
    local blueprint = migrations.blueprint()
    blueprint.stages[2].next = { "Drafting", "Ready", "Old review" }
    local made = plan(blueprint)
    assert.is_true(apply(made).complete)
    os.remove(folder .. "/j")
    -- an editor who moves one into it with every request of the run
    local editor, old = migrations.client(server),
                        migrations.stages_of(server)["Old review"].id
    local ids, refused = {}, 0
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if story.full_slug:find "^review" then ids[#ids + 1] = story.id end
    end
    local real = space.stories.page
    rawset(space.stories, "page", function(...)
      local id = table.remove(ids)
      local done = id and editor.changes:create {
        story_id = id, workflow_stage_id = old }
      refused = refused + (id and not done and 1 or 0)
      return real(...)
    end)
    local report = apply(plan(migrations.smaller()))
    assert.is_true(report.complete, tostring(report))
    assert.is_true(refused > 0)
    assert.is_nil(migrations.counts(server).none)
    editor:close()
  end)

  it("moves nothing twice where reads are late", function()
    start { ["Old review"] = 3 }
    -- a read of the stage that still shows what has left it
    local real, lies = space.stories.page, 0
    rawset(space.stories, "page", function(self, filter, ...)
      local page, err = real(self, filter, ...)
      if page and filter.per_page == 1 and lies < 1 then
        lies, page.total = lies + 1, 3
      end
      return page, err
    end)
    assert.is_true(apply(plan(migrations.smaller())).complete)
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)
end)
