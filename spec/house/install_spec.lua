-- make install, make uninstall and make env, as packagers and users run them.

local shell = require "house.shell"

local try = [[
  local workstage = require "workstage"
  assert(workstage.storyblok { space_id = 1, token = "x" }):close()
  assert(workstage.kantata { token = "x" }):close()
  require "workstage.sandbox"
  print(package.searchpath("workstage.core", package.cpath))
]]

local function tree_of(directory)
  return shell.must("cd %s && find . | LC_ALL=C sort", shell.quote(directory))
end

describe("make install", function()
  local sources, target

  lazy_setup(function()
    sources = shell.copy_of_sources()
    shell.must("make -s -j2 -C %s all", sources)
  end)

  before_each(function() target = shell.temporary() end)

  after_each(function() shell.remove(target) end)

  lazy_teardown(function() shell.remove(sources) end)

  it("installs the module where scripts elsewhere find it", function()
    shell.must("make -s -C %s install DESTDIR=%s", sources, target)
    local at = target .. "/usr/local"
    local output, code = shell.lua_from(
      at .. "/share/lua/5.4", at .. "/lib/lua/5.4", try)
    assert.equal(0, code, output)
    assert.equal(at .. "/lib/lua/5.4/workstage/core.so\n", output)
    shell.must("test -x %s/bin/workstage", at)
    for _, file in ipairs {
      "include/workstage.h", "include/workstage_lua.h", "lib/libworkstage.a",
      "lib/libworkstage_lua.a", "lib/pkgconfig/workstage.pc",
      "lib/pkgconfig/workstage-lua.pc",
    } do
      shell.must("test -f %s/%s", at, file)
    end
  end)

  it("installs bytecode, which is used; LuaRocks installs none", function()
    local bytecode = "find %s -name '*.luac' | wc -l"
    shell.must("make -s -C %s install-client PREFIX=%s", sources, target)
    assert.equal("0\n", shell.must(bytecode, target))
    shell.must("make -s -C %s install PREFIX=%s", sources, target)
    local output = shell.lua_from(
      target .. "/share/lua/5.4", target .. "/lib/lua/5.4", [[
      require "workstage"
      local core = require "workstage.core"
      local load_bytecode = core.load_bytecode
      function core.load_bytecode(...)
        print(load_bytecode(...) ~= nil)
        return nil
      end
      require "workstage.sets"
      require "workstage.migration.plan.diff"
    ]])
    assert.truthy(output:find "^true\ntrue\n", output)
    assert.is_nil(output:find("false", 1, true), output)
  end)

  it("installs files that all may read, and no links", function()
    shell.must("make -s -C %s install DESTDIR=%s", sources, target)
    assert.equal("", shell.must("find %s -type l", target))
    assert.equal("", shell.must("find %s -type f ! -perm -444", target))
  end)

  it("respects PREFIX, also one with a space", function()
    local prefix = target .. "/a prefix"
    shell.must("make -s -C %s install PREFIX=%s", sources,
               shell.quote(prefix))
    local output, code = shell.lua_from(
      prefix .. "/share/lua/5.4", prefix .. "/lib/lua/5.4", try)
    assert.equal(0, code, output)
    shell.must("make -s -C %s uninstall PREFIX=%s", sources,
               shell.quote(prefix))
    assert.equal(".\n", tree_of(prefix))
  end)

  it("has a command that finds its modules, also through a link", function()
    shell.must("make -s -C %s install PREFIX=%s", sources,
               shell.quote(target .. "/opt/ws"))
    shell.must("ln -s %s/opt/ws/bin/workstage %s/link", target, target)
    for _, path in ipairs { "opt/ws/bin/workstage", "link" } do
      local output = shell.must(
        "cd / && env -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 " ..
        "-u LUA_CPATH_5_4 %s/%s check %s/examples/blueprint.lua", target,
        path, sources)
      assert.truthy(output:find("valid", 1, true), output)
    end
  end)

  it("is undone completely by make uninstall", function()
    shell.must("make -s -C %s install DESTDIR=%s PREFIX=/usr", sources, target)
    assert.is_not.equal(".\n", tree_of(target))
    shell.must("make -s -C %s uninstall DESTDIR=%s PREFIX=/usr", sources,
               target)
    assert.equal(".\n", tree_of(target))
  end)

  it("keeps other files", function()
    shell.must("mkdir -p %s/usr/share/lua/5.4/other", target)
    local before = tree_of(target)
    shell.must("make -s -C %s install DESTDIR=%s PREFIX=/usr", sources, target)
    shell.must("make -s -C %s uninstall DESTDIR=%s PREFIX=/usr", sources,
               target)
    assert.equal(before, tree_of(target))
  end)

  it("has nothing to undo if nothing is installed", function()
    shell.must("make -s -C %s uninstall DESTDIR=%s", sources, target)
    assert.equal(".\n", tree_of(target))
  end)
end)

describe("make", function()
  it("builds in a folder with a space, and env works there", function()
    local sources = shell.copy_of_sources()
    local folder = sources .. "/it's a tree"
    shell.must("cd %s && mkdir %s && mv * %s", sources, shell.quote(folder),
      shell.quote(folder) .. " 2>/dev/null || true")
    shell.must("make -s -j2 -C %s BUILD=build client", shell.quote(folder))
    local env = shell.must("make -s -C %s BUILD=build env", shell.quote(folder))
    local output = shell.must([[
      cd / && unset LUA_PATH_5_4 LUA_CPATH_5_4 LUA_PATH LUA_CPATH
      eval %s
      lua5.4 -e 'print(package.searchpath("workstage", package.path))'
      lua5.4 -e 'print(package.searchpath("workstage.core", package.cpath))'
      command -v workstage]], shell.quote(env))
    shell.remove(sources)
    assert.same({
      folder .. "/build/lua/workstage/init.lua",
      folder .. "/build/lua/workstage/core.so",
      folder .. "/lua-binding/bin/workstage",
    }, shell.lines(output))
  end)

  it("uses the given compiler, archiver and flags", function()
    local directory = shell.temporary()
    shell.must("printf %s > %s/tool && chmod +x %s/tool", [[
'#!/bin/sh\necho "$@" >> "$0.log"\nfor word; do case $word in rcs) out=1 ;;
-o) out=1 ;; *) [ -z "$out" ] || { : > "$word"; exit; } ;; esac; done\n']],
      directory, directory)
    shell.must("make -s all BUILD=%s/b CC='%s/tool cc' AR='%s/tool ar' " ..
      "CPPFLAGS=-DMINE CFLAGS=-g1 LDFLAGS=-Wl,-s", directory, directory,
      directory)
    local compiled, linked, archived = 0, 0, 0
    for line in io.lines(directory .. "/tool.log") do
      if line:find "^ar rcs" then
        archived = archived + 1
      elseif line:find " %-c " then
        compiled = compiled + 1
        assert.truthy(line:find "^cc .*%-DMINE %-g1 ", line)
      else
        linked = linked + 1
        assert.truthy(line:find "^cc %-g1 .*%-Wl,%-s", line)
      end
    end
    shell.remove(directory)
    assert.is_true(compiled > 50)
    assert.same({ 3, 2 }, { linked, archived })
  end)

  -- As on macOS and the BSDs: a folder stands for the prefix of Homebrew.
  it("finds libraries in the usual prefixes without pkg-config", function()
    local directory = shell.temporary()
    shell.must("mkdir -p %s/brew/include %s/brew/lib", directory, directory)
    shell.must("ln -s $(pkg-config --variable=includedir lua5.4)/lua5.4 "
               .. "%s/brew/include/lua5.4", directory)
    local output = shell.must("make -j2 client BUILD=%s/b SYSTEM=FreeBSD V=1 "
      .. "PKG_CONFIG=false PREFIXES=%s/brew CPPFLAGS=-D_XOPEN_SOURCE=700",
      directory, directory)
    assert.truthy(output:find("-L" .. directory .. "/brew/lib -lcurl", 1, true))
    local undefined = shell.must("nm -u %s/b/lua/workstage/core.so", directory)
    assert.truthy(undefined:find "poll@")
    assert.is_nil(undefined:find "epoll")
    shell.remove(directory)
  end)

  it("finds Lua by the names of other systems", function()
    local directory = shell.temporary()
    shell.must("printf %s > %s/pkg-config && chmod +x %s/pkg-config", [[
'#!/bin/sh\nlast=; for last; do :; done\ncase $last in lua5.4) exit 1 ;;
lua-5.4) set -- "$1" lua5.4 ;; esac\nexec pkg-config "$@"\n']],
      directory, directory)
    shell.must("make -s -j2 client BUILD=%s/b PKG_CONFIG=%s/pkg-config",
               directory, directory)
    shell.remove(directory)
  end)

  it("needs no library of the sandbox to build the client", function()
    local directory = shell.temporary()
    shell.must("printf %s > %s/pkg-config && chmod +x %s/pkg-config", [[
'#!/bin/sh\necho "$@" >> "$0.log"\nexec pkg-config "$@"\n']],
      directory, directory)
    shell.must("make -s -j2 client BUILD=%s/b PKG_CONFIG=%s/pkg-config",
               directory, directory)
    local asked = shell.must("cat %s/pkg-config.log", directory)
    shell.remove(directory)
    assert.truthy(asked:find("libcurl", 1, true))
    assert.is_nil(asked:find("microhttpd", 1, true))
    assert.is_nil(asked:find("sqlite", 1, true))
  end)
end)
