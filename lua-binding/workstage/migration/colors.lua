--- Colours of stages, which people write in several forms.
local colors = {}

--- Whether a text is a hex colour: "#fff" or "#4a90e2".
function colors.is_hex(color)
  return color:find "^#%x%x%x$" ~= nil or
         color:find "^#%x%x%x%x%x%x$" ~= nil
end

--- A text that is the same for all forms of a colour: "#Fa5" and "#ffaa55"
-- give "#ffaa55".
-- @tparam string color
-- @treturn string
function colors.key(color)
  local low = color:gsub("[A-Z]", string.lower)
  if low:find "^#%x%x%x$" then return (low:gsub("%x", "%0%0")) end
  return low
end

return colors
