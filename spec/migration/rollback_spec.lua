-- Rollback: restores only what nobody has changed since the run.
local clients = require "support.clients"
local errors = require "workstage.errors"
local files = require "support.files"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local tries = require "support.tries"

local failed, has = clients.failed, clients.has

describe("rollback", function()
  local server, space, folder, journal

  local function start(counts, more, options)
    server, space = migrations.start(migrations.space(counts, more),
                                     options or { story_stage = "change" })
  end

  local function apply(blueprint, more)
    local options = { journal = journal }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(migration.apply(space, assert(migration.plan(
      space, blueprint or migrations.smaller())), options))
  end

  local function rollback(more)
    return assert(migration.rollback(space, journal, more))
  end

  local function back() return journal .. ".rollback" end

  local function first_lines(text, count)
    local lines = {}
    for line in text:gmatch "[^\n]+\n" do lines[#lines + 1] = line end
    return table.concat(lines, "", 1, count)
  end

  local function moves_alone()
    return { workflow = "Article",
             moves = { { from = "Old review", to = "Ready" } } }
  end

  local function change(name, values)
    local stage = migrations.stages_of(server)[name]
    local attributes = { name = stage.name, color = stage.color,
                         workflow_stage_ids = stage.workflow_stage_ids }
    for key, value in pairs(values) do attributes[key] = value end
    assert(space.stages:update(stage.id, attributes))
  end

  local function noted(report, piece)
    for _, note in ipairs(report.notes) do
      if note:find(piece, 1, true) then return true end
    end
    error(("no note says '%s': %s"):format(piece,
          table.concat(report.notes, "; ")), 2)
  end

  local function move(slug, name)
    for _, story in ipairs(server:dump().spaces[1].stories) do
      if story.full_slug == slug then
        return assert(space.changes:create { story_id = story.id,
          workflow_stage_id = migrations.stages_of(server)[name].id })
      end
    end
  end

  before_each(function()
    folder = migrations.folder()
    journal = folder .. "/j"
  end)

  after_each(function()
    if space then space:close() end
    if server then server:stop() end
    server, space = nil, nil
    migrations.remove(folder)
  end)

  local function busy()
    local blueprint = migrations.busy()
    blueprint.stages[1].allow_editor_change = true
    return blueprint
  end

  local COUNTS = { ["Old review"] = 12, Drafting = 3, Ready = 2, Review = 4 }

  it("gives back attributes, stages, order and moves", function()
    start(COUNTS)
    local before = migrations.text(space)
    assert.is_true(apply(busy()).complete)
    assert.are_not.equal(before, migrations.text(space))
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    assert.same({}, report.notes)
    assert.equal(before, migrations.text(space))
    assert.same(COUNTS, migrations.counts(server))
    assert.same({}, migrations.refused(server))
  end)

  it("creates stages again with all references to them", function()
    local stages = migrations.stages()
    stages[1].after_publish_id = "Old review"
    stages[2].workflow_stage_ids = { "Old review", "Ready" }
    stages[3].after_publish_id, stages[3].allow_editor_change = "Review", true
    local content = migrations.space({ ["Old review"] = 2 }, {
      space_roles = { { id = 71, role = "Lawyer" } } })
    stages[3].space_role_ids = { "Lawyer" }
    content.workflows[2].stages = stages
    server, space = migrations.start(content)
    local before = migrations.text(space)
    local blueprint = migrations.smaller()
    blueprint.stages[1].after_publish = false
    assert.is_true(apply(blueprint).complete)
    assert.is_true(rollback().complete)
    assert.equal(before, migrations.text(space))
    local now = migrations.stages_of(server)
    assert.equal(now["Old review"].id, now.Drafting.after_publish_id)
    assert.same({ 71 }, now["Old review"].space_role_ids)
    assert.equal("Old review", migrations.names(server)[3])
  end)

  -- Five stories with due dates but for the third; what they are.
  local function start_with_dues()
    local stories = migrations.stories { Drafting = 5 }
    local dues = {}
    for i, story in ipairs(stories) do
      if i ~= 3 then
        story.stage.due_date = ("2026-12-%02dT10:00:00.000Z"):format(i)
      end
      dues[story.full_slug] = story.stage.due_date or "none"
    end
    start(nil, { stories = stories }, { story_stage = "change" })
    return dues
  end

  local function all_at_once()
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Drafting", to = "Ready",
                          due_date = "2027-01-01T00:00:00.000Z" } }
    return blueprint
  end

  local function dues_now()
    local found = {}
    for _, story in ipairs(server:dump().spaces[1].stories) do
      found[story.full_slug] = story.stage.due_date or "none"
    end
    return found
  end

  -- As if the run had been killed before it could write of any answer.
  local function forget_answers()
    local text = files.read(journal)
    local ends = select(2, text:find '\n[^\n]*"type":"page"[^\n]*\n')
    files.write(journal, text:sub(1, ends))
  end

  it("gives due dates back that were taken when the run was killed",
     function()
    for _, carries_on in ipairs { true, false } do
      local dues = start_with_dues()
      assert.is_true(apply(all_at_once()).complete)
      forget_answers()
      if carries_on then
        assert.equal(5, assert(migration.resume(space, journal)).moved)
      end
      local report = rollback()
      assert.is_true(report.complete)
      assert.same({}, report.notes)
      assert.same(dues, dues_now())
      server:stop()
      os.remove(journal)
      os.remove(back())
    end
  end)

  it("gives due dates back, each its own", function()
    local dues = start_with_dues()
    assert.is_true(apply(all_at_once()).complete)
    local planned
    local report = rollback { confirm = function(plan)
      planned = plan.requests
      return true
    end }
    assert.is_true(report.complete)
    -- the workflows and the stages, the way back from "Ready", five moves on
    -- one page, another look and the way closed
    assert.equal(2 + 1 + 6 + 2, report.requests)
    assert.equal(planned, report.requests)
    assert.same(dues, dues_now())
  end)

  it("says how many due dates the service did not return", function()
    start({ Drafting = 4 }, nil, { story_stage = "names" })
    local blueprint = migrations.blueprint()
    blueprint.moves = { { from = "Drafting", to = "Ready" } }
    apply(blueprint)
    noted(rollback(), "due dates of 4 items are unknown")
  end)

  it("lists the side effects of its moves", function()
    start { ["Old review"] = 4 }
    change("Old review", { story_editing_locked = true })
    apply(moves_alone())
    local shown
    rollback { confirm = function(plan)
      shown = plan
      return true
    end }
    assert.equal(4, shown.effects.webhooks)
    assert.equal(4, shown.effects.locked)
    has(shown, "up to 4 webhook calls")
  end)

  it("goes on without a colour that a stage has which it had to leave",
     function()
    start { ["Old review"] = 3 }
    local blueprint = migrations.blueprint()
    blueprint.stages[2].color = "#123456"
    table.insert(blueprint.stages, { name = "Legal", color = "#f5a623",
                                     next = { "Ready" } })
    table.insert(blueprint.stages[1].next, "Legal")
    blueprint.stages[4].story_editing_locked = true
    assert.is_true(apply(blueprint).complete)
    local report = rollback { confirm = function()
      change("Old review", { workflow_stage_ids = {
        migrations.stages_of(server).Legal.id } })
      move("old-review/1", "Legal")
      return true
    end }
    noted(report, '"Legal" is not deleted')
    noted(report, 'stage "Review" does not get the color "#f5a623": ' ..
                  'stage "Legal" has it')
    assert.is_true(report.complete)
    local now = migrations.stages_of(server)
    assert.is_false(now.Ready.story_editing_locked)
    assert.equal("#123456", now.Review.color)
    assert.is_truthy(now.Legal)
  end)

  it("removes the workflow that the run made", function()
    start { Drafting = 3 }
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    blueprint.moves = { { from = { workflow = "Article", stage = "Drafting" },
                          to = "Review" } }
    assert.is_true(apply(blueprint).complete)
    assert.is_true(rollback().complete)
    assert.is_nil(migrations.workflow(server, "Novel"))
    assert.same({ Drafting = 3 }, migrations.counts(server))
  end)

  it("keeps that workflow while it has items", function()
    start { none = 2 }
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    blueprint.moves = { { from = "none", to = "Review" } }
    assert.is_true(apply(blueprint).complete)
    local report = rollback()
    assert.is_true(report.complete)
    noted(report, "no stage before")
    noted(report, 'workflow "Novel" is not deleted')
    assert.same({ ["Novel / Review"] = 2 }, migrations.counts(server))
  end)

  it("lists items that had no stage, and keeps the stage they are in",
     function()
    start { none = 3, Drafting = 1 }
    local blueprint = migrations.blueprint()
    blueprint.stages[5] = { name = "Legal", color = "#123456" }
    blueprint.moves = { { from = "none", to = "Legal" },
                        { from = "Drafting", to = "Legal" } }
    assert.is_true(apply(blueprint).complete)
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, "3 items not moved back: no stage before")
    noted(report, 'stage "Legal" is kept: 3 items')
    assert.same({ Legal = 3, Drafting = 1 }, migrations.counts(server))
  end)

  -- ------------------------------------------------ what others did since

  it("leaves items that have moved on, and lists them", function()
    start { ["Old review"] = 5 }
    apply()
    move("old-review/2", "Ready")
    local report = rollback()
    assert.is_true(report.complete)
    assert.equal(4, report.moved)
    assert.equal(1, report.skipped)
    assert.same({ ["Old review"] = 4, Ready = 1 }, migrations.counts(server))
  end)

  it("takes an item back no further than the run's last move", function()
    start { ["Old review"] = 1, none = 1 }
    local made = assert(migration.plan(space, migrations.smaller()))
    local real, other = space.stories.page, migrations.client(server)
    local done = false
    rawset(space.stories, "page", function(self, filter, ...)
      if filter.per_page == 1 and not done then
        -- moved by the run, then put back from "Ready" by a person
        done = true
        local stages = migrations.stages_of(server)
        for _, story in ipairs(server:dump().spaces[1].stories) do
          if story.full_slug == "old-review/1" then
            for _, name in ipairs { "Ready", "Old review" } do
              if name == "Old review" then
                assert(other.stages:update(stages.Ready.id, {
                  name = "Ready", color = "#7ed321", allow_publish = true,
                  workflow_stage_ids = { stages["Old review"].id } }))
              end
              assert(other.changes:create { story_id = story.id,
                workflow_stage_id = stages[name].id })
            end
          end
        end
      end
      return real(self, filter, ...)
    end)
    local report = assert(migration.apply(space, made,
                                          { journal = journal }))
    assert.equal(2, report.moved)
    rawset(space.stories, "page", nil)
    assert.is_true(rollback().complete)
    local progress = assert(migration.progress(journal .. ".rollback"))
    assert.equal(1, progress.moved)
    assert.equal(1, progress.total)
    assert.same({ ["Old review"] = 1, none = 1 }, migrations.counts(server))
    local _, changes = next(migrations.changes(server))
    assert.equal(5, #changes)
    other:close()
  end)

  it("leaves an attribute that was changed since, and lists it", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[1].color = "#000001"
    blueprint.stages[2].color = "#000002"
    blueprint.stages[2].allow_publish = true
    apply(blueprint)
    change("Review", { color = "#00000f" })
    local report = rollback()
    assert.is_true(report.complete)
    noted(report, 'stage "Review": color was changed since')
    local stages = migrations.stages_of(server)
    assert.equal("#babcb6", stages.Drafting.color)
    assert.equal("#00000f", stages.Review.color)
    assert.is_false(stages.Review.allow_publish)
  end)

  it("leaves a made stage that was changed since", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[5] = { name = "Legal", color = "#000001" }
    blueprint.stages[6] = { name = "Proof", color = "#000002" }
    apply(blueprint)
    change("Legal", { name = "Law" })
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, 'stage "Law" was changed')
    assert.same({ "Drafting", "Review", "Old review", "Ready", "Law" },
                migrations.names(server))
  end)

  it("leaves a made stage that others have filled", function()
    start { ["Old review"] = 3, Ready = 1 }
    local blueprint = migrations.smaller()
    blueprint.stages[4] = { name = "Legal", color = "#000001" }
    blueprint.stages[3].next = { "Legal" }
    blueprint.moves[1].to = "Legal"
    apply(blueprint)
    move("ready/1", "Legal")
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, 'stage "Legal" is kept: 1 item')
    assert.same({ ["Old review"] = 3, Legal = 1 }, migrations.counts(server))
    assert.same({}, migrations.refused(server))
  end)

  it("finds a spare name where somebody has taken the old one", function()
    start()
    apply()
    assert(space.stages:create { name = "Old review", color = "#b8860b",
      workflow_id = migrations.workflow(server).id,
      allow_all_stages = true })
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, 'another stage now has the name "Old review"')
    noted(report, 'another stage now has the color "#b8860b"')
    assert.is_table(migrations.stages_of(server)["Old review (1)"])
    assert.equal(4, #migrations.names(server) - 1)
    assert.same({}, migrations.refused(server))
  end)

  it("leaves a default stage that was chosen since", function()
    local content = migrations.space()
    local stages = content.workflows[2].stages
    stages[1].is_default, stages[4].is_default = nil, true
    server, space = migrations.start(content)
    apply(migrations.blueprint())
    assert.is_true(migrations.stages_of(server).Drafting.is_default)
    change("Review", { is_default = true })
    assert.is_true(rollback().complete)
    for name, stage in pairs(migrations.stages_of(server)) do
      assert.equal(name == "Review", stage.is_default, name)
    end
  end)

  it("leaves an order and content types that were changed since", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.content_types = { "article", "news" }
    blueprint.stages[1], blueprint.stages[4] = blueprint.stages[4],
                                               blueprint.stages[1]
    apply(blueprint)
    local stages, places = migrations.stages_of(server), {}
    for i, name in ipairs { "Review", "Ready", "Drafting", "Old review" } do
      places[i] = { id = stages[name].id, position = i }
    end
    assert(space.workflows:update(migrations.workflow(server).id, {
      content_types = { "page", "news" },
      workflow_stages_attributes = places }))
    local report = rollback()
    noted(report, "order")
    assert.same({ "Review", "Ready", "Drafting", "Old review" },
                migrations.names(server))
    -- sets merge by element: "news" was the run's, and goes
    assert.same({ "page" }, migrations.workflow(server).content_types)
  end)

  it("says if somebody else has deleted a stage", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[1].color = "#000001"
    apply(blueprint)
    assert(space.stages:delete(migrations.stages_of(server).Review.id))
    local report = rollback()
    noted(report, 'stage "Review" is gone')
    assert.equal("#babcb6", migrations.stages_of(server).Drafting.color)
  end)

  it("leaves items whose stage is gone, and undoes the rest", function()
    start { ["Old review"] = 3, Drafting = 2 }
    local blueprint = migrations.blueprint()
    blueprint.stages[1].color = "#000001"
    blueprint.moves = { { from = "Old review", to = "Ready" },
                        { from = "Drafting", to = "Ready" } }
    apply(blueprint)
    assert(space.stages:delete(migrations.stages_of(server)["Old review"].id))
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, '3 items not moved back: the former stage "Old review"')
    assert.equal(2, report.moved)
    assert.same({ Ready = 3, Drafting = 2 }, migrations.counts(server))
    assert.equal("#babcb6", migrations.stages_of(server).Drafting.color)
    assert.same({}, migrations.refused(server))
  end)

  -- A rollback in whose moves the former stage is changed.
  local function roll_back_and(count, act, concurrency)
    start { ["Old review"] = count }
    local blueprint = moves_alone()
    blueprint.stages = migrations.blueprint().stages
    blueprint.stages[1].color = "#000001"
    apply(blueprint)
    local stage, done = migrations.stages_of(server)["Old review"], false
    return rollback { concurrency = concurrency, on_progress = function(now)
      if now.done >= 2 and not done then
        done = true
        act(stage)
      end
    end }
  end

  -- It goes on, without the items whose stage has changed.
  local function assert_goes_on(piece)
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    assert.equal(0, report.failed)
    noted(report, "skipped: " .. piece)
    assert.equal("#babcb6", migrations.stages_of(server).Drafting.color)
    assert.equal(0, rollback().requests)
  end

  for _, concurrency in ipairs { 1, 8 } do
    local how = (", %d at a time"):format(concurrency)

    it("stops where the former stage is deleted meanwhile" .. how, function()
      local report = roll_back_and(60, function(stage)
        assert(space.stages:delete(stage.id))
      end, concurrency)
      assert.is_false(report.complete)
      assert.is_true(report.failed <= concurrency)
      assert.equal("stale", report.error.kind)
      has(report.error.message, 'stage "Old review" is gone')
      assert.is_true(report.moved < 20)
      assert_goes_on 'stage "Old review" is gone'
    end)

    it("stops where the former stage is put elsewhere meanwhile" .. how,
       function()
      local report = roll_back_and(60, function(stage)
        assert(space.stages:update(stage.id, {
          name = stage.name, color = stage.color,
          workflow_id = migrations.workflow(server, "Default").id }))
      end, concurrency)
      assert.is_false(report.complete)
      assert.equal("stale", report.error.kind)
      local why = 'stage "Old review" is in workflow "Default" now'
      has(report.error.message, why)
      assert_goes_on(why)
    end)
  end

  it("does not wait for items whose former stage is gone since", function()
    start { ["Old review"] = 9 }
    apply(moves_alone())
    local report = rollback { limit = 3 }
    assert.equal(3, report.moved)
    assert(space.stages:delete(migrations.stages_of(server)["Old review"].id))
    report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, 'skipped: stage "Old review" is gone')
    assert.equal(6, migrations.counts(server).Ready)
  end)

  it("keeps a made stage whose items' old one is gone", function()
    start { ["Old review"] = 3, Drafting = 1 }
    local blueprint = migrations.blueprint()
    blueprint.stages[5] = { name = "Legal", color = "#123456" }
    blueprint.moves = { { from = "Old review", to = "Legal" },
                        { from = "Drafting", to = "Legal" } }
    apply(blueprint)
    assert(space.stages:delete(migrations.stages_of(server)["Old review"].id))
    local report = rollback()
    assert.is_true(report.complete, tostring(report))
    noted(report, '3 items not moved back: the former stage "Old review"')
    noted(report, 'stage "Legal" is kept: 3 items')
    assert.same({ Legal = 3, Drafting = 1 }, migrations.counts(server))
    assert.same({}, migrations.refused(server))
  end)

  it("leaves items of another workflow whose stage is gone", function()
    start()
    local blueprint = migrations.blueprint()
    blueprint.stages[5] = { name = "Legal", color = "#123456" }
    blueprint.moves = { { from = { workflow = "Default",
                                   stage = "Reviewing" }, to = "Legal" } }
    for _, workflow in ipairs { "Article", "Novel" } do
      server:load(migrations.snapshot(migrations.space(nil, { stories = {
        { id = 7, full_slug = "a", stage = { stage = "Reviewing",
                                             workflow = "Default" } },
      } })))
      blueprint.workflow = workflow
      assert.equal(1, apply(blueprint).moved)
      assert(space.stages:delete(
        migrations.stages_of(server, "Default").Reviewing.id))
      local report = rollback()
      assert.is_true(report.complete, tostring(report))
      noted(report, "1 item not moved back: the former stage")
      assert.same({ [workflow == "Article" and "Legal" or "Novel / Legal"] =
                    1 }, migrations.counts(server))
      os.remove(journal)
      os.remove(journal .. ".rollback")
    end
    for _, refused in ipairs(migrations.refused(server)) do
      has(refused, "GET ") -- the look for it
    end
  end)

  -- --------------------------------------------------------- by itself

  it("closes the original run: it cannot be resumed", function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 5 })
    assert.is_true(rollback().complete)
    local before = #server:requests()
    has(failed("refused", migration.resume(space, journal)), "rolled back")
    assert.equal(before, #server:requests())
    assert.is_true(assert(migration.progress(journal)).rolled_back)
    assert.same({ ["Old review"] = 30 }, migrations.counts(server))
  end)

  it("is done once: a second call sends nothing", function()
    start { ["Old review"] = 3 }
    apply()
    rollback()
    local before = #server:requests()
    local report = rollback()
    assert.is_true(report.complete)
    assert.equal(before, #server:requests())
    assert.equal(journal .. ".rollback", report.journal)
    local progress = assert(migration.progress(journal .. ".rollback"))
    assert.equal("rollback", progress.kind)
    assert.equal(3, progress.moved)
  end)

  it("asks first if `confirm` is given, and does nothing without it",
     function()
    start { ["Old review"] = 3 }
    apply()
    local before, seen = #server:requests(), nil
    failed("refused", migration.rollback(space, journal, {
      confirm = function(plan)
        seen = tostring(plan)
        return false
      end }))
    has(seen, "3 items")
    for _, request in ipairs(server:requests(before + 1)) do
      assert.equal("GET", request.method)
    end
    assert.is_true(rollback().complete)
  end)

  it("can be stopped and resumed", function()
    start { ["Old review"] = 60 }
    apply()
    assert.is_false(rollback { limit = 20 }.complete)
    assert.is_true(rollback().complete)
    assert.same({ ["Old review"] = 60 }, migrations.counts(server))
    for _, changes in pairs(migrations.changes(server)) do
      assert.equal(2, #changes)
    end
  end)

  it("repeats its notes, however it is resumed", function()
    start { none = 2, Drafting = 40 }
    local blueprint = migrations.blueprint()
    blueprint.workflow = "Novel"
    blueprint.moves = { { from = "none", to = "Review" },
                        { from = { workflow = "Article", stage = "Drafting" },
                          to = "Review" } }
    apply(blueprint)
    noted(rollback { limit = 5 }, "no stage before")
    noted(rollback { limit = 5 }, "no stage before")
    noted(migration.resume(space, back(), { limit = 5 }), "no stage before")
    local last = rollback()
    assert.is_true(last.complete, tostring(last))
    assert.equal(2, #last.notes)
    noted(last, 'workflow "Novel" is not deleted')
    assert.same(last.notes, rollback().notes)
    assert.same(last.notes, migration.resume(space, back()).notes)
  end)

  it("of a run that was cut anywhere goes back all the way", function()
    start(COUNTS)
    local before = migrations.text(space)
    space:close()
    server:stop()
    for _, moment in ipairs { "before", "after" } do
      for number = 5, 46, tries.step(42) do
        start(COUNTS)
        local plan = assert(migration.plan(space, busy()))
        server:inject {
          { after = number - 1, count = 1, close = moment },
          { after = number - 1, close = "before" },
        }
        local hasty = migrations.client(server, { retry = { attempts = 1 },
                                                  settle_time = 0.001 })
        migration.apply(hasty, plan, { journal = journal, concurrency = 1 })
        hasty:close()
        server:inject(false)
        local report = assert(migration.rollback(space, journal))
        local where = ("cut %d %s: "):format(number, moment)
        assert.is_true(report.complete, where .. tostring(report))
        assert.equal(before, migrations.text(space), where)
        local counts = migrations.counts(server)
        -- the one whose answer was lost may not be known to be the run's
        assert.same(COUNTS, counts, where)
        space:close()
        server:stop()
        os.remove(journal)
        os.remove(journal .. ".rollback")
      end
    end
    server, space = nil, nil
  end)

  it("can be resumed after a cut anywhere", function()
    start(COUNTS)
    local before = migrations.text(space)
    space:close()
    server:stop()
    for number = 1, 50, 3 * tries.step(17) do
      start(COUNTS)
      assert.is_true(apply(busy()).complete)
      server:inject {
        { after = number - 1, count = 1, close = "after" },
        { after = number - 1, close = "before" },
      }
      local hasty = migrations.client(server, { retry = { attempts = 1 },
                                                settle_time = 0.001 })
      migration.rollback(hasty, journal, { concurrency = 1 })
      hasty:close()
      server:inject(false)
      local report = rollback()
      assert.is_true(report.complete, number .. ": " .. tostring(report))
      assert.equal(before, migrations.text(space), "cut " .. number)
      assert.same(COUNTS, migrations.counts(server))
      space:close()
      server:stop()
      os.remove(journal)
      os.remove(journal .. ".rollback")
    end
    server, space = nil, nil
  end)

  it("begins again where its journal does not hold its plan", function()
    start { ["Old review"] = 3 }
    apply(moves_alone())
    local text = files.read(journal)
    assert.is_true(rollback().complete)
    files.write(journal, text)
    files.write(back(), first_lines(files.read(back()), 3))
    local report = rollback()
    assert.is_true(report.complete)
    assert.equal(0, report.moved)
    assert.equal(3, report.skipped)
  end)

  -- Has the first record of a type that `method` writes end in `fail()`.
  local function break_record(make, method, kind, fail, run)
    local real = journals[make]
    journals[make] = function(...)
      local made, why = real(...)
      if not made then return nil, why end
      local inner = made[method]
      rawset(made, method, function(self, record)
        if record.type == kind then return fail() end
        return inner(self, record)
      end)
      return made
    end
    local good, why = pcall(run)
    journals[make] = real
    return good, why
  end

  local function no_space()
    return nil, errors.new { kind = "io", message = "no space is left" }
  end

  local function writes()
    local count = 0
    for _, request in ipairs(server:requests()) do
      if request.method ~= "GET" then count = count + 1 end
    end
    return count
  end

  it("without a journal of its own leaves the run resumable", function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 5 })
    local text = files.read(journal)
    failed("io", migration.rollback(space, journal, {
      journal = folder .. "/none/j" }))
    assert.equal(text, files.read(journal))
    assert(break_record("open", "intend", "rolled_back", no_space, function()
      failed("io", migration.rollback(space, journal))
    end))
    assert.equal(text, files.read(journal))
    assert.is_false(files.is_there(back()))
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert.is_true(rollback().complete)
  end)

  it("that ended before the run was marked begins again", function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 5 })
    local before = writes()
    assert.is_false(break_record("open", "intend", "rolled_back",
                                 function() error "the end" end,
                                 function() rollback() end))
    assert.is_true(files.is_there(back()))
    assert.is_false(assert(migration.progress(journal)).rolled_back)
    has(failed("refused", migration.resume(space, back())),
        "roll the run back again")
    assert.equal(before, writes())
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert.equal(30, rollback().moved)
    assert.same({ ["Old review"] = 30 }, migrations.counts(server))
  end)

  it("sends nothing where its own journal cannot take that it may",
     function()
    start { ["Old review"] = 3 }
    apply()
    local before = writes()
    assert(break_record("create", "write", "marked", no_space, function()
      local report = rollback()
      assert.is_false(report.complete)
      assert.equal("io", report.error.kind)
    end))
    assert.equal(before, writes())
    has(failed("refused", migration.resume(space, journal)), "rolled back")
    assert.is_true(rollback().complete)
    assert.same({ ["Old review"] = 3 }, migrations.counts(server))
  end)

  it("marks the run again where its journal is an older copy", function()
    start { ["Old review"] = 30 }
    apply(nil, { limit = 20 })
    local text = files.read(journal)
    assert.is_false(rollback { limit = 5 }.complete)
    files.write(journal, text)
    local before = writes()
    assert(break_record("open", "intend", "rolled_back", no_space, function()
      failed("io", migration.rollback(space, journal))
    end))
    assert.equal(before, writes())
    assert.is_true(rollback().complete)
    assert.is_true(assert(migration.progress(journal)).rolled_back)
    assert.same({ ["Old review"] = 30 }, migrations.counts(server))
  end)

  it("can be resumed where the run's journal is damaged", function()
    start { ["Old review"] = 30 }
    apply()
    assert.is_false(rollback { limit = 5 }.complete)
    local text = files.read(journal)
    files.write(journal, (text:gsub('"type":"moved"', '"type":"mooved"', 1)))
    has(failed("damaged", migration.rollback(space, journal)),
        "; resume " .. back() .. " to continue")
    assert.is_true(assert(migration.resume(space, back())).complete)
    assert.same({ ["Old review"] = 30 }, migrations.counts(server))
  end)

  -- -------------------------------------------- what lies in its place

  local function assert_refused(what, more)
    local before, text = #server:requests(), files.read(back())
    local own = files.read(journal)
    local err = failed("refused", migration.rollback(space, journal, more))
    has(err, what)
    has(err, "move that file, and roll back again")
    assert.equal(before, #server:requests())
    assert.equal(text, files.read(back()))
    assert.equal(own, files.read(journal))
  end

  it("is not taken for that of an earlier run of the same plan", function()
    start { ["Old review"] = 3 }
    local plan = assert(migration.plan(space, moves_alone()))
    for i = 1, 2 do
      assert(migration.apply(space, plan, { journal = journal }))
      if i == 1 then
        assert.is_true(rollback().complete)
        os.remove(journal)
      end
    end
    assert_refused(back() .. " is the journal of the rollback of another run")
    -- nor where that one has yet to begin
    files.write(back(), first_lines(files.read(back()), 3))
    assert_refused "the rollback of another run"
    os.remove(back())
    assert.equal(3, rollback().moved)
    assert.same({ ["Old review"] = 3 }, migrations.counts(server))
  end)

  it("does not accept the run's journal as its own", function()
    start { ["Old review"] = 9 }
    apply(nil, { limit = 2 })
    files.write(back(), "")
    assert_refused(journal .. " is the journal of a run, not of a " ..
                   "rollback", { journal = journal })
    -- not even one that holds no plan
    files.write(back(), first_lines(files.read(journal), 3))
    assert_refused(back() .. " is the journal of a run, not of a")
    os.remove(back())
    assert.is_true(rollback().complete)
    failed("refused", migration.rollback(space, back(), { journal = back() }))
  end)
end)
