-- What proof/fuzz/lua.c feeds: each function gets bytes and raises when what
-- came of them cannot be.
local cjson = require "cjson".new()
local core = require "workstage.core"
local literal = require "workstage.migration.literal"
local transport = require "workstage.transport"

local targets = {}

local schemas = {
  "storyblok.workflow_stage", "storyblok.workflow", "storyblok.story",
  "storyblok.workflow_stage_change", "storyblok.user", "kantata.workspace",
  "kantata.workspace_status_change",
}
for i = #schemas, 1, -1 do
  local found, schema = pcall(core.schema, schemas[i])
  if found and schema then schemas[i] = schema
  else table.remove(schemas, i) end
end
assert(#schemas > 3)

local LARGEST = (1 << 53) - 1

-- No id is a wrong number, and no integral number is left a float.
local function judge(value, depth)
  if type(value) ~= "table" then return end
  assert(depth < 2000)
  for name, item in pairs(value) do
    if math.type(item) == "float" and item == math.floor(item) then
      assert(math.abs(item) > LARGEST, "an integral float")
    elseif name == "id" and math.type(item) == "integer" then
      assert(math.abs(item) <= LARGEST, "an id out of range")
    end
    judge(item, depth + 1)
  end
end

--- Answers: parsed, and shaped by each schema.
function targets.answer(bytes)
  for i = 0, #schemas do
    local value, why = transport.parse(bytes)
    if value == nil then
      assert(type(why) == "string")
      return
    end
    if type(value) == "table" then
      local shaped, fault = core.shape(value, schemas[i], "x")
      if shaped == nil then assert(#fault > 5)
      else judge(shaped, 0) end
    end
  end
end

--- Blueprints: data, or an error of one sentence.
function targets.literal(bytes)
  local value, err = literal.parse(bytes, "fuzz.lua")
  if value == nil then
    assert(err.kind == "invalid" and not tostring(err):find "\n")
    return
  end
  -- Lua agrees that it is such a text
  if not bytes:find '^%s*{%s*"[^"\n]*"%s*:' then
    assert(load(bytes:gsub("^\xEF\xBB\xBF", ""), "=x", "t", {}) or
           load("return " .. bytes:gsub("^\xEF\xBB\xBF", ""), "=x", "t", {}))
  end
end

-- A table from bytes, in a notation of its own: what JSON can hold.
local function grow(bytes)
  local at = 0
  local function next_byte()
    at = at + 1
    return bytes:byte(at) or 0
  end
  local function value(depth)
    local kind = next_byte() % 8
    if depth > 6 and kind > 4 then kind = 0 end
    if kind == 0 then return next_byte() % 2 == 0 end
    if kind == 1 then return next_byte() - 128 end
    if kind == 2 then return (next_byte() << 30) + next_byte() end
    if kind == 3 then return (next_byte() - 128) / 8 end
    if kind == 4 then
      local size = next_byte() % 12
      at = at + size
      return bytes:sub(at - size + 1, at)
    end
    local made = {}
    for i = 1, next_byte() % 5 do
      if kind < 7 then made[i] = value(depth + 1)
      else made["k" .. next_byte() % 16] = value(depth + 1) end
    end
    return made
  end
  return value, next_byte
end

local function same(one, two)
  if type(one) ~= "table" or type(two) ~= "table" then return one == two end
  for name, item in pairs(one) do
    if not same(item, two[name]) then return false end
  end
  for name in pairs(two) do
    if one[name] == nil then return false end
  end
  return true
end

--- The writer of bodies: lua-cjson reads what it writes as what went in.
function targets.writer(bytes)
  local value = grow(bytes)
  local given = { a = value(0), b = value(0) }
  local text, why = core.any(false, given)
  if not text then
    assert(type(why) == "string" and #why > 5)
    return
  end
  assert(utf8.len(text) and not text:find "[\0-\31]")
  assert(same(given, cjson.decode(text)), text)
end

--- Queries: nothing in them but what a URL may hold.
function targets.query(bytes)
  local value = grow(bytes)
  local text, why = core.query(nil, false, false, { a = value(0),
                                                    ["b c"] = value(0) })
  if not text then
    assert(type(why) == "string" and #why > 5)
    return
  end
  assert(not text:find "[^%w%-._~%%=&%[%],]", text)
  assert(not text:gsub("%%%x%x", ""):find "%%", text)
end

return targets
