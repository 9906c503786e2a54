-- apply, resume, rollback, progress and move: what they change, what they
-- say, how they end.
local cjson = require "cjson".new()
local files = require "support.files"
local journals = require "workstage.migration.journal.file"
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

describe("workstage", function()
  local place, before

  before_each(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
    before = place:changes()
  end)

  after_each(function() place:close() end)

  local function run(arguments, code, env)
    local output, status, err = place:run(arguments, env)
    assert.equal(code, status, arguments .. "\n" .. output .. err)
    return output, err
  end

  local function plan() run("plan bp.lua -o plan", 2) end

  it("apply applies a saved plan, and says how to undo it", function()
    plan()
    local output, err = run("apply plan --yes", 0)
    assert.truthy(output:find("9 moved", 1, true))
    assert.truthy(output:find("Journal: plan.journal", 1, true))
    assert.truthy(output:find("workstage rollback plan.journal", 1, true))
    assert.equal("", err)
    assert.equal("Drafting,Review,Legal,Ready", place:stages())
    assert.equal(before + 9, place:changes())
    run("plan bp.lua", 0)
  end)

  it("apply plans a blueprint first, and shows what it will do", function()
    local output = run("apply bp.lua --yes", 0)
    assert.truthy(output:find('+ stage "Legal"', 1, true))
    assert.truthy(place:read "bp.lua.journal")
    output = run("apply bp.lua --yes", 0)
    assert.truthy(output:find("No changes.", 1, true))
  end)

  it("apply changes nothing where nobody can be asked, with 3", function()
    plan()
    for _, arguments in ipairs { "apply plan", "apply bp.lua" } do
      local _, err = run(arguments, 3)
      assert.truthy(err:find("Standard input is not a terminal", 1, true))
      assert.truthy(err:find("--yes", 1, true))
    end
    assert.equal(before, place:changes())
    assert.is_nil(place:read "plan.journal")
    assert.equal("Drafting,Review,Old review,Ready", place:stages())
  end)

  it("says which file it cannot make, and changes nothing", function()
    for arguments, said in pairs {
      ["apply bp.lua -y --journal nowhere/j"] = "cannot be created",
      ["move --from Drafting --to Review --workflow Article -y " ..
       "--journal nowhere/j"] = "cannot be created",
      ["plan bp.lua -o nowhere/p"] = "cannot be written",
      ["export -o nowhere/a.lua"] = "cannot be written",
      ["graph bp.lua --svg nowhere/a.svg"] = "cannot be written",
    } do
      local _, err = run(arguments, 1)
      assert.truthy(err:find("'nowhere/%w+%.?%l*' " .. said), err)
    end
    assert.equal(before, place:changes())
  end)

  it("apply takes a plan once", function()
    plan()
    run("apply plan -y", 0)
    local output, err = run("apply plan -y", 1)
    assert.truthy(err:find("has already been applied", 1, true), err)
    assert.equal("", output)
  end)

  it("apply refuses a plan if the workflow has changed", function()
    plan()
    local client = service.storyblok(place.server)
    local ids = service.ids(place.server)
    assert(client.stages:update(ids.Review, { name = "Reviewed",
                                              color = "#f5a623" }))
    local _, err = run("apply plan -y", 1)
    assert.truthy(err:find("has changed since the plan", 1, true), err)
    assert.truthy(err:find("workstage plan FILE -o plan", 1, true))
    assert.equal(before, place:changes())
  end)

  it("apply refuses a plan of another space", function()
    plan()
    local _, err = run("apply plan -y --space 282994740194929", 1)
    assert.truthy(err:find("for the space 288868932106293", 1, true))
  end)

  it("takes the space from plan and journal where none is named", function()
    plan()
    local env = { STORYBLOK_SPACE_ID = false }
    run("apply plan -y --limit 2", 0, env)
    run("resume plan.journal -y", 0, env)
    run("rollback plan.journal -y", 0, env)
  end)

  it("apply --limit is a canary; resume does the rest", function()
    plan()
    local output = run("apply plan -y --limit 3", 0)
    assert.equal(before + 3, place:changes())
    assert.truthy(output:find("Stopped after 3 items (--limit).", 1, true))
    assert.truthy(output:find("To continue, run: workstage resume plan.journal",
                              1, true))
    output = run("progress plan.journal", 0)
    assert.truthy(output:find("3 of 9 items done (33%)", 1, true), output)
    assert.truthy(output:find("not complete", 1, true))
    local _, err = run("apply plan -y", 1)
    assert.truthy(err:find("workstage resume plan.journal", 1, true), err)
    output = run("resume plan.journal -y", 0)
    assert.truthy(output:find("Apply complete: ", 1, true))
    assert.equal(before + 9, place:changes())
    output = run("resume plan.journal", 0)
    assert.truthy(output:find("complete", 1, true))
    local record = cjson.decode((run("progress plan.journal --json", 0)))
    assert.is_true(record.complete)
    assert.equal(9, record.moved)
  end)

  it("resume and rollback ask as well", function()
    plan()
    run("apply plan -y --limit 3", 0)
    run("resume plan.journal", 3)
    run("rollback plan.journal", 3)
    assert.equal(before + 3, place:changes())
    assert.is_nil(place:read "plan.journal.rollback")
  end)

  it("keeps a new journal away from a run that is not complete", function()
    run("apply bp.lua -y --limit 3", 0)
    local _, err = run("apply bp.lua -y", 1)
    assert.truthy(err:find("workstage resume bp.lua.journal", 1, true), err)
    run("resume bp.lua.journal -y", 0)
    run("rollback bp.lua.journal -y", 0)
    run("apply bp.lua -y", 0)
    assert.truthy(place:read "bp.lua.2.journal")
  end)

  it("apply --journal names the journal", function()
    run("apply bp.lua -y --journal 'the journal'", 0)
    assert.is_nil(place:read "bp.lua.journal")
    local output = run("progress 'the journal'", 0)
    assert.truthy(output:find("complete", 1, true))
    place:write("other.lua", (tool.BLUEPRINT:gsub('next = "all"',
                                                  'next = "none"')))
    local _, err = run("apply other.lua -y --journal 'the journal'", 1)
    assert.truthy(err:find("Choose another --journal", 1, true), err)
  end)

  describe("with items that are refused", function()
    before_each(function()
      plan()
      assert(place.server:inject { {
        method = "POST", path = "/workflow_stage_changes", count = 3,
        status = 422, body = '{"error":"It is locked"}',
      } })
    end)

    it("lists each, ends with 1, and tries them again", function()
      local output, err = run("apply plan -y --concurrency 1", 1)
      assert.truthy(output:find("6 moved, 3 failed", 1, true), output)
      local _, count = err:gsub("It is locked %(status 422%)", "")
      assert.equal(3, count)
      assert.truthy(err:find "workstage: legal/story%-%d+ %(%d+%): It is")
      assert.truthy(err:find("To continue, run: workstage resume plan.journal",
                             1, true))
      output = run("resume plan.journal -y", 0)
      assert.truthy(output:find("3 moved", 1, true), output)
    end)

    it("stops at the first with --on-failure stop", function()
      run("apply plan -y --concurrency 1 --on-failure stop", 1)
      assert.equal(before, place:changes())
      run("apply plan -y", 1)
      run("resume plan.journal -y", 1)
    end)

    it("reports them as JSON", function()
      local output = run("apply plan -y --json", 1)
      local record = cjson.decode(output)
      assert.equal(3, record.failed)
      assert.equal(3, #record.failures)
      assert.equal("rejected", record.failures[1].error.kind)
      assert.equal(422, record.failures[1].error.status)
      assert.is_false(record.complete)
      assert.truthy(output:find '"item":28%d%d%d%d%d%d%d%d%d%d%d%d%d[,}]')
      assert.equal(1, select(2, output:gsub("\n", "")))
    end)
  end)

  it("has as many requests in flight as --concurrency says", function()
    place:close()
    place = tool.place { seed = { stories = 120 } }
    place:write("bp.lua", tool.BLUEPRINT)
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", delay = 0.3 } })
    run("apply bp.lua -y --concurrency 12", 0)
    local most = place.server:stats().max_in_flight
    assert.is_true(most > 8 and most <= 12, most)
    local _, err = run("apply bp.lua -y --concurrency 4294967304", 3)
    assert.truthy(err:find("concurrency", 1, true), err)
  end)

  it("repeats --space in the next command to type", function()
    local env = { STORYBLOK_SPACE_ID = "282994740194929" }
    local own = " --space " .. tool.SPACE
    local _, err = run("plan bp.lua -o plan" .. own, 2, env)
    assert.truthy(err:find("workstage apply plan" .. own, 1, true), err)
    local output = run("apply plan -y --limit 2" .. own, 0, env)
    assert.truthy(output:find("resume plan.journal" .. own, 1, true), output)
    run("resume plan.journal -y" .. own, 0, env)
  end)

  it("replaces a saved plan where there is nothing left to do", function()
    run("plan bp.lua -o plan", 2)
    run("apply bp.lua -y", 0)
    run("plan bp.lua -o plan", 0)
    local output = run("apply plan -y", 0)
    assert.truthy(output:find("No changes.", 1, true), output)
    assert.equal(before + 9, place:changes())
  end)

  it("says of a blueprint that is stale how to plan again", function()
    run("plan bp.lua -o plan", 2)
    run("apply bp.lua -y --journal other", 0)
    local _, err = run("apply plan -y", 1)
    assert.truthy(err:find("workstage plan FILE -o plan", 1, true), err)
  end)

  it("reports a finished run as JSON like any other", function()
    plan()
    run("apply plan -y", 0)
    local record = cjson.decode((run("resume plan.journal --json", 0)))
    assert.is_true(record.complete)
    assert.equal(0, record.moved)
    assert.same({}, record.failures)
    assert.equal("plan.journal", record.journal)
    run("rollback plan.journal -y", 0)
    record = cjson.decode((run("rollback plan.journal --json", 0)))
    assert.is_true(record.complete)
    assert.equal(0, record.requests)
    record = cjson.decode((run("resume plan.journal --json", 1)))
    assert.is_false(record.complete)
    assert.truthy(record.error.message:find("rolled back", 1, true))
  end)

  it("progress names no workflow where moves alone were planned", function()
    place:write("moves.lua", [[return { service = "storyblok", moves = { {
      from = { workflow = "Article", stage = "Old review" },
      to = { workflow = "Article", stage = "Ready" } } } }]])
    run("apply moves.lua -y", 0)
    local output = run("progress moves.lua.journal", 0)
    assert.truthy(output:find("^Migration in space %d+: complete"), output)
  end)

  it("does not count as few what was skipped beyond the named ones", function()
    local output = shell.must("%s", files.command [[
      require "workstage.tool.ui.run_summary".tell({
        complete = true, moved = 0, skipped = 3, failed = 0, failures = {},
        skips = { { item = 1, why = "it is gone" } }, notes = {},
        requests = 1, seconds = 1 }, {})]])
    assert.truthy(output:find("1 or more skipped: it is gone", 1, true))
  end)

  it("names 20 failures and counts the rest", function()
    place:close()
    place = tool.place { seed = { stories = 120 } }
    place:write("bp.lua", tool.BLUEPRINT)
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", status = 403,
      body = '{"error":"No"}' } })
    local _, err = run("apply bp.lua -y", 1)
    assert.equal(20, select(2, err:gsub("No %(status 403%)", "")))
    assert.truthy(err:find("... and 10 more failed", 1, true), err)
    local output = run("resume bp.lua.journal -y --json", 1)
    assert.equal(30, #cjson.decode(output).failures)
  end)

  it("counts skipped items, and names them with --verbose", function()
    plan()
    local client = service.storyblok(place.server)
    local ids = service.ids(place.server)
    local stories = assert(client.stories:list {
      in_workflow_stages = { ids["Old review"] } })
    for i = 1, 2 do
      assert(client.changes:create { story_id = stories[i].id,
                                     workflow_stage_id = ids.Drafting })
    end
    local output = run("apply plan -y", 0)
    assert.truthy(output:find("7 moved, 2 skipped", 1, true))
    assert.truthy(output:find("2 skipped: it has been moved since the plan",
                              1, true))
    run("rollback plan.journal -y", 0)
  end)

  it("names skipped items one by one with --verbose", function()
    plan()
    local client = service.storyblok(place.server)
    local ids = service.ids(place.server)
    local story = assert(client.stories:list {
      in_workflow_stages = { ids["Old review"] } })[1]
    assert(client.changes:create { story_id = story.id,
                                   workflow_stage_id = ids.Drafting })
    local output = run("apply plan -y --verbose", 0)
    assert.truthy(output:find(("%d: it has been moved since"):format(
      story.id), 1, true), output)
  end)

  it("rollback shows what goes back, and brings it back", function()
    run("export Article -o before.lua", 0)
    run("apply bp.lua -y", 0)
    local output = run("rollback bp.lua.journal -y", 0)
    assert.truthy(output:find('+ stage "Old review"', 1, true))
    assert.truthy(output:find('- stage "Legal"', 1, true))
    assert.truthy(output:find("9 moved", 1, true))
    run("export Article -o after.lua", 0)
    assert.equal(place:read "before.lua", place:read "after.lua")
    output = run("rollback bp.lua.journal -y", 0)
    assert.truthy(output:find("Rollback of", 1, true))
    local _, err = run("resume bp.lua.journal -y", 1)
    assert.truthy(err:find("was rolled back", 1, true))
  end)

  it("takes no rollback of another run for that of this one", function()
    run("apply bp.lua -y", 0)
    run("rollback bp.lua.journal -y", 0)
    assert(os.remove(place:path "bp.lua.journal"))
    run("apply bp.lua -y", 0)
    local made = place:changes()
    local _, err = run("rollback bp.lua.journal -y", 1)
    assert.truthy(err:find("bp.lua.journal.rollback is the journal of the " ..
                           "rollback of another run", 1, true), err)
    local output = run("rollback bp.lua.journal -y --json", 1)
    assert.equal("refused", cjson.decode(output).error.kind)
    assert.equal(made, place:changes())
    assert(os.remove(place:path "bp.lua.journal.rollback"))
    run("rollback bp.lua.journal -y", 0)
    assert.equal("Drafting,Review,Old review,Ready", place:stages())
  end)

  it("begins a rollback again that ended before it sent anything", function()
    run("apply bp.lua -y", 0)
    local reader <close> = assert(journals.read(place:path "bp.lua.journal"))
    assert(journals.create(place:path "bp.lua.journal.rollback", {
      of = "rollback", undoes = reader.header.run })):close()
    run("rollback bp.lua.journal", 3)
    local output = run("rollback bp.lua.journal -y", 0)
    assert.truthy(output:find('+ stage "Old review"', 1, true))
    assert.equal("Drafting,Review,Old review,Ready", place:stages())
  end)

  it("continues a stopped rollback", function()
    run("apply bp.lua -y", 0)
    local output = run("rollback bp.lua.journal -y --limit 2", 0)
    assert.truthy(output:find("resume bp.lua.journal.rollback", 1, true))
    run("rollback bp.lua.journal -y", 0)
    assert.equal("Drafting,Review,Old review,Ready", place:stages())
    assert.equal(before + 18, place:changes())
  end)

  it("writes a report that is exact as JSON, and nothing else", function()
    plan()
    local output, err = run("apply plan -y --json", 0)
    assert.truthy(err:find('+ stage "Legal"', 1, true))
    local record = cjson.decode(output)
    assert.is_true(record.complete)
    assert.same({}, record.failures)
    assert.equal("plan.journal", record.journal)
    output = run("rollback plan.journal -y --json", 0)
    assert.equal(9, cjson.decode(output).moved)
  end)

  it("moves one story", function()
    local arguments = "move --story legal/story-1 --to Review -y"
    local ids = service.ids(place.server)
    run("move --story legal/story-1 --to Review", 3)
    assert.equal(before, place:changes())
    local output = run(arguments .. " --comment 'Please check' --notify", 0)
    assert.truthy(output:find("Moved legal/story-1 to Review", 1, true))
    assert.equal(before + 1, place:changes())
    output = run(arguments, 0)
    assert.truthy(output:find("is already in Review", 1, true))
    output = run(("move --story %d --to Drafting -y --json"):format(
      ids.stories[1]), 0)
    assert.truthy(output:find(('"item":%d'):format(ids.stories[1])))
    assert.truthy(output:find(('"to":%d'):format(ids.Drafting)))
    local posts = service.requests(place.server, "POST", "stage_changes")
    assert.truthy(posts[1].body:find("Please check", 1, true))
    assert.truthy(posts[1].body:find('"notify":true', 1, true))
  end)

  it("says what cannot be moved, with 1", function()
    for arguments, said in pairs {
      ["--story nothing --to Review"] = "No story has the full slug",
      ["--story 77 --to Review"] = "No story has the id or",
      ["--story legal/story-1 --to Revue"] = 'Did you mean "Review"?',
      ["--story legal/story-1 --to Nothing"] =
        'The workflow "Article" has no stage "Nothing". There are: ' ..
        '"Drafting", "Review", ',
      ["--story legal/story-1 --to Review --workflow X"] =
        'no workflow "X". There are: "Default", "Article".',
    } do
      local _, err = run("move -y " .. arguments, 1)
      assert.truthy(err:find(said, 1, true), err)
    end
    assert.equal(before, place:changes())
  end)

  it("migrates Kantata's projects, there and back", function()
    place:write("k.lua", 'return { service = "kantata", moves = { '
      .. "{ from = 310, to = 605 } } }")
    local env = { WORKSTAGE_BASE_URL = place.server.kantata_url }
    run("plan k.lua -o k.plan", 2, env)
    local output = run("apply k.plan -y", 0, env)
    assert.truthy(output:find "%d moved")
    run("rollback k.plan.journal -y", 0, env)
    output = run("move --service kantata --project 1 --to Completed -y", 0,
                 env)
    assert.truthy(output:find("to Completed (change", 1, true))
    local _, err = run("move --service kantata --project 1 --to UAT -y", 1,
                       env)
    assert.truthy(err:find("340 (green), 465 (yellow)", 1, true))
  end)
end)
