-- Responses: read without a schema, compared with lua-cjson, and by each
-- schema.
local cjson = require "cjson".new()
local core = require "workstage.core"

cjson.decode_invalid_numbers(false)

local schemas, with_id = {}, {}
for i, schema in ipairs(core.schemas()) do
  schemas[i] = core.schema(schema.name)
  for _, field in ipairs(schema.fields) do
    if field.name == "id" and field.type == "id" then
      with_id[schemas[i]] = true
    end
  end
end
assert(#schemas > 10)

local LARGEST = (1 << 53) - 1

-- Checks that integral numbers are integers.
local function check(value, depth)
  if type(value) ~= "table" then return end
  assert(depth < 2000)
  for _, item in pairs(value) do
    if math.type(item) == "float" and item == math.floor(item) then
      assert(math.abs(item) > LARGEST, "an integral float")
    end
    check(item, depth + 1)
  end
end

-- True if both parsers return the same value; lua-cjson reads integers as
-- floats, and keeps null in objects.
local function same(ours, theirs)
  if type(theirs) == "number" then
    return type(ours) == "number" and ours + 0.0 == theirs
  elseif type(theirs) ~= "table" then
    return ours == theirs
  elseif type(ours) ~= "table" then
    return false
  end
  for name, item in pairs(theirs) do
    local is_gone = item == cjson.null and type(name) == "string"
    if not is_gone and not same(ours[name], item) then return false end
  end
  for name in pairs(ours) do
    if theirs[name] == nil then return false end
  end
  return true
end

-- Texts that lua-cjson accepts and RFC 8259 does not: invalid UTF-8, control
-- characters, and numbers such as 01, 1. and 1e999.
local function is_lenient(bytes)
  return not utf8.len(bytes) or bytes:find "[\0-\8\11\12\14-\31]" or
         bytes:find "[\n\r\t]" or bytes:find "[.eE]" or
         bytes:find "%f[%d]0%d"
end

local function compare(bytes)
  local ours, why, is_json = core.decode(bytes)
  local good, theirs = pcall(cjson.decode, bytes)
  if ours == nil then
    assert(#why > 5 and not is_json)
    assert(not good or is_lenient(bytes), why)
  else
    assert(good and same(ours, theirs), tostring(theirs))
    check(ours, 0)
  end
  return ours ~= nil
end

return function(bytes)
  local is_good = compare(bytes)
  for _, schema in ipairs(schemas) do
    local value, why, is_json = core.decode(bytes, schema)
    if value == nil then
      assert(#why > 5 and is_json == is_good)
    else
      check(value, 0)
      local id = with_id[schema] and value.id or 1
      assert(math.type(id) == "integer" and id >= 1 and id <= LARGEST)
    end
  end
end
