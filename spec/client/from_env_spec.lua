-- Clients from the environment, each in its own process.
local service = require "support.service"
local shell = require "house.shell"

local build = os.getenv "WORKSTAGE_BUILD" or "build"

describe("from_env", function()
  local server

  setup(function() server = service.start() end)
  teardown(function() server:stop() end)

  -- Runs Lua code with only these variables; returns its output.
  local function run(variables, code)
    local words = {}
    for name, value in pairs(variables) do
      words[#words + 1] = name .. "=" .. shell.quote(value)
    end
    return shell.must("eval \"$(script/env %s)\" && env -u STORYBLOK_TOKEN " ..
      "-u STORYBLOK_OAUTH_TOKEN -u KANTATA_TOKEN -u STORYBLOK_SPACE_ID " ..
      "-u WORKSTAGE_BASE_URL -u WORKSTAGE_RATE_LIMIT %s lua5.4 -e %s",
      shell.quote(build), table.concat(words, " "),
      shell.quote('local workstage = require "workstage" ' .. code))
  end

  local STORYBLOK = [[
    local space, err = workstage.storyblok.from_env(%s)
    if not space then print(err) return end
    local user = assert(space:whoami())
    print(space.space_id, user.userid, space.transport.rate,
          space.transport.settle_time)
  ]]

  it("creates a client of the given space", function()
    local text = run({ STORYBLOK_TOKEN = service.TOKEN,
                       STORYBLOK_SPACE_ID = ("%d"):format(service.SPACE),
                       WORKSTAGE_BASE_URL = server.url,
                       WORKSTAGE_RATE_LIMIT = "3",
                       WORKSTAGE_SETTLE_TIME = "0.5" },
                     STORYBLOK:format "")
    assert.equal(("%d\tdemo@example.com\t3.0\t0.5\n"):format(service.SPACE),
                 (text:gsub("\t3\t", "\t3.0\t")))
  end)

  it("takes an OAuth token, and options that override variables", function()
    local text = run({ STORYBLOK_OAUTH_TOKEN = service.TOKEN,
                       STORYBLOK_SPACE_ID = "5",
                       WORKSTAGE_BASE_URL = "http://127.0.0.1:1",
                       WORKSTAGE_RATE_LIMIT = "off" },
      STORYBLOK:format(("{ space_id = %d, base_url = %q, settle_time = 1 }")
                       :format(service.SPACE, server.url)))
    assert.matches("^288868932106293\tdemo@example.com\t0%.?0?\t1", text)
    -- a token that is given replaces that of the environment
    text = run({ STORYBLOK_OAUTH_TOKEN = "other",
                 STORYBLOK_SPACE_ID = ("%d"):format(service.SPACE),
                 WORKSTAGE_BASE_URL = server.url },
               STORYBLOK:format(("{ token = %q }"):format(service.TOKEN)))
    assert.matches("demo@example.com", text, 1, true)
  end)

  it("names the variable that is missing or wrong", function()
    for _, case in ipairs {
      { {}, "set STORYBLOK_TOKEN" }, { { STORYBLOK_TOKEN = "" },
                                       "set STORYBLOK_TOKEN" },
      { { STORYBLOK_TOKEN = "abcd" }, "set STORYBLOK_SPACE_ID" },
      { { STORYBLOK_TOKEN = "abcd", STORYBLOK_SPACE_ID = "5",
          WORKSTAGE_RATE_LIMIT = "fast" }, "WORKSTAGE_RATE_LIMIT: 'fast'" },
      { { STORYBLOK_TOKEN = "abcd", STORYBLOK_SPACE_ID = "5x" },
        "space_id" },
    } do
      local text = run(case[1], STORYBLOK:format "")
      assert.matches(case[2], text, 1, true)
      assert.is_nil(text:find("abcd", 1, true))
    end
  end)

  it("creates a client of Kantata too", function()
    local text = run({ KANTATA_TOKEN = service.TOKEN,
                       WORKSTAGE_BASE_URL = server.kantata_url }, [[
      local ox = assert(workstage.kantata.from_env())
      print(assert(ox:whoami()).id, ox.transport.rate)
    ]])
    assert.matches("^%d+\t4", text)
    assert.matches("set KANTATA_TOKEN", run({},
      "print(select(2, workstage.kantata.from_env()))"), 1, true)
  end)

  it("raises if its options are not a table", function()
    local workstage = require "workstage"
    assert.is_false((pcall(workstage.storyblok.from_env, 5)))
    assert.is_false((pcall(workstage.kantata.from_env, "x")))
    local good, why = pcall(function() workstage.storyblok.from_envv() end)
    assert.is_false(good)
    assert.matches("did you mean 'from_env'?", why, 1, true)
  end)
end)
