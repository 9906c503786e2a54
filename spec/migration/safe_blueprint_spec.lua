-- Blueprints that are probably mistakes are refused, or get a note.
local cjson = require "cjson".new()
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

  it("with a misspelt workflow name does not create a workflow", function()
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

  it("may be short: omitted attributes are unchanged", function()
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

  it("gets a note on a former name that no stage has", function()
    start()
    local made = assert(plan(function(_, stages)
      table.insert(stages, { name = "Legal", color = "#123456",
                             was = "Leagl", roles = {} })
    end))
    noted(made, 'No stage is named "Leagl" (`was`): "Legal" is a new one.')
    made = assert(plan(function(_, stages) stages[2].was = "Gone" end))
    assert.same({}, made.notes)
  end)

  local function apply(made)
    local folder = migrations.folder()
    local report, err = migration.apply(space, made, {
      journal = folder .. "/j" })
    migrations.remove(folder)
    assert.is_true(report and report.complete, tostring(err or report))
    assert.same({}, migrations.refused(server))
  end

  -- The body with which a stage was created.
  local function created(name)
    for _, request in ipairs(server:requests()) do
      if request.method == "POST" and request.path:find "workflow_stages$" then
        local stage = cjson.decode(request.body).workflow_stage
        if stage.name == name then return stage end
      end
    end
  end

  local function with_legal(more)
    return function(_, stages)
      local legal = { name = "Legal", color = "#123456" }
      for name, value in pairs(more) do legal[name] = value end
      table.insert(stages, 3, legal)
      stages[2].next = { "Drafting", "Legal", "Ready" }
    end
  end

  it("leaves to the service what it does not set of a new stage", function()
    start()
    local made = assert(plan(with_legal { allow_publish = true }))
    has(made, "service defaults: ")
    apply(made)
    assert.same({ "allow_publish", "color", "name", "position",
                  "workflow_id" }, (function()
      local names = {}
      for name in pairs(created "Legal") do names[#names + 1] = name end
      table.sort(names)
      return names
    end)())
    local legal = migrations.stages_of(server).Legal
    assert.is_true(legal.allow_all_users)
    assert.is_true(legal.allow_all_stages)
    assert.is_true(legal.allow_publish)
    assert.is_true(assert(plan(with_legal { allow_publish = true }))
                   :is_empty())
  end)

  it("sends both flags of the transitions where it sets `next`", function()
    start()
    apply(assert(plan(with_legal { next = { "Review" }, roles = {} })))
    local body = created "Legal"
    assert.is_false(body.allow_all_stages)
    assert.is_false(body.allow_none_for_next_stages)
    assert.equal(1, #body.workflow_stage_ids)
    assert.is_nil(body.is_default)
  end)

  it("copies what a stage does not set from the one that it inherits",
     function()
    start(function(content, stages)
      content.space_roles = { { id = 71, role = "Lawyer" } }
      stages[2].space_role_ids, stages[2].allow_all_users = { 71 }, false
      stages[2].story_editing_locked = true
      stages[2].after_publish_id = "Ready"
    end)
    local edit = with_legal { inherit = "Review", allow_editor_change = false,
                              story_editing_locked = false }
    local first = assert(plan(function(value, stages)
      edit(value, stages)
      stages[2].allow_admin_publish = false
    end))
    assert.is_nil(tostring(first):find "service defaults")
    apply(first)
    local stages = migrations.stages_of(server)
    local legal, review = stages.Legal, stages.Review
    assert.same({ 71 }, legal.space_role_ids)
    assert.is_false(legal.allow_all_users)
    assert.is_false(legal.allow_editor_change)
    assert.is_false(legal.story_editing_locked)
    assert.is_false(legal.allow_admin_publish)
    assert.equal(review.after_publish_id, legal.after_publish_id)
    assert.equal("#123456", legal.color)
    assert.is_false(legal.is_default)
    local next_of = {}
    for _, id in ipairs(legal.workflow_stage_ids) do next_of[id] = true end
    assert.is_true(next_of[stages.Ready.id] and next_of[stages.Drafting.id])
    assert.is_true(assert(plan(edit)):is_empty())
    -- what is changed there later is changed here
    local made = assert(plan(function(value, list)
      edit(value, list)
      list[2].allow_publish = true
    end))
    assert.equal(2, #made.operations)
  end)

  it("inherits from a new stage, and from one that inherits", function()
    start()
    apply(assert(plan(function(value, stages)
      with_legal { allow_all_users = false, next = "all" }(value, stages)
      table.insert(stages, { name = "Law 2", color = "#223456",
                             inherit = "Legal" })
      table.insert(stages, 1, { name = "Law 3", color = "#323456",
                                inherit = "Law 2", allow_publish = true })
    end)))
    local stages = migrations.stages_of(server)
    for _, name in ipairs { "Law 2", "Law 3" } do
      assert.is_false(stages[name].allow_all_users)
      assert.is_true(stages[name].allow_all_stages)
    end
    assert.is_true(stages["Law 3"].allow_publish)
    assert.is_false(stages["Law 2"].allow_publish)
  end)

  it("sends name and colour only where they change", function()
    start(function(_, stages) stages[2].color = stages[1].color end,
          { unique_colors = false })
    apply(assert(plan(function(_, stages)
      stages[2].color, stages[2].allow_publish = nil, true
      stages[3].name, stages[3].was = "Older review", "Old review"
    end)))
    local seen = {}
    for _, request in ipairs(server:requests()) do
      if request.method == "PUT" then
        local stage = cjson.decode(request.body).workflow_stage
        seen[#seen + 1] = ("%s %s"):format(stage.name, stage.color)
      end
    end
    table.sort(seen)
    assert.same({ "Older review nil", "nil nil" }, seen)
  end)

  it("shows control characters of names, one line each", function()
    local name = "A\27[2J\n+ stage \"Fake\"\u{9b}\u{202e}"
    start(function(content, stages)
      stages[3].name = name
      for _, story in ipairs(content.stories) do
        if story.stage then story.stage.stage = name end
      end
    end)
    local made = assert(plan(function(value, stages)
      table.remove(stages, 3)
      value.moves = { { from = name, to = "Review" } }
    end))
    for _, text in ipairs { tostring(made), made:text { color = true },
                            tostring(refused(function(_, stages)
                              table.remove(stages, 3)
                            end)) } do
      text = text:gsub("\27%[%d+m", "")
      assert.is_nil(text:find "[\0-\9\11-\31\127]")
      assert.is_nil(text:find "\xC2[\x80-\x9F]")
      assert.is_nil(text:find("\u{202e}", 1, true))
      assert.is_nil(text:find "\n%s*%+ stage")
      has(text, "A\\x1b[2J\\n+ stage")
    end
  end)

  it("gets a note on a new stage without permissions", function()
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

  it("gets a note on an unused mapped name", function()
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
