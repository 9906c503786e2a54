--- The colours of stages in a report: what is readable on them.
local colors = {}

-- A channel's share of the light (sRGB, as WCAG 2 defines it).
local function linear(channel)
  local share = channel / 255
  if share <= 0.04045 then return share / 12.92 end
  return ((share + 0.055) / 1.055) ^ 2.4
end

local function luminance(red, green, blue)
  return 0.2126 * linear(red) + 0.7152 * linear(green) +
         0.0722 * linear(blue)
end

local function channels(hex)
  local red, green, blue = hex:match "^#(%x%x)(%x%x)(%x%x)$"
  if not red then
    red, green, blue = hex:match "^#(%x)(%x)(%x)$"
    if not red then return nil end
    red, green, blue = red .. red, green .. green, blue .. blue
  end
  return tonumber(red, 16), tonumber(green, 16), tonumber(blue, 16)
end

local GRAY = "#6b7280"

-- What Kantata calls its colours.
local NAMED = { gray = "#6b7280", light_green = "#86c28b", green = "#2e7d32",
                yellow = "#f2c94c", red = "#c62828", blue = "#1e63c4" }

--- A stage's colour as CSS takes it: any text that is not a colour becomes
-- gray.
-- @tparam[opt] string color
-- @treturn string "#rrggbb" or "#rgb"
function colors.background(color)
  color = NAMED[color] or color
  if type(color) == "string" and channels(color) then return color end
  return GRAY
end

--- Black or white, whichever is easier to read on a colour. The contrast is
-- at least 4.5.
-- @tparam string background "#rrggbb" or "#rgb"
-- @treturn string
function colors.foreground(background)
  local light = luminance(channels(background))
  local on_black, on_white = (light + 0.05) / 0.05, 1.05 / (light + 0.05)
  return on_black > on_white and "#000000" or "#ffffff"
end

return colors
