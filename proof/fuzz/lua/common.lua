-- Common functions of the targets.
local common = {}

--- True if two values are equal; compares the content of tables.
function common.same(one, two)
  if type(one) ~= "table" or type(two) ~= "table" then return one == two end
  for name, item in pairs(one) do
    if not common.same(item, two[name]) then return false end
  end
  for name in pairs(two) do
    if one[name] == nil then return false end
  end
  return true
end

--- A table from bytes, in a notation of its own: what JSON can hold.
function common.grow(bytes)
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
      local size = next_byte() % 70
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

return common
