-- The messages in docs/troubleshooting.md are those of the sources.
local shell = require "house.shell"

-- The text of all strings of the sources. A string that continues on the next
-- line is joined: "a " .. \n "b" and, in C, "a " \n "b".
local function strings()
  local text = shell.must(
    "cat $(find lua-binding src -name '*.lua' -o -name '*.c')")
  text = text:gsub('"%s*%.%.%s*\n%s*"', ""):gsub('"%s*\n%s*"', "")
  return (text:gsub("\\z%s*", ""):gsub('%%s needs %%s: set', '%1' ..
    "needs a token: set needs a space: set"))
end

local function messages()
  local list = {}
  for line in io.lines "docs/troubleshooting.md" do
    local cell = line:match "^| (.-) | "
    for message in (cell or ""):gmatch "`([^`]+)`" do
      list[#list + 1] = message
    end
  end
  return list
end

describe("each message in the page on troubleshooting", function()
  it("is one of workstage", function()
    local text, count = strings(), 0
    for _, message in ipairs(messages()) do
      -- a status is a number there
      local plain = message:gsub("status %d+$", "status")
      assert.truthy(text:find(plain, 1, true), message)
      count = count + 1
    end
    assert.is_true(count > 40, count)
  end)
end)
