-- What a plan says about who may move items out of a stage.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("a plan", function()
  local server, space

  -- The sentences about permissions of a plan that gives "Review" these
  -- attributes; `has` are those that it has already.
  local function said_of(has, described, more)
    local content = migrations.space({}, {
      users = { { id = 7, userid = "ann@example.com" },
                { id = 8, userid = "bob@example.com" } },
      space_roles = { { id = 5, role = "Legal team" } },
      collaborators = { { user = "ann@example.com" },
                        { user = "bob@example.com" } },
    })
    for name, value in pairs(has) do
      content.workflows[2].stages[2][name] = value
    end
    server, space = migrations.start(content)
    local blueprint = migrations.blueprint()
    for name, value in pairs(described) do
      blueprint.stages[2][name] = value
    end
    if more then table.insert(blueprint.stages, more) end
    local text, found = tostring(assert(migration.plan(space, blueprint))), {}
    for line in text:gmatch "  ! ([^\n]* may move [^\n]*)" do
      found[#found + 1] = line
    end
    return found
  end

  after_each(function()
    if space then space:close() end
    if server then server:stop() end
    server, space = nil, nil
  end)

  local LIMITED = { allow_all_users = false, allow_admin_change = true,
                    allow_editor_change = true }

  it("says who still may where everyone could", function()
    assert.same({ 'Only admins and editors may move items out of stage ' ..
                  '"Review" from now on.' },
                said_of({}, { allow_all_users = false }))
  end)

  it("says that nobody may any more", function()
    assert.same({ 'No user or role may move items out of stage "Review" ' ..
                  'from now on.' },
                said_of(LIMITED, { allow_admin_change = false,
                                   allow_editor_change = false }))
  end)

  it("names those that no longer may: flags, roles and users", function()
    assert.same({ 'Fewer people may move items out of stage "Review": ' ..
                  'editors can no longer.' },
                said_of(LIMITED, { allow_editor_change = false }))
    server:stop()
    local has = { allow_all_users = false, user_ids = { 7, 8 },
                  space_role_ids = { 5 } }
    local sentence = said_of(has, { users = { "ann@example.com" },
                                    roles = {} })
    assert.same({ 'Fewer people may move items out of stage "Review": role ' ..
                  '"Legal team" and user "bob@example.com" can no longer.' },
                sentence)
  end)

  it("says nothing where nobody loses anything", function()
    assert.same({}, said_of({}, { allow_publish = true,
                                  allow_admin_change = false }))
    server:stop()
    assert.same({}, said_of({ allow_all_users = false,
                              allow_editor_change = false },
                            { allow_editor_change = true }))
    server:stop()
    assert.same({}, said_of(LIMITED, { allow_all_users = true,
                                       allow_editor_change = false }))
  end)

  it("says who may where a new stage does not allow everyone", function()
    local legal = { name = "Legal", color = "#4a90e2", next = "all" }
    assert.same({}, said_of({}, {}, legal))
    server:stop()
    legal.allow_all_users, legal.allow_editor_change = false, false
    legal.users = { "ann@example.com" }
    assert.same({ 'Only admins and user "ann@example.com" may move items ' ..
                  'out of the new stage "Legal".' }, said_of({}, {}, legal))
    server:stop()
    legal.allow_admin_change, legal.users = false, nil
    assert.same({ 'No user or role may move items out of the new stage ' ..
                  '"Legal".' }, said_of({}, {}, legal))
  end)
end)
