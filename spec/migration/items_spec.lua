-- What a migration reads of the items: no more than it uses, for a page of
-- stories is decoded in half the time then.
local drivers = require "workstage.migration.execute.drivers"
local items = require "workstage.migration.items"
local migrations = require "support.migrations"

describe("a migration reads of an item", function()
  local server, space

  setup(function()
    server, space = migrations.start(migrations.space { Ready = 3 },
                                     { story_stage = "change" })
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  local function fields(item)
    local names = {}
    for name in pairs(item) do names[#names + 1] = name end
    table.sort(names)
    return names
  end

  it("its stage, and its slug where it is moved", function()
    local stage = migrations.stages_of(server).Ready.id
    local count = 0
    assert(items.visit(space, nil, stage, function(story)
      count = count + 1
      assert.same({ "id", "stage" }, fields(story))
      assert.equal(stage, story.stage.workflow_stage_id)
    end))
    assert.equal(3, count)
    local found = assert(items.fetch(space, { 1000000 }))
    assert.same({ "full_slug", "id", "stage" }, fields(found[1000000]))
  end)

  it("enough to move it", function()
    local item = assert(drivers.storyblok.fetch_current(
      space, { 1000001 }))[1000001]
    assert.same({ "created", "name", "stage" }, fields(item))
    assert.equal("ready/2", item.name)
  end)
end)
