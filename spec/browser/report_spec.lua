-- Reports of plans and of runs, opened in a real Chromium: at the width of a
-- phone, of a tablet and of a desk, light, dark and printed, with and without
-- script.

local cjson = require "cjson"
local clients = require "support.clients"
local graphviz = require "workstage.tool.graphviz"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local sandbox = require "workstage.sandbox"
local shell = require "house.shell"
local workstage = require "workstage"

local build = os.getenv "WORKSTAGE_BUILD" or "build"

-- Names that would do something if they were not escaped, or would break the
-- layout.
local HOSTILE = {
  [[<script>alert(1)</script>]], [["><img src=x onerror=alert(1)>]],
  [['};alert(1)//]], "\u{202E}gnp.exe", "a\27[2Jb", "]]><svg onload=alert(1)>",
  ("x"):rep(10000), "</style></title><b>{{7*7}} &amp; &#60;b&#62;",
}

local COMPLETE_COUNTS = { ["Old review"] = 40 }

local function draw(plan)
  return graphviz.is_installed() and graphviz.svg(migration.graph(plan)) or nil
end

local OPTIONS = { picture = draw }

describe("a report", function()
  local folder, visits = nil, {}

  local function write(name, what)
    local file = assert(io.open(("%s/%s.html"):format(folder, name), "w"))
    local html = assert(migration.report(what, OPTIONS))
    assert(file:write(html))
    file:close()
  end

  local function journal(name) return folder .. "/" .. name .. ".journal" end

  -- Applies a blueprint to a space and reports the run.
  local function run(name, content, blueprint, options, faults, after)
    local server, space = migrations.start(content)
    local plan = assert(migration.plan(space, blueprint))
    if name == "complete" then write("plan", plan) end
    if faults then server:inject(faults) end
    options = options or {}
    options.journal = journal(name)
    assert(migration.apply(space, plan, options))
    if after then after(space) end
    write(name, journal(name))
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

  -- The texts of a record that a page may show.
  local TEXTS = { name = true, why = true, reason = true, message = true,
                  space = true, region = true, user = true, command = true,
                  version = true, color = true, where = true,
                  from_name = true, to_name = true, run = true, id = false }

  local function spoil(value, text)
    for name, item in pairs(value) do
      if type(item) == "table" then
        if name == "where" then value[name] = { starts_with = text }
        else spoil(item, text) end
      elseif TEXTS[name] and type(item) == "string" then value[name] = text
      end
    end
  end

  -- Copies a journal with hostile texts in its header and all records, and
  -- long items that failed.
  local function spoil_journal(from, text)
    local to = journal("spoiled" .. #text)
    local reader = assert(journals.read(journal(from)))
    spoil(reader.header, text)
    local copy = assert(journals.create(to, reader.header))
    assert(reader:take_all(function(record)
      spoil(record, text)
      if record.status then record.status = nil end
      assert(copy:write(record))
    end))
    for _, more in ipairs {
      { type = "pause", seconds = 5, at = 1800000000, reason = text },
      { type = "note", operation = 1, message = text },
      { type = "traffic", since = 1800000000, requests = 9, network = 2 },
      { type = "resumed", at = 1800000900,
        origin = { user = text, command = text } },
    } do assert(copy:write(more)) end
    copy:close()
    write("spoiled" .. #text, to)
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
    write("kantata", journal "kantata")
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
    for _, text in ipairs(HOSTILE) do
      if #text ~= 10000 then HOSTILE.all = (HOSTILE.all or "") .. text end
    end
    spoil_journal("hostile", HOSTILE.all)
    spoil_journal("hostile", HOSTILE[7])
    local output = shell.must(
      "cd %s/browser && CHROMIUM=$(command -v chromium) node report.mjs "
      .. "%s/*.html", build, folder)
    for _, line in ipairs(shell.lines(output)) do
      local visit = cjson.decode(line)
      visits[visit.name] = visit
    end
  end)

  lazy_teardown(function() migrations.remove(folder) end)

  local KINDS = { "plan", "complete", "interrupted", "failures",
                  "rolled_back", "several", "kantata", "hostile",
                  "spoiled10000" }

  local function each(check)
    for _, name in ipairs(KINDS) do assert.truthy(visits[name], name) end
    for name, visit in pairs(visits) do check(visit, name) end
  end

  -- Asserts that no look at a page (six on a screen and one on paper) has
  -- found anything.
  local function assert_none(member)
    each(function(visit, name)
      assert.equal(7, #visit.looks)
      for _, look in ipairs(visit.looks) do
        assert.equal("", table.concat(look[member], "\n"),
                     name .. ": " .. look.at)
      end
    end)
  end

  it("writes nothing to the console, whatever names there are", function()
    each(function(visit, name) assert.same({}, visit.console, name) end)
  end)
  it("sends no request", function()
    each(function(visit, name) assert.same({}, visit.requests, name) end)
  end)
  it("overflows at no width", function() assert_none "overflow" end)
  it("has a contrast of 4.5 in all texts", function()
    assert_none "unreadable"
  end)
  it("has nothing that axe-core finds", function()
    assert_none "violations"
  end)

  it("sorts and filters its table of items, by the keyboard", function()
    local used = 0
    each(function(visit, name)
      local result = visit.result
      if result == cjson.null then return end
      used = used + 1
      assert.equal("Item", result.focus.name)
      assert.not_equal("none", result.focus.outline)
      assert.is_true(#result.before > 1, name)
      assert.equal("ascending", result.up.sort)
      assert.equal("descending", result.down.sort)
      local reversed = {}
      for i, row in ipairs(result.up.rows) do
        reversed[#result.up.rows + 1 - i] = row
      end
      if not name:find "spoiled" then -- there all have one name
        assert.same(reversed, result.down.rows, name)
        assert.is_true(#result.filtered < #result.before, name)
      end
      for _, row in ipairs(result.filtered) do
        assert.equal(result.before[1], row, name)
      end
      assert.equal(#result.before, #result.after, name)
    end)
    assert.equal(4, used)
  end)

  it("shows the result of the run without script", function()
    local wanted = {
      plan = "40 to move", complete = "40 of 40 items moved",
      interrupted = "workstage resume " .. journal "interrupted",
      failures = "<b>not allowed</b>",
      rolled_back = "was rolled back later",
      hostile = "<script>alert(1)</script>",
      several = "Default, Article", kantata = "20 of 20 items moved",
      spoiled10000 = "2 retries after no response",
    }
    each(function(visit, name)
      assert.matches(wanted[name] or "<script>alert(1)</script>", visit.text,
                     1, true)
      assert.is_nil(visit.text:find("\u{202E}", 1, true))
    end)
  end)
end)
