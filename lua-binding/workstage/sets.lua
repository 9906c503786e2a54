--- Lists whose order means nothing.
local sets = {}

--- Whether two lists hold the same, in whatever order; what one of them holds
-- twice the other has to hold twice.
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

return sets
