-- `make bench` on a small scale: runs programs, keeps and draws figures.

local cjson = require "cjson"
local shell = require "house.shell"

describe("bench/run", function()
  local build

  lazy_setup(function()
    build = shell.temporary()
    shell.must("ln -s %s %s/lua", shell.quote(shell.must(
      "cd %s/lua && pwd", os.getenv "WORKSTAGE_BUILD" or "build")
      :match "[^\n]+"), build)
    shell.must("make -s BUILD=%s bench-programs", build)
  end)

  lazy_teardown(function() shell.remove(build) end)

  local function run(settings)
    shell.must("env BUILD=%s %s bench/run requests", build, settings)
    local file = assert(io.open(build .. "/bench/figures.json"))
    local rows = cjson.decode(file:read "a").rows
    file:close()
    return rows
  end

  it("compares the module with bare libcurl, and draws it", function()
    local rows = run "BENCH_ROUNDS=3 BENCH_REQUESTS=40"
    local found = {}
    for _, row in ipairs(rows) do
      assert.equal("requests", row.part)
      assert.equal(3, #row.rounds)
      assert.is_true(row.value > 0, row.name)
      assert.is_true(row.ratio > 0, row.name)
      found[row.name] = row
    end
    for _, flight in ipairs { 1, 16 } do
      local name = "%s, %d: processor time a request"
      assert.equal(1, found[name:format("bare libcurl", flight)].ratio)
      assert.truthy(found[name:format("workstage", flight)])
    end
    local file = assert(io.open(build .. "/bench/bench-requests.svg"))
    assert.matches("workstage</text>", file:read "a", 1, true)
    file:close()
  end)

  it("replaces the old figures of a part", function()
    local rows = run "BENCH_ROUNDS=1 BENCH_REQUESTS=20"
    local seen = {}
    for _, row in ipairs(rows) do
      assert.is_nil(seen[row.name], row.name)
      assert.equal(20, row.requests)
      seen[row.name] = true
    end
  end)

  it("fails if a program does not get its responses", function()
    local _, status = shell.run(
      "%s/bench/measure %s/bench/bare_easy http://127.0.0.1:1 1 1",
      build, build)
    assert.equal(1, status)
  end)
end)
