--- Kantata's statuses as they are named on a command line.
local known = require "workstage.statuses"

local statuses = {}

--- Finds a status by its key or its message.
-- @tparam string text
-- @treturn[1] table `key`, `message`, `color`
-- @treturn[2] nil
-- @treturn[2] string why there is none
function statuses.find(text)
  local key = text:find "^%d+$" and math.tointeger(tonumber(text))
  local found, keys = {}, {}
  for _, each in ipairs(known) do
    if each.key == key or each.message == text then
      found[#found + 1] = each
      keys[#keys + 1] = ("%d (%s)"):format(each.key, each.color)
    end
  end
  if #found == 1 then return found[1] end
  if #found == 0 then
    return nil, ("There is no status '%s'. To list all, run: workstage " ..
                 "stages --service kantata"):format(text)
  end
  return nil, ("Several statuses are named '%s'. Use the key of one: %s")
              :format(text, table.concat(keys, ", "))
end

return statuses
