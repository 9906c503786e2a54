-- The tool with a marked token: its output, what other processes see of it,
-- and its child processes.
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

local TOKEN = tool.TOKEN

local function assert_silent(text, what)
  assert.is_nil(text:find("s3cret", 1, true), what .. ": " .. text)
end

describe("the token of the tool", function()
  local place

  before_each(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
  end)

  after_each(function() place:close() end)

  local function run(arguments, env)
    local output, status, err = place:run(arguments, env)
    assert_silent(output, arguments)
    assert_silent(err, arguments)
    assert.is_true(#output + #err > 10, arguments)
    return status
  end

  -- Asserts that no file in the folder has the token (.stderr and others).
  local function assert_folder_silent()
    local found = shell.run("grep -rlF s3cret %s", place.folder)
    assert.equal("", found)
    place:write("mark", TOKEN)
    found = shell.run("grep -rlF s3cret %s", place.folder)
    assert.truthy(found:find "mark\n$")
    os.remove(place:path "mark")
  end

  local function run_each(commands)
    local seen = {}
    for _, arguments in ipairs(commands) do seen[run(arguments)] = true end
    return seen
  end

  it("is in no output and no file, whatever the command", function()
    local seen = run_each {
      "plan bp.lua -o p.plan", "plan bp.lua --json", "rehearse bp.lua",
      "apply p.plan --journal j --limit 2 --yes --json",
      "resume j --yes", "progress j", "progress j --json",
      "graph bp.lua -o g.dot", "graph p.plan", "export Article -o e.lua",
      "check bp.lua", "rollback j --yes", "rollback j --yes --json",
      "apply p.plan --yes", "resume j --yes", "resume nowhere --yes",
      "progress j.rollback", "stages Article --count", "whoami",
      "move --story 1 --to Review --yes", "completion bash",
    }
    assert.is_true(seen[0] and seen[1] and seen[2])
    assert_folder_silent()
  end)

  it("is not shown if the service echoes it, in any kind of response",
     function()
    for _, fault in ipairs {
      { status = 401, body = { error = "no such token: " .. TOKEN } },
      { status = 403, body = TOKEN }, { status = 422, body = { TOKEN } },
      { status = 500, body = "<title>" .. TOKEN .. "</title>" },
      { status = 200, body = '{"' .. TOKEN .. '":' },
      { status = 302, headers = { Location = "/" .. TOKEN } },
      { close = "after" }, { truncate = true },
    } do
      fault.chance, fault.seed = 0.3, 5
      place.server:inject { fault }
      run_each { "plan bp.lua -o p.plan", "apply p.plan --journal j --yes",
                 "resume j --yes", "rollback j --yes", "whoami",
                 "export Article", "move --story 1 --to Review --yes" }
      os.execute(("rm -f '%s'/j* '%s'/p.plan*"):format(place.folder,
                                                      place.folder))
    end
    assert_folder_silent()
  end)

  it("is not on a terminal, with questions, bar and failures", function()
    place.server:inject { { chance = 0.2, seed = 1, status = 500,
                            body = { error = TOKEN } } }
    for _, arguments in ipairs { "apply bp.lua --yes --journal j",
                                 "resume j --yes", "rollback j --yes" } do
      assert_silent(place:terminal(arguments), arguments)
    end
    assert_silent(place:terminal("apply bp.lua", { typed = "n\n" }), "asked")
    assert_folder_silent()
  end)

  -- A process in the middle of a request.
  local function at_work(act)
    place.server:inject { { delay = 5 } }
    local pid = place:start "whoami"
    assert.is_true(tool.wait(function()
      return #place.server:requests() > 0
    end))
    act(pid)
    os.execute("kill -KILL " .. pid)
  end

  it("is in no list of processes and in no environment", function()
    at_work(function(pid)
      for _, name in ipairs { "cmdline", "environ" } do
        local file = assert(io.open(("/proc/%s/%s"):format(pid, name), "rb"))
        local text = file:read "a"
        file:close()
        assert.is_true(#text > 10, name)
        assert_silent(text, name)
      end
    end)
  end)

  it("is not passed on to child processes", function()
    place:write("dot", "#!/bin/sh\nenv >dot.env\necho '<svg/>'\n")
    shell.must("chmod +x %s", place:path "dot")
    assert.equal(0, run("graph bp.lua --svg g.svg", {
      PATH = place.folder .. ":" .. os.getenv "PATH" }))
    local env = place:read "dot.env"
    assert.truthy(env:find("STORYBLOK_SPACE_ID=", 1, true))
    assert.is_nil(env:find("TOKEN", 1, true))
    assert_folder_silent()
  end)

  it("is in no core dump, as there is none", function()
    local limits = place:read ".limits"
    assert.is_nil(limits)
    local _, code = shell.run("ulimit -Sc unlimited")
    if code ~= 0 then return end
    place.server:inject { { delay = 5 } }
    local pid = shell.must("%s", (place:prefix() .. " sh -c " .. shell.quote(
      "ulimit -Sc unlimited; lua5.4 " .. shell.must "pwd":gsub("\n", "") ..
      "/lua-binding/bin/workstage whoami >/dev/null 2>&1 & echo $!")))
      :match "%d+"
    assert.is_true(tool.wait(function()
      return #place.server:requests() > 0
    end))
    for line in io.lines(("/proc/%s/limits"):format(pid)) do
      local soft = line:match "^Max core file size%s+(%S+)"
      if soft then limits = soft end
    end
    os.execute("kill -ABRT " .. pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    -- a sanitizer's runtime has already set it to 0
    assert.is_true(limits == "1" or limits == "0", limits)
    assert.equal("", shell.run("ls %s | grep core", place.folder))
    assert_folder_silent()
  end)

  it("is read once, and reported as missing if it is empty", function()
    local output, status, err = place:run("whoami", { STORYBLOK_TOKEN = "" })
    assert.equal(3, status)
    assert.equal("", output)
    assert.truthy(err:find("STORYBLOK_TOKEN", 1, true))
    assert.equal(0, run "whoami")
    assert.equal(service.TOKEN, TOKEN)
  end)
end)
