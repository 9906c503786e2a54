-- What --json writes has the names that docs/tool.md promises, and no others.
local cjson = require "cjson".new()
local service = require "support.service"
local tool = require "tool.tool"

-- The names in backquotes of the row that is about a command, after the text
-- about its JSON has begun; "as `plan`" stands for those of that command.
local function documented(command)
  local file = assert(io.open("docs/tool.md"))
  local text = file:read "a":match "`%-%-json` writes one line.*$"
  file:close()
  local names = {}
  for row in text:gmatch "\n| (`[^\n]*)" do
    local about, words = row:match "^(.-) | (.*)$"
    if (about or ""):find("`" .. command .. "`", 1, true) then
      for name in words:gmatch "`([%w_]+)`" do names[name] = true end
      for other in words:gmatch "%f[%w]as `(%l+)`" do
        for name in pairs(documented(other)) do names[name] = true end
      end
    end
  end
  assert(next(names), command .. " is not in docs/tool.md")
  return names
end

describe("the JSON of workstage", function()
  local place

  lazy_setup(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
  end)

  lazy_teardown(function() place:close() end)

  local function check(command, arguments, code, env)
    local output, status, err = place:run(arguments .. " --json", env)
    assert.equal(code or 0, status, output .. err)
    assert.equal(1, select(2, output:gsub("\n", "")))
    local names, record = documented(command), cjson.decode(output)
    for name in pairs(record) do
      assert.truthy(names[name], command .. " has " .. name)
    end
    return record, names
  end

  local function check_each(list, names)
    assert.is_true(#list > 0)
    for _, each in ipairs(list) do
      for name in pairs(each) do assert.truthy(names[name], name) end
    end
  end

  -- The first line of a CSV file has the names of the records in JSON.
  local function check_csv(arguments, list)
    local columns, output = {}, place:run(arguments .. " --csv")
    for name in output:match "^[^\r\n]+":gmatch "[^,]+" do
      columns[name] = true
    end
    for _, each in ipairs(list) do
      for name in pairs(each) do
        assert.truthy(columns[name], arguments .. ": " .. name)
      end
    end
  end

  it("is that of the page", function()
    local ids = service.ids(place.server)
    check("whoami", "whoami")
    local record, names = check("doctor", "doctor")
    check_each(record.checks, names)
    record, names = check("doctor", "doctor --probe --confirm-space Demo")
    check_each(record.statements, names)
    check("doctor", "doctor --remove-probe --confirm-space Demo")
    check("stages", "stages --count")
    check("stages", "stages --service kantata")
    place:run(("move --id %d --to Review -y"):format(ids.stories[1]))
    record, names = check("history", ("history --id %d"):format(
      ids.stories[1]))
    check_each(record.changes, names)
    check_csv(("history --id %d"):format(ids.stories[1]), record.changes)
    record, names = check("stuck", "stuck Article --older-than 1d --who")
    check_each(record.items, names)
    check_csv("stuck Article --older-than 1d --who", record.items)
    record, names = check("check", "check bp.lua")
    check_each(record.findings, names)
    check("diff", ("diff bp.lua %d:Article"):format(tool.SPACE), 2)
    check("plan", "plan bp.lua -o p", 2)
    check("show", "show p")
    check("rehearse", "rehearse bp.lua --faults 5")
    check("move", ("move --id %d --to Drafting -y"):format(ids.stories[1]))
    record = check("move", ("move --id %d --to Ready --dry-run"):format(
      ids.stories[1]), 2)
    assert.is_false(record.moved)
    check("move --from", "move --from Review --to Drafting -y")
    place:write("m.csv", "id,to\n" .. ids.stories[1] .. ",Review\nx,y\n")
    record, names = check("move --file", "move --file m.csv -y", 1)
    for name in pairs(record.rows[1]) do
      assert.truthy(name == "line" or name == "outcome" or names[name] or
                    name == "to" or name == "reason", name)
    end
  end)

  it("is that of the page for runs", function()
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", count = 1,
      status = 422 } })
    local record, names = check("apply", "apply bp.lua -y", 1)
    check_each(record.failures, names)
    record, names = check("progress", "progress bp.lua.journal --failures")
    check_each(record.failures, names)
    check_csv("progress bp.lua.journal --failures", record.failures)
    record, names = check("show", "show bp.lua.journal")
    check_each(record.outcomes, names)
    check("resume", "resume bp.lua.journal -y")
    check("apply", "apply bp.lua -y")
    check("rollback", "rollback bp.lua.journal -y")
    local env = { WORKSTAGE_BASE_URL = place.server.kantata_url }
    check("whoami", "whoami --service kantata", 0, env)
    check("doctor", "doctor --service kantata", 0, env)
  end)
end)
