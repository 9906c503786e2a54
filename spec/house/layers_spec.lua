-- Layers depend only on lower ones: no Lua in the core, no sandbox in the
-- client, and a module exports only its luaopen function.

local shell = require "house.shell"

local tree = (os.getenv "WORKSTAGE_BUILD" or "build") .. "/lua/workstage/"

local function includes(places)
  local output = shell.run(
    "grep -rnE '^[[:blank:]]*#[[:blank:]]*include' %s", places)
  return shell.lines(output)
end

local function needed(module)
  local names = {}
  for name in shell.must("readelf -d %s", tree .. module)
      :gmatch "%(NEEDED%)[^\n]*%[([^\n]*)%]" do
    names[#names + 1] = name
  end
  assert.is_true(#names > 0)
  return table.concat(names, " ")
end

local function exported(module)
  local names = {}
  for name in shell.must("nm -D --defined-only %s", tree .. module)
      :gmatch "%x+ %a ([^\n]+)" do
    names[#names + 1] = name
  end
  return names
end

-- The sanitizers add symbols of their own.
local function without_marks(names)
  local kept = {}
  for _, name in ipairs(names) do
    if not name:find "^__[atu]b?san" and not name:find "^__odr_asan" then
      kept[#kept + 1] = name
    end
  end
  return kept
end

describe("the core", function()
  it("includes no Lua header in any file under src/", function()
    local lines = includes "src"
    assert.is_true(#lines > 0)
    for _, line in ipairs(lines) do
      assert.is_nil(line:match "include.*[<\"/]l[ua][ua][%w]*%.h", line)
      assert.is_nil(line:match "[<\"/]lualib%.h", line)
      assert.is_nil(line:match "[<\"/]lua%.hpp", line)
    end
  end)

  it("includes nothing of the sandbox, nor of its libraries", function()
    local lines = includes "src/*.h src/[!s]*/ src/schema/"
    assert.is_true(#lines > 0)
    for _, line in ipairs(lines) do
      assert.is_nil(line:match "include.*sandbox", line)
      assert.is_nil(line:match "microhttpd", line)
      assert.is_nil(line:match "sqlite", line)
    end
  end)

  it("depends downwards only: request, limit, schema, json, base", function()
    local allowed = {
      base = "base", json = "json base", schema = "schema json base",
      limit = "limit base", request = "request limit schema json base",
    }
    for folder, below in pairs(allowed) do
      local lines = includes("src/" .. folder)
      assert.is_true(#lines > 0, folder)
      for _, line in ipairs(lines) do
        local target = line:match 'include "([%w_]+)/'
        assert.is_truthy(not target or below:find(target, 1, true), line)
      end
    end
  end)

  -- A file and its header are one unit. A cycle is allowed where the header of
  -- one unit names the other's files, so that readers know.
  it("has no cycle between files that no header documents", function()
    local needs, documented = {}, {}
    for _, line in ipairs(includes "src/*/*.[ch]") do
      local from, target = line:match '^src/([%w_/]+)%.[ch]:.*"([%w_/]+)%.h"'
      if from and not from:find "^sandbox/" then
        needs[from] = needs[from] or {}
        needs[from][target] = from ~= target or nil
      end
    end
    for unit in pairs(needs) do
      local file = io.open("src/" .. unit .. ".h")
      local top = file and file:read "a":match "^/%*.-%*/" or ""
      if file then file:close() end
      for name in top:gmatch "([%w_]+)%.c" do
        documented[unit .. " " .. unit:match "^.*/" .. name] = true
      end
    end
    local function reaches(from, target, seen)
      if seen[from] then return false end
      seen[from] = true
      for next in pairs(needs[from] or {}) do
        local known = documented[from .. " " .. next] or
                     documented[next .. " " .. from]
        if not known and (next == target or reaches(next, target, seen)) then
          return true
        end
      end
      return false
    end
    local count = 0
    for unit in pairs(needs) do
      count = count + 1
      assert.is_false(reaches(unit, unit, {}), unit)
    end
    assert.is_true(count > 30)
  end)

  it("does not mention Lua", function()
    local output = shell.run(
      "grep -rnE '\\b(lua_State|luaL_[a-z]+|lua_[a-z]+)\\b *\\(' src")
    assert.equal("", output)
  end)
end)

describe("the module workstage.core", function()
  it("exports only its luaopen function", function()
    assert.same({ "luaopen_workstage_core" },
                without_marks(exported "core.so"))
  end)

  it("needs libcurl, and no libraries of Lua or the sandbox", function()
    local names = needed "core.so"
    assert.truthy(names:find("libcurl", 1, true))
    assert.is_nil(names:find("liblua", 1, true))
    assert.is_nil(names:find("microhttpd", 1, true))
    assert.is_nil(names:find("sqlite", 1, true))
  end)

  it("stays loaded when a Lua state closes it", function()
    assert.truthy(shell.must("readelf -d %score.so", tree):find "NODELETE")
  end)
end)

describe("the module workstage.sandbox", function()
  it("exports only its luaopen function", function()
    assert.same({ "luaopen_workstage_sandbox" },
                without_marks(exported "sandbox.so"))
  end)

  it("needs no library of Lua", function()
    assert.is_nil(needed "sandbox.so":find("liblua", 1, true))
  end)
end)
