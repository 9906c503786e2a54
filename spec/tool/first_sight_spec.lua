-- What people meet first: questions, bars, times, addresses, inputs.
local cjson = require "cjson".new()
local duration = require "workstage.duration"
local nginx = require "support.nginx"
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

describe("duration", function()
  it("never says 60 of a unit", function()
    for seconds, text in pairs {
      [0] = "0 s", [0.2] = "1 s", [59] = "59 s", [59.5] = "1 min",
      [60] = "1 min", [119.4] = "2 min", [119] = "1 min 59 s",
      [3599.2] = "1 h", [3660] = "1 h 1 min", [86400] = "1 d",
      [86399] = "1 d", [90000] = "1 d 1 h", [7200] = "2 h",
    } do
      assert.equal(text, duration.text(seconds), seconds)
    end
    assert.equal("less than 1 s", duration.estimate(0))
    assert.equal("about 1 min", duration.estimate(59.5))
    for seconds = 1, 200000, 7 do
      assert.is_nil(duration.text(seconds + 0.3):find "%f[%d]60%f[%D]")
    end
  end)

  it("shows a clock and reads lengths", function()
    assert.equal("0:05", duration.clock(4.2))
    assert.equal("12:40", duration.clock(760))
    assert.equal("1:02:03", duration.clock(3723))
    assert.equal(1209600, duration.parse "14d")
    assert.equal(5400, duration.parse "1.5h")
    for _, text in ipairs { "14", "d", "14 days", "-1d", "" } do
      assert.is_nil(duration.parse(text), text)
    end
  end)
end)

describe("workstage", function()
  local place, before

  local function open(options)
    place = tool.place(options)
    place:write("bp.lua", tool.BLUEPRINT)
    before = place:changes()
  end

  after_each(function() place:close() end)

  local function run(arguments, code, env)
    local output, status, err = place:run(arguments, env)
    assert.equal(code, status, arguments .. "\n" .. output .. err)
    return output, err
  end

  -- ------------------------------------------------------------ questions

  it("takes nothing that was typed before the question", function()
    open { latency = 0.3 }
    local screen, status = place:terminal("apply bp.lua", {
      prompt = "Reading", typed = "y\ny\n", then_waits = 8 })
    assert.equal(1, status, screen)
    assert.truthy(screen:find("[y/N]", 1, true), screen)
    assert.truthy(screen:find("Nothing was changed.", 1, true))
    assert.equal(before, place:changes())
  end)

  it("names the space in the heading and in the question", function()
    open()
    local screen = place:terminal("apply bp.lua", { typed = "n\n" })
    assert.truthy(screen:find('Space "Demo" (288868932106293', 1, true))
    assert.truthy(screen:find('Apply in space "Demo" (288868932106293', 1,
                              true), screen)
    for _, line in ipairs { "stages", "whoami", "plan bp.lua",
                            "rehearse bp.lua", "stuck Article" } do
      local output = place:run(line)
      assert.truthy(output:find('Space "Demo" (', 1, true), line)
    end
  end)

  it("says the id where the space may not be read", function()
    open()
    -- workflows and the stages of two of them come before the space
    assert(place.server:inject { { method = "GET", after = 3, count = 1,
                                   status = 403 } })
    local output = run("stages", 0)
    assert.truthy(output:find "^Space 288868932106293\n", output)
  end)

  -- ----------------------------------------------------------------- times

  it("shows the time of a saved plan at the current rate", function()
    open { seed = { stories = 160 } }
    run("plan bp.lua -o p --rate-limit 1", 2)
    local output = run("show p", 0)
    assert.truthy(output:find("at 1 a second", 1, true), output)
    output = run("apply p -y --limit 1 --rate-limit 50", 0)
    assert.truthy(output:find("at 50 a second", 1, true), output)
    assert.is_nil(output:find("at 1 a second", 1, true))
  end)

  it("writes seconds to the millisecond", function()
    open()
    local output = run("apply bp.lua -y --json", 0)
    local seconds = output:match '"seconds":([%d.]+)'
    assert.is_true(#(seconds:match "%.(%d*)" or "") <= 3, seconds)
  end)

  -- -------------------------------------------------------------- the bar

  it("shows per cent, and keeps what matters where there is no room",
     function()
    open { seed = { stories = 160 } }
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", after = 3,
      count = 3, status = 422 } })
    for columns, arguments in pairs { [120] = "apply bp.lua -y" } do
      local screen = place:terminal(arguments, {
        columns = columns, env = { WORKSTAGE_RATE_LIMIT = "25" } })
      assert.truthy(screen:find "Moving  %d+%%  %[[#.]+%]  %d+/39", screen)
    end
    place.server:inject(false)
    local screen = place:terminal("resume bp.lua.journal -y", {
      columns = 30, env = { WORKSTAGE_RATE_LIMIT = "2" } })
    for bar in screen:gmatch "\27%[J(Moving[^\r\27]+)\r" do
      assert.is_true(#bar < 30, bar)
      assert.truthy(bar:find "^Moving  %d+%%  %d+/39", bar)
    end
  end)

  it("leaves the cursor where clearing takes the whole bar", function()
    open { seed = { stories = 160 } }
    local screen = place:terminal("apply bp.lua -y", {
      env = { WORKSTAGE_RATE_LIMIT = "25" } })
    local seen = 0
    for _, stop in screen:gmatch "\27%[J(Moving[^\r\27]*)(.)" do
      seen = seen + 1
      assert.equal("\r", stop)
    end
    assert.is_true(seen > 2)
    assert.is_nil(screen:find "Moving[^\r]*\n")
  end)

  it("shows the first failure of a connection at once", function()
    open()
    local out, status = place:shell(
      "timeout 3 WORKSTAGE plan bp.lua 2>&1", {
        WORKSTAGE_BASE_URL = "http://127.0.0.1:1" })
    assert.equal(124, status)
    assert.truthy(out:find("port 1", 1, true), out)
    assert.truthy(out:find("; trying again", 1, true), out)
  end)

  -- --------------------------------------------------------------- inputs

  it("takes blueprints and plans from a pipe", function()
    open()
    local function bash(line)
      return place:shell("bash -c " .. shell.quote(line))
    end
    local output, status = bash "WORKSTAGE plan <(cat bp.lua)"
    assert.equal(2, status, output)
    run("plan bp.lua -o p", 2)
    output, status = bash "WORKSTAGE apply <(cat p) -y --limit 3"
    assert.equal(0, status, output)
    local journal = output:match "Journal: (workstage%-%x+%.journal)"
    assert.truthy(journal, output)
    run("resume " .. journal .. " -y", 0)
    assert.equal(before + 9, place:changes())
    output, status = bash "echo 'return { x = 1 }' | WORKSTAGE check /dev/stdin"
    assert.equal(1, status)
    assert.truthy(output:find("/dev/stdin:1: error: ", 1, true), output)
    output, status = bash "WORKSTAGE apply <(cat bp.lua) -y --journal j"
    assert.equal(0, status, output)
    assert.truthy(output:find("No changes.", 1, true))
  end)

  -- Without root's right to read every file, where the specs run as root.
  local function without_rights(line)
    if shell.must "id -u" ~= "0\n" then return line end
    local rights = "-dac_override,-dac_read_search"
    return ("setpriv --bounding-set=%s --inh-caps=%s %s"):format(rights,
                                                                 rights, line)
  end

  it("replaces no file that cannot be read, and no link to nowhere",
     function()
    open()
    place:write("secret", "not yours")
    shell.must("chmod 000 %s", place:path "secret")
    for _, line in ipairs { "export Article -o secret",
                            "export Article -o secret --force",
                            "plan bp.lua -o secret" } do
      local output, status = place:shell(without_rights("WORKSTAGE " .. line))
      assert.equal(1, status, line .. output)
      assert.truthy(output:find "secret", output)
    end
    shell.must("chmod 600 %s", place:path "secret")
    assert.equal("not yours", place:read "secret")
    shell.must("ln -s nowhere %s", place:path "link")
    for _, line in ipairs { "export Article -o link",
                            "export Article -o link --force",
                            "plan bp.lua -o link",
                            "graph bp.lua --svg link" } do
      local output, status = place:shell("WORKSTAGE " .. line)
      assert.equal(1, status, line .. output)
      assert.equal("nowhere\n", shell.must("readlink %s",
                                           place:path "link"))
    end
    shell.must("ln -s target %s", place:path "good")
    place:write("target", "old")
    run("export Article -o good --force", 0)
    assert.truthy(place:read "target":find("workflow", 1, true))
  end)

  -- ------------------------------------------------------------ certificates

  it("trusts the authorities of --ca-file and of the environment",
     function()
    open()
    local proxy <close> = setmetatable({
      server = nginx.start(place.server.url),
    }, { __close = function(self) self.server:stop() end })
    local own, other = proxy.server:ca "ca", proxy.server:ca "other"
    local line = "whoami --base-url " .. proxy.server:url "good"
    for _, case in ipairs {
      { 0, "--ca-file " .. own }, { 1, "" }, { 1, "--ca-file " .. other },
      { 0, "", { SSL_CERT_FILE = own } }, { 0, "", { CURL_CA_BUNDLE = own } },
      { 0, "", { CURL_CA_BUNDLE = own, SSL_CERT_FILE = other } },
      { 1, "--ca-file " .. other, { SSL_CERT_FILE = own } },
      { 1, "--ca-file /nowhere.pem" },
    } do
      local output, err = run(line .. " " .. case[2], case[1], case[3])
      assert.truthy((output .. err):find(
        case[1] == 0 and "Demo User" or case[2]:find "nowhere" and
        "/nowhere.pem" or "certificate", 1, true), output .. err)
    end
  end)

  it("says that an https address leads to a plain sandbox", function()
    open()
    local _, err = run("whoami --base-url https://127.0.0.1:" ..
                          place.server.port, 1)
    assert.truthy(err:find("is it an http:// address?", 1, true), err)
  end)

  -- ----------------------------------------------------------------- check

  it("check says the line, in colour, and counts as people do", function()
    open()
    place:write("bad.lua", (tool.BLUEPRINT:gsub('next = { "Review" }',
                                                'next = { "Revue" }')))
    local output = run("check bad.lua", 1)
    assert.truthy(output:find "bad.lua:%d+: error: stages%[1%]", output)
    local screen = place:terminal "check bad.lua"
    assert.truthy(screen:find("\27[31merror\27[0m", 1, true), screen)
    place:write("one.lua", [[return { workflow = "Article",
      content_types = { "article" }, moves = {
      { from = "Old review", to = "Review" } } }]])
    output = run("check one.lua", 0)
    assert.truthy(output:find("1 move\n", 1, true), output)
  end)

  -- --------------------------------------------------------------- Kantata

  it("a plan for Kantata speaks of projects, and of what matches nothing",
     function()
    open()
    local env = { WORKSTAGE_BASE_URL = place.server.kantata_url }
    place:write("k.lua", [[return { service = "kantata", moves = {
      { from = 310, to = 605 }, { from = 605, to = 310 } } }]])
    local output = run("plan k.lua", 2, env)
    assert.truthy(output:find("moves[2]: no project matches", 1, true),
                  output)
    assert.truthy(output:find("Notifies the participants", 1, true))
    assert.is_nil(output:find("webhook", 1, true))
    assert.is_nil(output:find("to add", 1, true))
    assert.truthy(output:find "\n%d+ to move%.\n")
  end)

  it("shows names from outside without their control characters", function()
    open()
    local client = service.storyblok(place.server)
    local ids = service.ids(place.server)
    assert(client.stages:update(ids.Review, {
      name = "Re\27[31mview\194\155x" }))
    for _, line in ipairs { "stages", "stages Article --count",
                            "plan bp.lua", "diff bp.lua bp.lua",
                            "move --from Old --to New",
                            "stuck Article" } do
      local output, _, err = place:run(line)
      assert.is_nil((output .. err):find "\27", line)
      assert.is_nil((output .. err):find("\194\155", 1, true), line)
    end
    local screen = place:terminal "stages"
    assert.truthy(screen:find("Re\\x1b[31mview", 1, true), screen)
  end)

  it("JSON lists are lists and ids have all digits", function()
    open()
    local record = cjson.decode((run("plan bp.lua --json", 2)))
    assert.truthy(record.counts)
    assert.truthy((run("plan bp.lua --json", 2)):find(
      '"space_id":288868932106293[,}]'))
  end)
end)
