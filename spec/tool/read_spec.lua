-- The commands that only read.
local cjson = require "cjson".new()
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

local function only_gets(server)
  for _, request in ipairs(server:requests()) do
    if request.method ~= "GET" then return false, request.path end
  end
  return true
end

describe("workstage", function()
  local place

  before_each(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
  end)

  after_each(function()
    assert.is_true(only_gets(place.server))
    place:close()
  end)

  it("whoami says whose token it is", function()
    local output, status = place:run "whoami"
    assert.equal(0, status)
    assert.truthy(output:find("Demo User <demo@example.com>", 1, true))
    assert.truthy(output:find("Space \"Demo\" (288868932106293", 1, true))
    local record = cjson.decode((place:run "whoami --json"))
    assert.equal("storyblok", record.service)
    assert.equal("demo@example.com", record.user.userid)
  end)

  it("whoami works for Kantata as well", function()
    local env = { WORKSTAGE_BASE_URL = place.server.kantata_url }
    local output, status = place:run("whoami --service kantata --json", env)
    assert.equal(0, status)
    assert.equal('{"projects":5,"service":"kantata"}\n', output)
  end)

  it("says what was answered, with 1, and helps with a 401", function()
    assert(place.server:inject { { status = 401 } })
    local output, status, err = place:run "whoami"
    assert.equal("", output)
    assert.equal(1, status)
    assert.truthy(err:find("failed with status 401", 1, true))
    assert.truthy(err:find("STORYBLOK_OAUTH_TOKEN", 1, true))
  end)

  it("stages lists workflows, stages and counts", function()
    local output, status = place:run "stages"
    assert.equal(0, status)
    assert.truthy(output:find("Default", 1, true))
    assert.truthy(output:find("Old review", 1, true))
    output = place:run "stages Article --count"
    assert.is_nil(output:find("Reviewing", 1, true))
    assert.truthy(output:find "Old review%s+9  ")
    local _, err
    _, status, err = place:run "stages Nothing"
    assert.equal(1, status)
    assert.truthy(err:find('no workflow "Nothing". There are: "Default", ' ..
                           '"Article".', 1, true), err)
    _, _, err = place:run "stages Artikel"
    assert.truthy(err:find('Did you mean "Article"?', 1, true), err)
  end)

  it("writes ids exactly as JSON", function()
    local ids = service.ids(place.server)
    local output = place:run "stages Article --json"
    assert.truthy(output:find(('"id":%d[,}]'):format(ids.Review)))
    assert.truthy(output:find(('"id":%d[,}]'):format(ids.workflow)))
    assert.equal(4, #cjson.decode(output).workflows[1].stages)
    output = place:run "plan bp.lua --json"
    assert.truthy(output:find(('"from":%d[,}]'):format(ids["Old review"])))
    assert.truthy(output:find(('"space_id":%d[,}]'):format(tool.SPACE)))
  end)

  it("stages knows Kantata's statuses, without a token", function()
    local output, status = place:run("stages --service kantata",
                                     { KANTATA_TOKEN = false })
    assert.equal(0, status)
    assert.truthy(output:find "605  blue         Completed")
    local list = cjson.decode((place:run "stages --service kantata --json"))
    assert.equal(73, #list.statuses)
  end)

  it("export writes a blueprint that changes nothing", function()
    local output, status, err = place:run "export Article -o a.lua"
    assert.equal(0, status)
    assert.equal("", output)
    assert.truthy(err:find("workstage plan a.lua", 1, true))
    output, status = place:run "plan a.lua"
    assert.equal(0, status)
    assert.truthy(output:find("No changes. The workflow matches the blue",
                              1, true))
    assert.equal(place:read "a.lua", (place:run "export Article"))
    assert.equal(place:read "a.lua", (place:run "export Article -o -"))
  end)

  it("export overwrites only with --force", function()
    place:write("a.lua", "mine")
    local _, status, err = place:run "export Article -o a.lua"
    assert.equal(1, status)
    assert.truthy(err:find("--force", 1, true))
    assert.equal("mine", place:read "a.lua")
    _, status = place:run "export Article -o a.lua --force"
    assert.equal(0, status)
    assert.truthy(place:read "a.lua":find("Old review", 1, true))
  end)

  it("export takes the default workflow, and another space", function()
    local output = place:run "export"
    assert.truthy(output:find("default = true", 1, true))
    local _, status, err = place:run "export --from-space 282994740194929"
    assert.equal(1, status)
    assert.truthy(err:find("no space 282994740194929 that", 1, true), err)
  end)

  it("check distinguishes valid from invalid blueprints", function()
    local output, status = place:run "check bp.lua"
    assert.equal(0, status)
    assert.truthy(output:find("bp.lua: valid, 4 stages, 2 moves", 1, true))
    place:write("bad.lua", 'return { workflow = "A", content_types = {"a"}, '
      .. 'stages = { { name = "A", color = "#fff", is_default = true, '
      .. 'next = { "B" } } } }')
    output, status = place:run "check bad.lua"
    assert.equal(1, status)
    assert.truthy(output:find("bad.lua:1: error: stages[1].next[1]: No stage",
                              1, true), output)
    local record = cjson.decode((place:run "check bad.lua --json"))
    assert.is_false(record.valid)
    assert.equal("stages[1].next[1]", record.findings[1].where)
    local _, code, err = place:run "check nothing.lua"
    assert.equal(1, code)
    assert.truthy(err:find("'nothing.lua' cannot be read", 1, true))
    assert.equal(0, #place.server:requests())
  end)

  it("plan ends with 2 where there are changes, and saves them", function()
    local output, status, err = place:run "plan bp.lua -o plan"
    assert.equal(2, status)
    assert.truthy(output:find('+ stage "Legal"', 1, true))
    assert.truthy(output:find('- stage "Old review"', 1, true))
    assert.truthy(err:find("To apply it, run: workstage apply plan", 1, true))
    assert.truthy(place:read "plan":find '^{"workstage":"plan"')
    local record = cjson.decode((place:run "plan bp.lua --json"))
    assert.same({ added = 1, changed = 3, removed = 1, moved = 9 },
                record.counts)
    assert.is_false(record.empty)
  end)

  it("plan prints warnings with the result", function()
    place:write("odd.lua", (tool.BLUEPRINT:gsub("moves = {", [[%0
      { from = "none", to = "Review" },]])))
    local output, _, err = place:run "plan odd.lua"
    assert.truthy(err:find("odd.lua:12: warning: moves[1]", 1, true), err)
    assert.is_nil(output:find("warning", 1, true))
  end)

  it("plan leaves it to the space whether a stage is there", function()
    local _, _, err = place:run "plan bp.lua"
    assert.is_nil(err:find("warning", 1, true), err)
    local output = place:run "check bp.lua"
    assert.truthy(output:find("moves[1].from", 1, true) or
                  select(3, place:run "check bp.lua")
                    :find("moves[1].from", 1, true))
  end)

  it("plan never replaces a file that is not a plan", function()
    local _, status, err = place:run "plan bp.lua -o bp.lua"
    assert.equal(1, status)
    assert.truthy(err:find("exists and is not a plan", 1, true))
    assert.equal(tool.BLUEPRINT, place:read "bp.lua")
    place:run "plan bp.lua -o plan"
    _, status = place:run "plan bp.lua -o plan"
    assert.equal(2, status)
  end)

  it("plan lists each problem, and the moves to paste in", function()
    place:write("less.lua", (tool.BLUEPRINT:gsub("moves = {.*$", "}")))
    local output, status, err = place:run "plan less.lua"
    assert.equal(1, status)
    assert.equal("", output)
    assert.truthy(err:find('- Cannot remove stage "Old review"', 1, true), err)
    assert.truthy(err:find('{ from = "Old review", to = "..." }', 1, true))
  end)

  it("plan --only plans some of several workflows", function()
    place:run "export --all -o space.lua"
    local text = place:read "space.lua"
    place:write("space.lua", (text:gsub('color = "#%x+"', function(color)
      return color:sub(1, -3) .. '0"'
    end)))
    local output, status = place:run "plan space.lua --only Article"
    assert.equal(2, status)
    assert.truthy(output:find('~ stage "Old review"', 1, true), output)
    assert.is_nil(output:find("Reviewing", 1, true))
    output = place:run "plan space.lua --only default --json"
    local record = cjson.decode(output)
    assert.is_true(record.counts.changed > 0)
    local _, code, err = place:run "plan space.lua --only Artikel"
    assert.equal(1, code)
    assert.truthy(err:find('Did you mean "Article"?', 1, true), err)
  end)

  it("plan maps roles and users of another space", function()
    place:write("roles.lua", (tool.BLUEPRINT:gsub('next = "all"',
      'next = "all", roles = { "Notary" }, users = { "a@example.org" }')))
    local _, status, err = place:run "plan roles.lua"
    assert.equal(1, status)
    assert.truthy(err:find("--map-role A=B", 1, true), err)
    assert.truthy(err:find("--map-user A=B", 1, true), err)
    _, status, err = place:run("plan roles.lua --map-role Notary=Lawyer " ..
                               "--map-user a@example.org=user1@example.com")
    assert.equal(2, status, err)
  end)

  it("detects the kind of a file", function()
    place:run "plan bp.lua -o plan"
    for arguments, said in pairs {
      ["plan plan"] = "To apply it, run: workstage apply plan",
      ["progress bp.lua"] = "bp.lua is a blueprint, not a journal",
      ["resume plan --yes"] = "plan is a plan, not a journal",
      ["rollback bp.lua --yes"] = "not a journal",
      ["apply nothing"] = "'nothing' cannot be read",
      ["resume nothing"] = "nothing",
    } do
      local _, status, err = place:run(arguments)
      assert.equal(1, status, arguments)
      assert.truthy(err:find(said, 1, true), arguments .. ": " .. err)
    end
  end)

  it("graph draws blueprints and plans", function()
    place:run "plan bp.lua -o plan"
    local output, status = place:run "graph bp.lua"
    assert.equal(0, status)
    assert.truthy(output:find "^digraph")
    output = place:run "graph plan"
    assert.truthy(output:find("removed", 1, true))
    output, status = place:run "graph bp.lua --svg it.svg"
    assert.equal(0, status)
    assert.equal("", output)
    assert.truthy(place:read "it.svg":find("<svg", 1, true))
    output, status = place:run "graph bp.lua --svg bp.lua"
    assert.equal(3, status)
    assert.equal("", output)
    assert.equal(tool.BLUEPRINT, place:read "bp.lua")
  end)

  it("graph --svg says what it lacks", function()
    shell.must("ln -s $(command -v lua5.4) $(command -v env) %s",
               place.folder)
    local _, status, err = place:run("graph bp.lua --svg it.svg",
                                     { PATH = place.folder })
    assert.equal(1, status)
    assert.truthy(err:find("Graphviz", 1, true), err)
  end)

  it("rehearse leaves the space alone", function()
    local output, status, err = place:run "rehearse bp.lua --faults 5%"
    assert.equal(0, status, err)
    assert.truthy(output:find("Rehearsed in a sandbox with 5 % faults", 1,
                              true))
    assert.truthy(output:find("9 moved", 1, true))
    local faults = tonumber(output:match "%((%d+) faults?, seed %d+%)")
    assert.truthy(faults and faults > 0, output)
    output = place:run "rehearse bp.lua --faults 5 --seed 77"
    assert.truthy(output:find(", seed 77)", 1, true), output)
    local faulty = cjson.decode((place:run
      "rehearse bp.lua --faults 5 --seed 77 --json"))
    assert.equal(77, faulty.seed)
    assert.is_true(faulty.faults > 0)
    local record = cjson.decode((place:run "rehearse bp.lua --json"))
    assert.is_true(record.complete)
    assert.equal(9, record.moved)
    assert.equal(1, record.planned.counts.added)
  end)
end)
