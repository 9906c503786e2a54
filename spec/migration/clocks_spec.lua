-- Migrations whose responses get lost while the service's clocks disagree.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("a migration whose responses get lost", function()
  local server, space, folder

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- Every fourth response is lost, after its effect or before it.
  local LOST = {
    { method = "POST", path = "workflow_stage_changes", close = "after",
      chance = 0.25, seed = 1 },
    { method = "POST", path = "workflow_stage_changes", close = "before",
      chance = 0.15, seed = 2 },
  }

  for _, skew in ipairs { -120, -2, 2, 120 } do
    it(("moves each of 40 once, with a Date that is %d s off"):format(skew),
       function()
      server, space = migrations.start(
        migrations.space { ["Old review"] = 40 },
        { date_offset = skew, story_stage = "change" })
      local plan = assert(migration.plan(space, migrations.smaller()))
      assert(server:inject(LOST))
      local report = assert(migration.apply(space, plan, {
        journal = folder .. "/j" }))
      assert.is_true(report.complete, tostring(report))
      assert.equal(40, report.moved)
      assert.same({ Review = 40 }, migrations.counts(server))
      for _, changes in pairs(migrations.changes(server)) do
        assert.equal(1, #changes)
      end
    end)
  end
end)
