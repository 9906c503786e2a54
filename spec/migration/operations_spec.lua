-- Kinds of operations: each is one file, and one that is made up here works
-- everywhere.
local blocks = require "docs.blocks"
local errors = require "workstage.errors"
local files = require "support.files"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local operations = require "workstage.migration.operations"
local plans = require "workstage.migration.plan"
local shell = require "house.shell"
local space_reader = require "workstage.migration.space"
local state = require "workstage.migration.state"

local FUNCTIONS = { "reduce", "needs", "requires", "execute", "recover",
                    "inverse", "requests", "render", "effects" }

describe("kinds of operations", function()
  it("have every function of the table", function()
    for name, kind in pairs(operations.kinds) do
      for _, each in ipairs(FUNCTIONS) do
        assert.is_function(kind[each], name .. "." .. each)
      end
    end
  end)

  it("are compared with a string by no other file", function()
    local found = shell.run("grep -rnE '\\.op *[=~]= *\"|\\[[a-z]+\\.op\\]' " ..
                            "lua-binding/workstage proof bench --include=*.lua")
    for _, line in ipairs(shell.lines(found)) do
      assert.matches("migration/operations/", line, 1, true)
    end
    assert.truthy(found:find("kinds[op.op]", 1, true)) -- it finds something
  end)

  it("that take a stage to another workflow make it differ in both", function()
    local before = state.new(
      { { id = 1, name = "V", content_types = {} },
        { id = 2, name = "W", content_types = {} } },
      { { id = 11, name = "A", workflow = 1, workflow_stage_ids = {} } })
    local now = operations.reduce(before, {
      op = "transfer_stage", stage = 11, workflow = 2, set = {} })
    assert.same({ 'stage "A" is gone' }, state.differences(before, now, 1))
    assert.same({ 'stage "A" is new' }, state.differences(before, now, 2))
  end)

  it("do not change the state that they are given", function()
    local function frozen(map)
      return setmetatable({}, { __index = map, __pairs = function()
        return pairs(map)
      end, __newindex = function() error "the state was changed" end })
    end
    local before = state.new({ { id = 1, name = "W", content_types = {} } },
      { { id = 11, name = "A", workflow = 1, workflow_stage_ids = { 11 } } })
    local first = {}
    for name, map in pairs(before) do first[name] = frozen(map) end
    for _, op in ipairs {
      { op = "update_stage", stage = 11, set = { color = "#1" } },
      { op = "create_stage", stage = "B", workflow = 1,
        set = { name = "B", is_default = true } },
      { op = "transfer_stage", stage = 11, workflow = 2,
        set = { is_default = false } },
      { op = "delete_stage", stage = 11, targets = {} },
      { op = "order_stages", order = { 11 } },
      { op = "update_workflow", workflow = 1, set = { name = "V" } },
      { op = "delete_workflow", workflow = 1, targets = {} },
      { op = "create_workflow", workflow = "N", name = "N" },
      { op = "clear_workflow", workflow = 1 },
      { op = "move", to = 11, items = { 1 } },
    } do
      operations.reduce(first, op)
    end
    assert.same({ 11 }, before.stages[11].workflow_stage_ids)
  end)
end)

-- ------------------------------------------------------------ a made-up kind

-- The kind of operation from the guide in CONTRIBUTING.md.
local function kind_of_contributing()
  for _, block in ipairs(blocks.read "CONTRIBUTING.md") do
    if block.value == "paint_stage.lua" then
      return assert(load(block.text, "@CONTRIBUTING.md"))()
    end
  end
end

describe("a made-up kind of operation", function()
  local server, space, folder, journal, sent, breaks, paint

  -- Counts what is sent; the `breaks`-th ends like a process that is killed.
  local function counted(kind)
    local real = kind.execute
    kind.effects = function() return { webhooks = 7 } end
    kind.execute = function(run, op)
      local finish = run.finish
      sent = sent + 1
      if breaks == sent then
        run.finish = function()
          return nil, errors.new { kind = "server", message = "the end" }
        end
      end
      local done, err = real(run, op)
      run.finish = finish
      return done, err
    end
    return kind
  end

  local function plan()
    local id = migrations.workflow(server).id
    local now = assert(space_reader.read_state(space, { id }))
    local list = {}
    for i, name in ipairs { "Drafting", "Review", "Ready" } do
      list[i] = paint.new(id, migrations.stages_of(server)[name].id, name,
                          ("#00000%d"):format(i))
    end
    return plans.new { service = "storyblok", kind = "migration",
                       space_id = space.space_id, workflow = "Article",
                       state = now, scope = { id }, operations = list,
                       rules = {}, notes = {} }
  end

  local function colors()
    local found = {}
    for name, stage in pairs(migrations.stages_of(server)) do
      found[name] = stage.color
    end
    return found
  end

  local BEFORE = { Drafting = "#babcb6", Review = "#f5a623",
                   ["Old review"] = "#b8860b", Ready = "#7ed321" }
  local AFTER = { Drafting = "#000001", Review = "#000002",
                  ["Old review"] = "#b8860b", Ready = "#000003" }

  before_each(function()
    paint = counted(kind_of_contributing())
    operations.kinds.paint_stage = paint
    sent, breaks = 0, nil
    folder = migrations.folder()
    journal = folder .. "/j"
    server, space = migrations.start(migrations.space())
  end)

  after_each(function()
    operations.kinds.paint_stage = nil
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  it("is planned, counted, drawn and saved", function()
    local made = plan()
    local text = tostring(made)
    assert.matches('  * paint Ready #000003', text, 1, true)
    assert.matches('  ~ stage "Ready"', text, 1, true)
    assert.matches('color: "#7ed321" -> "#000003"', text, 1, true)
    assert.matches("up to 21 webhook calls", text, 1, true)
    assert.equal(2 + 3, made.requests)
    assert.matches("#000003", migration.graph(made), 1, true)
    assert(made:save(folder .. "/plan"))
    local loaded = assert(migration.load(folder .. "/plan"))
    assert.equal(text, tostring(loaded))
    assert.equal(made.requests, loaded.requests)
  end)

  it("is applied, and rolled back by the ordinary planner", function()
    local made = plan()
    local report = assert(migration.apply(space, made, { journal = journal }))
    assert.is_true(report.complete, tostring(report))
    assert.equal(made.requests, report.requests)
    assert.equal(3, report.changed)
    assert.same(AFTER, colors())
    local back
    assert.is_true(assert(migration.rollback(space, journal, {
      confirm = function(planned)
        back = planned
        return true
      end,
    })).complete)
    assert.equal(3, #back.operations)
    for _, op in ipairs(back.operations) do
      assert.equal("update_stage", op.op)
    end
    assert.same(BEFORE, colors())
  end)

  it("is resumed, without sending twice what was done", function()
    breaks = 2
    local report = assert(migration.apply(space, plan(),
                                          { journal = journal }))
    assert.is_false(report.complete)
    assert.equal(2, sent)
    local progress = assert(migration.progress(journal))
    assert.same({ 1, 3 }, { progress.done, progress.operations })
    report = assert(migration.resume(space, journal))
    assert.is_true(report.complete, tostring(report))
    assert.equal(3, sent)
    assert.same(AFTER, colors())
  end)

  it("is rolled back where it was cut off", function()
    breaks = 2
    assert(migration.apply(space, plan(), { journal = journal }))
    assert.is_true(assert(migration.rollback(space, journal)).complete)
    assert.same(BEFORE, colors())
  end)

  it("stops where its precondition no longer holds", function()
    local made = plan()
    local id = migrations.stages_of(server).Review.id
    local real = paint.execute
    paint.execute = function(run, op, ...)
      local done, err = real(run, op, ...)
      run.needs_refresh = true
      if sent == 1 then assert(space.stages:delete(id)) end
      return done, err
    end
    local report = assert(migration.apply(space, made, { journal = journal }))
    paint.execute = real
    assert.equal("stale", report.error.kind)
    assert.matches('stage "Review" is gone', report.error.message, 1, true)
    assert.equal(1, sent)
  end)

  it("is unknown to a version without it", function()
    assert(plan():save(folder .. "/plan"))
    operations.kinds.paint_stage = nil
    local loaded, err = migration.load(folder .. "/plan")
    assert.is_nil(loaded)
    assert.equal("damaged", err.kind)
    assert.matches("unknown kind of operation: paint_stage", err.message, 1,
                   true)
    assert.truthy(files.is_there(folder .. "/plan"))
  end)
end)
