-- Plans of a space: read only, refused where something is missing, right
-- about what they will cost.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("a plan", function()
  local server, space, folder

  local function start(counts, more, options)
    server, space = migrations.start(migrations.space(counts, more), options)
  end

  local function plan(blueprint, opts)
    return assert(migration.plan(space, blueprint, opts))
  end

  local function refused(blueprint, opts)
    return failed("refused", migration.plan(space, blueprint, opts))
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    if space then space:close() end
    if server then server:stop() end
    server, space = nil, nil
    migrations.remove(folder)
  end)

  it("is empty if the space matches the blueprint", function()
    start { Drafting = 3 }
    local made = plan(migrations.blueprint())
    assert.is_true(made:is_empty())
    assert.equal(0, made.requests)
    has(made, "No changes.")
  end)

  it("sends only GETs", function()
    start { ["Old review"] = 130, Drafting = 5, none = 4 }
    local blueprint = migrations.smaller()
    table.insert(blueprint.moves, { from = "none", to = "Drafting",
                                    where = { starts_with = "none/" } })
    table.insert(blueprint.stages, { name = "Legal", color = "#4a90e2" })
    plan(blueprint)
    for _, request in ipairs(server:requests()) do
      assert.equal("GET", request.method)
      assert.is_false(request.effect)
    end
  end)

  it("says that asking may have made the default workflow", function()
    start(nil, { workflows = {}, stories = {} })
    local made = plan { default = true, stages = {
      { name = "Drafting", color = "#babcb6", is_default = true,
        next = "all" } } , moves = { { from = "Reviewing", to = "Drafting" },
        { from = "Ready", to = "Drafting" } } }
    local said = false
    for _, note in ipairs(made.notes) do
      said = said or note:find("if it had none", 1, true) ~= nil
    end
    assert.is_true(said)
  end)

  it("updates the default workflow and never makes it", function()
    start()
    local made = plan { default = true, stages = {
      { name = "Drafting", color = "#babcb6", is_default = true },
      { name = "Reviewing", color = "#fbce41" },
      { name = "Legal", color = "#123456" },
    } }
    assert.equal("Default", made.workflow)
    assert.equal("create_stage", made.operations[1].op)
    local report = assert(migration.apply(space, made, {
      journal = folder .. "/j" }))
    assert.is_true(report.complete)
    assert.same({ "Drafting", "Reviewing", "Legal" },
                migrations.names(server, "Default"))
    assert.equal(0, #(function()
      local posts = {}
      for _, request in ipairs(server:requests()) do
        if request.method == "POST" and request.path:find "/workflows" then
          posts[#posts + 1] = request
        end
      end
      return posts
    end)())
  end)

  -- ------------------------------------------------- what the space lacks

  it("lists every role and user that the space lacks, and stops", function()
    start(nil, { space_roles = { { role = "Lawyer" } },
                 users = { { userid = "law@example.com" } },
                 collaborators = { { user = "law@example.com" } } })
    local blueprint = migrations.blueprint()
    blueprint.stages[1].roles = { "Lawyer", "Clerk" }
    blueprint.stages[2].roles = { "Clerk", "Notary" }
    blueprint.stages[3].users = { "law@example.com", "gone@example.com" }
    blueprint.moves = { { from = "Drafting", to = "Ready",
                          assign = { users = { "who@example.com" } } } }
    local err = refused(blueprint)
    for _, name in ipairs { "Clerk", "Notary", "gone@example.com",
                            "who@example.com" } do
      has(err, name)
    end
    assert.is_nil(tostring(err):find '"Lawyer"')
    assert.equal(4, #err.problems)
    assert.equal(0, #migrations.refused(server))
  end)

  it("maps a role and a user to others", function()
    start(nil, { space_roles = { { id = 71, role = "Lawyer" } },
                 users = { { id = 81, userid = "law@example.com" } },
                 collaborators = { { user = "law@example.com" } } })
    local blueprint = migrations.blueprint()
    blueprint.stages[1].roles = { "Clerk" }
    blueprint.stages[1].users = { "clerk@example.com" }
    local made = plan(blueprint, {
      map_role = { Clerk = "Lawyer" },
      map_user = { ["clerk@example.com"] = "law@example.com" } })
    assert.same({ space_role_ids = { 71 }, user_ids = { 81 } },
                made.operations[1].set)
    has(refused(blueprint, { map_role = { Clerk = "Nobody" },
      map_user = { ["clerk@example.com"] = "law@example.com" } }), "Nobody")
  end)

  it("finds users on every page of collaborators", function()
    local users, members = {}, {}
    for i = 1, 250 do
      users[i] = { userid = ("u%d@example.com"):format(i), id = 5000 + i }
      members[i] = { user = users[i].userid }
    end
    start(nil, { users = users, collaborators = members })
    local blueprint = migrations.blueprint()
    blueprint.stages[1].users = { "u1@example.com", "u250@example.com" }
    assert.same({ 5001, 5250 }, plan(blueprint).operations[1].set.user_ids)
  end)

  it("stops at content types that the space lacks, where it says", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.content_types = { "article", "essay" }
    local real = space.request
    function space.request(self, method, path, ...)
      if path:find "/components$" then
        return { components = { { name = "page", is_root = true },
                                { name = "essay", is_root = false } } }, 200
      end
      return real(self, method, path, ...)
    end
    local err = refused(blueprint)
    has(err, 'no content type "essay"')
    assert.equal(1, #err.problems)
    space.request = nil
    local made = plan(blueprint)
    local noted = false
    for _, note in ipairs(made.notes) do
      noted = noted or note:find("content types", 1, true) ~= nil
    end
    assert.is_true(noted)
  end)

  it("refuses a workflow that is there twice", function()
    local content = migrations.space()
    content.workflows[3] = { name = "Article", content_types = { "page" },
                             stages = { { name = "A", color = "#1" } } }
    server, space = migrations.start(content)
    has(refused(migrations.blueprint()), "2 workflows are named")
  end)

  it("refuses moves from and to what is not there", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = { workflow = "Nowhere", stage = "A" },
                          to = "Ready" } }
    has(refused(blueprint), "Nowhere")
    blueprint.moves = { { from = "Drafting",
                          to = { workflow = "Default", stage = "Legal" } } }
    has(refused(blueprint), "Legal")
    has(refused { workflow = "Novel", moves = {
      { from = "A", to = "B" } } }, "Novel")
  end)

  it("refuses moves within another workflow whose stages do not allow them",
     function()
    start { Ready = 2, Review = 1 }
    local article = assert(space.workflows:find "Article")
    local ready = assert(space.stages:find("Ready",
                                           { in_workflow = article.id }))
    local function blueprint(to)
      return { default = true, moves = {
        { from = { workflow = "Article", stage = "Ready" },
          to = { workflow = "Article", stage = to } } } }
    end
    assert(space.stages:update(ready.id, { allow_all_stages = false,
                                           workflow_stage_ids = {} }))
    has(refused(blueprint "Review"), '"Article / Ready"')
    has(refused(blueprint "Review"), '"Article / Review"')
    assert(space.stages:update(ready.id, { allow_all_stages = true }))
    assert.equal(2, plan(blueprint "Review").operations[1].count)
  end)

  it("notes transitions that are opened only for its moves", function()
    start { Drafting = 2 }
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Drafting", to = "Ready" } }
    local made = plan(blueprint)
    has(made, 'stage "Drafting": its transitions are opened for the moves')
    assert.truthy(tostring(made):find "\n2 to move%.\n")
  end)

  it("distinguishes stages, roles and users with the same id", function()
    local content = migrations.space({}, {
      users = { { id = 500, userid = "law@example.com" } },
      collaborators = { { user = "law@example.com" } },
      space_roles = { { id = 500, role = "Lawyer" } } })
    content.workflows[2].stages[2].id = 500
    server, space = migrations.start(content)
    local blueprint = migrations.blueprint()
    blueprint.stages[4].next = { "Review" }
    blueprint.stages[3].roles = { "Lawyer" }
    blueprint.stages[3].users = { "law@example.com" }
    local made = plan(blueprint)
    has(made, 'next: + "Review"')
    has(made, 'roles: + "Lawyer"')
    has(made, 'users: + "law@example.com"')
  end)

  it("says if the stage to move from no longer exists", function()
    start()
    local blueprint = migrations.smaller()
    blueprint.moves[1].from = "Older review"
    table.insert(blueprint.moves, { from = "Old review", to = "Ready" })
    has(plan(blueprint), "Older review")
  end)

  -- --------------------------------------------------- what stays behind

  it("refuses to remove a stage with stories, and prints the moves",
     function()
    start { ["Old review"] = 3, Review = 2 }
    local blueprint = migrations.smaller()
    blueprint.moves = {}
    table.remove(blueprint.stages, 2)
    blueprint.stages[1].next = { "Ready" }
    local err = refused(blueprint)
    assert.matches('{ from = "Old review", to = "..." },', err.moves, 1, true)
    assert.matches('{ from = "Review", to = "..." },', err.moves, 1, true)
    has(err.text, "moves = {")
    has(err, "3 stories in it have no move")
  end)

  it("counts those that its moves leave behind", function()
    start { ["Old review"] = 12 }
    local blueprint = migrations.smaller()
    blueprint.moves = {
      { from = "Old review", to = "Review",
        where = { by_slugs = "old-review/1,old-review/2" } },
    }
    has(refused(blueprint), "10 stories in it have no move")
    table.insert(blueprint.moves, { from = "Old review", to = "Ready",
                                    where = { starts_with = "old-review" } })
    assert.equal(2, #(function()
      local moves = {}
      for _, each in ipairs(plan(blueprint).operations) do
        if each.op == "move" then moves[#moves + 1] = each end
      end
      return moves
    end)())
  end)

  it("removes an empty stage without a move", function()
    start()
    local blueprint = migrations.smaller()
    blueprint.moves = {}
    assert.equal("delete_stage", plan(blueprint).operations[1].op)
  end)

  -- ------------------------------------------------------------- its words

  it("lists the side effects that people will notice", function()
    start({ ["Old review"] = 4, Drafting = 2 }, nil,
          { story_stage = "change" })  -- with due dates
    local blueprint = migrations.smaller()
    blueprint.moves[1].notify = true
    blueprint.stages[2].story_editing_locked = true
    blueprint.stages[2].auto_remove_assignee = true
    local made = plan(blueprint)
    assert.same({ webhooks = 4, emails = 4, locked = 4, unassigned = 4,
                  unpublishable = 0 }, made.effects)
    for _, text in ipairs { "e-mails for 4 items", "4 webhook calls",
                            "lose their", "no longer be edited" } do
      has(made, text)
    end
  end)

  it("counts what items lose, not what their old stage lacked too", function()
    start { ["Old review"] = 4, Ready = 3, none = 2 }
    local blueprint = migrations.smaller()
    blueprint.stages[2].story_editing_locked = true
    for _, stage in ipairs { "Ready", "none" } do
      table.insert(blueprint.moves, { from = stage, to = "Review" })
    end
    local made = plan(blueprint)
    assert.equal(5, made.effects.unpublishable)
    assert.equal(9, made.effects.locked)
    has(made, "5 items can no longer be published by everyone.")
    local old = migrations.stages_of(server, "Article")["Old review"]
    assert(space.stages:update(old.id, { story_editing_locked = true }))
    assert.equal(5, plan(blueprint).effects.locked)
  end)

  it("counts only the kinds of changes that there are", function()
    start { Drafting = 2 }
    local blueprint = migrations.blueprint()
    blueprint.stages[1].color = "#101010"
    assert.truthy(tostring(plan(blueprint)):find "\n1 to change%.\n")
    table.insert(blueprint.stages, { name = "Legal", color = "#4a90e2" })
    assert.truthy(tostring(plan(blueprint)):find(
      "\n1 to add, 1 to change%.\n"))
    blueprint = migrations.blueprint()
    blueprint.content_types = { "article", "page" }
    assert.truthy(tostring(plan(blueprint)):find "\n1 operation%.\n")
  end)

  it("is one line for each thing, whatever a stage is called", function()
    start({}, { workflows = { { name = "Default", is_default = true,
      stages = {
        { name = "A\27[2J\n+ stage \"Fake\"", color = "#111111",
          is_default = true, allow_all_stages = true },
        { name = "B", color = "#222222", allow_all_stages = true },
      } } }, stories = { { name = "s", full_slug = "s", stage = {
        stage = "A\27[2J\n+ stage \"Fake\"", workflow = "Default" } } } })
    local text = tostring(plan { default = true, moves = { {
      from = "A\27[2J\n+ stage \"Fake\"", to = "B" } } })
    assert.is_nil(text:find "\27")
    assert.is_nil(text:find "\n%s*%+ stage")
    has(text, "\\x1b[2J")
  end)

  it("uses the current name of a stage that is removed from a list", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[4].name, blueprint.stages[4].was = "Live", "Ready"
    blueprint.stages[2].next = { "Drafting" }
    blueprint.stages[3].next = { "Live", "Review" }
    local text = tostring(plan(blueprint))
    has(text, 'next: - "Ready"')
    has(text, 'next: + "Review"')
    has(text, 'name: "Ready" -> "Live"')
  end)

  it("contains the rest of a swap whose run was interrupted", function()
    for requests = 1, 3 do
      start({ Drafting = 2, Review = 1 })
      local blueprint = migrations.blueprint()
      local first, second = blueprint.stages[1], blueprint.stages[2]
      first.name, first.was = "Review", "Drafting"
      second.name, second.was = "Drafting", "Review"
      first.next, second.next = { "Drafting" }, { "Review", "Ready" }
      local made, id = plan(blueprint), migrations.stages_of(server).Review.id
      local hasty = migrations.client(server, { max_requests = 4 + requests })
      local report = assert(migration.apply(hasty, made,
                                            { journal = folder .. "/j" }))
      hasty:close()
      assert.equal(requests == 3, report.complete)
      os.remove(folder .. "/j") -- the journal is lost
      local rest = plan(blueprint)
      assert.equal(3 - requests, #rest.operations)
      assert.is_true(assert(migration.apply(space, rest, {
        journal = folder .. "/k" })).complete)
      os.remove(folder .. "/k")
      assert.equal(id, migrations.stages_of(server).Drafting.id)
      assert.same({ Review = 2, Drafting = 1 }, migrations.counts(server))
      space:close()
      server:stop()
    end
    start()
  end)

  it("is empty where names and colours are swapped together, and says so",
     function()
    start()
    local blueprint = migrations.blueprint()
    local first, second = blueprint.stages[3], blueprint.stages[4]
    first.name, first.was, first.color = "Ready", "Old review", "#7ed321"
    second.name, second.was, second.color = "Old review", "Ready", "#b8860b"
    first.next, second.next = {}, { "Ready" }
    first.allow_publish, second.allow_publish = true, false
    blueprint.stages[3], blueprint.stages[4] = second, first
    local made = plan(blueprint)
    assert.is_true(made:is_empty(), tostring(made))
    has(made, "to exchange their items, use `moves`")
  end)

  it("checks the blueprint first, then the client's service", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[2].name = "Drafting"
    local before = #server:requests()
    refused(blueprint)
    failed("invalid", migration.plan(space, {
      service = "kantata", moves = { { from = 310, to = 605 } } }))
    failed("invalid", migration.plan(space, migrations.blueprint(),
                                     { map_rolle = {} }))
    assert.equal(before, #server:requests())
  end)

  it("has the error of a request that failed", function()
    start { Drafting = 1 }
    server:inject { { path = "/workflow_stages", status = 403 } }
    failed("forbidden", migration.plan(space, migrations.blueprint()))
  end)
end)
