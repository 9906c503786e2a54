-- move for many items: filters, files of moves, an outcome for each row.
local cjson = require "cjson".new()
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

describe("workstage move", function()
  local place, before, ids

  local function open(options)
    place = tool.place(options)
    before, ids = place:changes(), service.ids(place.server)
  end

  after_each(function() place:close() end)

  local function run(arguments, code, env)
    local output, status, err = place:run(arguments, env)
    assert.equal(code, status, arguments .. "\n" .. output .. err)
    return output, err
  end

  -- The stories of a stage, as { id, slug }.
  local function stories_in(stage)
    local list = {}
    for _, story in ipairs(assert(service.storyblok(place.server).stories
        :list { in_workflow_stages = { ids[stage] } })) do
      list[#list + 1] = { id = story.id, slug = story.full_slug }
    end
    return list
  end

  -- The rows of a result: by line, a table of fields by name.
  local function result(path)
    local rows, names = {}, nil
    for line in place:read(path):gmatch "([^\r\n]*)\r\n" do
      local fields = {}
      for field in (line:gsub('"[^"]*"', function(text)
        return (text:gsub(",", "\1"))
      end) .. ","):gmatch "([^,]*)," do
        fields[#fields + 1] = (field:gsub("\1", ","))
      end
      if not names then names = fields
      else
        local row = {}
        for i, name in ipairs(names) do row[name] = fields[i] end
        rows[tonumber(row.line)] = row
      end
    end
    return rows, names
  end

  -- ---------------------------------------------------------------- one

  it("distinguishes an id from a slug of digits", function()
    open { seed = { users = { { id = 4, friendly_name = "Ann",
                                userid = "ann" } }, spaces = { {
      id = tool.SPACE,
      workflows = { { id = 1, name = "Article", is_default = true,
                      stages = { { id = 11, name = "Draft",
                                   color = "#ffffff" },
                                 { id = 12, name = "Done",
                                   color = "#000000" } } } },
      stories = { { id = 2024, name = "By id", full_slug = "x", stage = 11 },
                  { id = 7, name = "By slug", full_slug = "2024",
                    stage = 11 },
                  { id = 8, name = "A year", full_slug = "2025",
                    stage = 11 } } } } } }
    local _, err = run("move --story 2024 --to Done -y", 1)
    assert.truthy(err:find("is the id of one story (x) and the full slug of " ..
                           "another (7). Use --id or --slug", 1, true), err)
    assert.equal(before, place:changes())
    local output = run("move --id 2024 --to Done -y", 0)
    assert.truthy(output:find("Moved x to Done", 1, true), output)
    output = run("move --slug 2024 --to Done -y --json", 0)
    assert.equal(7, cjson.decode(output).item)
    output = run("move --story 2025 --to Done -y --json", 0)
    assert.equal(8, cjson.decode(output).item)
  end)

  it("finds the workflow of a story by its content type", function()
    open()
    local output = run(("move --id %d --to Review -y"):format(
      ids.stories[1]), 0)
    assert.truthy(output:find("to Review", 1, true))
  end)

  -- ---------------------------------------------------------------- many

  it("moves what a filter chooses, as a run like every other", function()
    open()
    local there = #stories_in "Old review"
    local output = run("move --from 'Old review' --to Ready --where " ..
                       "starts_with=legal/ --dry-run", 2)
    local planned = tonumber(output:match "> (%d+) item")
    assert.is_true(planned > 0 and planned < there)
    assert.equal(before, place:changes())
    output = run("move --from 'Article/Old review' --to Ready --where " ..
                 "starts_with=legal/ -y --journal m", 0)
    assert.truthy(output:find(("Move complete: %d moved"):format(planned), 1,
                              true), output)
    assert.equal(before + planned, place:changes())
    for _, story in ipairs(stories_in "Old review") do
      assert.is_nil(story.slug:find "^legal/")
    end
    run("rollback m -y", 0)
    assert.equal(there, #stories_in "Old review")
    output = run("move --from 'Old review' --to Ready --where " ..
                 "starts_with=nothing/ -y", 0)
    assert.truthy(output:find("No changes.", 1, true))
  end)

  it("says that a stage does not lead to another", function()
    open()
    local _, err = run("move --from Article/Drafting --to Ready -y", 1)
    assert.truthy(err:find('  - Stage "Article / Drafting" does not lead to ' ..
                           '"Article / Ready".', 1, true), err)
    assert.equal(before, place:changes())
  end)

  it("asks, and names the stage that is meant", function()
    open()
    run("move --from 'Old review' --to Ready", 3)
    local _, err = run("move --from Drafting --to Ready -y", 1)
    assert.truthy(err:find('Several stages are named "Drafting": ' ..
                           "Default/Drafting, Article/Drafting", 1, true),
                  err)
    _, err = run("move --from Revue --to Ready -y", 1)
    assert.truthy(err:find('no stage "Revue". Did you mean "Review"?', 1,
                           true), err)
    _, err = run("move --from Nothing --to Ready -y", 1)
    assert.truthy(err:find('There are: "Default/Drafting", ', 1, true), err)
    assert.equal(before, place:changes())
  end)

  it("moves Kantata's projects by status", function()
    open()
    local env = { WORKSTAGE_BASE_URL = place.server.kantata_url }
    local output = run("move --service kantata --from 310 --to Completed " ..
                       "-y --journal k", 0, env)
    assert.truthy(output:find "Move complete: %d moved", output)
    run("rollback k -y", 0, env)
    place:write("k.csv", "project,to\n1,605\n99,605\n2,UAT\n")
    run("move --service kantata --file k.csv --result r.csv -y", 1, env)
    local rows = result "r.csv"
    assert.equal("moved", rows[2].outcome)
    assert.equal("unknown_item", rows[3].outcome)
    assert.equal("unknown_stage", rows[4].outcome)
    assert.truthy(rows[4].reason:find("Several statuses", 1, true))
  end)

  -- ---------------------------------------------------------------- files

  it("gives each row of a file its outcome", function()
    open()
    local old, draft = stories_in "Old review", stories_in "Drafting"
    place:write("m.csv", table.concat({
      "\xEF\xBB\xBFNote,Story,TO",
      ('"a, b",%s,Ready'):format(old[1].slug),
      ("x,%d,Article/Review"):format(old[2].id),
      "x,nothing/here,Ready",
      ("x,%s,Nowhere"):format(old[3].slug),
      "",
      ('"say ""hi""",%s,Drafting'):format(draft[1].slug),
      ("x,%s,Ready"):format(old[1].slug),
      ("x,%s,Review"):format(old[1].slug),
      ('"two\nlines",%s,"Ready"'):format(old[4].slug),
      "x,,Ready",
      ("x,%s,"):format(old[5].slug),
    }, "\r\n"))
    local output, err = run("move --file m.csv --result r.csv -y", 1)
    local rows, names = result "r.csv"
    assert.equal("line item name to outcome reason",
                 table.concat(names, " "))
    for line, outcome in pairs {
      [2] = "moved", [3] = "moved", [4] = "unknown_item",
      [5] = "unknown_stage", [6] = "empty", [7] = "already_there",
      [8] = "duplicate", [9] = "conflict", [10] = "moved",
      [12] = "unknown_item", [13] = "unknown_stage",
    } do
      assert.equal(outcome, rows[line].outcome, line)
      assert.equal(outcome ~= "moved", rows[line].reason ~= "", line)
    end
    assert.truthy(rows[9].reason:find("line 2 moves the same item to Ready",
                                      1, true))
    assert.equal(before + 3, place:changes())
    assert.truthy(err:find("line 4: nothing/here: there is no such item", 1,
                           true), err)
    assert.truthy(output:find("11 rows: 3 moved, 1 already there, 2 unknown " ..
      "items, 2 unknown stages, 1 in conflict, 1 duplicate, 1 empty.", 1,
      true), output)
    -- once more: all is there
    output = run("move --file m.csv --json -y", 1)
    local record = cjson.decode(output)
    assert.equal(11, #record.rows)
    assert.equal("already_there", record.rows[1].outcome)
    assert.equal(before + 3, place:changes())
  end)

  it("refuses a file that it cannot read, and says where", function()
    open()
    for text, said in pairs {
      ["a,b\n1,2\n"] = "the first line has to name the columns",
      ["story,to\n\"a,b\n"] = "line 2: the quotes are not closed",
      ["story,to\n\"a\"b,c\n"] = "line 2: 'b' after the closing quote",
      [""] = "the first line has to name the columns",
    } do
      place:write("m.csv", text)
      local _, err = run("move --file m.csv -y", 1)
      assert.truthy(err:find(said, 1, true), err)
    end
    run("move --file nothing.csv -y", 1)
    assert.equal(before, place:changes())
  end)

  it("changes nothing where the result cannot be written", function()
    open()
    place:write("m.csv", "id,to\n" .. ids.stories[1] .. ",Review\n")
    local _, err = run("move --file m.csv --result nowhere/r.csv -y", 1)
    assert.truthy(err:find("nowhere/r.csv: No such file", 1, true), err)
    assert.equal(before, place:changes())
    run("move --file m.csv --result r.csv --dry-run", 2)
    assert.equal("planned", result "r.csv"[2].outcome)
  end)

  -- 500 rows as a spreadsheet writes them: so many of each kind, bad ones
  -- among them.
  local function write_500()
    local lines, kinds = { "\xEF\xBB\xBFNote,Slug,To" }, {}
    local old, draft = stories_in "Old review", stories_in "Drafting"
    local function add(line, kind)
      lines[#lines + 1] = line ~= "" and '"a, ""b""",' .. line or ""
      kinds[#lines] = kind
    end
    for i = 1, 430 do
      if i % 2 == 0 then add(old[i // 2].slug .. ",Ready", "moved")
      else add(draft[(i + 1) // 2].slug .. ",Review", "moved") end
      if i % 60 == 0 then add(old[i // 2].slug .. ",Ready", "duplicate") end
      if i % 70 == 0 then add(old[i // 2].slug .. ",Review", "conflict") end
      if i % 20 == 0 then add("gone/" .. i .. ",Ready", "unknown_item") end
      if i % 25 == 0 then
        add(draft[300 + i // 25].slug .. ",Revue", "unknown_stage")
      end
      if i % 30 == 0 then
        add(draft[340 + i // 30].slug .. ",Drafting", "already_there")
      end
    end
    while #lines < 501 do add("", "empty") end
    place:write("m.csv", table.concat(lines, "\r\n") .. "\r\n")
    return kinds
  end

  it("continues an interrupted file without doing a row twice", function()
    open { seed = { stories = 2000 } }
    local kinds = write_500()
    local env = { WORKSTAGE_RATE_LIMIT = "200" }
    local pid = place:start("move --file m.csv --result r.csv -y", env)
    assert.is_true(tool.wait(function()
      return place:changes() > before + 30
    end, 20))
    shell.must("kill -INT %s", pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    local rows, open_rows = result "r.csv", 0
    for line, row in pairs(rows) do
      if row.outcome == "not_sent" then open_rows = open_rows + 1
      else assert.equal(kinds[line], row.outcome, line) end
    end
    assert.is_true(open_rows > 0)
    pid = place:start("move --file m.csv --result r.csv -y", env)
    assert.is_true(tool.wait(function()
      return place:changes() > before + 200
    end, 20))
    shell.must("kill -KILL %s", pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    run("move --file m.csv --result r.csv -y", 1)
    rows = result "r.csv"
    local count = 0
    for line, kind in pairs(kinds) do
      assert.equal(kind, rows[line].outcome, line .. ": " .. kind)
      count = count + 1
    end
    assert.equal(500, count)
    assert.equal(before + 430, place:changes())
  end)
end)
