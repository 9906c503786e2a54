-- Options and paths that cannot be meant: nothing is read, sent or written.
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

  it("are judged before anything is done", function()
    local before = #server:requests()
    for _, name in ipairs { "on_progress", "should_stop" } do
      local given = { journal = "no.journal", [name] = 5 }
      refused(name .. ": expected a function, got number",
              migration.apply(space, plan, given))
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
