-- Exports from one space to another: names instead of ids, and a note for
-- everything that is lost.
local cjson = require "cjson"
local clients = require "support.clients"
local files = require "support.files"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("an export", function()
  local folder, opened

  -- Users fill more than two pages; ids differ from space to space.
  local function members(first)
    local users, collaborators = {}, {}
    for i = 1, 210 do
      users[i] = { id = first + i, userid = ("u%d@example.com"):format(i) }
      collaborators[i] = { user = users[i].userid }
    end
    local roles = {}
    for i, role in ipairs { "Lawyer", "Author", "Translator" } do
      roles[first % 2 == 0 and i or 4 - i] = { id = first + 900 + i,
                                               role = role }
    end
    return { users = users, collaborators = collaborators,
             space_roles = roles }
  end

  local function open(content, options)
    local server, space = migrations.start(content, options)
    table.insert(opened, { server, space })
    return server, space
  end

  local function rich()
    local stages = migrations.stages()
    stages[1].space_role_ids, stages[1].user_ids = { "Author" },
      { "u1@example.com", "u205@example.com" }
    stages[2].allow_all_stages, stages[2].workflow_stage_ids = true, nil
    stages[3].space_role_ids = { "Lawyer", "Translator" }
    stages[3].after_publish_id = "Drafting"
    stages[3].auto_remove_assignee = true
    stages[4].allow_none_for_next_stages = true
    stages[4].story_editing_locked = true
    local content = migrations.space({ Drafting = 2 }, members(5000))
    content.workflows[2].stages = stages
    content.workflows[2].content_types = { "article", "page" }
    return content
  end

  before_each(function()
    folder = migrations.folder()
    opened = {}
  end)

  after_each(function()
    for _, pair in ipairs(opened) do
      pair[2]:close()
      pair[1]:stop()
    end
    migrations.remove(folder)
  end)

  it("applied to another space gives the same workflow", function()
    local _, from = open(rich())
    local content = migrations.space({}, members(70001))
    table.remove(content.workflows)
    content.stories = {}
    local server, to = open(content)
    local blueprint, lost = migration.export(from, "Article")
    assert.same({}, lost)
    local path = folder .. "/article.lua"
    assert(migration.write(blueprint, path))
    local plan = assert(migration.plan(to, assert(migration.read(path))))
    assert.is_true(assert(migration.apply(to, plan, {
      journal = folder .. "/j" })).complete)
    assert.equal(migrations.text(from), migrations.text(to))
    local stages = migrations.stages_of(server)
    assert.same({ 70001 + 1, 70001 + 205 }, stages.Drafting.user_ids)
    assert.same({}, migrations.refused(server))
  end)

  it("holds no id", function()
    local server, space = open(rich())
    local blueprint = assert(migration.export(space, "Article"))
    local function look(value)
      if type(value) ~= "table" then
        assert.are_not.equal("number", type(value))
        return
      end
      for name, item in pairs(value) do
        if type(name) ~= "number" then look(name) end
        look(item)
      end
    end
    look(blueprint)
    assert(migration.write(blueprint, folder .. "/b.lua"))
    local text = files.read(folder .. "/b.lua")
    for _, stage in pairs(migrations.stages_of(server)) do
      assert.is_nil(text:find(("%d"):format(stage.id), 1, true))
    end
  end)

  it("is valid, and its plan for its own space is empty", function()
    local _, space = open(rich())
    local blueprint = assert(migration.export(space, "Article"))
    assert.is_true(migration.check(blueprint))
    assert.is_true(assert(migration.plan(space, blueprint)):is_empty())
  end)

  it("of the default workflow says so, instead of its name", function()
    local _, space = open(rich())
    local blueprint = assert(migration.export(space))
    assert.is_true(blueprint.default)
    assert.is_nil(blueprint.workflow)
    assert.equal(2, #blueprint.stages)
    assert.same(blueprint, (assert(migration.export(space, "Default"))))
  end)

  it("reads members only where a stage names them", function()
    local server, space = open(migrations.space {})
    assert(migration.export(space, "Article"))
    for _, request in ipairs(server:requests()) do
      assert.equal("GET", request.method)
      assert.is_nil(request.path:find "roles")
      assert.is_nil(request.path:find "collaborators")
    end
    assert.equal(2, #server:requests())
  end)

  it("notes roles with ambiguous names", function()
    local content = migrations.space({}, { space_roles = {
      { id = 71, role = "Editor" }, { id = 72, role = "Editor" } } })
    content.workflows[2].stages[1].space_role_ids = { 71 }
    local _, space = open(content)
    local _, lost = assert(migration.export(space, "Article"))
    assert.same({ 'several space roles are named "Editor": a plan needs ' ..
                  "one name for each" }, lost)
  end)

  it("notes what could not be exported", function()
    local content = rich()
    content.workflows[2].stages[1].space_role_ids = { 123 }
    content.workflows[2].stages[2].user_ids = { 456 }
    local _, space = open(content)
    local blueprint, lost = migration.export(space, "Article")
    assert.same({}, blueprint.stages[1].roles)
    assert.equal(2, #lost)
    has(lost[1], 'stage "Drafting": the space role 123')
    has(lost[2], 'stage "Review": the user 456')
  end)

  it("of a workflow that is not there is an error", function()
    local _, space = open(migrations.space {})
    has(failed("not_found", migration.export(space, "Novel")), "Novel")
  end)

  it("names the workflow that was probably meant", function()
    local _, space = open(migrations.space {})
    has(failed("not_found", migration.export(space, "Artikel")),
        'Did you mean "Article"?')
  end)

  it("of colours and positions that are shared plans nothing", function()
    local content = migrations.space { Ready = 1 }
    for _, stage in ipairs(content.workflows[2].stages) do
      stage.color, stage.position = "#babcb6", 1
    end
    local _, space = open(content, { unique_colors = false })
    local blueprint = assert(migration.export(space, "Article"))
    assert.is_true(migration.check(blueprint))
    local plan = assert(migration.plan(space, blueprint))
    assert.is_true(plan:is_empty(), tostring(plan))
  end)

  it("of a stage without a colour plans nothing, and keeps it so", function()
    local content = migrations.space { ["Old review"] = 2 }
    content.workflows[2].stages[2].color = cjson.null
    content.workflows[2].stages[4].color = cjson.null
    local server, space = open(content)
    local blueprint = assert(migration.export(space, "Article"))
    assert.is_nil(blueprint.stages[2].color)
    assert.is_true(migration.check(blueprint))
    assert.is_true(assert(migration.plan(space, blueprint)):is_empty())
    assert(migration.write(blueprint, folder .. "/b.lua"))
    blueprint = assert(migration.read(folder .. "/b.lua"))
    table.remove(blueprint.stages, 3)
    blueprint.stages[2].allow_publish = true
    blueprint.stages[4], blueprint.stages[3].color = nil, "#7ed321"
    blueprint.moves = { { from = "Old review", to = "Review" } }
    local plan = assert(migration.plan(space, blueprint))
    local report = assert(migration.apply(space, plan, {
      journal = folder .. "/j" }))
    assert.is_true(report.complete, tostring(report))
    local stages = migrations.stages_of(server)
    assert.is_false(stages.Review.color)
    assert.is_true(stages.Review.allow_publish)
    assert.equal("#7ed321", stages.Ready.color)
    assert.same({}, migrations.refused(server))
  end)

  it("of a workflow without a default stage plans nothing", function()
    local content = migrations.space {}
    content.workflows[2].stages[1].is_default = false
    local _, space = open(content)
    local blueprint = assert(migration.export(space, "Article"))
    assert.is_true(migration.check(blueprint))
    assert.is_true(assert(migration.plan(space, blueprint)):is_empty())
  end)

  it("of stages that name members who are gone plans nothing", function()
    local content = migrations.space({ Ready = 1 }, {
      space_roles = { { id = 71, role = "Lawyer" } },
      users = { { id = 81, userid = "a@example.com" } },
      collaborators = { { user = "a@example.com" } },
    })
    local stages = content.workflows[2].stages
    stages[1].space_role_ids, stages[1].user_ids = { 123 }, { 81, 456 }
    stages[2].space_role_ids = { 71, 123 }
    local server, space = open(content, { references = false })
    local blueprint, lost = migration.export(space, "Article")
    assert.equal(3, #lost)
    assert.same({}, blueprint.stages[1].roles)
    local plan = assert(migration.plan(space, blueprint))
    assert.is_true(plan:is_empty(), tostring(plan))
    blueprint.stages[2].roles = {}
    plan = assert(migration.plan(space, blueprint))
    assert.is_true(assert(migration.apply(space, plan, {
      journal = folder .. "/j" })).complete)
    local now = migrations.stages_of(server)
    assert.same({}, now.Review.space_role_ids)
    assert.same({ 123 }, now.Drafting.space_role_ids)
  end)

  it("of stages that name others which are gone plans nothing", function()
    local content = migrations.space { ["Old review"] = 1 }
    local stages = content.workflows[2].stages
    stages[1].workflow_stage_ids = { "Review", 321321 }
    stages[2].after_publish_id = 444431
    stages[4].workflow_stage_ids = { 321321 }
    local server, space = open(content, { references = false })
    local blueprint, lost = migration.export(space, "Article")
    assert.equal(3, #lost)
    local plan = assert(migration.plan(space, blueprint))
    assert.is_true(plan:is_empty(), tostring(plan))
    for _, stage in ipairs(blueprint.stages) do
      stage.next, stage.after_publish = nil, nil
    end
    plan = assert(migration.plan(space, blueprint))
    assert.is_true(plan:is_empty(), tostring(plan))
    table.remove(blueprint.stages, 3)
    blueprint.moves = { { from = "Old review", to = "Drafting" } }
    blueprint.stages[1].next = { "Review", "Ready" }
    plan = assert(migration.plan(space, blueprint))
    assert.is_true(assert(migration.apply(space, plan, {
      journal = folder .. "/j" })).complete)
    local now = migrations.stages_of(server)
    assert.same({ now.Review.id, now.Ready.id },
                now.Drafting.workflow_stage_ids)
    assert.same({ 321321 }, now.Ready.workflow_stage_ids)
  end)

  it("of a whole space holds all workflows, the default one first", function()
    local content = rich()
    content.workflows[3] = { name = "Advert", content_types = { "ad" },
                             stages = migrations.stages() }
    local _, space = open(content)
    local blueprint, lost = migration.export_all(space)
    assert.same({}, lost)
    assert.is_true(blueprint.workflows[1].default)
    assert.is_nil(blueprint.workflows[1].workflow)
    assert.equal("Advert", blueprint.workflows[2].workflow)
    assert.equal("Article", blueprint.workflows[3].workflow)
    local one = assert(migration.export(space, "Article"))
    one.service, one.moves = nil, nil
    assert.same(one, blueprint.workflows[3])
    assert.is_true(migration.check(blueprint))
    assert(migration.write(blueprint, folder .. "/space.lua"))
    assert.same(blueprint, (assert(migration.read(folder .. "/space.lua"))))
    assert.is_nil(files.read(folder .. "/space.lua"):find("%f[%w]id%f[%W]"))
  end)

  it("of a whole space distinguishes workflows with one name by id", function()
    local content = migrations.space {}
    content.workflows[3] = { id = 288900000000123, name = "Article",
                             content_types = { "page" },
                             stages = { { name = "A", color = "#1" } } }
    local _, space = open(content)
    local blueprint = assert(migration.export_all(space))
    assert.is_nil(blueprint.workflows[1].id)
    assert.equal("integer", math.type(blueprint.workflows[2].id))
    assert.not_equal(blueprint.workflows[2].id, blueprint.workflows[3].id)
    assert.is_true(migration.check(blueprint))
  end)

  it("reads members of a whole space once", function()
    local content = rich()
    content.workflows[3] = { name = "Advert", content_types = { "ad" },
                             stages = content.workflows[2].stages }
    local server, space = open(content)
    assert(migration.export_all(space))
    local roles = 0
    for _, request in ipairs(server:requests()) do
      roles = roles + (request.path:find "roles" and 1 or 0)
    end
    assert.equal(1, roles)
  end)

  it("keeps the order of positions, not of ids", function()
    local content = migrations.space {}
    for i, stage in ipairs(content.workflows[2].stages) do
      stage.position = 10 - i
    end
    local _, space = open(content)
    local blueprint = assert(migration.export(space, "Article"))
    assert.equal("Ready", blueprint.stages[1].name)
    assert.equal("Drafting", blueprint.stages[4].name)
  end)
end)
