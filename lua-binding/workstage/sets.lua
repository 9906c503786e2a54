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

--- Returns a list as a set: value -> true.
-- @tparam ?table list
function sets.of(list)
  local set = {}
  for _, item in ipairs(list or {}) do set[item] = true end
  return set
end

--- Returns the items of a list for which `keep(item)` is true.
-- @tparam ?table list
-- @tparam function keep
function sets.filter(list, keep)
  local kept = {}
  for _, item in ipairs(list or {}) do
    if keep(item) then kept[#kept + 1] = item end
  end
  return kept
end

return sets
