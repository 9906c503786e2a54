--- Suggests the name that was probably meant.
local core = require "workstage.core"
local quoted = require "workstage.visible".quoted

--- ` Did you mean "Review"?`, or an empty string if no name is similar.
-- @tparam string name
-- @tparam table list array of names, or of tables with a `name`
-- @tparam[opt] boolean lists true to list all names if none is similar:
--   ` There are: "Drafting", "Review".`
-- @treturn string
return function(name, list, lists)
  local names, shown = {}, {}
  for i, item in ipairs(list) do
    names[i] = type(item) == "table" and item.name or item
    shown[i] = quoted(names[i])
  end
  local near = core.nearest(names, name)
  if near and near ~= name then
    return (" Did you mean %s?"):format(quoted(near))
  elseif not lists then
    return ""
  end
  return (" There are: %s."):format(#shown > 0 and
                                    table.concat(shown, ", ") or "none")
end
