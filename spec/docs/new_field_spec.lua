-- "A new field is one line": a line in a schema's table, and nothing else,
-- makes an attribute that is validated, written, read, documented and typed.

local shell = require "house.shell"

local LINE = [[
  WS_FIELD("mood", TEXT, WS_NULLABLE, "How the stage feels about it."),
]]

local SCRIPT = [[
  local sandbox = require "workstage.sandbox"
  local workstage = require "workstage"
  local server = assert(sandbox.start { rate_limit = false, strict = false })
  local space = assert(workstage.storyblok {
    space_id = 288868932106293, token = "any", base_url = server.url,
    rate_limit = false, retry = false })
  -- validated
  local _, err = space.stages:create { name = "a", color = "#a", mood = 1 }
  assert(err.kind == "invalid" and err.fields.mood, tostring(err))
  _, err = space.stages:create { name = "a", color = "#a", moood = "" }
  assert(tostring(err):find("did you mean 'mood'", 1, true), tostring(err))
  -- written
  assert(space.stages:create { name = "a", color = "#a", mood = "fine" })
  assert(space.stages:create { name = "b", color = "#b",
                               mood = workstage.null })
  local requests = server:requests()
  assert(requests[#requests - 1].body:find('"mood":"fine"', 1, true))
  assert(requests[#requests].body:find('"mood":null', 1, true))
  -- read
  local body
  local function answer(mood)
    body = '{"workflow_stage":{"id":5,"mood":' .. mood .. '}}'
    server:inject(false)
    server:inject { { status = 200, body = body, count = 1 } }
    return space.stages:get(5)
  end
  assert(assert(answer '"calm"').mood == "calm")
  assert(assert(answer "null").mood == nil)
  _, err = answer "7"
  assert(err.kind == "decode" and err.message:find "mood", tostring(err))
  server:stop()
]]

describe("a new field", function()
  it("is one line", function()
    local sources = shell.copy_of_sources()
    local path = sources .. "/src/schema/storyblok.c"
    local file = assert(io.open(path))
    local text, count = file:read "a":gsub(
      '(  WS_FIELD%("position", INTEGER, 0,)', LINE .. "%1", 1)
    file:close()
    assert.equal(1, count)
    file = assert(io.open(path, "w"))
    file:write(text)
    file:close()

    -- what the line does not touch need not be built a second time
    local build = shell.quote(os.getenv "WORKSTAGE_BUILD" or "build")
    local flags = {}
    for line in io.lines((os.getenv "WORKSTAGE_BUILD" or "build") ..
                         "/flags") do
      flags[#flags + 1] = shell.quote(line)
    end
    shell.must("mkdir %s/build && cp -Rp %s/obj %s/flags %s/build", sources,
               build, build, sources)
    shell.must("make -s -j2 -C %s BUILD=build client sandbox types %s", sources,
               table.concat(flags, " "))
    local output, code = shell.run(
      "cd %s && eval \"$(script/env build)\" && lua5.4 -e %s", sources,
      shell.quote(SCRIPT))
    assert.equal(0, code, output)

    local types = shell.must("cat %s/build/types/workstage.lua", sources)
    local object = types:match "@class workstage.storyblok.stage\n(.-)\n\n"
    local written =
      types:match "@class workstage.storyblok.stage_attributes\n(.-)\n\n"
    assert.matches("@field mood? string How the stage feels", object, 1, true)
    assert.matches("@field mood? string|lightuserdata How", written, 1, true)

    shell.must("cd %s && eval \"$(script/env build)\" && "
               .. "lua5.4 script/make-reference build/pages", sources)
    local page = shell.must("cat %s/build/pages/reference/schemas.md",
                            sources)
    assert.matches("| `mood` | `string` | How the stage feels about it. "
                   .. "(may be null) |", page, 1, true)
    shell.remove(sources)
  end)
end)
