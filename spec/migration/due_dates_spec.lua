-- Due dates: an item keeps its own when it is moved, unless the move says
-- otherwise, and a rollback gives them back.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local ONE, TWO, SET = "2027-01-01T10:00:00.000Z", "2027-02-02T10:00:00.000Z",
                      "2028-01-01T00:00:00.000Z"

describe("due dates", function()
  local server, space, folder

  local function start(shape)
    local stories = migrations.stories { ["Old review"] = 4 }
    stories[1].stage.due_date = ONE
    stories[2].stage.due_date = TWO
    server, space = migrations.start(migrations.space(nil, {
      stories = stories }), { story_stage = shape or "change" })
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function dues()
    local found = {}
    for i, story in ipairs(server:dump().spaces[1].stories) do
      local due = story.stage and story.stage.due_date
      found[i] = type(due) == "string" and due or false
    end
    return found
  end

  local function plan_with(due_date)
    local blueprint = migrations.smaller()
    blueprint.moves[1].due_date = due_date
    return assert(migration.plan(space, blueprint))
  end

  local function apply(due_date)
    local report = assert(migration.apply(space, plan_with(due_date), {
      journal = folder .. "/j" }))
    assert.is_true(report.complete, tostring(report))
  end

  local function rollback()
    local report = assert(migration.rollback(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.same({ ["Old review"] = 4 }, migrations.counts(server))
  end

  local BEFORE = { ONE, TWO, false, false }

  it("are kept, and kept by a rollback", function()
    start()
    assert.is_nil(tostring(plan_with()):find("due date", 1, true))
    apply()
    assert.same(BEFORE, dues())
    rollback()
    assert.same(BEFORE, dues())
  end)

  it("are cleared by a move that says so, and given back", function()
    start()
    clients.has(plan_with(false), "Clears the due dates of 2 items.")
    apply(false)
    assert.same({ false, false, false, false }, dues())
    rollback()
    assert.same(BEFORE, dues())
  end)

  it("are set by a move that names one, and given back", function()
    start()
    apply(SET)
    assert.same({ SET, SET, SET, SET }, dues())
    rollback()
    assert.same(BEFORE, dues())
  end)

  it("that somebody has set since stay", function()
    start()
    apply(SET)
    local review = migrations.stages_of(server).Review.id
    for i, story in ipairs(server:dump().spaces[1].stories) do
      if i % 2 == 0 then
        assert(space.changes:create { story_id = story.id, due_date = TWO,
                                      workflow_stage_id = review })
      end
    end
    rollback()
    assert.same({ ONE, TWO, false, TWO }, dues())
  end)

  it("of what only a later run moves are kept as well", function()
    start()
    local plan = plan_with()
    server:inject { { method = "POST", path = "/workflow_stage_changes",
                      count = 1, status = 422 } }
    local report = assert(migration.apply(space, plan, {
      journal = folder .. "/j" }))
    assert.equal(1, report.failed)
    assert.is_true(assert(migration.resume(space, folder .. "/j")).complete)
    assert.same(BEFORE, dues())
  end)

  it("that the service does not return are lost, and the plan knows", function()
    start "names"
    clients.has(plan_with(), "The due dates of 4 items are unknown and " ..
                             "will be lost.")
    apply()
    assert.same({ false, false, false, false }, dues())
  end)
end)
