-- Help texts, and usage errors.
local cjson = require "cjson"
local tool = require "tool.tool"

local COMMANDS = {
  "whoami", "stages", "move", "export", "check", "plan", "apply", "resume",
  "rollback", "progress", "rehearse", "graph", "sandbox", "doctor",
  "history", "stuck", "diff", "show",
}

-- Those that talk to a service.
local CONNECTED = {
  whoami = "", stages = "", export = "Article", plan = "bp.lua",
  apply = "bp.lua --yes", rehearse = "bp.lua",
  move = "--story 1 --to Review", history = "--story 1", stuck = "",
}

describe("workstage", function()
  local place

  lazy_setup(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
  end)

  lazy_teardown(function() place:close() end)

  it("lists its commands, the environment and the statuses", function()
    local output, status = place:run "--help"
    assert.equal(0, status)
    for _, name in ipairs(COMMANDS) do
      assert.truthy(output:find("\n   " .. name .. " ", 1, true), name)
    end
    for _, text in ipairs { "STORYBLOK_TOKEN", "STORYBLOK_SPACE_ID",
                            "KANTATA_TOKEN", "WORKSTAGE_BASE_URL",
                            "Exit status: 0" } do
      assert.truthy(output:find(text, 1, true), text)
    end
  end)

  it("has a help text with examples for every command", function()
    for _, name in ipairs(COMMANDS) do
      local output, status, err = place:run(name .. " --help")
      assert.equal(0, status)
      assert.equal("", err)
      assert.truthy(output:find("^Usage: workstage " .. name), name)
      local examples = output:match "Examples:\n(.*)"
      assert.truthy(examples, name)
      local _, count = ("\n" .. examples):gsub("\n  %f[%S][^\n]*workstage ",
                                               "")
      assert.is_true(count >= 2, name .. " has two examples")
      for line in output:gmatch "[^\n]+" do
        assert.is_true(#line <= 79, line)
      end
      assert.equal(output, (place:run("help " .. name)))
    end
  end)

  it("shows its version", function()
    local output, status = place:run "--version"
    assert.equal(0, status)
    assert.equal(require "workstage"._VERSION .. "\n", output)
  end)

  it("ends with 3 on wrong usage, with the command's own usage", function()
    for arguments, said in pairs {
      [""] = "A command is missing",
      ["plann"] = "There is no command plann. Did you mean plan?",
      ["plan"] = "FILE is missing: the blueprint",
      ["apply"] = "PLAN|FILE is missing: a saved plan, or a blueprint",
      ["resume"] = "JOURNAL is missing: the run's journal",
      ["rolback j"] = "Did you mean rollback?",
      ["stages --jsn"] = "There is no option --jsn. Did you mean --json?",
      ["stuck --older 3d"] = "Did you mean --older-than?",
      ["stages --nothing"] = "There is no option --nothing\n",
      ["graph bp.lua --svg"] = "--svg needs a value: --svg FILE",
      ["whoami --json=1"] = "--json takes no value",
      ["completion tcsh"] = "SHELL is bash, zsh or fish",
      ["plan a b"] = "There are too many arguments. A name with blanks",
      ["apply bp.lua --limit 0"] = "--limit: '0' is not a whole number",
      ["apply bp.lua --limit x"] = "--limit: 'x' is not a whole number",
      ["sandbox --port x"] = "--port: 'x' is not a whole number",
      ["sandbox --stories x"] = "--stories: 'x' is not a whole number",
      ["sandbox --rate-limit x"] = "--rate-limit: 'x' is neither a number",
      ["sandbox --option x"] = "'x' is not of the form NAME=VALUE",
      ["apply bp.lua --concurrency 0"] = "--concurrency: '0'",
      ["apply bp.lua --on-failure explode"] =
        "--on-failure takes continue or stop",
      ["plan bp.lua --map-role A"] = "'A' is not of the form A=B",
      ["rehearse bp.lua --faults 101"] = "'101' is not a percentage",
      ["rehearse bp.lua --seed x"] = "'x' is not a whole number",
      ["whoami --rate-limit x"] = "'x' is neither a number",
      ["whoami --settle-time x"] = "'x' is not a number of seconds",
      ["whoami --service jira"] = "--service takes storyblok or kantata",
      ["whoami --space 5x"] = "space_id: expected an id",
      ["whoami --service kantata --space 5"] = "Storyblok's, not Kantata's",
      ["export --service kantata"] = "Kantata has no workflows",
      ["move --to Review"] = "Name what to move by one of --story",
      ["move --story 1"] = "--to is missing",
      ["move --story 1 --id 2 --to Review"] = "by one of --story",
      ["move --story 1 --to Review --where a=b"] = "--where goes with --from",
      ["move --from A --to B --where a"] = "not of the form NAME=VALUE",
      ["move --from A --to B --result r.csv"] = "--result goes with --file",
      ["move --file m.csv --to B"] = "do not go with --file",
      ["stuck --older-than 14"] = "not a length of time such as 90min",
      ["history"] = "Name an item: --story",
      ["diff a.lua"] = "B is missing: the second workflow",
      ["diff nothing nowhere"] = "is neither a file nor SPACE:WORKFLOW",
      ["export Article --all"] = "leave the name out",
      ["progress j --csv"] = "--csv goes with --failures",
      ["progress j --csv --watch"] = "--csv and --watch do not go together",
      ["move --service kantata --story 1 --to 605 --notify"] =
        "Kantata takes no --comment",
    } do
      local output, status, err = place:run(arguments)
      assert.equal(3, status, arguments .. ": " .. err)
      assert.equal("", output)
      assert.truthy(err:find(said, 1, true), arguments .. ": " .. err)
      assert.truthy(err:find("workstage: ", 1, true))
    end
    local _, _, err = place:run "plan"
    assert.truthy(err:find "^Usage: workstage plan")
  end)

  it("refuses a token as an argument, and names the variable", function()
    for name, arguments in pairs(CONNECTED) do
      for _, option in ipairs { "--token=abcdefgh", "--token abcdefgh",
                                "--oauth-token abcdefgh" } do
        local output, status, err = place:run(
          ("%s %s %s"):format(name, arguments, option))
        assert.equal(3, status)
        assert.equal("", output)
        assert.truthy(err:find("STORYBLOK_TOKEN", 1, true))
        assert.is_nil(err:find("abcdefgh", 1, true))
      end
      assert.is_nil(place:run(name .. " --help"):find("--token", 1, true))
    end
  end)

  it("says which variable is missing, with 3, and sends nothing", function()
    local before = #place.server:requests()
    for name, arguments in pairs(CONNECTED) do
      local line = name .. " " .. arguments
      local _, status, err = place:run(line, { STORYBLOK_TOKEN = false })
      assert.equal(3, status)
      assert.truthy(err:find("set STORYBLOK_TOKEN", 1, true), err)
      _, status, err = place:run(line, { STORYBLOK_SPACE_ID = "" })
      assert.equal(3, status)
      assert.truthy(err:find("set STORYBLOK_SPACE_ID", 1, true), err)
    end
    local _, status, err = place:run("whoami --service kantata",
                                     { KANTATA_TOKEN = false })
    assert.equal(3, status)
    assert.truthy(err:find("set KANTATA_TOKEN", 1, true))
    for _, name in ipairs { "WORKSTAGE_RATE_LIMIT",
                            "WORKSTAGE_SETTLE_TIME" } do
      local _
      _, status, err = place:run("whoami", { [name] = "x" })
      assert.equal(3, status)
      assert.truthy(err:find("'x' is n", 1, true))
    end
    assert.equal(before, #place.server:requests())
  end)

  it("takes space and address by option before environment", function()
    local output, status = place:run(
      ("whoami --json --space %d --base-url %s"):format(tool.SPACE,
                                                        place.server.url),
      { STORYBLOK_SPACE_ID = "1", WORKSTAGE_BASE_URL = "http://127.0.0.1:1" })
    assert.equal(0, status)
    assert.equal(tool.SPACE, math.tointeger(
      cjson.new().decode(output).space_id))
  end)

  it("names every value of an option, and its names in one line", function()
    for _, name in ipairs { "export", "plan", "report", "sandbox", "stages",
                            "graph", "move" } do
      local output = place:run(name .. " --help")
      assert.is_nil(output:find "<%l+>", output)
      assert.is_nil(output:find("\n   %l+ [^\n]*\n"), output)
      assert.is_nil(output:find("\n%s+%-%l[^\n]*,\n"), output)
    end
    assert.truthy((place:run "export --help"):find("\n   -o, --output FILE ",
                                                   1, true))
  end)

  it("says what is not there, not what was answered", function()
    local _, status, err = place:run "history --id 5"
    assert.equal(1, status)
    assert.truthy(err:find("The space has no story with the id 5", 1, true))
    _, _, err = place:run "move --id 5 --to Review -y"
    assert.truthy(err:find("The space has no story with the id 5", 1, true))
    _, _, err = place:run("history --service kantata --project 999", {
      WORKSTAGE_BASE_URL = place.server.kantata_url })
    assert.truthy(err:find("no project with the id 999", 1, true), err)
    place:write("bp.lua", tool.BLUEPRINT)
    _, status, err = place:run "report bp.lua -o x.html"
    assert.equal(1, status)
    assert.truthy(err:find("neither a plan nor a journal. If it is a " ..
                           "blueprint, run: workstage plan bp.lua -o PLAN",
                           1, true), err)
  end)

  it("sends an OAuth token as one", function()
    local strict = tool.place { tokens = { ["an-oauth-token"] = {
      id = 9, userid = "o@example.com", friendly_name = "O", oauth = true,
      role = "admin" } } }
    local _, status = strict:run("whoami", {
      STORYBLOK_TOKEN = "an-oauth-token" })
    assert.equal(1, status)
    _, status = strict:run("whoami", {
      STORYBLOK_TOKEN = false, STORYBLOK_OAUTH_TOKEN = "an-oauth-token" })
    strict:close()
    assert.equal(0, status)
  end)
end)
