-- show, diff, doctor, history, stuck, export --all, profiles: what they print
-- and write for programs, and what they cost.
local cjson = require "cjson".new()
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

describe("workstage", function()
  local place

  local function open(options)
    place = tool.place(options)
    place:write("bp.lua", tool.BLUEPRINT)
  end

  after_each(function() place:close() end)

  local function run(arguments, code, env)
    local output, status, err = place:run(arguments, env)
    assert.equal(code, status, arguments .. "\n" .. output .. err)
    return output, err
  end

  local function requests_of(arguments, code, env)
    local before = #place.server:requests()
    run(arguments, code or 0, env)
    return #place.server:requests() - before
  end

  local function keys_of(record)
    local names = {}
    for name in pairs(record) do names[#names + 1] = name end
    table.sort(names)
    return table.concat(names, " ")
  end

  -- ------------------------------------------------------------------ show

  it("show prints a plan without a network", function()
    open()
    run("plan bp.lua -o p", 2)
    local before = #place.server:requests()
    local output = run("show p", 0, { STORYBLOK_TOKEN = false })
    assert.truthy(output:find('+ stage "Legal"', 1, true))
    assert.truthy(output:find "Planned %d%d%d%d%-%d%d%-%d%d")
    local record = cjson.decode((run("show p --json", 0)))
    assert.equal(9, record.counts.moved)
    assert.equal(before, #place.server:requests())
  end)

  it("show prints the outcomes of a run with their reasons", function()
    open()
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", count = 2,
      status = 422, body = '{"error":"It is locked"}' } })
    run("apply bp.lua -y", 1)
    local output = run("show bp.lua.journal", 0)
    assert.truthy(output:find('+ stage "Legal"', 1, true))
    assert.truthy(output:find("not complete", 1, true))
    assert.truthy(output:find("done (77%): 7 moved, 2 failed.", 1, true),
                  output)
    assert.truthy(output:find("2 items failed: It is locked (status 422)" ..
      "\nTo list the failures, run: workstage progress", 1, true), output)
    local record = cjson.decode((run("show bp.lua.journal --json", 0)))
    assert.equal("began complete done failed held kind moved operations " ..
                 "origin outcomes plan planned requests retries " ..
                 "rolled_back service skipped space_id total workflow",
                 keys_of(record))
    assert.equal("workstage apply bp.lua -y", record.origin.command)
    assert.truthy(output:find(('Begun .* by %s%%.'):format(
      record.origin.user)), output)
    assert.truthy(record.began:find "^%d%d%d%d%-%d%d%-%d%dT.*Z$")
    local _, err = run("show bp.lua", 1)
    assert.truthy(err:find("is a blueprint, neither", 1, true))
    run("show nothing", 1)
  end)

  -- ---------------------------------------------------------------- report

  it("report replaces a report and nothing else", function()
    open()
    run("plan bp.lua -o p", 2)
    for _ = 1, 2 do run("report p -o page.html", 0) end
    place:write("notes.html", "<!doctype html>\n<p>mine</p>\n")
    for _, name in ipairs { "notes.html", "p", "bp.lua" } do
      local before = place:read(name)
      local _, err = run("report p -o " .. name, 1)
      assert.truthy(err:find(name .. " exists and is not a report", 1, true))
      assert.equal(before, place:read(name))
    end
    assert.equal("<!doctype html>", run("report p -o -", 0):match "^[^\n]+")
  end)

  it("report names space, user, command and version from the journal",
     function()
    open()
    run("apply bp.lua -y", 0)
    local heading = run("stages", 0):match '^Space "([^"]+)"'
    local before = #place.server:requests()
    local html = run("report bp.lua.journal", 0, { STORYBLOK_TOKEN = false })
    for _, text in ipairs { heading, tostring(tool.SPACE), "Started",
                            "workstage apply bp.lua -y", "Demo User",
                            "made by workstage 0." } do
      assert.truthy(html:find(text, 1, true), text)
    end
    assert.equal(before, #place.server:requests())
  end)

  it("report says what a damaged or foreign file is", function()
    open()
    local _, err = run("report nothing", 1)
    assert.truthy(err:find("nothing", 1, true))
    _, err = run("report bp.lua", 1)
    assert.truthy(err:find("neither a plan nor a journal", 1, true))
    place:write("cut", '{"workstage":"journal","version":1')
    _, err = run("report cut -o page.html", 1)
    assert.truthy(err:find("cut", 1, true))
    assert.is_nil(io.open(place:path "page.html"))
  end)

  -- -------------------------------------------------------------- progress

  it("progress --failures lists them for people and programs", function()
    open()
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", count = 2,
      status = 422, body = '{"error":"It is locked, \\"for now\\""}' } })
    run("apply bp.lua -y", 1)
    local output = run("progress bp.lua.journal", 0)
    assert.truthy(output:find("workstage progress bp.lua.journal --failures",
                              1, true), output)
    local record = cjson.decode((run("progress bp.lua.journal --failures " ..
                                     "--json", 0)))
    assert.equal(2, #record.failures)
    assert.equal("from item kind name reason status to",
                 keys_of(record.failures[1]))
    assert.equal(422, record.failures[1].status)
    assert.equal("rejected", record.failures[1].kind)
    output = run("progress bp.lua.journal --failures --csv", 0)
    assert.truthy(output:find("^item,name,from,to,kind,status,reason\r\n"))
    assert.truthy(output:find(',"It is locked, ""for now"" (status 422)"\r\n',
                              1, true), output)
    run("resume bp.lua.journal -y", 0)
    output = run("progress bp.lua.journal --failures", 0)
    assert.truthy(output:find("No failures.", 1, true))
  end)

  it("progress --watch follows a run to its end", function()
    open { seed = { stories = 160 } }
    place:start("apply bp.lua -y", { WORKSTAGE_RATE_LIMIT = "15" })
    assert.is_true(tool.wait(function()
      return place:read "bp.lua.journal" ~= nil
    end))
    local output = run("progress bp.lua.journal --watch", 0)
    local seen = 0
    for _ in output:gmatch "%d+%%  %d+/39" do seen = seen + 1 end
    assert.is_true(seen >= 2, output)
    assert.truthy(output:find("complete.\n  39 of 39 items done", 1, true))
  end)

  -- ------------------------------------------------------------------ diff

  it("diff compares files and spaces, and ends with 2", function()
    open()
    run("export Article -o a.lua", 0)
    local other = ("a.lua %d:Article"):format(tool.SPACE)
    assert.equal("No differences.\n", (run("diff " .. other, 0)))
    local text = place:read "a.lua":gsub("#f5a623", "#000000")
      :gsub('name = "Ready", ', 'name = "Redy",  ')
      :gsub('{ "Drafting", "Ready" }', '{ "Drafting" }')
    place:write("a.lua", text)
    local output = run("diff " .. other, 2)
    for _, line in ipairs {
      "--- a.lua", "+++ 288868932106293:Article", '  - stage "Redy"',
      '  + stage "Ready"', '  ~ stage "Review"',
      '      color: "#000000" -> "#f5a623"', '      next: + "Ready"',
    } do
      assert.truthy(output:find(line, 1, true), line .. "\n" .. output)
    end
    local record = cjson.decode((run("diff --json " .. other, 2)))
    assert.is_false(record.equal)
    assert.same({ "Ready" }, record.added)
    assert.same({ "Redy" }, record.removed)
    assert.equal("Review", record.changed[1].stage)
  end)

  it("diff does not compare what only one side says", function()
    open()
    place:write("short.lua", [[return { workflow = "Article",
      content_types = { "article" }, stages = {
      { name = "Drafting" }, { name = "Review" }, { name = "Old review" },
      { name = "Ready", color = "#7ED321" } } }]])
    run(("diff short.lua %d:Article"):format(tool.SPACE), 0)
    place:write("order.lua", [[return { workflow = "Article",
      content_types = { "article" }, stages = {
      { name = "Review" }, { name = "Drafting" }, { name = "Old review" },
      { name = "Ready" } } }]])
    local output = run("diff short.lua order.lua", 2)
    assert.truthy(output:find("~ order: ", 1, true))
  end)

  -- ---------------------------------------------------------------- doctor

  it("doctor finds no problems, with at most 7 requests", function()
    open()
    local count = requests_of "doctor"
    assert.is_true(count <= 7, count)
    local output = run("doctor", 0)
    for _, text in ipairs { "token: belongs to Demo User", "clock: within",
                            'space: "Demo"', "2 workflows", "libcurl ",
                            "Requests go to http://127.0.0.1" } do
      assert.truthy(output:find(text, 1, true), text .. "\n" .. output)
    end
    assert.is_nil(output:find(tool.TOKEN, 1, true))
    local record = cjson.decode((run("doctor --json", 0)))
    assert.is_true(record.healthy)
    for _, each in ipairs(record.checks) do
      assert.truthy(each.level == "ok" or each.level == "warning")
      assert.truthy(each.subject and each.message)
    end
  end)

  it("doctor says of each problem what to do, with 1", function()
    open()
    assert(place.server:inject { { status = 401, path = "/users/me",
                                   count = 1 } })
    local output = run("doctor", 1)
    assert.truthy(output:find("PROBLEM  token: ", 1, true))
    assert.truthy(output:find("Make a personal access token", 1, true))
    output = run("doctor", 1, { WORKSTAGE_BASE_URL = "http://127.0.0.1:1" })
    assert.truthy(output:find("Check the address, the network and the pro",
                              1, true))
    output = run("doctor --space 5", 1)
    assert.truthy(output:find("PROBLEM  space: ", 1, true), output)
    local proxied = run("doctor", 1, {
      http_proxy = "http://ann:s3cret@127.0.0.1:1",
      SSL_CERT_FILE = "/nowhere" })
    assert.truthy(proxied:find("http://[redacted]@127.0.0.1:1", 1, true))
    assert.is_nil(proxied:find("s3cret", 1, true))
    assert.truthy(proxied:find("SSL_CERT_FILE names /nowhere", 1, true))
    output = run("doctor", 1, { STORYBLOK_TOKEN = false })
    assert.truthy(output:find("PROBLEM  configuration", 1, true))
  end)

  it("doctor warns of a clock that is off and of unfinished runs", function()
    open { clock_offset = -4000 }
    run("apply bp.lua -y --limit 2", 0)
    local output = run("doctor", 0)
    assert.truthy(output:find "clock is [34]%d%d%d s fast", output)
    assert.truthy(output:find("workstage resume bp.lua.journal", 1, true))
  end)

  -- --------------------------------------------------- history and stuck

  it("history costs what its help says", function()
    open { seed = { stories = 2000 } }
    local ids = service.ids(place.server)
    run(("move --id %d --to Review -y"):format(ids.stories[1]), 0)
    -- two workflows, one page of collaborators, and five more at most
    assert.is_true(requests_of(("history --story %d"):format(ids.stories[1]))
                   <= 2 + 1 + 5)
    local record = cjson.decode((run(("history --id %d --json"):format(
      ids.stories[1]), 0)))
    assert.equal("changes item name", keys_of(record))
    local change = record.changes[1]
    assert.equal("Review", change.stage)
    assert.equal("integer", math.type(math.tointeger(change.seconds)))
    assert.truthy(change.at:find "Z$")
    local output = run(("history --id %d --csv"):format(ids.stories[1]), 0)
    assert.truthy(output:find("^change,at,from,from_id,stage,stage_id,"))
    output = run("history --slug legal/story-4", 0)
    assert.truthy(output:find("No stage change is recorded.", 1, true))
  end)

  it("stuck costs what its help says, and says what --who costs", function()
    open { seed = { stories = 2000 } }
    local count = requests_of "stuck Article --older-than 1d"
    assert.is_true(count <= math.ceil(2000 / 85) + 2 + 1 + 2, count)
    local before = #place.server:requests()
    local output, err = run("stuck Article/Review --older-than 1d --who " ..
                            "--json", 0)
    local list = cjson.decode(output).items
    local said = tonumber(err:match "This takes up to (%d+) requests")
    local spent = #place.server:requests() - before
    assert.is_true(spent <= said + 2 + 1 + 3, spent .. " " .. said)
    assert.is_true(spent >= #list)
    assert.equal("item name seconds since slug stage stage_id workflow",
                 keys_of(list[1]))
    for i = 2, #list do
      assert.is_true(list[i - 1].seconds >= list[i].seconds)
    end
    output = run("stuck Article --older-than 9999d", 0)
    assert.truthy(output:find("No item has been in its stage", 1, true))
    output = run("stuck Article/Review --older-than 1d --csv", 0)
    assert.truthy(output:find("^item,name,slug,workflow,stage,stage_id,"))
    local _, why = run("stuck Article/Revue", 1)
    assert.truthy(why:find('no stage "Revue"', 1, true), why)
  end)

  it("suggests the name that was probably meant", function()
    open()
    for arguments, said in pairs {
      ["stuck Artikel"] = 'no workflow "Artikel". Did you mean "Article"?',
      ["stuck Article/Reviw"] = 'no stage "Reviw". Did you mean "Review"?',
      ["stages Artikel"] = 'Did you mean "Article"?',
      ["export Artikel"] = 'Did you mean "Article"?',
      ["move --from Reviw --to Ready"] = 'Did you mean "Review"?',
      ["stuck --service kantata Competed"] = 'Did you mean "Completed"?',
      ["stuck --service kantata Nothing"] = "workstage stages --service kan",
      ["--profile x stages"] = "--profile belongs after the command",
    } do
      local _, status, err = place:run(arguments, {
        WORKSTAGE_BASE_URL = arguments:find "kantata" and
                             place.server.kantata_url or nil })
      assert.is_true(status == 1 or status == 3, arguments)
      assert.truthy(err:find(said, 1, true), arguments .. ": " .. err)
    end
  end)

  it("says that a space is not there, or is another one", function()
    open()
    local _, status, err = place:run "whoami --space 5"
    assert.equal(1, status)
    assert.truthy(err:find("There is no space 5 that this token may see", 1,
                           true), err)
    run("plan bp.lua -o elsewhere", 2)
    local shown, code = place:terminal("apply elsewhere --space 5")
    assert.equal(1, code)
    assert.truthy(shown:find(("is for the space %d, not 5."):format(
      tool.SPACE), 1, true), shown)
    assert.is_nil(shown:find("[y/N]", 1, true))
  end)

  it("stuck takes filters", function()
    open()
    local all = cjson.decode((run("stuck Article --json", 0))).items
    local some = cjson.decode((run("stuck Article --json --where " ..
                                   "starts_with=legal/", 0))).items
    assert.is_true(#some > 0 and #some < #all)
    for _, item in ipairs(some) do
      assert.truthy(item.slug:find "^legal/")
    end
  end)

  -- ---------------------------------------------------------------- export

  it("export --all writes a space whose plan has no changes", function()
    open()
    local _, err = run("export --all -o all.lua", 0)
    assert.truthy(err:find("Wrote 2 workflows to all.lua", 1, true), err)
    local output = run("check all.lua", 0)
    assert.truthy(output:find("valid, 2 workflows", 1, true), output)
  end)

  -- --------------------------------------------------------------- profiles

  local function configure(text)
    shell.must("mkdir -p %s", place:path ".config/workstage")
    place:write(".config/workstage/config.lua", text)
  end

  local BARE = { STORYBLOK_SPACE_ID = false, STORYBLOK_TOKEN = false,
                 WORKSTAGE_BASE_URL = false }

  it("--profile gives space, token and address by one name", function()
    open()
    place:write("token", tool.TOKEN .. "\n")
    shell.must("chmod 600 %s", place:path "token")
    configure(([[return { profiles = {
      staging = { space = %d, base_url = %q, rate = 50,
                  token_file = "~/token" },
      other = { space = "%d", base_url = %q, token_env = "OTHER_TOKEN" },
    } }]]):format(tool.SPACE, place.server.url, tool.SPACE,
                  place.server.url))
    local output = run("whoami --profile staging", 0, BARE)
    assert.truthy(output:find('Space "Demo"', 1, true))
    local env = { OTHER_TOKEN = tool.TOKEN }
    for name, value in pairs(BARE) do env[name] = value end
    run("whoami --profile other", 0, env)
    local record = cjson.decode((run("plan bp.lua --profile staging --json",
                                     2, BARE)))
    assert.equal(50, record.rate)
    output = run("diff staging:Article other:Article", 0, env)
    assert.equal("No differences.\n", output)
    local _, err = run("plan bp.lua -o p --profile staging", 2, BARE)
    assert.truthy(err:find("apply p --profile staging", 1, true), err)
    local found = place:run("complete -- whoami --profile ''", BARE)
    assert.equal("other\nstaging\n", found)
  end)

  it("--profile refuses an invalid profile with 3, and sends nothing",
     function()
    open()
    place:write("token", tool.TOKEN .. "\n")
    shell.must("chmod 644 %s", place:path "token")
    configure [[return { profiles = {
      open = { space = 5, token_file = "~/token" },
      unset = { space = 5, token_env = "NOT_SET" },
      wrong = { spaces = 5 }, typed = { protected = "yes" },
    } }]]
    for name, said in pairs {
      open = "can be read by others (mode 0644)",
      unset = "names NOT_SET, which is not set",
      wrong = "unknown name 'spaces' (did you mean 'space'?)",
      typed = "protected: expected a boolean, got a string",
      none = "has no profile 'none'; there are: open, typed, unset, wrong",
    } do
      local _, err = run("whoami --profile " .. name, 3, BARE)
      assert.truthy(err:find(said, 1, true), name .. ": " .. err)
    end
    configure "os.exit(0)"
    local _, err = run("whoami --profile open", 3, BARE)
    assert.truthy(err:find("config.lua:1: ", 1, true), err)
    assert.equal(0, #place.server:requests())
  end)

  it("a protected profile takes the name of its space, not --yes", function()
    open()
    configure(([[return { profiles = { live = { space = %d,
      base_url = %q, token_env = "T", protected = true } } }]]):format(
      tool.SPACE, place.server.url))
    local env, before = { T = tool.TOKEN }, place:changes()
    local line = "apply bp.lua --profile live"
    local _, err = run(line .. " --yes", 3, env)
    assert.truthy(err:find("--confirm-space Demo", 1, true), err)
    _, err = run(line .. " --confirm-space Dem", 3, env)
    assert.truthy(err:find("is called Demo, not Dem", 1, true), err)
    local screen, status = place:terminal(line, {
      env = env, prompt = "(Demo):", typed = "y\n" })
    assert.equal(1, status, screen)
    assert.truthy(screen:find("That is not its name.", 1, true), screen)
    assert.equal(before, place:changes())
    screen, status = place:terminal(line, {
      env = env, prompt = "(Demo):", typed = "Demo\n" })
    assert.equal(0, status, screen)
    run("rollback bp.lua.journal --profile live --confirm-space Demo", 0,
        env)
  end)

  -- ------------------------------------------------------------ completion

  it("complete offers names of workflows and stages", function()
    open()
    assert.equal("Article\n", (run("complete -- export Art", 0)))
    local output = run("complete -- move --story 1 --to Old", 0)
    assert.equal("Old review\n", output)
    output = run("complete -- stuck Article/R", 0)
    assert.equal("Article/Review\nArticle/Ready\n", output)
    assert.equal(":files *.journal*\n", (run("complete -- resume b", 0)))
    assert.equal("continue\nstop\n",
                 (run("complete -- apply --on-failure ''", 0)))
    assert.equal("", (run("complete -- move --comment ''", 0)))
    -- nothing is asked for without a token, and nothing is complained of
    local _, err = run("complete -- export Art", 0,
                       { STORYBLOK_TOKEN = false,
                         XDG_CACHE_HOME = place:path "nowhere" })
    assert.equal("", err)
  end)

  it("complete remembers names for a while", function()
    open()
    shell.must("mkdir -p %s", place:path ".cache")
    run("complete -- export Art", 0)
    assert.equal(0, requests_of "complete -- export Art")
    local path = (".cache/workstage-names-%d"):format(tool.SPACE)
    assert.equal("600\n", shell.must("stat -c %%a %s", place:path(path)))
    place:write(path, (place:read(path):gsub("^%d+", "1000")))
    assert.is_true(requests_of "complete -- export Art" > 0)
  end)
end)
