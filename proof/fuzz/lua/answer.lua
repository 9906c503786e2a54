-- Answers: parsed, and coerced by each schema.
local core = require "workstage.core"
local transport = require "workstage.transport"

local schemas = {}
for i, schema in ipairs(core.schemas()) do
  schemas[i] = core.schema(schema.name)
end
assert(#schemas > 10)

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

return function(bytes)
  for i = 0, #schemas do
    local value, why = transport.parse(bytes)
    if value == nil then
      assert(type(why) == "string")
      return
    end
    if type(value) == "table" then
      local coerced, fault = core.coerce(value, schemas[i], "x")
      if coerced == nil then assert(#fault > 5)
      else judge(coerced, 0) end
    end
  end
end
