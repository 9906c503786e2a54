-- script/run-specs: a run must not look better than it was.

local shell = require "house.shell"

local files = {
  good = [[
    it("passes", function() end)
    it("passes too", function() assert.equal("a\nb", "a\nb") end)]],
  bad = [[
    it("passes", function() end)
    it("fails", function() assert.equal(1, 2) end)
    it("raises", function() error { code = 7 } end)]],
  crash = [[
    it("passes", function() end)
    it("breaks", function() os.execute "kill -ABRT $PPID" end)]],
  leave = [[it("leaves", function() os.exit(0, false) end)]],
  close = [[
    it("passes", function() end)
    setmetatable({}, { __gc = function() os.exit(66) end })]],
  hang = [[it("hangs", function() while true do end end)]],
  later = [[pending "is not done"]],
  load = [[error "no good"]],
  syntax = [[local =]],
  before = [[
    describe("with a setup", function()
      setup(function() error "no setup" end)
      it("is never run", function() end)
    end)]],
  none = [[-- nothing]],
}

describe("script/run-specs", function()
  local directory

  before_each(function() directory = shell.temporary() end)

  after_each(function() shell.remove(directory) end)

  local function run(...)
    for _, name in ipairs { ... } do
      local file = assert(
        io.open(directory .. "/" .. name .. "_spec.lua", "w"))
      file:write(files[name], "\n")
      file:close()
    end
    local output, code = shell.run(
      "FILTER= SPEC_REPORTS= SPEC_TIMEOUT=3 script/run-specs %s", directory)
    return output, code, output:match "([^\n]+)\n$"
  end

  local cases = {
    { "good", "2 passed, 0 failed", 0 },
    { "bad", "1 passed, 2 failed", 1, "fails", "code = 7" },
    { "crash", "1 passed, 1 failed", 1, 'SIGABRT in "breaks"' },
    { "leave", "0 passed, 1 failed", 1, 'in "leaves"' },
    { "close", "1 passed, 1 failed", 1, "ended with status 66" },
    { "hang", "0 passed, 1 failed", 1, "longer than 3 seconds", "hangs" },
    { "later", "0 passed, 1 failed", 1, "pending" },
    { "load", "0 passed, 1 failed", 1, "no good" },
    { "syntax", "0 passed, 1 failed", 1, "expected near" },
    { "before", "0 passed, 1 failed", 1, "no setup" },
    { "none", "0 passed, 1 failed", 1, "no spec in" },
  }
  for _, case in ipairs(cases) do
    it("says of a file like '" .. case[1] .. "': " .. case[2], function()
      local output, code, closing = run(case[1])
      assert.equal(case[2], closing, output)
      assert.equal(case[3], code)
      for i = 4, #case do
        assert.truthy(output:find(case[i], 1, true), output)
      end
    end)
  end

  it("continues after a crash and sums up the results", function()
    local _, code, closing = run("bad", "crash", "good")
    assert.equal("4 passed, 3 failed", closing)
    assert.equal(1, code)
  end)

  it("fails if no spec ran", function()
    local _, code, closing = run()
    assert.equal("0 passed, 0 failed", closing)
    assert.equal(1, code)
  end)

  it("counts what a sanitizer reported", function()
    shell.must("echo 'heap-use-after-free' > %s/report.17", directory)
    local file = assert(io.open(directory .. "/good_spec.lua", "w"))
    file:write(files.good)
    file:close()
    local output, code = shell.run(
      "SPEC_REPORTS=%s/report script/run-specs %s", directory, directory)
    assert.equal(1, code)
    assert.truthy(output:find("use-after-free", 1, true), output)
    assert.truthy(output:find "\n2 passed, 1 failed\n$", output)
  end)

  it("skips a folder whose needs are not met, with the reason", function()
    shell.must("mkdir %s/part && echo 'it(\"fails\", error)' "
               .. ">%s/part/part_spec.lua", directory, directory)
    shell.must("printf '#!/bin/sh\\necho no moon; exit $MOON\\n' "
               .. ">%s/part/needs && chmod +x %s/part/needs", directory,
               directory)
    local output, code = shell.run("MOON=1 lua5.4 script/run-specs %s",
                                   directory)
    assert.matches("left out: " .. directory .. "/part: no moon", output, 1,
                   true)
    assert.matches("\n0 passed, 0 failed\n", output)
    assert.not_equal(0, code)
    output = shell.run("MOON=0 lua5.4 script/run-specs %s", directory)
    assert.matches("\n0 passed, 1 failed\n", output)
    assert.is_nil(output:find("left out", 1, true))
  end)
end)
