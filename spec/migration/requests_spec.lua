-- What a plan says that it costs is what it costs, to the request; and no
-- rule of the service is found out by a refusal.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("the requests of", function()
  local server, space, folder

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- Applies a blueprint to a space; its requests must be the plan's.
  local function exact(counts, blueprint, expected, more)
    server, space = migrations.start(migrations.space(counts, more))
    local plan = assert(migration.plan(space, blueprint))
    local before = #server:requests()
    local report = assert(migration.apply(space, plan,
                                          { journal = folder .. "/j" }))
    assert.is_true(report.complete, tostring(report))
    local sent = #server:requests() - before
    assert.equal(plan.requests, sent)
    assert.equal(plan.requests, report.requests)
    assert.equal(expected, sent)
    assert.same({}, migrations.refused(server))
    local again = assert(migration.plan(space, blueprint))
    assert.is_true(again:is_empty(), tostring(again))
    return plan
  end

  it("nothing", function() exact({}, migrations.blueprint(), 0) end)

  it("one changed stage", function()
    local blueprint = migrations.blueprint()
    blueprint.stages[1].color = "#000001"
    exact({}, blueprint, 2 + 1)
  end)

  it("a new stage", function()
    local blueprint = migrations.blueprint()
    table.insert(blueprint.stages, { name = "Legal", color = "#123456" })
    exact({}, blueprint, 2 + 1)
  end)

  it("a new stage that others lead to", function()
    local blueprint = migrations.blueprint()
    table.insert(blueprint.stages, 2, { name = "Legal", color = "#123456",
                                        next = { "Ready" } })
    blueprint.stages[1].next = { "Legal" }
    -- it is created with the stage that it leads to
    exact({}, blueprint, 2 + 1 + 1 + 2)
  end)

  it("a new workflow", function()
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    exact({}, blueprint, 1 + 2 + 4 + 3)
  end)

  for _, count in ipairs { 1, 99, 100, 101, 250 } do
    it(count .. " stories out of a stage that goes", function()
      local pages = math.ceil(count / 100)
      -- the way to "Review", the moves, a look at the stages, the fresh read
      -- and the end of it
      exact({ ["Old review"] = count }, migrations.smaller(),
            2 + 1 + count + pages + 1 + 2)
    end)
  end

  it("two rules for one stage", function()
    local blueprint = migrations.smaller()
    table.insert(blueprint.moves, 1, {
      from = "Old review", to = "Ready", where = { by_slugs =
        "old-review/1,old-review/2,old-review/3" } })
    exact({ ["Old review"] = 10 }, blueprint,
          2 + 1 + 4 + 1 + 8 + 1 + 2)
  end)

  it("moves from no stage", function()
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "none", to = "Review" } }
    exact({ none = 120, Review = 30 }, blueprint, 2 + 122)
  end)

  it("moves from another workflow", function()
    local blueprint = migrations.blueprint()
    blueprint.moves = {
      { from = { workflow = "Default", stage = "Reviewing" },
        to = "Review" } }
    local stories = migrations.stories { Drafting = 1 }
    for i = 1, 3 do
      stories[#stories + 1] = { full_slug = "d/" .. i, name = "d",
        stage = { stage = "Reviewing", workflow = "Default" } }
    end
    exact({}, blueprint, 2 + 1 + 4, { stories = stories })
  end)

  it("moves alone, with the way there opened and closed", function()
    exact({ Drafting = 5 }, { workflow = "Article", moves = {
      { from = "Drafting", to = "Ready" } } }, 2 + 1 + 6 + 2)
    assert.same({}, migrations.stages_of(server)["Ready"].workflow_stage_ids)
    local stages = migrations.stages_of(server)
    assert.same({ stages.Review.id }, stages.Drafting.workflow_stage_ids)
  end)

  it("moves between other workflows alone", function()
    exact({}, { moves = {
      { from = { workflow = "Article", stage = "Drafting" },
        to = { default = true, stage = "Drafting" } } } }, 1 + 2 + 3,
      { stories = migrations.stories { Drafting = 2 } })
    assert.same({ ["Default / Drafting"] = 2 }, migrations.counts(server))
  end)

  it("everything at once", function()
    local plan = exact({ Drafting = 30, Review = 20, ["Old review"] = 110,
                         none = 7 }, {
      workflow = "Article", content_types = { "article", "news" },
      stages = {
        { name = "Ready", color = "#7ed321", allow_publish = true,
          is_default = true, next = "all", after_publish = "Start" },
        { name = "Start", was = "Drafting", color = "#f5a623",
          next = { "Ready" } },
        { name = "Legal", color = "#b8860b", next = { "Start" } },
      },
      moves = {
        { from = "Old review", where = { starts_with = "old-review/1" },
          to = "Legal" },
        { from = "Old review", to = "Start" },
        { from = "Review", to = "Ready" }, { from = "none", to = "Legal" },
      },
    }, 164)
    -- the state 2; content types with a look, a temporary colour, the new
    -- stage 4; three stages widened; 137 moves on 4 pages, the stages read
    -- again behind each of the four 8; two closed, two deleted 6; two
    -- changed; the order with a look 2
    assert.equal(2 + 4 + 3 + 137 + 8 + 6 + 2 + 2, plan.requests)
  end)
end)
