-- Blueprints that would do what nobody means are refused, or noted.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("a blueprint", function()
  local server, space

  local function start(edit, options)
    local content = migrations.space { ["Old review"] = 2 }
    if edit then edit(content, content.workflows[2].stages) end
    server, space = migrations.start(content, options)
  end

  after_each(function()
    space:close()
    server:stop()
  end)

  local function plan(edit, options)
    local blueprint = migrations.blueprint()
    edit(blueprint, blueprint.stages)
    return migration.plan(space, blueprint, options)
  end

  local function refused(edit)
    local before = server:dump()
    local err = failed("refused", plan(edit))
    assert.same(before, server:dump())
    return err
  end

  local function noted(plan_made, piece)
    has(table.concat(plan_made.notes, "\n"), piece)
  end

  it("with a slip in the workflow's name makes no workflow", function()
    start()
    has(refused(function(value) value.workflow = "Artikel" end),
        'Did you mean "Article"?')
    assert(plan(function(value)
      value.workflow, value.create = "Artikel", true
      value.content_types = { "page" }
    end))
  end)

  it("of the default workflow and another name is refused", function()
    start()
    local function both(value) value.default = true end
    has(refused(both), '"Default", not "Article"')
    local blueprint = migrations.blueprint()
    both(blueprint)
    local good, findings = migration.check(blueprint)
    assert.is_nil(good)
    has(findings, '"Article" is given together with default = true')
    assert(migration.plan(space, { default = true, workflow = "Default",
      stages = { { name = "Drafting", is_default = true },
                 { name = "Reviewing" } } }))
  end)

  it("that differs only in spelling plans nothing, with notes", function()
    start(function(_, stages)
      stages[1].color = "#ffaa55"
      stages[2].name = "Caf\u{e9}  "
      for _, stage in ipairs(stages) do
        for i, name in ipairs(stage.workflow_stage_ids) do
          if name == "Review" then
            stage.workflow_stage_ids[i] = "Caf\u{e9}  "
          end
        end
      end
    end)
    local made = assert(plan(function(_, stages)
      stages[1].color, stages[2].name = "#Fa5", "Cafe\u{301}"
      stages[1].next = "Cafe\u{301}"
    end))
    assert.is_true(made:is_empty(), tostring(made))
    noted(made, 'color "#Fa5" is "#ffaa55"')
    noted(made, "differ only in blanks at the end")
  end)

  it("names a colour for each new stage", function()
    start()
    has(refused(function(_, stages)
      table.insert(stages, { name = "Legal", next = "all" })
    end), 'New stage "Legal" has no color')
    has(refused(function(_, stages)
      table.insert(stages, { name = "Legal", color = "green", roles = {} })
    end), '"green" is not a hex color')
    has(refused(function(_, stages) stages[2].color = "green" end),
        'Stage "Review": "green"')
    assert.is_true(assert(plan(function(_, stages)
      for _, stage in ipairs(stages) do stage.color = nil end
    end)):is_empty())
  end)

  it("adds no clash of colours, and leaves those that there are", function()
    start(function(_, stages) stages[2].color = stages[1].color end,
          { unique_colors = false })
    local function shared(_, stages) stages[2].color = stages[1].color end
    assert.is_true(assert(plan(shared)):is_empty())
    has(refused(function(value, stages)
      shared(value, stages)
      stages[3].color = stages[1].color:upper()
    end), 'Stages "Drafting" and "Old review" would have the same color')
    has(refused(function(value, stages)
      shared(value, stages)
      table.insert(stages, { name = "Legal", color = "#7ED321", roles = {} })
    end), 'Stages "Ready" and "Legal" would have')
  end)

  it("does not remove the default stage by accident", function()
    start()
    has(refused(function(_, stages)
      table.remove(stages, 1)
      stages[1].next = { "Ready" }
    end), 'Stage "Drafting" is the default one and would be removed')
  end)

  it("may be short: what it leaves out stays", function()
    start()
    assert.is_true(assert(plan(function(value, stages)
      value.content_types = nil
      for _, stage in ipairs(stages) do
        stage.is_default, stage.color, stage.next = nil, nil, nil
        stage.allow_publish = nil
      end
    end)):is_empty())
  end)

  it("of a new workflow has content types, and a default stage", function()
    start()
    local function new(value)
      value.workflow, value.content_types = "Product page", nil
    end
    has(refused(new), 'Workflow "Product page" is new and needs content_types')
    noted(assert(plan(function(value, stages)
      new(value)
      value.content_types, stages[1].is_default = { "product" }, nil
    end)), "No stage is the default one")
  end)

  it("is told of a former name that nothing has", function()
    start()
    local made = assert(plan(function(_, stages)
      table.insert(stages, { name = "Legal", color = "#123456",
                             was = "Leagl", roles = {} })
    end))
    noted(made, 'No stage is named "Leagl" (`was`): "Legal" is a new one.')
    made = assert(plan(function(_, stages) stages[2].was = "Gone" end))
    assert.same({}, made.notes)
  end)

  it("is told of a new stage without permissions", function()
    start()
    local function legal(more)
      return function(_, stages)
        local stage = { name = "Legal", color = "#123456", next = "all" }
        for name, value in pairs(more) do stage[name] = value end
        table.insert(stages, stage)
      end
    end
    noted(assert(plan(legal {})),
          'New stage "Legal" has neither permissions nor `inherit`')
    assert.same({}, assert(plan(legal { inherit = "Review" })).notes)
    assert.same({}, assert(plan(legal { allow_all_users = true })).notes)
  end)

  it("names users by any of their addresses", function()
    start(function(content, stages)
      content.users = { { id = 81, userid = "ann" } }
      content.collaborators = { { user = "ann" } }
      stages[1].user_ids = { 81 }
    end)
    assert(server:inject { { path = "/collaborators", body = {
      collaborators = {
        { id = 1, user_id = 81, role = "editor",
          user = { id = 81, userid = "ann", real_email = "ann@example.com",
                   alt_email = "a@home.example" } },
        { id = 2, user_id = 82, role = "editor",
          user = { id = 82, userid = "b@x.example",
                   real_email = "b@x.example" } },
        { id = 3, user_id = 83, role = "editor",
          user = { id = 83, userid = "c", alt_email = "b@x.example" } },
        { id = 4, role = "editor",
          invitation = { email = "new@example.com" } },
      } } } })
    assert.same({ "ann@example.com" },
                assert(migration.export(space, "Article")).stages[1].users)
    for _, address in ipairs { "ann", "ann@example.com", "a@home.example" } do
      assert.is_true(assert(plan(function(_, stages)
        stages[1].users = { address }
      end)):is_empty())
    end
    local function err_of(address)
      return refused(function(_, stages) stages[1].users = { address } end)
    end
    has(err_of "new@example.com", "is invited and has not joined the space")
    has(err_of "b@x.example", "more than one user")
    has(err_of "nobody@example.com", 'no user "nobody@example.com"')
  end)

  it("is told of a mapped name that nothing uses", function()
    start(function(content)
      content.space_roles = { { role = "Lawyer" } }
    end)
    local function lawyers(_, stages) stages[1].roles = { "Lawyer" } end
    local made = assert(plan(lawyers, { map_role = { Lawer = "Legal" } }))
    noted(made, 'map_role: nothing in the blueprint names the role "Lawer". ' ..
                'Did you mean "Lawyer"?')
    made = assert(plan(function() end, { map_user = { ["a@b"] = "c@d" } }))
    noted(made, 'names the user "a@b".')
    assert.same({}, assert(plan(lawyers, { map_role = { Lawyer = "Lawyer" } }))
                    .notes)
  end)
end)
