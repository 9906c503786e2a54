-- Blueprints: the same data that Lua parses, or an error of one sentence; a
-- valid blueprint is the same after writing and reading.
local blueprint = require "workstage.migration.blueprint"
local parse = require "workstage.migration.blueprint.parse"
local same = require("common").same

-- Parses a text with Lua itself.
local function by_lua(bytes)
  local text = bytes:gsub("^\xEF\xBB\xBF", "")
  local chunk = load(text, "=x", "t", {}) or
                load("return " .. text, "=x", "t", {})
  return chunk and chunk()
end

return function(bytes)
  local value, err = parse.text(bytes, "fuzz.lua")
  if value == nil then
    assert(err.kind == "invalid" and not tostring(err):find "\n")
    return
  end
  if not bytes:find '^%s*{%s*"[^"\n]*"%s*:' then
    assert(same(value, by_lua(bytes)), "not what Lua reads")
  end
  local normal, why = blueprint.normalize(value)
  if not normal then
    assert(why.kind == "invalid" and not tostring(why):find "\n")
    return
  end
  local text = assert(blueprint.text(value))
  assert(same(assert(blueprint.parse(text, "again.lua")), normal), text)
end
