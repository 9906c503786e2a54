-- The tool at a terminal: colours, questions, the bar; and signals.
local cjson = require "cjson".new()
local service = require "support.service"
local shell = require "house.shell"
local tool = require "tool.tool"

describe("workstage", function()
  local place, before

  local function open(options)
    place = tool.place(options)
    place:write("bp.lua", tool.BLUEPRINT)
    before = place:changes()
  end

  after_each(function() place:close() end)

  local COLOR = "\27%[3%d+m"

  it("writes colours on a terminal only", function()
    open()
    local screen, status = place:terminal "plan bp.lua"
    assert.equal(2, status)
    assert.truthy(screen:find("\27[32m  + stage \"Legal\"", 1, true), screen)
    assert.is_nil((place:run "plan bp.lua"):find "\27")
  end)

  it("respects NO_COLOR and dumb terminals", function()
    open()
    for _, env in ipairs { { NO_COLOR = "1" }, { TERM = "dumb" } } do
      local screen, status = place:terminal("plan bp.lua", { env = env })
      assert.equal(2, status)
      assert.is_nil(screen:find(COLOR), screen)
    end
    local screen = place:terminal("plan bp.lua", { env = { NO_COLOR = "" } })
    assert.truthy(screen:find(COLOR))
  end)

  it("asks, and takes y for an answer", function()
    open()
    local screen, status = place:terminal("apply bp.lua", { typed = "y\n" })
    assert.equal(0, status, screen)
    assert.truthy(screen:find("Apply in ", 1, true))
    assert.equal(before + 9, place:changes())
  end)

  it("asks, and changes nothing for any other answer", function()
    open()
    for _, typed in ipairs { "n\n", "\n", "\4", "yep\n" } do
      local screen, status = place:terminal("apply bp.lua",
                                            { typed = typed })
      assert.equal(1, status, screen)
      assert.truthy(screen:find("Nothing was changed.", 1, true))
    end
    assert.equal(before, place:changes())
    assert.is_nil(place:read "bp.lua.journal")
  end)

  it("ends at once when a question is met with Ctrl-C", function()
    open()
    local _, status = place:terminal("apply bp.lua", { typed = "\3" })
    assert.equal(130, status)
    assert.equal(before, place:changes())
  end)

  it("draws a bar that fits the terminal, and clears it", function()
    open { seed = { stories = 160 } }
    local env = { WORKSTAGE_RATE_LIMIT = "15" }
    for _, columns in ipairs { 80, 40 } do
      local screen, status = place:terminal(
        columns == 80 and "apply bp.lua -y" or "rollback bp.lua.journal -y",
        { columns = columns, env = env })
      assert.equal(0, status, screen)
      local seen = 0
      for bar in screen:gmatch "\27%[J(Moving[^\r\27]*)\r" do
        seen = seen + 1
        assert.is_true(#bar < columns, bar)
      end
      assert.is_true(seen >= 3, screen)
      assert.truthy(screen:find "%d+/39  %d+%.%d/s  ETA 0:0%d")
      assert.truthy(screen:find("\r\27[J", 1, true))
    end
  end)

  it("shows retries and failures in the bar", function()
    open { seed = { stories = 160 } }
    assert(place.server:inject {
      { method = "POST", path = "/workflow_stage_changes", after = 3,
        count = 2, status = 422 },
      { method = "POST", path = "/workflow_stage_changes", after = 3,
        count = 1, retry_after = 0 },
    })
    local screen, status = place:terminal("apply bp.lua -y", {
      columns = 120, env = { WORKSTAGE_RATE_LIMIT = "30" } })
    assert.equal(1, status)
    assert.truthy(screen:find "2 failed  1 retry", screen)
  end)

  it("writes a line every few seconds elsewhere", function()
    open { seed = { stories = 160 } }
    local _, status, err = place:run("apply bp.lua -y",
                                     { WORKSTAGE_RATE_LIMIT = "10" })
    assert.equal(0, status)
    assert.truthy(err:find("workstage: %d+ of 39 items %(%d+%%%), " ..
                           "%d+%.%d/s, ETA 0:0%d"))
    assert.is_nil(err:find "[\r\27]")
    local _, lines = err:gsub("of 39 items", "")
    assert.is_true(lines >= 1 and lines <= 3, err)
  end)

  -- Starts an apply, waits until it has moved something, and signals it.
  local function interrupt(signal, arguments)
    local pid = place:start(arguments or "apply bp.lua -y",
                            { WORKSTAGE_RATE_LIMIT = "20" })
    assert.is_true(tool.wait(function() return place:changes() > before + 4
    end))
    shell.must("kill -%s %s", signal, pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    return place:read "err", place:read "out"
  end

  for _, signal in ipairs { "INT", "TERM", "HUP" } do
    it("finishes requests in flight on SIG" .. signal, function()
      open { seed = { stories = 160 } }
      local err, out = interrupt(signal)
      assert.truthy(err:find("Stopping (SIG" .. signal .. ")", 1, true), err)
      assert.truthy(err:find("run: workstage resume bp.lua.journal", 1,
                             true))
      local moved = tonumber(out:match "(%d+) moved")
      assert.equal(before + moved, place:changes())
      assert.is_true(moved < 39)
      local output, status = place:run "resume bp.lua.journal -y"
      assert.equal(0, status, output)
      assert.equal(before + 39, place:changes())
      assert.equal("Drafting,Review,Legal,Ready", place:stages())
    end)
  end

  it("ends with 1 when it was stopped", function()
    open { seed = { stories = 160 } }
    local output, status = place:shell(
      "WORKSTAGE apply bp.lua -y >/dev/null & sleep 1.2; kill -INT $!; " ..
      "wait $!", { WORKSTAGE_RATE_LIMIT = "20" })
    assert.equal(1, status, output)
  end)

  it("ends at once at the second signal, and says how to go on", function()
    open { seed = { stories = 160 } }
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", after = 5,
      count = 8, delay_after = 5 } })
    local pid = place:start "apply bp.lua -y"
    assert.is_true(tool.wait(function() return place:changes() > before + 5
    end))
    shell.must("kill -INT %s", pid)
    assert.is_true(tool.wait(function()
      return place:read "err":find "Stopping"
    end))
    shell.must("kill -INT %s", pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    local err = place:read "err"
    assert.truthy(err:find(
      "Ended at once. To continue, run: workstage resume bp.lua.journal", 1,
      true), err)
    assert.is_nil(place:read "out":find "moved;")
    local _, status = place:run "resume bp.lua.journal -y"
    assert.equal(0, status)
    assert.equal(before + 39, place:changes())
  end)

  it("continues after SIGKILL, nothing twice and nothing left", function()
    open { seed = { stories = 160 } }
    interrupt "KILL"
    local output, status = place:run "resume bp.lua.journal -y --json"
    assert.equal(0, status, output)
    assert.is_true(cjson.decode(output).complete)
    assert.equal(before + 39, place:changes())
  end)

  it("ends a reading command at once, without a traceback", function()
    open { seed = { stories = 160 }, latency = 3 }
    local pid = place:start "plan bp.lua"
    os.execute "sleep 0.6"
    shell.must("kill -INT %s", pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end,
                             1))
    assert.is_nil(place:read "err":find "traceback")
    assert.equal("", place:read "out")
  end)

  it("survives a reader that closes its end", function()
    open()
    local output = place:shell "WORKSTAGE plan bp.lua 2>/dev/null | head -n 1"
    assert.truthy(output:find "^Space .*%(%d+.*%)\n$")
    output = place:shell "WORKSTAGE stages --json | true; echo end"
    assert.equal("end\n", output)
    -- the run still continues to its end
    place:shell "(WORKSTAGE apply bp.lua -y 2>err; echo $? >code) | true"
    assert.is_true(tool.wait(function() return place:read "code" end))
    assert.equal("0\n", place:read "code")
    assert.equal(before + 9, place:changes())
  end)

  it("says so when its output cannot be written", function()
    open()
    local output, status = place:shell "WORKSTAGE export Article >/dev/full"
    assert.equal(1, status)
    assert.truthy(output:find("cannot write to the standard output: No space",
                              1, true), output)
  end)

  it("shows the token nowhere", function()
    open { seed = { stories = 160 }, tokens = { [tool.TOKEN] = {
      id = 9, userid = "a@example.com", friendly_name = "A",
      role = "admin" } } }
    place:run "plan bp.lua -o plan"
    assert(place.server:inject { { method = "POST", status = 422, count = 2,
      path = "changes", body = '{"error":"token ' .. tool.TOKEN .. '"}' } })
    local pid = place:start("apply plan -y", { WORKSTAGE_RATE_LIMIT = "20" })
    assert.is_true(tool.wait(function() return place:changes() > before + 2
    end))
    local line = shell.must("tr '\\0' ' ' </proc/%s/cmdline", pid)
    assert.truthy(line:find("apply plan", 1, true))
    assert.is_nil(line:find(tool.TOKEN, 1, true))
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    assert.truthy(place:read "err":find("[token]", 1, true))
    for _, name in ipairs { "out", "err", "plan", "plan.journal" } do
      assert.is_nil(place:read(name):find(tool.TOKEN, 1, true), name)
    end
    assert.equal("", shell.must("grep -rl %s %s || :", tool.TOKEN,
                                place.folder))
    assert.is_true(#service.requests(place.server, "POST") > 0)
  end)
end)
