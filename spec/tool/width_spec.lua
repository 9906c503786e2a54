-- What the tool prints on terminals of 40, 80 and 120 columns: tables fit,
-- numbers stay whole, wide characters take two cells.
local cells = require "tool.cells"
local service = require "support.service"
local tool = require "tool.tool"

local WIDTHS = { 40, 80, 120 }

local LONG = "A stage with a very long name that nobody would choose"

describe("on a terminal", function()
  local place, ids

  lazy_setup(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
    ids = service.ids(place.server)
    local client = service.storyblok(place.server)
    assert(client.stages:update(ids.Drafting, { name = "下書き 🚀 原稿" }))
    assert(client.stages:update(ids.Review, { name = LONG }))
    assert(client.changes:create { story_id = ids.stories[1],
                                   workflow_stage_id = ids.Review })
  end)

  lazy_teardown(function() place:close() end)

  local function each_width(check)
    for _, columns in ipairs(WIDTHS) do check(columns) end
  end

  local function check_lines(lines, columns)
    for _, line in ipairs(lines) do
      assert.truthy(cells.is_command(line) or cells.of(line) <= columns,
                    ("%d columns: %s"):format(columns, line))
    end
  end

  -- Runs a command and returns its lines, which fit.
  local function table_of(arguments, columns, env)
    local screen, status = place:terminal(arguments, { columns = columns,
                                                       env = env })
    assert.equal(0, status, screen)
    local lines = cells.lines(screen)
    check_lines(lines, columns)
    return lines
  end

  local function find(lines, pattern)
    for i, line in ipairs(lines) do
      if line:find(pattern) then return line, i end
    end
  end

  it("stages keeps ids and counts whole, and columns straight", function()
    each_width(function(columns)
      local lines = table_of("stages Article --count", columns)
      for _, name in ipairs { "Drafting", "Review", "Old review", "Ready" } do
        assert.truthy(find(lines, ("%d"):format(ids[name])), columns)
      end
      local heading, at = find(lines, "Stage.*Stories")
      assert.truthy(heading, columns)
      local last = cells.of(heading:match "^.*Stories")
      for i = at + 1, at + 4 do
        -- the count ends where its title does, whatever the names are
        local found = false
        for place_of in lines[i]:gmatch "%d+()" do
          found = found or cells.of(lines[i]:sub(1, place_of - 1)) == last
        end
        assert.is_true(found, lines[i] .. "|")
      end
    end)
  end)

  it("stages shortens a long name and says the rules where there is room",
     function()
    assert.truthy(find(table_of("stages Article --count", 40), "A st.*%.%.%."))
    assert.truthy(find(table_of("stages Article --count", 120), "next: all"))
    local pipe = place:run "stages Article"
    assert.truthy(pipe:find(LONG, 1, true))
  end)

  it("stages lists Kantata's statuses", function()
    each_width(function(columns)
      local lines = table_of("stages --service kantata", columns)
      assert.truthy(find(lines, "605  blue"))
    end)
  end)

  it("history shows when, from, to, by whom and how long", function()
    each_width(function(columns)
      local lines = table_of(("history --id %d"):format(ids.stories[1]),
                             columns)
      local row = find(lines, "^%s+%d%d%d%d%-%d%d%-%d%d %d%d:%d%d")
      assert.truthy(row, columns)
      assert.truthy(row:find "A st", row)
      if columns >= 80 then
        assert.truthy(find(lines, "When%s+From%s+To%s+By%s+In that stage"))
        assert.truthy(row:find "%d s so far", row)
      end
    end)
  end)

  it("stuck lists the oldest first", function()
    each_width(function(columns)
      local lines = table_of("stuck Article --older-than 1d", columns)
      local _, at = find(lines, "Item.*For")
      assert.truthy(at, columns)
      assert.truthy(lines[at + 1]:find "story%-%d+")
      assert.truthy(lines[at + 1]:find "%d d %d+ h")
      assert.truthy(find(lines, "39 items have been"))
    end)
  end)

  it("doctor wraps its sentences between words", function()
    each_width(function(columns)
      local lines = table_of("doctor", columns)
      assert.truthy(find(lines, "^ok       token: belongs to"))
      for _, line in ipairs(lines) do
        assert.is_true(cells.of(line) <= columns, line)
      end
    end)
  end)

  it("progress --failures gives each item with its reason", function()
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", count = 2,
      status = 422, body = '{"error":"It is locked by 佐藤さん"}' } })
    local _, status = place:run("move --from 'Old review' --to Ready -y " ..
                                "--journal f.journal --concurrency 1")
    assert.equal(1, status)
    each_width(function(columns)
      local lines = table_of("progress f.journal --failures", columns)
      local _, at = find(lines, "Item.*Reason")
      assert.truthy(at, columns)
      for i = at + 1, at + 2 do
        assert.truthy(lines[i]:find "^288%d+  ", lines[i])
        assert.truthy(lines[i]:find "It is", lines[i])
      end
    end)
  end)

  it("every other command says what it says in each width", function()
    place:run "plan bp.lua -o p"
    for arguments, expected in pairs {
      ["whoami"] = { 0, "Demo User" },
      ["doctor"] = { 0, "token: belongs to Demo User" },
      ["check bp.lua"] = { 0, "4 stages, 2 moves" },
      ["export Article"] = { 0, "workflow = ", is_data = true },
      ["show f.journal"] = { 0, "not complete" },
      ["progress f.journal"] = { 0, "2 failed" },
      ["diff bp.lua bp.lua"] = { 0, "No differences." },
      ["graph bp.lua"] = { 0, "digraph workflow", is_data = true },
      ["completion bash"] = { 0, "complete %-F", is_data = true },
      ["complete -- re"] = { 0, "resume" },
      ["move --from Review --to Drafting"] = { 1, 'no stage "Review"' },
      ["plan"] = { 3, "FILE is missing: the blueprint" },
    } do
      each_width(function(columns)
        local screen, status = place:terminal(arguments,
                                              { columns = columns })
        assert.equal(expected[1], status, arguments .. "\n" .. screen)
        local text = screen:gsub("%s+", " ")
        assert.truthy(text:find(expected[2]), arguments .. "\n" .. screen)
        if not expected.is_data then
          check_lines(cells.lines(screen), columns)
        end
      end)
    end
  end)

  it("help texts fit, except the command lines in them", function()
    for _, arguments in ipairs { "--help", "move --help", "stuck --help" } do
      each_width(function(columns)
        local screen = place:terminal(arguments, { columns = columns })
        local text = table.concat(cells.lines(screen), "\n")
        local before, after = text:match "^(.*)\n%u[%l ]+:\n  %l.-\n(%u.*)$"
        check_lines(cells.lines(before), columns)
        check_lines(cells.lines(after), columns)
      end)
    end
  end)
end)
