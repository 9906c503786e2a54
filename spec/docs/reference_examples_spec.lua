-- Each function and method of the reference has an example, which runs.
local service = require "support.service"
local shell = require "house.shell"

local examples = dofile "script/reference/examples.lua"

local BUILD = shell.quote(os.getenv "WORKSTAGE_BUILD" or "build")

-- What the reference says that its examples use.
local PREAMBLE = [[
local history = require "workstage.history"
local log = require "workstage.log"
local migration = require "workstage.migration"
local sandbox = require "workstage.sandbox"
local time = require "workstage.time"
local workstage = require "workstage"
local space = assert(workstage.storyblok { space_id = 288868932106293,
  token = "any", base_url = arg[1], rate_limit = false })
local ox = assert(workstage.kantata { token = "any", base_url = arg[2],
                                      rate_limit = false })
]]

-- The names of the functions in the reference.
local function names()
  local folder, list = shell.temporary(), {}
  shell.must("eval \"$(script/env %s)\" && lua5.4 script/make-reference %s",
             BUILD, folder)
  local text = shell.must("cat %s/reference/*.md", folder)
  shell.remove(folder)
  for name in text:gmatch "\n### (%S+) {#" do list[#list + 1] = name end
  return list
end

describe("an example of the reference", function()
  it("exists for each function, and for no other", function()
    local count, known = 0, {}
    for _, name in ipairs(names()) do
      assert.truthy(examples[name], name)
      known[name], count = true, count + 1
    end
    assert.is_true(count > 70, count)
    for name in pairs(examples) do assert.truthy(known[name], name) end
  end)

  for name, code in pairs(examples) do
    it("runs: " .. name, function()
      local folder = shell.temporary()
      local server = service.start { seed = { stories = 40 } }
      local file = assert(io.open(folder .. "/example.lua", "w"))
      file:write(PREAMBLE, "do\n", code, "end\n")
      file:close()
      shell.must("eval \"$(script/env %s)\" && cd %s && " ..
                 "lua5.4 example.lua %s %s 2>&1", BUILD, folder, server.url,
                 server.kantata_url)
      server:stop()
      shell.remove(folder)
    end)
  end
end)
