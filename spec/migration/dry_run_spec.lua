-- A dry run writes nothing: plan and rehearse send the service only GETs.
local cjson = require "cjson".new()
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local has = clients.has

describe("a dry run", function()
  local server, space, folder

  local function start(counts, more, options)
    server, space = migrations.start(migrations.space(counts, more), options)
  end

  before_each(function() folder = migrations.folder() end)

  after_each(function()
    if space then space:close() end
    if server then server:stop() end
    server, space = nil, nil
    migrations.remove(folder)
  end)

  local function assert_untouched(before)
    for _, request in ipairs(server:requests()) do
      assert.equal("GET", request.method)
      assert.is_false(request.effect)
    end
    assert.same(before, server:dump())
  end

  it("refuses options that a rehearsal does not have", function()
    start { Drafting = 1 }
    local report, err = migration.rehearse(space, {
      workflow = "Article", moves = {},
    }, { fault = 0.1 })
    assert.is_nil(report)
    assert.equal("invalid", err.kind)
    has(err, "'fault', did you mean 'faults'?")
    assert.equal(0, #server:requests())
  end)

  -- Everything that a plan can hold.
  local function everything()
    return {
      workflow = "Article", content_types = { "article", "news" },
      stages = {
        { name = "Ready", was = "Review", color = "#7ed321", next = "all",
          is_default = true, roles = { "Lawyer" } },
        { name = "Review", was = "Ready", color = "#f5a623",
          after_publish = "Ready", next = { "Legal" },
          users = { "law@example.com" } },
        { name = "Legal", color = "#b8860b", next = { "Review", "Ready" } },
        { name = "Start", was = "Drafting", color = "#123456",
          next = "none" },
      },
      moves = {
        { from = "Old review", where = { starts_with = "old-review/1" },
          to = "Legal", comment = "x",
          assign = { users = { "law@example.com" }, roles = { "Lawyer" } } },
        { from = "Old review", to = "Review", notify = true },
        { from = "Drafting", to = "Ready", release_id = 91,
          due_date = "2026-12-01T10:00:00.000Z" },
        { from = "none", to = "Legal" },
        { from = { default = true, stage = "Reviewing" }, to = "Review" },
        { from = "Ready", to = { workflow = "Default",
                                 stage = "Drafting" } },
      },
    }
  end

  local function start_rich()
    local counts = { ["Old review"] = 130, Drafting = 3, Ready = 2, none = 4 }
    local stories = migrations.stories(counts)
    stories[#stories + 1] = { full_slug = "d/1", name = "d",
      stage = { stage = "Reviewing", workflow = "Default" } }
    start(counts, {
      stories = stories, releases = { { id = 91, name = "Spring" } },
      space_roles = { { role = "Lawyer" } },
      users = { { userid = "law@example.com" } },
      collaborators = { { user = "law@example.com" } },
    })
  end

  it("by plan sends GETs alone", function()
    start_rich()
    local before = server:dump()
    local plan = assert(migration.plan(space, everything()))
    assert.is_false(plan:is_empty())
    assert_untouched(before)
  end)

  it("by plan makes the default workflow where a space has none", function()
    -- the service does it when it is asked for its workflows; a plan that
    -- finds that one alone says so
    start(nil, { workflows = {}, stories = {} })
    local blueprint = migrations.blueprint()
    local plan = assert(migration.plan(space, blueprint))
    local effects = 0
    for _, request in ipairs(server:requests()) do
      assert.equal("GET", request.method)
      effects = effects + (request.effect and 1 or 0)
    end
    assert.equal(1, effects)
    has(table.concat(plan.notes, "\n"), "if it had none")
    has(plan, "if it had none")
  end)

  it("by rehearsal applies the plan to a copy", function()
    start_rich()
    local before = server:dump()
    local report = assert(migration.rehearse(space, everything()))
    assert.is_true(report.complete, tostring(report))
    assert.equal(140, report.moved)
    assert.equal(1, report.rounds)
    assert.equal(report.plan.requests, report.requests)
    assert.is_table(report.stats)
    assert_untouched(before)
  end)

  for _, faults in ipairs { 0.05, 0.3 } do
    it(("by rehearsal goes through with %g of the requests going wrong")
       :format(faults), function()
      start_rich()
      local before = server:dump()
      local report = assert(migration.rehearse(space, everything(),
                                               { faults = faults }))
      assert.is_true(report.complete, tostring(report))
      assert.is_true(report.requests > report.plan.requests)
      assert_untouched(before)
    end)
  end

  it("by rehearsal takes colours that repeat as the service does", function()
    local content = migrations.space { ["Old review"] = 3 }
    local stages = content.workflows[2].stages
    stages[2].color = stages[1].color
    server, space = migrations.start(content, { unique_colors = false })
    local report, err = migration.rehearse(space, {
      workflow = "Article", moves = { { from = "Old review", to = "Ready" } },
    })
    assert.is_true(report and report.complete, err)
    assert.equal(3, report.moved)
  end)

  it("by rehearsal copies every attribute of a stage", function()
    local flags = { "allow_publish", "allow_admin_publish", "allow_all_users",
      "allow_admin_change", "allow_editor_change", "story_editing_locked",
      "auto_remove_assignee", "allow_all_stages",
      "allow_none_for_next_stages" }
    local content = migrations.space({ ["Old review"] = 3 }, {
      space_roles = { { id = 71, role = "Lawyer" } },
      users = { { id = 81, userid = "law@example.com" } },
      collaborators = { { user = "law@example.com" } },
    })
    local stages = content.workflows[2].stages
    for i, flag in ipairs(flags) do
      for j, stage in ipairs(stages) do stage[flag] = (i + j) % 2 == 0 end
    end
    stages[1].after_publish_id = "Ready"
    stages[2].space_role_ids, stages[2].user_ids = { 71 }, { 81 }
    server, space = migrations.start(content)
    for _, blueprint in ipairs {
      { workflow = "Article", moves = { { from = "Old review",
                                          to = "Ready" } } },
      migrations.smaller(),
    } do
      local report, err = migration.rehearse(space, blueprint)
      assert.is_true(report and report.complete, tostring(err or report))
      assert.equal(3, report.moved)
    end
  end)

  it("by rehearsal takes the references' own example stage, null colours, " ..
     "shared ones and no default", function()
    local content = migrations.space { ["Old review"] = 3 }
    local stages = content.workflows[2].stages
    stages[1].is_default, stages[1].color = false, cjson.null
    stages[2].color, stages[2].position = stages[3].color, 3
    local path = "spec/data/examples/storyblok_stage_object.json"
    local file = assert(io.open(path))
    local example = cjson.decode(file:read "a").workflow_stage
    file:close()
    example.workflow_id = nil
    stages[5] = example
    server, space = migrations.start(content, { unique_colors = false,
                                                references = false })
    for _, blueprint in ipairs {
      { workflow = "Article", moves = { { from = "Old review",
                                          to = "Ready" } } },
      (assert(migration.export(space, "Article"))),
    } do
      local report, err = migration.rehearse(space, blueprint)
      assert.is_true(report and report.complete, tostring(err or report))
    end
  end)

  it("by rehearsal has at least one fault, and others each time", function()
    start { ["Old review"] = 2 }
    local blueprint = { workflow = "Article", moves = {
      { from = "Old review", to = "Ready" } } }
    local seeds = {}
    for _ = 1, 10 do
      local report = assert(migration.rehearse(space, blueprint,
                                               { faults = 0.001 }))
      assert.is_true(report.complete, tostring(report))
      assert.is_true(report.faults >= 1)
      local counted = 0
      for _, count in pairs(report.stats.faults) do
        counted = counted + count
      end
      assert.equal(counted, report.faults)
      assert.equal("integer", math.type(report.seed))
      assert.is_nil(seeds[report.seed])
      seeds[report.seed] = true
    end
    local report = assert(migration.rehearse(space, blueprint))
    assert.is_nil(report.faults)
    assert.is_nil(report.seed)
    report = assert(migration.rehearse(space, blueprint, { faults = 0 }))
    assert.equal(0, report.faults)
  end)

  it("by rehearsal has the same faults with the same seed", function()
    start { ["Old review"] = 12 }
    local function faults_of(seed)
      local report = assert(migration.rehearse(space, migrations.smaller(), {
        faults = 0.2, seed = seed, map_role = {} }))
      assert.equal(seed, report.seed)
      return report.stats.faults["fault 1"]
    end
    for seed = 1, 5 do assert.equal(1, faults_of(seed)) end
    local list = require "workstage.migration.rehearse.faults".list
    assert.same(list(0.2, 7, 17), list(0.2, 7, 17))
    assert.not_same(list(0.2, 7, 17), list(0.2, 8, 17))
    local kinds, places = {}, {}
    for seed = 1, 200 do
      local first = list(0.2, seed, 17)[1]
      assert.is_true(first.after >= 0 and first.after < 17)
      places[first.after] = true
      kinds[tostring(first.status or first.close or first.truncate)] = true
    end
    local count = 0
    for _ in pairs(places) do count = count + 1 end
    assert.equal(17, count)
    assert.same({ ["500"] = true, ["503"] = true, before = true, after = true,
                  ["true"] = true }, kinds)
  end)

  it("by rehearsal refuses an invalid share of faults or seed", function()
    start {}
    for _, opts in ipairs { { faults = 2 }, { faults = -0.1 },
                             { faults = "5" }, { faults = 0 / 0 },
                             { seed = 1.5 }, { seed = "1" } } do
      local report, err = migration.rehearse(space, migrations.smaller(),
                                             opts)
      assert.is_nil(report)
      assert.equal("invalid", err.kind)
    end
    assert.equal(0, #server:requests())
  end)

  it("by rehearsal counts all its rounds together", function()
    start { ["Old review"] = 300 }
    local report = assert(migration.rehearse(space, migrations.smaller(),
                                             { faults = 0.9 }))
    assert.is_true(report.rounds > 1, report.rounds)
    assert.equal(report.stats.effects.workflow_stage_changes, report.moved)
    assert.equal(report.stats.requests, report.requests)
  end)

  it("by rehearsal leaves no file behind", function()
    start_rich()
    local real, path = os.tmpname, folder .. "/tmp"
    rawset(os, "tmpname", function() return path end)
    local report, err = migration.rehearse(space, everything())
    rawset(os, "tmpname", real)
    assert(report, err)
    assert.is_nil(io.open(path))
    assert.is_nil(report.journal)
  end)

  it("by rehearsal says what a plan says where it is refused", function()
    start { ["Old review"] = 2 }
    local blueprint = migrations.smaller()
    blueprint.moves = {}
    local err = clients.failed("refused", migration.rehearse(space,
                                                             blueprint))
    has(err, "Old review")
  end)

  it("by rehearsal needs the sandbox, and says so", function()
    start {}
    local real = package.loaded["workstage.sandbox"]
    package.loaded["workstage.sandbox"] = nil
    package.preload["workstage.sandbox"] = function() error "none" end
    local report, err = migration.rehearse(space, migrations.blueprint())
    package.preload["workstage.sandbox"] = nil
    package.loaded["workstage.sandbox"] = real
    assert.is_nil(report)
    has(err, "workstage-sandbox")
  end)

  it("by rehearsal copies a workflow of Kantata's as well", function()
    local workstage = require "workstage"
    local sandbox = require "workstage.sandbox"
    local workspaces = {}
    for i = 1, 20 do
      workspaces[i] = { id = i, title = "P" .. i, status_key = 310,
                        archived = i > 18 }
    end
    server = assert(sandbox.start { rate_limit = false,
      seed = { kantata = { workspaces = workspaces } } })
    local ox <close> = assert(workstage.kantata {
      token = clients.TOKEN, base_url = server.kantata_url, proxy = false,
      rate_limit = false, settle_time = 0.002 })
    local before = server:dump()
    local report = assert(migration.rehearse(ox, { service = "kantata",
      moves = { { from = 310, to = 605 } } }, { faults = 0.1 }))
    assert.is_true(report.complete, tostring(report))
    assert.equal(18, report.moved)
    assert_untouched(before)
  end)
end)
