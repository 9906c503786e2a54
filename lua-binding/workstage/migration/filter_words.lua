--- The filter of a move as text: `starts_with: legal/, with_tag: a, b`.
local filter = {}

local MOST = 5 -- values of a list that are named; a file can have thousands

-- Strings may be lists as well: "1,2,3".
local function list_of(value)
  if type(value) == "table" then return value end
  local list = {}
  for each in tostring(value):gmatch "[^,]+" do list[#list + 1] = each end
  return list
end

local function value_text(value)
  if type(value) == "table" and #value == 0 then
    return "(" .. (filter.text(value) or "") .. ")"
  end
  local list, parts = list_of(value), {}
  if type(value) ~= "table" and #list <= MOST then return tostring(value) end
  for i = 1, math.min(#list, MOST) do parts[i] = tostring(list[i]) end
  local text = table.concat(parts, ", ")
  if #list <= MOST then return text end
  return ("%s and %d more"):format(text, #list - MOST)
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
