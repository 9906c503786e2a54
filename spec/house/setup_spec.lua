-- script/setup on a machine that lacks everything, and on one that lacks
-- nothing.

local shell = require "house.shell"

local function setup(path, arguments)
  return shell.run("env -i PATH=%s /bin/sh script/setup %s", path, arguments)
end

describe("script/setup", function()
  local empty

  before_each(function() empty = shell.temporary() end)

  after_each(function() shell.remove(empty) end)

  it("lists the packages and stops if it cannot install", function()
    local output, code = setup(empty, "build")
    assert.equal(1, code)
    local command = output:match "\n  (sudo apt%-get install [^\n]+)\n"
    assert.truthy(command, output)
    for _, package in ipairs {
      "lua5.4", "liblua5.4-dev", "lua-cjson", "lua-argparse", "gcc", "make",
      "pkg-config", "libcurl4-openssl-dev", "libmicrohttpd-dev",
      "libsqlite3-dev",
    } do
      assert.truthy((command .. " "):find(" " .. package .. " ", 1, true),
                    package .. " is not in: " .. command)
    end
    assert.is_nil(command:find("lua-busted", 1, true))
  end)

  it("needs more to run specs and linters", function()
    local test = setup(empty, "test")
    assert.truthy(test:find("lua-busted", 1, true))
    assert.truthy(test:find("luarocks", 1, true))
    assert.truthy((test .. " "):find(" zsh fish ", 1, true), test)
    local check = setup(empty, "check")
    assert.truthy(check:find("cppcheck", 1, true))
    assert.truthy(check:find("lua-check", 1, true))
    assert.truthy(check:find("clang-tidy", 1, true))
    assert.truthy(check:find("musl-tools", 1, true))
    assert.truthy(check:find(" clang libclang-rt-dev", 1, true), check)
  end)

  it("needs the runtime of a clang that lacks it", function()
    shell.must("printf '#!/bin/sh\\n[ \"$1\" = -dumpversion ] || exit 1\\n" ..
      "echo 17.0.6\\n' > %s/clang && chmod +x %s/clang", empty, empty)
    local output, code = shell.run("PATH=%s:$PATH script/setup -n check",
                                   empty)
    assert.equal(1, code)
    assert.truthy(output:find(" libclang-rt-17-dev\n", 1, true), output)
  end)

  -- A machine as root, with only an apt-get that keeps a log and exits with
  -- the given status.
  local function with_apt(status)
    shell.must("for name in sh id mktemp rm tail; do " ..
      "ln -s $(command -v $name) %s; done", empty)
    shell.must("printf '#!/bin/sh\\necho %s \"$*\" >> %s\\nexit %d\\n' " ..
      "> %s/apt-get", "$DEBIAN_FRONTEND", empty .. "/log", status, empty)
    shell.must("rm %s/id && printf '#!/bin/sh\\necho 0\\n' > %s/id",
               empty, empty)
    shell.must("chmod +x %s/apt-get %s/id", empty, empty)
  end

  local function log()
    return shell.run("cat %s/log", empty)
  end

  it("installs nothing with -n", function()
    with_apt(0)
    local _, code = setup(empty, "-n build")
    assert.equal(1, code)
    assert.is_nil(log():find("update", 1, true))
  end)

  it("updates the package lists, then installs, without questions", function()
    with_apt(0)
    local output, code = setup(empty, "build")
    local calls = shell.lines(log())
    assert.equal(2, #calls, log())
    assert.truthy(calls[1]:find "^noninteractive .*update$")
    assert.truthy(calls[2]:find "^noninteractive .*%-%-no%-install%-recommends")
    assert.truthy(calls[2]:find(" lua5.4 liblua5.4-dev ", 1, true))
    assert.truthy(output:find "^workstage: installing [^\n]*lua%-cjson")
    -- setup must notice that this apt installed nothing.
    assert.equal(1, code)
    assert.truthy(output:find("still not usable", 1, true), output)
  end)

  it("uses sudo if that asks nothing, else stops", function()
    with_apt(0)
    shell.must("printf '#!/bin/sh\\necho 1000\\n' > %s/id", empty)
    local output, code = setup(empty, "build")
    assert.equal(1, code)
    assert.truthy(output:find("sudo apt-get install", 1, true))
    assert.equal("", (log():gsub("cat:[^\n]*\n", "")))
    shell.must("printf '#!/bin/sh\\n[ \"$1\" = -n ] || exit 1\\nshift\\n" ..
      "[ \"$1\" = true ] || exec \"$@\"\\n' > %s/sudo", empty)
    shell.must("chmod +x %s/sudo", empty)
    setup(empty, "build")
    assert.equal(2, #shell.lines(log()), log())
  end)

  it("tries again if apt fails, and then prints the command", function()
    with_apt(100)
    local output, code = setup(empty, "build")
    assert.equal(1, code)
    assert.equal(6, #shell.lines(log()), log())
    assert.truthy(output:find("did not work", 1, true), output)
    assert.truthy(output:find("sudo apt-get install", 1, true), output)
  end)

  it("is silent if nothing is missing, and needs no network", function()
    local output, code = shell.run(
      "PATH=%s:$PATH && printf '#!/bin/sh\\nexit 9\\n' > %s/apt-get && " ..
      "chmod +x %s/apt-get && script/setup test", empty, empty, empty)
    assert.equal("", output)
    assert.equal(0, code)
  end)

  it("checks modules by loading them", function()
    shell.must("printf '#!/bin/sh\\nexec /usr/bin/lua5.4 -e %s \"$@\"\\n' > %s",
      '"package.path, package.cpath = [[]], [[]]"', empty .. "/lua5.4")
    shell.must("chmod +x %s/lua5.4", empty)
    local output, code = shell.run("PATH=%s:$PATH script/setup -n build", empty)
    assert.equal(1, code)
    assert.truthy(output:find("lua-cjson lua-argparse\n", 1, true), output)
    assert.is_nil(output:find("liblua5.4-dev", 1, true))
  end)

  it("refuses an unknown purpose", function()
    local output, code = shell.run "script/setup everything"
    assert.equal(3, code)
    assert.truthy(output:find("usage", 1, true))
  end)
end)
