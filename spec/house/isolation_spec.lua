-- Demos, examples and tests reach no real service, whatever the environment.
-- A second server takes the part of the real service and of every proxy; it
-- must not get any request.

local sandbox = require "workstage.sandbox"
local shell = require "house.shell"

local build = os.getenv "WORKSTAGE_BUILD" or "build"

describe("with a real service's variables set,", function()
  local real, folder

  before_each(function()
    real = assert(sandbox.start { rate_limit = false,
                                  seed = { stories = 50 } })
    folder = shell.temporary()
  end)

  after_each(function()
    real:stop()
    shell.remove(folder)
  end)

  -- Runs a command with an environment that points to the second server.
  local function run(command)
    local poison = {
      "STORYBLOK_TOKEN=real", "STORYBLOK_OAUTH_TOKEN=real",
      "STORYBLOK_SPACE_ID=288868932106293", "KANTATA_TOKEN=real",
      "WORKSTAGE_BASE_URL=" .. real.url, "WORKSTAGE_RATE_LIMIT=off",
      "WORKSTAGE_PROFILE=real", "HOME=" .. folder,
    }
    for _, name in ipairs { "http_proxy", "https_proxy", "all_proxy",
                            "HTTPS_PROXY", "ALL_PROXY" } do
      poison[#poison + 1] = name .. "=" .. real.url
    end
    return shell.run("export %s; %s", table.concat(poison, " "), command)
  end

  local function assert_untouched()
    assert.equal(0, real:stats().requests)
    assert.equal(0, real:stats().connections)
  end

  for _, command in ipairs {
    "lua5.4 examples/move_stage.lua", "sh examples/demo.sh",
    "lua5.4 examples/cqueues.lua", "lua5.4 examples/luv.lua",
  } do
    it(command .. " uses its own sandbox", function()
      local output, code = run(command)
      assert.equal(0, code, output)
      assert_untouched()
    end)
  end

  it("specs do not see the variables", function()
    local path = folder .. "/env_spec.lua"
    local file = assert(io.open(path, "w"))
    file:write [[
it("no script reaches them", function()
  for _, name in ipairs { "STORYBLOK_TOKEN", "STORYBLOK_OAUTH_TOKEN",
      "STORYBLOK_SPACE_ID", "KANTATA_TOKEN", "WORKSTAGE_BASE_URL",
      "WORKSTAGE_PROFILE", "http_proxy", "ALL_PROXY" } do
    assert.is_nil(os.getenv(name), name)
  end
end)
]]
    file:close()
    local output, code = run(("WORKSTAGE_BUILD=%s lua5.4 script/run-specs %s"):
                             format(shell.quote(build), path))
    assert.equal(0, code, output)
    assert_untouched()
  end)

  -- Every variable that the tool or the library reads, as their source has it.
  it("none of the variables that the tool reads gets through", function()
    local names = shell.lines(shell.must(
      "grep -rhoE '(STORYBLOK|KANTATA|WORKSTAGE)_[A-Z_]+' "
      .. "lua-binding/workstage lua-binding/bin | sort -u"))
    assert.is_true(#names >= 7)
    local set = {}
    for i, name in ipairs(names) do set[i] = name .. "=x" end
    local output = shell.must("env %s script/isolate env",
                              table.concat(set, " "))
    for _, name in ipairs(names) do
      if not name:find "_$" then
        assert.is_nil(output:find("\n" .. name .. "=", 1, true), name)
      end
    end
  end)

  it("the amounts that the proof sets get through", function()
    local output = shell.must(
      "WORKSTAGE_PAIRS=1000 WORKSTAGE_CRASHES=200 script/isolate env")
    assert.matches("WORKSTAGE_PAIRS=1000", output, 1, true)
    assert.matches("WORKSTAGE_CRASHES=200", output, 1, true)
  end)

  -- Runs the example on the "real" space with a line of input.
  local function run_real(typed)
    local answer = folder .. "/answer"
    shell.must("echo '%s' >%s", typed, answer)
    return run(("env -u http_proxy -u all_proxy -u ALL_PROXY lua5.4 "
                .. "-e 'io.input(%q)' examples/move_stage.lua --real"):
               format(answer))
  end

  it("move_stage.lua --real asks, and changes nothing on another answer",
     function()
    for _, typed in ipairs { "", "y", "yes", "28886893210629" } do
      local output, code = run_real(typed)
      assert.equal(1, code, output)
      assert.matches("the real space 288868932106293", output, 1, true)
      assert.matches("nothing was changed", output, 1, true)
    end
    assert_untouched()
  end)

  it("move_stage.lua --real reaches the space once its id is typed",
     function()
    local output, code = run_real "288868932106293"
    assert.equal(0, code, output)
    assert.is_true(real:stats().requests > 0)
  end)

  it("move_stage.lua refuses an option that it does not have", function()
    local output, code = run "lua5.4 examples/move_stage.lua --rael"
    assert.equal(1, code, output)
    assert.matches("unknown option --rael; the only one is --real", output, 1,
                   true)
    assert_untouched()
  end)
end)
