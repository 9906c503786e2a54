--- Drawings as SVG: text, lines, bars, dots, and the scales of axes.
local svg = {}

local Drawing = {}
Drawing.__index = Drawing

svg.colors = { ink = "#24292f", faint = "#6e7781", grid = "#d8dee4",
               ours = "#0b6bcb", other = "#8c959f", third = "#bc4c00" }

local HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="%d" ' ..
  'height="%d" viewBox="0 0 %d %d" font-family="Helvetica, Arial, ' ..
  'sans-serif" font-size="13">\n<title>%s</title>\n' ..
  '<rect width="100%%" height="100%%" rx="6" fill="#ffffff"/>\n'

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;",
                               [">"] = "&gt;" }))
end

--- A drawing of a size, with a title at its top.
function svg.new(width, height, title)
  local self = setmetatable({ parts = {} }, Drawing)
  self:add(HEAD, width, height, width, height, escape(title))
  self:text(20, 30, title, { size = 16, weight = "bold" })
  return self
end

function Drawing:add(form, ...)
  self.parts[#self.parts + 1] = form:format(...)
end

--- Text whose baseline begins at x, y; `anchor` is start, middle or end.
function Drawing:text(x, y, text, style)
  style = style or {}
  self:add('<text x="%.1f" y="%.1f" fill="%s" font-size="%d" ' ..
           'font-weight="%s" text-anchor="%s">%s</text>\n',
           x, y, style.color or svg.colors.ink, style.size or 13,
           style.weight or "normal", style.anchor or "start", escape(text))
end

function Drawing:line(x1, y1, x2, y2, color, width)
  self:add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" ' ..
           'stroke-width="%.1f"/>\n', x1, y1, x2, y2, color, width or 1)
end

function Drawing:bar(x, y, width, height, color)
  self:add('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" ' ..
           'fill="%s" rx="2"/>\n', x, y, math.max(width, 1), height, color)
end

--- A dot, or with `hollow` a ring.
function Drawing:dot(x, y, color, hollow)
  self:add('<circle cx="%.1f" cy="%.1f" r="5" fill="%s" stroke="%s" ' ..
           'stroke-width="2"/>\n', x, y, hollow and "#ffffff" or color, color)
end

--- A curve through points { {x, y}, ... }.
function Drawing:curve(points, color)
  local places = {}
  for i, point in ipairs(points) do
    places[i] = ("%.1f,%.1f"):format(point[1], point[2])
  end
  self:add('<polyline points="%s" fill="none" stroke="%s" ' ..
           'stroke-width="2"/>\n', table.concat(places, " "), color)
end

function Drawing:save(path)
  local file = assert(io.open(path, "w"))
  assert(file:write(table.concat(self.parts), "</svg>\n"))
  assert(file:close())
end

-- ----------------------------------------------------------------- scales

--- A linear scale from values to positions.
function svg.linear(low, high, from, to)
  return function(value)
    return from + (value - low) / (high - low) * (to - from)
  end
end

--- A logarithmic scale from values to positions.
function svg.logarithmic(low, high, from, to)
  local place = svg.linear(math.log(low), math.log(high), from, to)
  return function(value) return place(math.log(value)) end
end

--- Round numbers from 0 that reach a value, about five.
function svg.ticks(most)
  local step = 10 ^ math.floor(math.log(most / 4, 10))
  for _, factor in ipairs { 1, 2, 5, 10 } do
    if most / (step * factor) <= 5 then step = step * factor break end
  end
  local ticks = {}
  for value = 0, most + step * 0.999, step do ticks[#ticks + 1] = value end
  return ticks
end

--- Formats a number with three significant digits.
function svg.number(value)
  if value >= 100 then return ("%.0f"):format(value) end
  return (value >= 10 and "%.1f" or "%.2f"):format(value)
end

return svg
