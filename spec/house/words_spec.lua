-- script/check-words: finds the phrases on its list, and finds nothing
-- in the project.

local shell = require "house.shell"

describe("the check of words", function()
  local copy

  before_each(function() copy = shell.copy_of_sources() end)

  after_each(function() shell.remove(copy) end)

  local function add_line(name, line)
    local file = assert(io.open(copy .. "/" .. name, "a"))
    assert(file:write(line, "\n"))
    assert(file:close())
  end

  it("finds nothing in the sources", function()
    assert.equal("", shell.must("%s/script/check-words", copy))
  end)

  it("names the file, the line and the remedy", function()
    -- in two parts, so that the check does not find it here
    add_line("src/workstage.h", "/* Failed for " .. "want of memory. */")
    local output, code = shell.run("%s/script/check-words", copy)
    assert.equal(1, code)
    assert.matches("src/workstage%.h:%d+:.*%(without", output)
  end)

  it("reads docs and scripts as well", function()
    for _, name in ipairs { "README.md", "docs/tool.md", "script/setup",
                            "Makefile" } do
      add_line(name, "# 3 item" .. "(s)")
      local output = shell.run("%s/script/check-words", copy)
      assert.truthy(output:find(name .. ":", 1, true), name)
    end
  end)
end)
