-- Migrations of Kantata OX: projects from status to status.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local sandbox = require "workstage.sandbox"
local workstage = require "workstage"

local failed, has = clients.failed, clients.has

describe("a migration of Kantata", function()
  local server, ox, folder

  local function start(workspaces, options)
    local opts = { rate_limit = false,
                    seed = { kantata = { workspaces = workspaces } } }
    for name, value in pairs(options or {}) do opts[name] = value end
    server = assert(sandbox.start(opts))
    ox = assert(workstage.kantata {
      token = clients.TOKEN, base_url = server.kantata_url,
      rate_limit = false, settle_time = 0.002, proxy = false,
      retry = { attempts = 8, base = 0.002, cap = 0.01 } })
  end

  -- Projects by status: n of each.
  local function projects(counts)
    local list = {}
    for _, each in ipairs(counts) do
      for i = 1, each[2] do
        list[#list + 1] = { id = #list + 1, status_key = each[1],
          title = ("%d Project %d"):format(i % 2 == 0 and 2026 or 2025,
                                           #list + 1),
          archived = each.archived }
      end
    end
    return list
  end

  local function blueprint(...)
    return { service = "kantata", moves = { ... } }
  end

  local function counts()
    local found = {}
    for _, each in ipairs(server:dump().kantata.workspaces) do
      found[each.status_key] = (found[each.status_key] or 0) + 1
    end
    return found
  end

  local function plan(opts)
    return assert(migration.plan(ox, opts))
  end

  local function apply(made, more)
    local options = { journal = folder .. "/j" }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(ox, made, options))
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    if ox then ox:close() end
    if server then server:stop() end
    ox, server = nil, nil
    migrations.remove(folder)
  end)

  it("moves from status to status, to the request", function()
    start(projects { { 310, 230 }, { 130, 5 }, { 605, 3 } })
    local made = plan(blueprint { from = 310, to = 605 })
    assert.equal(230 + 3, made.requests)
    local before = #server:requests()
    local report = apply(made)
    assert.is_true(report.complete, tostring(report))
    assert.equal(233, #server:requests() - before)
    assert.same({ [605] = 233, [130] = 5 }, counts())
    assert.equal(230, #server:dump().kantata.workspace_status_changes)
    assert.is_true(plan(blueprint { from = 310, to = 605 }):is_empty())
  end)

  it("names statuses by message, and by message and colour", function()
    start(projects { { 310, 2 }, { 130, 1 } })
    local statuses = ox.statuses
    local from, to = assert(statuses:find(310)), assert(statuses:find(605))
    local made = plan(blueprint {
      from = { from.message, from.color }, to = { to.message, to.color } })
    assert.is_true(apply(made).complete)
    assert.same({ [605] = 2, [130] = 1 }, counts())
    failed("invalid", migration.plan(ox, blueprint {
      from = "Quality Control", to = 605 }))
    failed("invalid", migration.plan(ox, blueprint { from = 1, to = 605 }))
  end)

  it("chooses by prefix, field and lists of values", function()
    start(projects { { 310, 10 } })
    local made = plan(blueprint(
      { from = 310, to = 605, where = { prefix = { title = "2026" } } },
      { from = 310, to = 130, where = { title = { "2025 Project 1",
                                                  "2025 Project 3" } } },
      { from = 310, to = 135, where = { id = 5 } }))
    assert.is_true(apply(made).complete)
    assert.same({ [605] = 5, [130] = 2, [135] = 1, [310] = 2 }, counts())
  end)

  it("takes each project by the first rule, by its status at plan time",
     function()
    start(projects { { 310, 4 }, { 130, 2 } })
    local made = plan(blueprint(
      { from = 310, to = 130, where = { prefix = { title = "2026" } } },
      { from = 310, to = 605 }, { from = 130, to = 135 }))
    assert.is_true(apply(made).complete)
    assert.same({ [130] = 2, [605] = 2, [135] = 2 }, counts())
    assert.equal(6, #server:dump().kantata.workspace_status_changes)
  end)

  it("touches archived projects only where a rule asks for them",
     function()
    start(projects { { 310, 3 }, { 310, 2, archived = true } },
          { archived_writes = true })
    assert.equal(3, plan(blueprint { from = 310, to = 605 })
                    .operations[1].count)
    local made = plan(blueprint(
      { from = 310, to = 605 },
      { from = 310, to = 130, where = { archived = true } }))
    assert.is_true(apply(made).complete)
    assert.same({ [130] = 2, [605] = 3 }, counts())
  end)

  it("sends nothing for projects that already have the status", function()
    start(projects { { 605, 20 } })
    local made = plan(blueprint { from = 310, to = 605 })
    assert.is_true(made:is_empty())
    assert.equal(0, made.requests)
    local before = #server:requests()
    assert.is_true(apply(made).complete)
    assert.equal(before, #server:requests())
  end)

  it("plans with GETs alone", function()
    start(projects { { 310, 250 } })
    plan(blueprint { from = 310, to = 605 })
    for _, request in ipairs(server:requests()) do
      assert.equal("GET", request.method)
    end
    assert.equal(3, #server:requests()) -- one is for the user's name
  end)

  it("is saved, and skips what moved since", function()
    start(projects { { 310, 120 } })
    local made = plan(blueprint { from = 310, to = 605 })
    assert(made:save(folder .. "/plan"))
    made = assert(migration.load(folder .. "/plan"))
    assert(ox.changes:create { workspace_id = 7, to_status_key = 130 })
    assert(ox.changes:create { workspace_id = 8, to_status_key = 605 })
    local report = apply(made)
    assert.is_true(report.complete)
    assert.equal(118, report.moved)
    assert.equal(2, report.skipped)
    assert.same({ [605] = 119, [130] = 1 }, counts())
  end)

  it("reports each refusal in the service's words, and tries again",
     function()
    start(projects { { 310, 10 } })
    server:inject { { method = "POST", path = "workspace_status_changes",
      count = 2, status = 422, body = { errors = { {
        type = "validation", message = "Status is switched off",
        field = "to_status_key" } } } } }
    local report = apply(plan(blueprint { from = 310, to = 605 }))
    assert.equal(2, report.failed)
    has(report.failures[1].error, "Status is switched off")
    has(report.failures[1].name, "Project")
    report = assert(migration.resume(ox, folder .. "/j"))
    assert.is_true(report.complete)
    assert.same({ [605] = 10 }, counts())
    assert.equal(10, #server:dump().kantata.workspace_status_changes)
  end)

  it("reconciles moves with unknown outcomes", function()
    start(projects { { 310, 60 } })
    server:inject {
      { method = "POST", chance = 0.2, close = "after" },
      { method = "POST", chance = 0.2, close = "before" },
    }
    local report = apply(plan(blueprint { from = 310, to = 605 }))
    server:inject(false)
    if not report.complete then
      report = assert(migration.resume(ox, folder .. "/j"))
    end
    assert.is_true(report.complete, tostring(report))
    assert.equal(60, #server:dump().kantata.workspace_status_changes)
  end)

  for _, status in ipairs { 400, 422 } do
    it("skips a project that got the status meanwhile: " .. status, function()
      start(projects { { 310, 6 } }, { same_status = status })
      local made = plan(blueprint { from = 310, to = 605 })
      local report = apply(made, { concurrency = 1,
        on_progress = function(progress)
          if progress.done == 2 then
            assert(ox:request("PUT", "/workspaces/5", {
              body = { workspace = { status_key = 605 } } }))
          elseif progress.done == 3 then
            assert(ox:request("PUT", "/workspaces/6", {
              body = { workspace = { status_key = 130 } } }))
          end
        end })
      assert.is_true(report.complete, tostring(report))
      assert.equal(5, report.moved)
      assert.same({ { item = 5, why = "it is there already" } }, report.skips)
    end)
  end

  it("rolls back what nobody has changed since", function()
    start(projects { { 310, 30 }, { 130, 5 } })
    assert.is_true(apply(plan(blueprint({ from = 310, to = 605 },
                                        { from = 130, to = 135 }))).complete)
    assert(ox.changes:create { workspace_id = 4, to_status_key = 310 })
    assert(ox.changes:create { workspace_id = 9, to_status_key = 135 })
    local report = assert(migration.rollback(ox, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.equal(33, report.moved)
    assert.equal(2, report.skipped)
    assert.same({ [310] = 29, [135] = 1, [130] = 5 }, counts())
  end)

  it("is for Kantata alone", function()
    start(projects { { 310, 1 } })
    local made = plan(blueprint { from = 310, to = 605 })
    made.service = "storyblok"
    failed("invalid", migration.apply(ox, made, { journal = folder .. "/j" }))
    failed("invalid", migration.plan(ox, migrations.blueprint()))
  end)

  it("goes on from a limit and from a cut anywhere", function()
    start(projects { { 310, 40 } })
    assert.is_false(apply(plan(blueprint { from = 310, to = 605 }),
                          { limit = 5 }).complete)
    assert.equal(5, #server:dump().kantata.workspace_status_changes)
    server:inject { { after = 10, close = "after", count = 1 },
                    { after = 10, close = "before" } }
    local hasty = assert(workstage.kantata {
      token = clients.TOKEN, base_url = server.kantata_url,
      rate_limit = false, settle_time = 0.002, proxy = false,
      retry = { attempts = 1 } })
    migration.resume(hasty, folder .. "/j", { concurrency = 2 })
    hasty:close()
    server:inject(false)
    assert.is_true(assert(migration.resume(ox, folder .. "/j")).complete)
    assert.equal(40, #server:dump().kantata.workspace_status_changes)
    assert.same({ [605] = 40 }, counts())
  end)
end)
