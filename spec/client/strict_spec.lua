-- Misspelt names are errors with the nearest name, not calls of nil.
local clients = require "support.clients"
local migration = require "workstage.migration"
local workstage = require "workstage"

local has = clients.has

describe("a misspelt name", function()
  local server, space, ox

  setup(function() server, space, ox = clients.scripted() end)

  teardown(function()
    space:close()
    ox:close()
    server:stop()
  end)

  local function refused(f, ...)
    local good, why = pcall(f)
    assert.is_false(good)
    has(why, "strict_spec.lua:")
    for _, piece in ipairs { ... } do has(why, piece) end
  end

  it("of a resource is an error with the nearest name", function()
    refused(function() space.story:each {} end, "no 'story'",
            "did you mean 'stories'?")
    refused(function() return ox.workspace end, "did you mean 'workspaces'?")
    refused(function() return ox.stages end, "no 'stages'", "there are ",
            "workspaces")
  end)

  it("of a method is an error with the nearest name", function()
    refused(function() space.stages:lst {} end, "stages has no 'lst'",
            "did you mean 'list'?")
    refused(function() ox.changes:creat {} end, "did you mean 'create'?")
    refused(function() space:whoam() end, "did you mean 'whoami'?")
    refused(function() ox.statuses:fnd(5) end, "did you mean 'find'?")
    refused(function() space.roles:create {} end, "roles has no 'create'",
            "there are list")
  end)

  it("of a module's function is an error with the nearest name", function()
    refused(function() migration.progess() end, "workstage.migration has",
            "did you mean 'progress'?")
    refused(function() workstage.storyblock {} end,
            "did you mean 'storyblok'?")
    refused(function() workstage.sleep() end,
            "(there are kantata, map, null, run, storyblok)")
    refused(function() workstage.loop:stepp() end, "did you mean 'step'?")
    workstage.run(function(scope)
      refused(function() scope:spwan() end, "did you mean 'spawn'?")
    end)
  end)

  it("shows no control characters, and may be any value", function()
    refused(function() return space["st\27ages"] end, "\\x1b")
    assert.is_nil(space[1])
    assert.is_nil(space.stages[1])
    assert.is_nil(migration[true])
    for _ in ipairs(space) do error "no" end
    assert.is_nil(space.__tostring)
    assert.truthy(tostring(space.stages))
  end)
end)
