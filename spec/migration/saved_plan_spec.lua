-- Plans in files: applied exactly, and once.
local clients = require "support.clients"
local files = require "support.files"
local record_file = require "workstage.migration.journal.record_file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("a saved plan", function()
  local server, space, folder, path

  before_each(function()
    folder = migrations.folder()
    path = folder .. "/plan"
    server, space = migrations.start(migrations.space {
      ["Old review"] = 230, Drafting = 2 })
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function plan(blueprint)
    return assert(migration.plan(space, blueprint or migrations.smaller()))
  end

  local function saved(blueprint)
    assert(plan(blueprint):save(path))
    return assert(migration.load(path))
  end

  local function apply(made, journal)
    return migration.apply(space, made, { journal = journal or
                                                    folder .. "/j" })
  end

  -- A whole change of one stage, as a person would make it elsewhere.
  local function change(name, values)
    local stage = migrations.stages_of(server)[name]
    local attributes = { name = stage.name, color = stage.color,
      workflow_stage_ids = stage.workflow_stage_ids,
      allow_publish = stage.allow_publish, is_default = stage.is_default }
    for key, value in pairs(values) do attributes[key] = value end
    assert(space.stages:update(stage.id, attributes))
  end

  it("is the plan", function()
    local blueprint = migrations.smaller()
    blueprint.moves = {
      { from = "Old review", where = { starts_with = "old-review/1",
          filter_query = { title = { like = "*x*" } } },
        to = "Drafting", comment = "Zeile 1\nZeile 2 \"ü\"" },
      { from = "Old review", to = "Review", notify = true,
        due_date = "2026-12-01T10:00:00.000Z" },
    }
    local made = plan(blueprint)
    assert(made:save(path))
    local loaded = assert(migration.load(path))
    for _, name in ipairs { "id", "service", "kind", "space_id", "workflow",
                            "created", "rate", "requests", "seconds",
                            "effects", "notes", "operations", "rules" } do
      assert.same(made[name], loaded[name], name)
    end
    assert.same(made.state, loaded.state)
    assert.equal(tostring(made), tostring(loaded))
  end)

  it("is text that two plans can be compared by", function()
    local text = (assert(plan():save(path)) and files.read(path))
    assert.matches('^{"workstage":"plan","version":1,', text)
    assert.is_nil(text:find(clients.TOKEN, 1, true))
    for line in text:gmatch "[^\n]+" do
      assert.matches("^{.*}$", line)
      assert.is_true(#line < 4000)
    end
  end)

  it("is refused with the line when it is damaged, torn or newer",
     function()
    assert(plan():save(path))
    local text = files.read(path)
    files.write(path, (text:gsub('"Old review"', '"New review"', 1)))
    has(failed("damaged", migration.load(path)), "line ")
    files.write(path, text:sub(1, -20))
    failed("damaged", migration.load(path))
    files.write(path, (text:gsub('"version":1', '"version":2', 1)))
    local err = select(2, migration.load(path))
    assert.is_true(err.kind == "invalid" or err.kind == "damaged")
    failed("io", migration.load(folder .. "/nowhere"))
  end)

  it("is refused if a record is not valid in a plan, despite its checksum",
     function()
    for _, record in ipairs {
      { type = "items", operation = 7, ids = { 1 } },
      { type = "items", operation = 1 }, { type = "operation", op = "move" },
      { type = "operation", op = "unknown" },
    } do
      local file = assert(record_file.create(path, "plan", { id = "x" }))
      assert(file:write(record))
      assert(file:write { type = "planned", operations = 0 })
      assert(file:commit())
      has(failed("damaged", migration.load(path)), "in line 2: ")
    end
  end)

  it("is applied exactly, however the space has grown since", function()
    local made = saved()
    assert(space:request("POST", ("/v1/spaces/%d/stories"):format(
      migrations.SPACE), { body = { story = { name = "late",
        slug = "late", content = { component = "article" } } } }))
    local report = assert(apply(made))
    assert.is_true(report.complete)
    assert.equal(230, report.moved)
  end)

  it("is applied once: its journal is there", function()
    local made = saved()
    assert.is_true(assert(apply(made)).complete)
    local before = #server:requests()
    failed("stale", apply(made))
    local journal = files.read(folder .. "/j")
    local other = plan { workflow = "Article", moves = {
      { from = "Drafting", to = "Review" } } }
    local _, err = apply(other)
    has(err, "/j")
    assert.equal(journal, files.read(folder .. "/j"))
    for _, request in ipairs(server:requests(before + 1)) do
      assert.equal("GET", request.method)
    end
  end)

  it("names its journal by its own id where nobody does", function()
    local made = saved { workflow = "Article", moves = {
      { from = "Drafting", to = "Review" } } }
    local name = ("workstage-%s.journal"):format(made.id)
    local report = assert(migration.apply(space, made))
    assert.equal(name, report.journal)
    local again, err = migration.apply(space, made)
    os.remove(name)
    assert.is_nil(again)
    has(err, name)
  end)

  it("moves no story twice under a second journal", function()
    local made = saved { workflow = "Article", moves = {
      { from = "Drafting", to = "Review" } } }
    assert.is_true(assert(apply(made)).complete)
    local report = assert(apply(made, folder .. "/k"))
    assert.equal(0, report.moved)
    assert.equal(2, report.skipped)
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(1, #changes)
    end
  end)

  it("is locked while it is applied, whatever the journal", function()
    local made = saved()
    local err
    local report = assert(migration.apply(space, made, {
      journal = folder .. "/j",
      on_progress = function()
        err = err or failed("locked", apply(assert(migration.load(path)),
                                            folder .. "/k"))
      end,
    }))
    assert.is_true(report.complete)
    has(tostring(err), path, "is in use by another run")
    assert.is_nil((io.open(folder .. "/k")))
    err = failed("stale", apply(assert(migration.load(path)),
                                folder .. "/k"))
    has(tostring(err), "changed since the plan")
  end)

  it("is locked without a file as well", function()
    local made = assert(migration.plan(space, migrations.smaller()))
    local err
    local function again() return apply(made, folder .. "/k") end
    assert.is_true(assert(migration.apply(space, made, {
      journal = folder .. "/j",
      on_progress = function() err = err or failed("locked", again()) end,
    })).complete)
    has(tostring(err), made.id, "is being applied by another run")
    failed("stale", again())
  end)

  it("is still applied if its file is gone", function()
    local made = saved()
    assert(os.remove(path))
    assert.is_true(assert(apply(made)).complete)
  end)

  it("is stale, and says why, when a stage was changed", function()
    local made = saved()
    change("Review", { color = "#000001" })
    change("Ready", { allow_publish = false })
    local before = #server:requests()
    local err = failed("stale", apply(made))
    assert.equal(2, #err.differences)
    has(err, 'stage "Review": color was #f5a623, is #000001')
    has(err, 'stage "Ready": allow_publish was true, is false')
    for _, request in ipairs(server:requests(before + 1)) do
      assert.equal("GET", request.method)
    end
    assert.is_nil(io.open(folder .. "/j"))
  end)

  it("is stale when a stage came, went or was renamed", function()
    local made = saved()
    local stages = migrations.stages_of(server)
    assert(space.stages:create { name = "Legal", color = "#000001",
      workflow_id = migrations.workflow(server).id,
      allow_all_stages = false, workflow_stage_ids = {} })
    has(failed("stale", apply(made)), '"Legal" is new')
    assert(space.stages:delete(migrations.stages_of(server).Legal.id))
    change("Ready", { name = "Done" })
    has(failed("stale", apply(made)), "name was Ready, is Done")
    change("Done", { name = "Ready" })
    assert(space.stages:delete(stages.Ready.id))
    has(failed("stale", apply(made)), '"Ready" is gone')
  end)

  it("is stale when transitions, order, types or the name changed",
     function()
    local made = saved()
    local stages = migrations.stages_of(server)
    change("Drafting", { workflow_stage_ids = { stages.Ready.id } })
    has(failed("stale", apply(made)), "workflow_stage_ids was [Review]")
    change("Drafting", { workflow_stage_ids = { stages.Review.id } })
    local id = migrations.workflow(server).id
    assert(space.workflows:update(id, { workflow_stages_attributes = {
      { id = stages.Drafting.id, position = 9 } } }))
    has(failed("stale", apply(made)), "position was 1, is 9")
    assert(space.workflows:update(id, { workflow_stages_attributes = {
      { id = stages.Drafting.id, position = 1 } } }))
    assert(space.workflows:update(id, { content_types = { "page" } }))
    has(failed("stale", apply(made)), "content types were [article]")
    assert(space.workflows:update(id, { content_types = { "article" },
                                        name = "Essay" }))
    has(failed("stale", apply(made)), '"Article", is "Essay"')
    assert(space.workflows:update(id, { name = "Article" }))
    assert.is_true(assert(apply(made)).complete)
  end)

  it("is stale if its workflow is gone, or now exists", function()
    local made = saved()
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    local novel = plan(blueprint)
    assert(space.workflows:create { name = "Novel",
                                    content_types = { "novel" } })
    has(failed("stale", apply(novel)), "now exists")
    assert(space.workflows:delete(migrations.workflow(server).id))
    has(failed("stale", apply(made)), "is gone")
  end)

  it("skips an item that moved since, and lists it", function()
    local made = saved()
    local stages = migrations.stages_of(server)
    local moved = made.operations[2].items
    assert(space.changes:create { story_id = moved[7],
                                  workflow_stage_id = stages.Ready.id })
    local other = migrations.client(server)
    assert(other:request("DELETE", ("/v1/spaces/%d/stories/%d"):format(
      migrations.SPACE, moved[9])))
    other:close()
    local report = assert(apply(made))
    assert.is_true(report.complete, tostring(report))
    assert.equal(228, report.moved)
    assert.equal(2, report.skipped)
    local why = {}
    for _, skip in ipairs(report.skips) do why[skip.item] = skip.why end
    assert.same({ [moved[7]] = "it has been moved since the plan",
                  [moved[9]] = "it is gone" }, why)
    has(report, "2 skipped")
    local progress = assert(migration.progress(folder .. "/j"))
    assert.equal(2, progress.skipped)
    assert.equal(228, progress.moved)
  end)

  it("is for its own space and service alone", function()
    local made = saved()
    made.space_id = made.space_id + 1
    has(failed("invalid", apply(made)), "space")
    made.space_id, made.service = made.space_id - 1, "kantata"
    has(failed("invalid", apply(made)), "kantata")
  end)
end)
