-- Reports of plans and of runs, opened in a real Chromium: at the width of a
-- telephone, of a tablet and of a desk, light and dark, with and without
-- script.

local cjson = require "cjson"
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local sandbox = require "workstage.sandbox"
local shell = require "house.shell"
local workstage = require "workstage"

local build = os.getenv "WORKSTAGE_BUILD" or "build"

-- Names that would do something if they were not escaped.
local HOSTILE = {
  [[<script>alert(1)</script>]], [["><img src=x onerror=alert(1)>]],
  [['};alert(1)//]], "\u{202E}gnp.exe", "a\27[2Jb", "]]><svg onload=alert(1)>",
  ("x"):rep(10000), "{{7*7}} &amp; &#60;b&#62;",
}

local COMPLETE_COUNTS = { ["Old review"] = 40 }

describe("a report", function()
  local folder, visits = nil, {}

  local function write(name, html)
    local file = assert(io.open(("%s/%s.html"):format(folder, name), "w"))
    assert(file:write(html))
    file:close()
  end

  local function journal(name) return folder .. "/" .. name .. ".journal" end

  -- Applies a blueprint to a space and reports the run.
  local function run(name, content, blueprint, options, faults, after)
    local server, space = migrations.start(content)
    local plan = assert(migration.plan(space, blueprint))
    if name == "complete" then write("plan", migration.report(plan)) end
    if faults then server:inject(faults) end
    options = options or {}
    options.journal = journal(name)
    assert(migration.apply(space, plan, options))
    if after then after(space) end
    write(name, assert(migration.report(journal(name))))
    space:close()
    server:stop()
  end

  local function hostile_space()
    local stories = migrations.stories { ["Old review"] = #HOSTILE }
    for i, story in ipairs(stories) do story.name = HOSTILE[i]:sub(1, 200) end
    return migrations.space({}, { stories = stories })
  end

  local function hostile_blueprint()
    local blueprint = migrations.smaller()
    table.insert(blueprint.stages, { name = HOSTILE[1], color = "#123456",
                                     next = {} })
    table.insert(blueprint.stages, { name = HOSTILE[2], color = "#fedcba",
                                     next = { HOSTILE[1] } })
    return blueprint
  end

  -- Some moves are refused.
  local function refused(count)
    return { { method = "POST", path = "workflow_stage_changes", after = 2,
               count = count, status = 403,
               body = '{"error":"<b>not allowed</b>"}' } }
  end

  local function kantata()
    local workspaces = {}
    for i = 1, 20 do
      workspaces[i] = { id = i, title = HOSTILE[(i - 1) % 6 + 1],
                        status_key = 310 }
    end
    local server = assert(sandbox.start {
      rate_limit = false, seed = { kantata = { workspaces = workspaces } },
    })
    local ox = assert(workstage.kantata {
      token = clients.TOKEN, base_url = server.kantata_url, proxy = false,
      rate_limit = false, settle_time = 0.002,
    })
    local plan = assert(migration.plan(ox, {
      service = "kantata", moves = { { from = 310, to = 605 } },
    }))
    assert(migration.apply(ox, plan, { journal = journal "kantata" }))
    write("kantata", assert(migration.report(journal "kantata")))
    ox:close()
    server:stop()
  end

  lazy_setup(function()
    folder = migrations.folder()
    local small = migrations.smaller
    run("complete", migrations.space(COMPLETE_COUNTS), small())
    run("interrupted", migrations.space(COMPLETE_COUNTS), small(),
        { limit = 15 })
    run("failures", migrations.space(COMPLETE_COUNTS), small(), nil,
        refused(12))
    run("rolled_back", migrations.space(COMPLETE_COUNTS), small(), nil, nil,
        function(space)
          assert(migration.rollback(space, journal "rolled_back"))
        end)
    run("hostile", hostile_space(), hostile_blueprint(), nil,
        refused(4))
    local article = small()
    article.moves = nil
    run("several", migrations.space(COMPLETE_COUNTS), {
      workflows = {
        { default = true, stages = { { name = "Drafting", color = "#babcb6",
                                       is_default = true, next = "all" } } },
        article,
      },
      moves = { { from = { workflow = "Article", stage = "Old review" },
                  to = { default = true, stage = "Drafting" } },
                { from = { default = true, stage = "Reviewing" },
                  to = { default = true, stage = "Drafting" } } },
    })
    kantata()
    local output = shell.must(
      "cd %s/browser && CHROMIUM=$(command -v chromium) node report.mjs "
      .. "%s/*.html", build, folder)
    for _, line in ipairs(shell.lines(output)) do
      visits[#visits + 1] = cjson.decode(line)
    end
  end)

  lazy_teardown(function() migrations.remove(folder) end)

  local function each(kind, check)
    local count = 0
    for _, visit in ipairs(visits) do
      if visit.kind == kind then
        count = count + 1
        check(visit, ("%s at %s, %s"):format(visit.name, visit.width,
                                             visit.scheme))
      end
    end
    assert.is_true(count >= 7, kind)
  end

  local function assert_none(member)
    each("page", function(visit, name)
      assert.equal("", table.concat(visit[member], "\n"), name)
    end)
  end

  it("writes nothing to the console, whatever names there are", function()
    assert_none "console"
  end)
  it("sends no request", function() assert_none "requests" end)
  it("overflows at no width", function() assert_none "overflow" end)
  it("has nothing that axe-core finds", function()
    assert_none "violations"
  end)

  it("sorts and filters its table of items", function()
    local used = 0
    each("page", function(visit, name)
      local result = visit.result
      if result == cjson.null then return end
      used = used + 1
      assert.is_true(#result.before > 1, name)
      local reversed = {}
      for i, row in ipairs(result.up) do
        reversed[#result.up + 1 - i] = row
      end
      assert.same(reversed, result.down, name)
      for _, row in ipairs(result.filtered) do
        assert.equal(result.before[1], row, name)
      end
      assert.is_true(#result.filtered < #result.before, name)
      assert.equal(#result.before, #result.after, name)
    end)
    assert.is_true(used >= 4)
  end)

  it("shows the result of the run without script", function()
    local wanted = {
      plan = "40 to move", complete = "40 of 40 items moved",
      interrupted = "The run can be resumed", failures = "<b>not allowed</b>",
      rolled_back = "was rolled back later",
      hostile = "<script>alert(1)</script>",
      several = "Default, Article", kantata = "20 of 20 items moved",
    }
    each("plain", function(visit)
      assert.matches(wanted[visit.name], visit.result, 1, true)
      assert.is_nil(visit.result:find("\u{202E}", 1, true))
    end)
  end)
end)
