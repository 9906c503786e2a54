--- Stage colours, normalized: people write them in several forms.
local colors = {}

--- True if a text is a hex colour: "#fff" or "#4a90e2".
function colors.is_hex(color)
  return color:find "^#%x%x%x$" ~= nil or
         color:find "^#%x%x%x%x%x%x$" ~= nil
end

--- The canonical form of a colour: "#Fa5" and "#ffaa55" give "#ffaa55".
-- @tparam string color
-- @treturn string
function colors.key(color)
  local low = color:gsub("[A-Z]", string.lower)
  if low:find "^#%x%x%x$" then return (low:gsub("%x", "%0%0")) end
  return low
end

-- ------------------------------------------------------------- pictures

local NO_COLOR = "#e8e8e8"

-- Kantata names its colours.
local NAMED = {
  gray = "#c8ccd0", light_green = "#b7e4a8", green = "#5cb85c",
  yellow = "#f4d03f", red = "#e0604c", blue = "#4a90e2",
}

--- A colour for pictures and pages, valid for any input.
-- @tparam ?string color a hex colour or one of Kantata's names
-- @treturn string "#rrggbb"; light grey for what is not a colour
function colors.drawn(color)
  if NAMED[color] then return NAMED[color] end
  local digits = type(color) == "string" and color:match "^%s*#(%x+)%s*$"
  if not digits then return NO_COLOR end
  if #digits == 3 or #digits == 4 then
    return "#" .. digits:sub(1, 3):gsub("%x", "%0%0")
  elseif #digits == 6 or #digits == 8 then
    return "#" .. digits:sub(1, 6)
  end
  return NO_COLOR
end

-- The relative luminance of one channel, as defined by WCAG 2.
local function light(channel)
  local value = tonumber(channel, 16) / 255
  return value <= 0.03928 and value / 12.92 or
         ((value + 0.055) / 1.055) ^ 2.4
end

--- Black or white, whichever has more contrast with a colour: at least 4.5:1.
-- @tparam string color "#rrggbb"
-- @treturn string
function colors.text_on(color)
  local red, green, blue = color:match "^#(..)(..)(..)$"
  local luminance = 0.2126 * light(red) + 0.7152 * light(green) +
                    0.0722 * light(blue)
  return luminance > 0.179 and "#000000" or "#ffffff"
end

return colors
