-- What comes to the stages of a workflow while a run is on its way to remove
-- it.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("late arrivals in a workflow that is removed", function()
  local server, space, folder, journal, editor

  local function start()
    local content = migrations.space { ["Old review"] = 6 }
    content.workflows[3] = { name = "News", content_types = { "news" },
      stages = {
        { name = "Start", color = "#111111", position = 1, is_default = true,
          allow_all_stages = true },
        { name = "Done", color = "#222222", position = 2,
          allow_all_stages = true },
      } }
    for i = 1, 4 do
      table.insert(content.stories, {
        id = 2000000 + i, name = "n" .. i, full_slug = "news/" .. i,
        content_type = "news",
        stage = { workflow = "News", stage = i % 2 == 0 and "Done" or "Start" },
      })
    end
    server, space = migrations.start(content)
    editor = migrations.client(server, { token = "token-of-an-editor" })
  end

  local function stop()
    editor:close()
    space:close()
    server:stop()
  end

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
    start()
  end)

  after_each(function()
    stop()
    migrations.remove(folder)
  end)

  local function plan()
    return assert(migration.plan(space, {
      workflows = { { workflow = "News", remove = true } },
      moves = {
        { from = { workflow = "News", stage = "Start" },
          to = { workflow = "Article", stage = "Review" } },
        { from = { workflow = "News", stage = "Done" },
          to = { workflow = "Article", stage = "Review" } },
      } }))
  end

  local function put(number, stage)
    assert(editor.changes:create { story_id = 1000000 + number,
      workflow_stage_id = migrations.stages_of(server, "News")[stage].id })
  end

  -- Puts two stories into each stage once the first item was moved.
  local function arrive()
    local done = false
    return function()
      if done then return end
      done = true
      for i, stage in ipairs { "Start", "Done", "Start", "Done" } do
        put(i, stage)
      end
    end
  end

  local AFTER = { ["Old review"] = 2, Review = 8 }
  local BACK = { ["Old review"] = 2, ["News / Start"] = 4,
                 ["News / Done"] = 4 }

  it("are moved by the plan's rules, and go back", function()
    local report = assert(migration.apply(space, plan(), {
      journal = journal, on_progress = arrive() }))
    assert.is_true(report.complete, tostring(report))
    assert.is_nil(migrations.workflow(server, "News"))
    assert.same(AFTER, migrations.counts(server))
    assert.is_true(assert(migration.rollback(space, journal)).complete)
    assert.same(BACK, migrations.counts(server))
  end)

  -- Runs with so many requests; true if it was cut off.
  local function cut(requests)
    local client = migrations.client(server, { max_requests = requests })
    local report = migration.apply(client, plan(), {
      journal = journal, on_progress = arrive() })
    client:close()
    return not (report and report.complete)
  end

  -- Cuts a run at each of its requests, and begins again each time.
  local function at_each_cut(act)
    local number = 4
    repeat
      local was_cut = cut(number)
      if io.open(journal) then act(number) end
      os.remove(journal)
      os.remove(journal .. ".rollback")
      number = number + 1
      stop()
      start()
    until not was_cut
    assert.is_true(number > 24)
  end

  it("are moved once, wherever the run was cut off", function()
    at_each_cut(function(number)
      local report = assert(migration.resume(space, journal))
      assert.is_true(report.complete, number .. ": " .. tostring(report))
      assert.is_nil(migrations.workflow(server, "News"))
      assert.equal(0, migrations.counts(server)["News / Start"] or 0)
      for _, changes in pairs(migrations.changes(server)) do
        assert.is_true(#changes <= 2)
      end
    end)
  end)

  it("go back, wherever the run was cut off", function()
    at_each_cut(function(number)
      local report = assert(migration.rollback(space, journal))
      assert.is_true(report.complete, number .. ": " .. tostring(report))
      assert.is_nil(migrations.counts(server).Review)
    end)
  end)

  it("that no rule moves keep the workflow, until they are gone", function()
    put(1, "Start")
    for i = 1, 4 do put(1000000 + i, "Start") end
    local way = assert(migration.plan(space, {
      workflows = { { workflow = "News", remove = true } },
      moves = { { from = { workflow = "News", stage = "Start" },
                  to = { workflow = "Article", stage = "Review" } } } }))
    local done
    local report = assert(migration.apply(space, way, {
      journal = journal, on_progress = function()
        if not done then put(2, "Done") end
        done = true
      end }))
    assert.is_false(report.complete)
    assert.same({ 'workflow "News" is not deleted: stage "Done" still holds ' ..
                  "1 item" }, report.notes)
    assert(editor.changes:create { story_id = 1000002,
      workflow_stage_id = migrations.stages_of(server).Ready.id })
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert.is_nil(migrations.workflow(server, "News"))
  end)
end)
