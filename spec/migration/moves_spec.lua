-- Moves: the items, their stages, and the attributes of each change.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local has = clients.has

describe("a move", function()
  local server, space, folder

  local function start(counts, more, options)
    server, space = migrations.start(migrations.space(counts, more), options)
  end

  local function migrate(blueprint, opts)
    local plan = assert(migration.plan(space, blueprint))
    local options = { journal = folder .. "/j" }
    for name, value in pairs(opts or {}) do options[name] = value end
    return assert(migration.apply(space, plan, options)), plan
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function with_moves(...)
    local blueprint = migrations.blueprint()
    blueprint.moves = { ... }
    return blueprint
  end

  it("takes each story by the first rule that matches, once", function()
    start { ["Old review"] = 12, Drafting = 1 }
    local blueprint = migrations.smaller()
    blueprint.moves = {
      { from = "Old review", where = { starts_with = "old-review/1" },
        to = "Ready" },
      { from = "Old review", where = { by_slugs =
          "old-review/1,old-review/2" }, to = "Drafting" },
      { from = "Old review", to = "Review" },
    }
    local report = migrate(blueprint)
    assert.is_true(report.complete)
    assert.equal(12, report.moved)
    assert.equal(0, report.skipped)
    -- 1, 10, 11, 12; then 2; then the others
    assert.same({ Ready = 4, Drafting = 2, Review = 7 },
                migrations.counts(server))
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)

  it("is shown with its filter, of which long lists are cut", function()
    start { Drafting = 9 }
    local slugs = {}
    for i = 1, 9 do slugs[i] = "drafting/" .. i end
    local plan = assert(migration.plan(space, with_moves(
      { from = "Drafting", where = { with_slug = slugs[9] }, to = "Review" },
      { from = "Drafting", where = { by_slugs = table.concat(slugs, ",") },
        to = "Review" })))
    has(plan, "> 1 item  Drafting -> Review  " ..
              "(with_slug: drafting/9)")
    has(plan, "> 8 items  Drafting -> Review  (by_slugs: " ..
              table.concat(slugs, ", ", 1, 5) .. " and 4 more)")
  end)

  it("depends on the stage at plan time: no story moves twice",
     function()
    start { Drafting = 3, Review = 4 }
    migrate(with_moves({ from = "Drafting", to = "Review" },
                       { from = "Review", to = "Ready" }))
    assert.same({ Review = 3, Ready = 4 }, migrations.counts(server))
  end)

  it("goes both ways at once", function()
    start { Drafting = 3, Review = 4 }
    migrate(with_moves({ from = "Drafting", to = "Review" },
                       { from = "Review", to = "Drafting" }))
    assert.same({ Review = 3, Drafting = 4 }, migrations.counts(server))
  end)

  it("chooses by the service's own filters", function()
    local stories = migrations.stories { Drafting = 6 }
    stories[1].tag_list = { "law" }
    stories[2].published = true
    stories[3].content = { component = "article", title = "x" }
    start(nil, { stories = stories })
    migrate(with_moves(
      { from = "Drafting", where = { with_tag = "law" }, to = "Review" },
      { from = "Drafting", where = { is_published = true }, to = "Ready" },
      { from = "Drafting", where = { filter_query = { title =
          { ["in"] = "x" } } }, to = "Old review" }))
    local counts = migrations.counts(server)
    assert.equal(1, counts.Review)
    assert.equal(1, counts.Ready)
    assert.equal(1, counts["Old review"])
  end)

  it("comes from another workflow, and from the default one", function()
    local stories = migrations.stories { Drafting = 1 }
    for i = 1, 3 do
      stories[#stories + 1] = { full_slug = "d/" .. i, name = "d",
        stage = { stage = "Reviewing", workflow = "Default" } }
    end
    start(nil, { stories = stories })
    migrate(with_moves(
      { from = { workflow = "Default", stage = "Reviewing" },
        where = { by_slugs = "d/1" }, to = "Ready" },
      { from = { default = true, stage = "Reviewing" }, to = "Review" }))
    assert.same({ Drafting = 1, Ready = 1, Review = 2 },
                migrations.counts(server))
  end)

  it("goes to another workflow", function()
    start { Ready = 2 }
    migrate(with_moves({ from = "Ready",
                         to = { default = true, stage = "Reviewing" } }))
    assert.same({ ["Default / Reviewing"] = 2 }, migrations.counts(server))
  end)

  it("comes from no stage, and leaves folders alone", function()
    local stories = migrations.stories { none = 4, Drafting = 2 }
    stories[#stories + 1] = { full_slug = "none", name = "none",
                              is_folder = true }
    start(nil, { stories = stories })
    local report = migrate(with_moves(
      { from = "none", where = { starts_with = "none/" }, to = "Review" }))
    assert.equal(4, report.moved)
    assert.same({ Review = 4, Drafting = 2, none = 1 },
                migrations.counts(server))
  end)

  it("takes comment, notice, due date, release and assignees by name",
     function()
    start({ Drafting = 1 }, {
      space_roles = { { id = 71, role = "Lawyer" } },
      users = { { id = 81, userid = "law@example.com" } },
      collaborators = { { user = "law@example.com" } },
      releases = { { id = 91, name = "Spring" } },
    })
    migrate(with_moves {
      from = "Drafting", to = "Ready", comment = "by the new workflow",
      notify = true, due_date = "2026-12-01T10:00:00.000Z", release_id = 91,
      assign = { users = { "law@example.com" }, roles = { "Lawyer" } },
    })
    local _, changes = next(migrations.changes(server))
    local change = changes[1]
    assert.equal("by the new workflow", change.comment.message)
    assert.is_true(change.notify)
    assert.equal(91, change.release_id)
    assert.equal("2026-12-01T10:00:00.000Z", change.due_date)
    assert.same({ user_ids = { 81 }, space_role_ids = { 71 } },
                change.assign)
    local story = server:dump().spaces[1].stories[1]
    assert.same({ 81 }, story.user_ids)
    for _, request in ipairs(server:requests()) do
      local query = request.query or ""
      if query:find("by_ids", 1, true) or query:find("in_workflow", 1, true)
      then
        assert.is_truthy(query:find("release_id=91", 1, true) or
                         request.path:find "workflow_stages", query)
      end
    end
  end)

  it("of a release's versions does not empty a stage that is to go",
     function()
    start({ ["Old review"] = 3 }, { releases = { { id = 91, name = "S" } } })
    local blueprint = migrations.smaller()
    blueprint.moves[1].release_id = 91
    local _, err = migration.plan(space, blueprint)
    has(err, '3 stories in it have no move')
  end)

  it("sends no e-mail that nobody asked for", function()
    start { Drafting = 3 }
    migrate(with_moves { from = "Drafting", to = "Ready" })
    for _, changes in pairs(migrations.changes(server)) do
      assert.is_false(changes[1].notify)
      assert.is_nil(changes[1].comment)
    end
  end)

  it("leads to a new stage and from a renamed one",
     function()
    start { Drafting = 2, Review = 3 }
    local blueprint = migrations.blueprint()
    blueprint.stages[2].name, blueprint.stages[2].was = "Proof", "Review"
    blueprint.stages[1].next = { "Proof" }
    blueprint.stages[5] = { name = "Legal", color = "#123456" }
    blueprint.moves = { { from = "Drafting", to = "Legal" },
                        { from = "Review", to = "Ready" } }
    migrate(blueprint)
    assert.same({ Legal = 2, Ready = 3 }, migrations.counts(server))
  end)

  it("sends nothing for items that are already there", function()
    start { Review = 50, ["Old review"] = 0 }
    local _, plan = migrate(with_moves { from = "Old review",
                                         to = "Review" })
    assert.equal(0, plan.requests)
    assert.same({}, migrations.changes(server))
  end)

  it("that is refused is reported in the service's words, by item",
     function()
    start { Drafting = 3 }
    server:inject { { method = "POST", path = "workflow_stage_changes",
                      count = 1, after = 1, status = 403, shape = "string",
                      body = { error = "You are not allowed to" } } }
    local report = migrate(with_moves { from = "Drafting", to = "Ready" })
    assert.is_false(report.complete)
    assert.equal(2, report.moved)
    assert.equal(1, report.failed)
    local failure = report.failures[1]
    assert.equal("forbidden", failure.error.kind)
    assert.equal("You are not allowed to", failure.error.message)
    assert.is_true(failure.item >= 1000000)
    has(failure.name, "drafting/")
    has(report, "1 failed")
  end)

  it("reports a transition that was closed meanwhile",
     function()
    start { Drafting = 2 }
    local plan = assert(migration.plan(space, with_moves(
      { from = "Drafting", to = "Review" })))
    local real, shut = space.stories.page, false
    -- the way is closed between the look at the structure and the moves
    local id = migrations.stages_of(server).Drafting.id
    rawset(space.stories, "page", function(...)
      if not shut then
        shut = true
        local stage = migrations.stages_of(server).Drafting
        stage.workflow_stage_ids = {}
        assert(space.stages:update(id, { name = stage.name,
          color = stage.color, workflow_stage_ids = {},
          allow_none_for_next_stages = true }))
      end
      return real(...)
    end)
    local report = assert(migration.apply(space, plan,
                                          { journal = folder .. "/j" }))
    assert.equal(2, report.failed)
    has(report.failures[1].error, "does not allow to move on")
  end)

  it("reaches every one of several hundred", function()
    start { ["Old review"] = 730, Review = 15 }
    local report = migrate(migrations.smaller())
    assert.is_true(report.complete)
    assert.equal(730, report.moved)
    assert.same({ Review = 745 }, migrations.counts(server))
  end)
end)
