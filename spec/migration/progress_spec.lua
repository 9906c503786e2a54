-- Counts and times of a run to whose stage items come while it goes on.
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("a run of 10 to whose stage 20 more come", function()
  local server, space, folder, other, journal, last

  before_each(function()
    folder = migrations.folder()
    journal, last = folder .. "/j", nil
    server, space = migrations.start(migrations.space {
      ["Old review"] = 10, none = 20 })
    other = migrations.client(server)
  end)

  after_each(function()
    other:close()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function arrive(count)
    local stage = migrations.stages_of(server)["Old review"].id
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if count > 0 and not story.stage then
        count = count - 1
        assert(other.changes:create { story_id = story.id,
                                      workflow_stage_id = stage })
      end
    end
  end

  -- Whatever comes, there is never more done than there is in all.
  local function on_progress(progress)
    assert(progress.done <= progress.total, "more done than there is")
    last = progress
  end

  local function apply(more)
    local plan = assert(migration.plan(space, migrations.smaller()))
    arrive(5)
    local options = { journal = journal, on_progress = on_progress }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(space, plan, options))
  end

  local function resume(more)
    local options = { on_progress = on_progress }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.resume(space, journal, options))
  end

  local function assert_progress(total, moved)
    local progress = assert(migration.progress(journal))
    assert.same({ total, moved }, { progress.total, progress.moved })
  end

  it("counts them as they come", function()
    assert.equal(6, apply({ limit = 6 }).moved)
    assert_progress(10, 6)
    arrive(15)
    assert.equal(8, resume({ limit = 8 }).moved)
    assert.same({ 30, 14 }, { last.total, last.done })
    local report = resume()
    assert.is_true(report.complete, tostring(report))
    assert.equal(16, report.moved)
    assert.same({ 30, 30 }, { last.total, last.done })
    assert_progress(30, 30)
  end)

  it("counts one that is refused, and moved later, once", function()
    server:inject { { method = "POST", path = "workflow_stage_changes",
                      after = 5 + 12, count = 1, status = 422 } }
    assert.equal(1, apply().failed)
    assert.same({ 15, 15 }, { last.total, last.done })
    assert.equal(1, resume().moved)
    assert.same({ 15, 15 }, { last.total, last.done })
    assert_progress(15, 15)
  end)

  it("rolls all of them back, and names their stages", function()
    assert.is_true(apply().complete)
    local text
    local report = assert(migration.rollback(space, journal, {
      confirm = function(plan)
        text = tostring(plan)
        return true
      end }))
    assert.is_true(report.complete, tostring(report))
    assert.equal(15, report.moved)
    assert.is_nil(text:find("nil", 1, true), text)
    assert.is_truthy(text:find("Review -> Old review", 1, true), text)
  end)

  it("records times in its journal", function()
    local began = os.time()
    apply { limit = 12 }
    resume()
    local times, seen = {}, {}
    for record in assert(journals.read(journal)) do
      seen[record.type] = true
      if record.type == "page" or record.type == "pause" or
         record.type == "unsent" or record.type == "done" then
        times[#times + 1] = assert(record.at, record.type)
      end
    end
    assert.is_true(seen.page and seen.pause and seen.done and seen.unsent)
    for i, at in ipairs(times) do
      assert.is_true(at >= (times[i - 1] or began) and at <= os.time())
    end
  end)
end)
