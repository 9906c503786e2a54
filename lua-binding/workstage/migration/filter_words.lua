--- The filter of a move as text: `starts_with: legal/, with_tag: a, b`.
local filter = {}

local function value_text(value)
  if type(value) ~= "table" then return tostring(value) end
  if #value > 0 then
    local parts = {}
    for i, each in ipairs(value) do parts[i] = tostring(each) end
    return table.concat(parts, ", ")
  end
  return "(" .. filter.text(value) .. ")"
end

--- @tparam ?table where a move's filter
-- @treturn ?string nil where there is none
function filter.text(where)
  if not where or next(where) == nil then return nil end
  local names, parts = {}, {}
  for name in pairs(where) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = ("%s: %s"):format(name, value_text(where[name]))
  end
  return table.concat(parts, ", ")
end

return filter
