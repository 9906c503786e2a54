-- Bytecode beside core.so is used only by the Lua that wrote it, and for the
-- text that it was compiled from.

local shell = require "house.shell"

local BUILD = os.getenv "WORKSTAGE_BUILD" or "build"

-- Loads workstage.sets, and prints where it came from: the bytecode or the
-- text; then what `body` prints.
local function report(body)
  return [[
    require "workstage"
    local core = require "workstage.core"
    local load_bytecode, from = core.load_bytecode, "text"
    function core.load_bytecode(...)
      local chunk = load_bytecode(...)
      if chunk then from = "bytecode" end
      return chunk
    end
    local sets = require "workstage.sets"
    print(from)
  ]] .. (body or "")
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, content)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
end

-- The environment for a tree whose text and core.so are in one folder. Under a
-- sanitizer, `lua5.4` is the one that can load the core.
local function environment(tree)
  return ("env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 " ..
    "LUA_PATH='%s/?.lua;%s/?/init.lua;;' LUA_CPATH='%s/?.so;;'")
    :format(tree, tree, tree)
end

local function run_lua(tree, script)
  return shell.run("%s lua5.4 -e %s", environment(tree), shell.quote(script))
end

describe("precompiled modules", function()
  local tree, text, bytecode

  local function precompile()
    shell.must("%s lua5.4 script/precompile %s %s " ..
      "$(find lua-binding/workstage/* -name '*.lua')",
      environment(tree), tree, tree)
  end

  before_each(function()
    tree = shell.temporary()
    shell.must("cp -RL %s/lua/workstage %s", BUILD, tree)
    shell.must("find %s -name '*.luac' -exec rm -f {} +", tree)
    text = tree .. "/workstage/sets.lua"
    bytecode = tree .. "/workstage/sets.luac"
    precompile()
  end)

  after_each(function() shell.remove(tree) end)

  local function run(script)
    local output, code = run_lua(tree, script)
    assert.equal(0, code, output)
    return output
  end

  it("are loaded from bytecode", function()
    assert.equal("bytecode\n", run(report()))
    shell.must("rm %s", bytecode)
    assert.equal("text\n", run(report()))
  end)

  it("are those of the text as soon as it is edited", function()
    local before = read(text)
    local edited = before:gsub("return sets%s*$", "sets.new=1 return sets")
    write(text, edited)
    assert.equal("text\n1\n", run(report "print(sets.new)"))
    write(text, (before:gsub("%-%-", "~~", 1)))
    local output, code = run_lua(tree, report())
    assert.equal(1, code)
    assert.truthy(output:find(text .. ":1: ", 1, true), output)
    write(text, before)
    assert.equal("bytecode\n", run(report()))
  end)

  it("are those of the text if the bytecode is torn or damaged", function()
    local whole = read(bytecode)
    for _, size in ipairs { 0, 1, 7, 8, 9, 40, #whole // 2, #whole - 1 } do
      write(bytecode, whole:sub(1, size))
      assert.equal("text\n", run(report()), size)
    end
    for _, place in ipairs { 1, 8, 9, 12, #whole // 2, #whole } do
      local other = string.char(whole:byte(place) ~ 1)
      write(bytecode, whole:sub(1, place - 1) .. other .. whole:sub(place + 1))
      assert.equal("text\n", run(report()), place)
    end
    write(bytecode, whole .. "\0")
    assert.equal("text\n", run(report()))
  end)

  it("are those of the text if another Lua wrote the bytecode", function()
    run(([[
      local core = require "workstage.core"
      local path, file = %q, %q
      local function read(name) return io.open(name, "rb"):read "a" end
      local code = read(file):sub(9)
      local seal = core.bytecode_seal("another Lua", path, read(path), code)
      io.open(file, "wb"):write(seal, code):close()
    ]]):format(text, bytecode))
    assert.equal("text\n", run(report()))
  end)

  it("are those of the text in another folder", function()
    shell.must("mkdir %s/b && mv %s/workstage %s/b/workstage", tree, tree, tree)
    local output = run_lua(tree .. "/b", report(
      "print(debug.getinfo(sets.of, 'S').source)"))
    assert.equal(("text\n@%s/b/workstage/sets.lua\n"):format(tree), output)
  end)

  it("are those of a program that supplies its own", function()
    assert.equal("text\nown\n", run(
      "package.preload['workstage.sets'] = function() return 'own' end " ..
      report "print(sets)"))
  end)

  it("know the same files and lines as the text", function()
    local lines = [[
      local names = {}
      for name in pairs(sets) do names[#names + 1] = name end
      table.sort(names)
      for _, name in ipairs(names) do
        local info = debug.getinfo(sets[name], "SL")
        local active = {}
        for line in pairs(info.activelines) do active[#active + 1] = line end
        table.sort(active)
        print(name, info.source, table.concat(active, " "))
      end
      print(select(2, pcall(sets.filter, { 1 })))
    ]]
    local compiled = run(report(lines))
    assert.truthy(compiled:find("\n" .. text .. ":%d+: attempt"), compiled)
    shell.must("rm %s", bytecode)
    assert.equal(compiled:gsub("^bytecode", "text"), (run(report(lines))))
  end)
end)
