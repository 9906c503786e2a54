--- Suggests the name that was probably meant.
local core = require "workstage.core"
local quoted = require "workstage.visible".quoted

--- ` Did you mean "Review"?`, or an empty string if no name is similar.
-- @tparam string name
-- @tparam table list array of names, or of tables with a `name`
-- @treturn string
return function(name, list)
  local names = {}
  for i, item in ipairs(list) do
    names[i] = type(item) == "table" and item.name or item
  end
  local near = core.nearest(names, name)
  if not near or near == name then return "" end
  return (" Did you mean %s?"):format(quoted(near))
end
