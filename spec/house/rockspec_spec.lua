-- Both rocks as LuaRocks builds them on a stock machine, without variables.

local shell = require "house.shell"

local workstage = require "workstage"

local VERSION = workstage._VERSION:match "^workstage (%d+%.%d+%.%d+)$"

local client = "rockspec/workstage-scm-1.rockspec"
local sandbox = "rockspec/workstage-sandbox-scm-1.rockspec"

local function release(rockspec)
  return (rockspec:gsub("scm%-1", VERSION .. "-1"))
end

local function read(rockspec)
  local fields = {}
  assert(loadfile(rockspec, "t", fields))()
  return fields
end

describe("a release's rockspec", function()
  for _, rockspec in ipairs { client, sandbox } do
    it("is the other one but for version and tag: " .. rockspec, function()
      local scm, released = read(rockspec), read(release(rockspec))
      assert.equal(VERSION .. "-1", released.version)
      assert.equal("v" .. VERSION, released.source.tag)
      assert.is_nil(scm.source.tag)
      scm.version, scm.source.tag = released.version, released.source.tag
      assert.same(scm, released)
    end)
  end

  it("exists only for the version of the sources", function()
    local found = shell.lines(shell.must "ls rockspec | grep -v scm")
    assert.same({ "workstage-" .. VERSION .. "-1.rockspec",
                  "workstage-sandbox-" .. VERSION .. "-1.rockspec" }, found)
    local header = shell.must "grep WS_VERSION src/workstage.h"
    assert.equal(VERSION, header:match '"(.-)"')
  end)
end)

describe("LuaRocks", function()
  local sources, tree, home

  local function luarocks(format, ...)
    return shell.run(
      "cd %s && env -i HOME=%s PATH=/usr/local/bin:/usr/bin:/bin " ..
      "luarocks --lua-version 5.4 " .. format, sources, home, ...)
  end

  local function try(script)
    return shell.lua_from(
      tree .. "/share/lua/5.4", tree .. "/lib/lua/5.4", script)
  end

  lazy_setup(function() sources = shell.copy_of_sources() end)

  before_each(function()
    tree, home = shell.temporary(), shell.temporary()
    -- LuaRocks does not see what apt installed
    shell.must("mkdir %s/.luarocks && echo 'rocks_provided = { "
               .. '["lua-cjson"] = "2.1.0-1", argparse = "0.7.1-1" }'
               .. "' >%s/.luarocks/config-5.4.lua", home, home)
  end)

  after_each(function()
    shell.remove(tree)
    shell.remove(home)
  end)

  lazy_teardown(function() shell.remove(sources) end)

  for _, rockspec in ipairs { client, sandbox, release(client),
                              release(sandbox) } do
    it("finds nothing wrong in " .. rockspec, function()
      local output, code = luarocks("lint %s", rockspec)
      assert.equal(0, code, output)
    end)
  end

  it("installs a client that works from its tree alone", function()
    local output, code = luarocks(
      "make --deps-mode=none --tree %s %s", tree, client)
    assert.equal(0, code, output)
    output, code = try [[
      local workstage = require "workstage"
      assert(workstage.storyblok { space_id = 1, token = "x" }):close()
      print(package.searchpath("workstage", package.path))
      print(package.searchpath("workstage.core", package.cpath))
      print(pcall(require, "init"), (pcall(require, "workstage.sandbox")))
    ]]
    assert.equal(0, code, output)
    local lines = shell.lines(output)
    assert.equal(tree .. "/share/lua/5.4/workstage/init.lua", lines[1])
    assert.equal(tree .. "/lib/lua/5.4/workstage/core.so", lines[2])
    assert.equal("false", lines[#lines]:match "%S+$")
    output, code = shell.run(
      "cd / && LUA_PATH=%s LUA_CPATH=%s %s/bin/workstage --help",
      shell.quote(tree .. "/share/lua/5.4/?.lua;" ..
                  tree .. "/share/lua/5.4/?/init.lua;;"),
      shell.quote(tree .. "/lib/lua/5.4/?.so;;"), tree)
    assert.equal(0, code, output)
    assert.truthy(output:find("Usage", 1, true), output)
  end)

  it("installs a sandbox that works from its tree alone", function()
    local output, code = luarocks(
      "make --deps-mode=none --tree %s %s", tree, sandbox)
    assert.equal(0, code, output)
    output, code = try [[
      local sandbox = require "workstage.sandbox"
      local server = assert(sandbox.start())
      print(server.url)
      server:stop()
    ]]
    assert.equal(0, code, output)
    assert.truthy(output:find "^http://127%.0%.0%.1:%d+", output)
  end)

  it("packs what it installed, and installs the pack", function()
    local made = shell.temporary()
    local output, code = luarocks(
      "make --deps-mode=none --tree %s %s", made, client)
    assert.equal(0, code, output)
    output, code = luarocks("pack --tree %s workstage", made)
    shell.remove(made)
    assert.equal(0, code, output)
    local rock = shell.must("ls %s/*.rock", sources):gsub("\n", "")
    output, code = luarocks("install --deps-mode=none --tree %s %s", tree,
                            rock)
    shell.must("rm %s", rock)
    assert.equal(0, code, output)
    output, code = try 'print(require "workstage"._VERSION)'
    assert.equal(0, code, output)
    assert.equal("workstage " .. VERSION .. "\n", output)
  end)

  -- In a short run it is enough to check the command.
  it("tests it with the command of the rockspec", function()
    local thorough = (os.getenv "WORKSTAGE_PROOF" or "") ~= ""
    local output, code = luarocks(
      "test --tree %s %s -- SPEC=spec/core/url_spec.lua BUILD=%s/build %s",
      tree, client, tree, thorough and "" or "--dry-run")
    assert.equal(0, code, output)
    assert.truthy(output:find(thorough and "\n%d+ passed, 0 failed" or
      "script/run%-specs spec/core/url_spec%.lua\n"), output)
  end)

  it("removes both", function()
    for _, rockspec in ipairs { client, sandbox } do
      local output, code = luarocks(
        "make --deps-mode=none --tree %s %s", tree, rockspec)
      assert.equal(0, code, output)
    end
    for _, rock in ipairs { "workstage", "workstage-sandbox" } do
      local output, code = luarocks("remove --tree %s %s", tree, rock)
      assert.equal(0, code, output)
    end
    assert.equal("", shell.must(
      "find %s -path '*/workstage*' -type f", tree))
  end)
end)
