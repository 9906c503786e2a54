--- Kantata's statuses as they are named on a command line.
local known = require "workstage.statuses"
local near_name = require "workstage.near_name"
local numbers = require "workstage.tool.numbers"
local visible = require "workstage.visible"

local statuses = {}

local function no_status(text)
  local messages = {}
  for i, each in ipairs(known) do messages[i] = each.message end
  local hint = near_name(text, messages)
  return ("There is no status %s.%s"):format(
    visible.quoted(text), hint ~= "" and hint or
    " To list all, run: workstage stages --service kantata")
end

--- Finds a status by its key or its message.
-- @tparam string text
-- @treturn[1] table `key`, `message`, `color`
-- @treturn[2] nil
-- @treturn[2] string why there is none
function statuses.find(text)
  local key = numbers.id(text)
  local found, keys = {}, {}
  for _, each in ipairs(known) do
    if each.key == key or each.message == text then
      found[#found + 1] = each
      keys[#keys + 1] = ("%d (%s)"):format(each.key, each.color)
    end
  end
  if #found == 1 then return found[1] end
  if #found == 0 then return nil, no_status(text) end
  return nil, ("Several statuses are named %s. Use the key of one: %s"):format(
    visible.quoted(text), table.concat(keys, ", "))
end

return statuses
