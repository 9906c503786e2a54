-- Allocations that fail: the harness of proof/oom over what it once found.
-- All of it: `make proof`.
local build = os.getenv "WORKSTAGE_BUILD" or "build"

-- Runs a scenario; each failure of an allocation is a case.
local function run(scenario, from, cases)
  local pipe = assert(io.popen(
    ("BUILD='%s' PROOF_FROM=%s PROOF_CASES=%d proof/oom/run '%s' 2>&1")
      :format(build, from, cases, scenario)))
  local text = pipe:read "a"
  local count, failures = text:match "\noom: (%d+) cases, (%d+) failures\n$"
  assert.is_true(pipe:close() or false, text)
  assert.equal("0", failures, text)
  assert.is_true(tonumber(count) > 20, text)
end

describe("where memory runs out", function()
  it("a transfer whose socket is not watched does not hang", function()
    run("call", "core", 0)
  end)

  it("a request never leaves without its query", function()
    run("first call", "core", 0)
  end)

  it("the cause is raised, not the cancelling that followed", function()
    run("tasks", "core", 0)
  end)

  it("no task loses its wake, and the loop forgets no task", function()
    run("map of changes", "lua", 60)
    run("tasks", "lua", 60)
  end)

  it("a journal does not stay locked, and its run is carried on", function()
    run("apply", "lua", 20)
    run("resume", "core", 40)
  end)

  it("a POST is sent once", function() run("create", "core", 0) end)
end)
