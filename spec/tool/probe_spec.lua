-- doctor --probe: finds the reading that a space has for each statement, asks
-- first, and leaves nothing behind.
local cjson = require "cjson".new()
local probe = require "workstage.tool.probe"
local checks = require "workstage.tool.probe.checks"
local service = require "support.service"
local tool = require "tool.tool"

local NAME = "--confirm-space Demo"

-- A story in a folder, for with_parent=0.
local function seed()
  local words = { "A", "B" }
  local stages = {}
  for i, name in ipairs(words) do
    stages[i] = { name = name, color = "#00000" .. i, is_default = i == 1 }
  end
  return {
    spaces = { {
      id = tool.SPACE, name = "Demo",
      workflows = { { name = "Default", is_default = true,
                      stages = stages } },
      stories = { { full_slug = "news", is_folder = true },
                  { full_slug = "news/a", stage = "A" } },
    } },
  }
end

-- What a space has, without the trash.
local function contents(server)
  local space, list = service.space_of(server), {}
  for _, workflow in ipairs(space.workflows) do
    list[#list + 1] = workflow.name
    for _, stage in ipairs(workflow.stages) do
      list[#list + 1] = "  " .. stage.name
    end
  end
  for _, story in ipairs(space.stories) do
    if not story.deleted_at then list[#list + 1] = story.full_slug end
  end
  return table.concat(list, "\n")
end

describe("the checks of a probe", function()
  local function readings(options)
    options.seed = seed()
    local server = service.start(options)
    local client = service.storyblok(server)
    local before = contents(server)
    local report = probe.run(probe.session(client), probe.names())
    assert.is_true(probe.is_complete(report), tostring(report.error or
                                                       report.remove_error))
    assert.equal(before, contents(server))
    assert.equal(report.requests, server:stats().requests)
    client:close()
    server:stop()
    local found = {}
    for _, each in ipairs(report.statements) do
      found[each.option] = { each.value, each.reason, each.is_documented }
    end
    return found, report
  end

  it("find what is documented, in about 25 requests", function()
    local found, report = readings {}
    assert.equal(#checks, #report.statements)
    for _, check in ipairs(checks) do
      local value, why, is_documented = table.unpack(found[check.option], 1, 3)
      assert.equal(check.readings[1][1], value, check.option .. tostring(why))
      assert.is_true(is_documented)
    end
    assert.is_true(report.requests <= 27, report.requests)
  end)

  for _, check in ipairs(checks) do
    for i = 2, #check.readings do
      local value = check.readings[i][1]
      it(("find %s=%s"):format(check.option, tostring(value)), function()
        local found = readings { [check.option] = value }
        local got, why, is_documented = table.unpack(found[check.option], 1, 3)
        assert.equal(value, got, tostring(why))
        assert.is_false(is_documented)
      end)
    end
  end

  it("say why where they cannot decide", function()
    local server = service.start { seed = seed() }
    local client = service.storyblok(server)
    server:inject { { method = "POST", path = "/workflow_stage_changes",
                      status = 404 } }
    local report = probe.run(probe.session(client), probe.names())
    local reasons = {}
    for _, each in ipairs(report.statements) do
      assert.truthy(each.finding or each.reason, each.option)
      reasons[each.option] = each.reason
    end
    assert.truthy(reasons.story_stage:find("404", 1, true))
    assert.truthy(reasons.transitions:find("404", 1, true))
    assert.truthy(reasons.changes_order:find("fewer than two", 1, true))
    assert.is_nil(reasons.put)
    client:close()
    server:stop()
  end)
end)

describe("doctor --probe", function()
  local place

  local function open(options)
    if place then place:close() end
    options = options or {}
    options.seed = seed()
    place = tool.place(options)
    return contents(place.server)
  end

  after_each(function()
    place:close()
    place = nil
  end)

  local function run(arguments, code, env)
    local output, status, err = place:run(arguments, env)
    assert.equal(code, status, output .. err)
    return output, err
  end

  local function writes()
    local count = 0
    for _, request in ipairs(place.server:requests()) do
      if request.method ~= "GET" then count = count + 1 end
    end
    return count
  end

  it("changes nothing unless the space's name is confirmed", function()
    open()
    local _, err = run("doctor --probe", 3)
    assert.truthy(err:find("--confirm-space Demo", 1, true))
    assert.truthy(err:find("meant for tests", 1, true))
    run("doctor --probe --confirm-space demo", 3)
    run("doctor --remove-probe", 3)
    run("doctor --probe --service kantata", 3)
    run("doctor --probe --remove-probe " .. NAME, 3)
    run("doctor --probe --yes", 3)
    assert.equal(0, writes())
  end)

  it("asks for the name at a terminal", function()
    local before = open()
    local output, code = place:terminal("doctor --probe", {
      typed = "y\n", prompt = "(Demo): " })
    assert.equal(1, code, output)
    assert.equal(0, writes())
    output, code = place:terminal("doctor --probe", {
      typed = "Demo\n", prompt = "(Demo): ", then_waits = 3 })
    assert.equal(0, code, output)
    assert.truthy(output:find("Probe complete: 2%d requests"), output)
    assert.equal(before, contents(place.server))
  end)

  it("never runs with a protected profile", function()
    open()
    os.execute("mkdir -p " .. place:path ".config/workstage")
    place:write(".config/workstage/config.lua", ([[
      return { profiles = { p = { space = %d, protected = true } } }]])
      :format(tool.SPACE))
    local _, err = run("doctor --probe --profile p " .. NAME, 3)
    assert.truthy(err:find("protected", 1, true))
    assert.equal(0, #place.server:requests())
  end)

  it("prints each statement, and a sandbox that behaves alike", function()
    open { transitions = 422, put = "reset" }
    local output = run("doctor --probe " .. NAME, 0)
    for _, check in ipairs(checks) do
      assert.truthy(output:find(check.statement, 1, true), check.statement)
    end
    assert.truthy(output:find("refused with 422", 1, true))
    assert.truthy(output:find("workstage sandbox --option put=reset " ..
                              "--option transitions=422\n", 1, true))
    local record = cjson.decode((run("doctor --probe --json " .. NAME, 0)))
    assert.is_true(record.complete)
    assert.equal(#checks, #record.statements)
  end)

  it("says why it could not create its objects", function()
    local before = open()
    place.server:inject { { method = "POST", path = "/workflows",
                            status = 403 } }
    local _, err = run("doctor --probe " .. NAME, 1)
    assert.truthy(err:find("could not be created", 1, true))
    assert.truthy(err:find("403", 1, true))
    assert.equal(before, contents(place.server))
  end)

  it("removes objects whose creation got no response", function()
    local before = open()
    for _, path in ipairs { "/workflows", "/stories" } do
      place.server:inject(false)
      place.server:inject { { method = "POST", path = "*" .. path, count = 1,
                              close = "after" } }
      run("doctor --probe " .. NAME, 1)
      assert.equal(before, contents(place.server))
    end
  end)

  it("names what it could not remove, and how to remove it", function()
    local before = open()
    place.server:inject { { method = "DELETE", status = 403 } }
    local _, err = run("doctor --probe " .. NAME, 1)
    local workflow = err:match 'Not removed: workflow "(workstage probe [^"]+)"'
    assert.truthy(workflow, err)
    assert.truthy(err:find("run: workstage doctor --remove-probe\n", 1, true))
    place.server:inject(false)
    assert.truthy(contents(place.server):find(workflow, 1, true))
    local output = run("doctor --remove-probe " .. NAME, 0)
    assert.truthy(output:find(workflow, 1, true))
    assert.equal(before, contents(place.server))
    output = run("doctor --remove-probe " .. NAME, 0)
    assert.truthy(output:find("No objects of a probe", 1, true))
  end)

  -- Starts a probe that takes a while, and waits until its objects exist.
  local function start()
    local pid = place:start("doctor --probe " .. NAME,
                            { WORKSTAGE_RATE_LIMIT = "6" })
    assert.is_true(tool.wait(function()
      return service.count(place.server, "POST", "/stories") > 0
    end))
    return pid
  end

  local function wait_for_end(pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
  end

  it("removes its objects after Ctrl-C", function()
    local before = open()
    local pid = start()
    os.execute("kill -INT " .. pid)
    wait_for_end(pid)
    assert.truthy(place:read "err":find("Stopped before all checks", 1, true))
    assert.equal(before, contents(place.server))
  end)

  it("names its objects before it creates them", function()
    local before = open()
    local pid = start()
    os.execute("kill -KILL " .. pid)
    wait_for_end(pid)
    local workflow = place:read "err":match 'workflow "(workstage probe [^"]+)"'
    assert.truthy(contents(place.server):find(workflow, 1, true))
    run("doctor --remove-probe " .. NAME, 0)
    assert.equal(before, contents(place.server))
  end)
end)
