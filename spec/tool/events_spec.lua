-- --json-events: a line of JSON for each event; and what a run waits for.
local cjson = require "cjson".new()
local shell = require "house.shell"
local tool = require "tool.tool"

describe("workstage --json-events", function()
  local place

  local function open(options)
    place = tool.place(options)
    place:write("bp.lua", tool.BLUEPRINT)
  end

  after_each(function() place:close() end)

  -- The events of a command, in order, and how many there are of each.
  local function events_of(arguments, code, env)
    local output, status, err = place:run(arguments .. " --json-events", env)
    assert.equal(code, status, output .. err)
    local list, counts = {}, {}
    for line in output:gmatch "[^\n]+" do
      local event = cjson.decode(line)
      assert.equal(1, event.version)
      assert.equal("number", type(event.time))
      list[#list + 1] = event
      counts[event.event] = (counts[event.event] or 0) + 1
    end
    return list, counts
  end

  it("writes the plan, the start, each item, and the summary", function()
    open()
    local list, counts = events_of("apply bp.lua -y", 0)
    assert.same({ planned = 1, started = 1, item = 9, summary = 1 }, counts)
    assert.equal("planned", list[1].event)
    assert.equal(9, list[1].plan.counts.moved)
    assert.equal("started", list[2].event)
    assert.equal("bp.lua.journal", list[2].journal)
    for i = 3, 11 do
      assert.equal("moved", list[i].outcome)
      assert.truthy(list[i].item and list[i].change and list[i].operation)
    end
    local last = list[#list]
    assert.equal("summary", last.event)
    assert.is_true(last.complete)
    assert.equal(9, last.moved)
  end)

  it("writes failures, skips and retries with their reasons", function()
    open()
    assert(place.server:inject {
      { method = "POST", path = "/workflow_stage_changes", count = 2,
        status = 422, body = '{"error":"It is locked"}' },
      { method = "POST", path = "/workflow_stage_changes", count = 1,
        after = 4, retry_after = 0 },
    })
    local list, counts = events_of("apply bp.lua -y --concurrency 1", 1)
    assert.equal(9, counts.item)
    assert.equal(1, counts.retry)
    local failed = 0
    for _, event in ipairs(list) do
      if event.outcome == "failed" then
        failed = failed + 1
        assert.truthy(event.reason:find("It is locked", 1, true))
      elseif event.event == "retry" then
        assert.equal(429, event.status)
      end
    end
    assert.equal(2, failed)
    assert.is_false(list[#list].complete)
    local again = select(2, events_of("resume bp.lua.journal -y", 0))
    assert.equal(2, again.item)
    local back, of_back = events_of("rollback bp.lua.journal -y", 0)
    assert.equal("planned", back[1].event)
    assert.equal(9, of_back.item)
  end)

  it("does not go with --json", function()
    open()
    local _, status = place:run "apply bp.lua -y --json --json-events"
    assert.equal(3, status)
  end)

  -- ------------------------------------------------------------- waiting

  local function has_pause(path)
    for line in place:read(path):gmatch "[^\n]+" do
      local record = cjson.decode(line)
      if record.type == "pause" then return true end
    end
    return false
  end

  it("resume does not wait if no outcome is unknown", function()
    open()
    local env = { WORKSTAGE_SETTLE_TIME = "30" }
    place:run("apply bp.lua -y --limit 3", env)
    local _, counts = events_of("resume bp.lua.journal -y", 0, env)
    assert.is_nil(counts.wait)
    assert.is_false(has_pause "bp.lua.journal")
    _, counts = events_of("rollback bp.lua.journal -y", 0, env)
    assert.is_nil(counts.wait)
  end)

  it("resume waits if an outcome is unknown, and says why", function()
    open { seed = { stories = 160 } }
    assert(place.server:inject { {
      method = "POST", path = "/workflow_stage_changes", after = 5,
      delay_after = 5 } })
    local before = place:changes()
    local pid = place:start "apply bp.lua -y"
    assert.is_true(tool.wait(function()
      return place:changes() > before + 6
    end))
    shell.must("kill -KILL %s", pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    place.server:inject(false)
    local screen, status = place:terminal("resume bp.lua.journal -y", {
      env = { WORKSTAGE_SETTLE_TIME = "1.5" }, columns = 120 })
    assert.equal(0, status, screen)
    assert.truthy(screen:find("Waiting  %d s %(for requests of the " ..
                              "interrupted run to show%)"), screen)
    assert.is_nil(screen:find("0 requests", 1, true))
    assert.is_true(has_pause "bp.lua.journal")
    assert.equal(before + 39, place:changes())
  end)
end)
