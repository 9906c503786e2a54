-- Invalid options and paths: nothing is read, sent or written.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("a migration's options", function()
  local server, space, plan

  before_each(function()
    server, space = migrations.start(migrations.space { Ready = 2 })
    plan = assert(migration.plan(space, {
      workflow = "Article", moves = { { from = "Ready", to = "Review" } } }))
  end)

  after_each(function()
    space:close()
    server:stop()
  end)

  local function refused(piece, result, err)
    assert.is_nil(result)
    assert.equal("invalid", err.kind)
    assert.matches(piece, tostring(err), 1, true)
  end

  it("are validated before anything is done", function()
    local before = #server:requests()
    for _, name in ipairs { "on_progress", "should_stop" } do
      local opts = { journal = "no.journal", [name] = 5 }
      refused(name .. ": expected a function, got number",
              migration.apply(space, plan, opts))
      refused(name, migration.resume(space, "no.journal", { [name] = true }))
      refused(name, migration.rollback(space, "no.journal", { [name] = {} }))
      refused(name, migration.rehearse(space, {}, { [name] = "x" }))
    end
    refused("confirm", migration.rollback(space, "no.journal",
                                          { confirm = true }))
    refused("journal: expected a string, got boolean",
            migration.apply(space, plan, { journal = true }))
    refused("map_role", migration.plan(space, {}, { map_role = "x" }))
    assert.equal(before, #server:requests())
    assert.is_nil(io.open "no.journal")
  end)

  it("are refused with the nearest name", function()
    local before = #server:requests()
    refused("unknown option 'map_rol', did you mean 'map_role'?",
            migration.plan(space, {}, { map_rol = {} }))
    refused("unknown option 'concurency', did you mean 'concurrency'?",
            migration.apply(space, plan, { concurency = 1 }))
    refused("did you mean 'journal'", migration.resume(space, "no.journal",
                                                       { jurnal = "x" }))
    assert.equal(before, #server:requests())
  end)

  it("and a blueprint with errors: they are named, not its warnings",
     function()
    local blueprint = migrations.blueprint()
    for i = 1, 20 do
      table.insert(blueprint.stages, { name = "Unreached " .. i,
                                       color = ("#%06x"):format(i) })
    end
    blueprint.stages[2].after_publish = "Nope"
    local _, err = migration.plan(space, blueprint)
    assert.equal('error: stages[2].after_publish: No stage is named "Nope"',
                 tostring(err))
    assert.is_true(#err.findings > 20)
  end)

  it("are checked after the kinds of the arguments", function()
    local blueprint = migrations.blueprint()
    local before = #server:requests()
    refused("plan: expected a plan, got a blueprint. Call migration.apply(" ..
            "client, plan, options)", migration.apply(space, blueprint))
    refused("client: expected a client, got a blueprint. Call migration.plan" ..
            "(client, blueprint, options)", migration.plan(blueprint, space))
    refused("client: expected a client, got a plan",
            migration.apply(plan, space))
    refused("blueprint: expected a blueprint, got a plan",
            migration.plan(space, plan))
    refused("client: expected a client, got another table",
            migration.resume({}, "no.journal"))
    refused("client", migration.rollback(blueprint, "no.journal"))
    refused("client", migration.rehearse(blueprint, space))
    refused("client", migration.export(blueprint))
    refused("name: expected a string", migration.export(space, 5))
    local good, found = migration.check(plan)
    assert.is_nil(good)
    assert.matches("expected a blueprint, got a plan", tostring(found))
    assert.equal(before, #server:requests())
    assert.has_error(function() migration.apply(space, "plan") end)
    assert.has_error(function() migration.plan(5, blueprint) end)
    assert.has_error(function() migration.export() end)
  end)

  it("have paths that are strings", function()
    refused("path: expected a string, got nil", migration.resume(space))
    refused("path", migration.rollback(space, 5))
    refused("path", migration.progress {})
    refused("path", migration.load())
    refused("path", migration.read(true))
    refused("path", migration.write({ workflow = "Article" }))
    refused("path", plan:save())
  end)

  it("are a table where there are any", function()
    for _, run in ipairs {
      function() return migration.apply(space, plan, 5) end,
      function() return migration.resume(space, "no.journal", 5) end,
      function() return migration.rollback(space, "no.journal", "x") end,
      function() return migration.plan(space, {}, "x") end,
      function() return migration.rehearse(space, {}, 5) end,
    } do
      assert.has_error(run)
    end
  end)
end)
