--- Lists without a meaningful order.
local sets = {}

--- True if two lists hold the same values, in any order and each as many times.
-- @tparam table a
-- @tparam table b
-- @treturn boolean
function sets.equal(a, b)
  if #a ~= #b then return false end
  local left = {}
  for _, item in ipairs(a) do left[item] = (left[item] or 0) + 1 end
  for _, item in ipairs(b) do
    local count = left[item] or 0
    if count == 0 then return false end
    left[item] = count - 1
  end
  return true
end

--- True if a list holds a value.
-- @tparam table list
-- @param value
-- @treturn boolean
function sets.has(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

return sets
