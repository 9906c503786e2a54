--- Tables for people: columns as wide as their longest cell, narrowed to fit
-- a terminal. Names are shortened, numbers never.
local screen = require "workstage.tool.ui.screen"

local tables = {}

local GAP = 2 -- blanks between columns

-- A column's width: its longest cell or its title.
local function natural_width(column, rows, index)
  local width = screen.columns(column.title)
  for _, row in ipairs(rows) do
    width = math.max(width, screen.columns(row[index]))
  end
  return width
end

local function total(columns)
  local width = 0
  for _, column in ipairs(columns) do
    if not column.is_hidden then width = width + column.width + GAP end
  end
  return width - GAP
end

-- The column with the most cells to give away.
local function widest(columns)
  local found
  for _, column in ipairs(columns) do
    local spare = column.shrink and not column.is_hidden and
                  column.width - column.shrink or 0
    if spare > 0 and (not found or spare > found.width - found.shrink) then
      found = column
    end
  end
  return found
end

-- The column to leave out next where all others are as narrow as they may be.
local function next_hidden(columns)
  local found
  for _, column in ipairs(columns) do
    if column.drop and not column.is_hidden and
       (not found or column.drop < found.drop) then
      found = column
    end
  end
  return found
end

local function fit(columns, width)
  while total(columns) > width do
    local column = widest(columns)
    if column then column.width = column.width - 1
    else
      column = next_hidden(columns)
      if not column then return end
      column.is_hidden = true
      for _, each in ipairs(columns) do each.width = each.natural end
    end
  end
end

local function line_of(columns, cells, paint, color)
  local parts = {}
  for i, column in ipairs(columns) do
    if not column.is_hidden then
      local text = screen.cut(cells[i], column.width)
      parts[#parts + 1] = screen.pad(text, column.width, column.is_right)
    end
  end
  local line = table.concat(parts, (" "):rep(GAP)):gsub("%s+$", "")
  return paint(color, line)
end

--- Lays a table out.
-- @tparam table columns each with `title`; `is_right` for numbers; `shrink`,
--   the fewest cells that the column may be narrowed to; `drop`, a number: of
--   the columns with one, the lowest is left out first when there is no room
-- @tparam table rows arrays of texts, one for each column; a row may have
--   `color`
-- @tparam ?integer width columns of the terminal; nil: no limit
-- @tparam[opt] function paint see `screen.painter`
-- @treturn table the lines, with the titles first
function tables.lines(columns, rows, width, paint)
  local laid = {}
  paint = paint or function(_, text) return text end
  for i, column in ipairs(columns) do
    local natural = natural_width(column, rows, i)
    laid[i] = setmetatable({ width = natural, natural = natural },
                           { __index = column })
  end
  if width then fit(laid, width) end
  local titles, lines = {}, {}
  for i, column in ipairs(columns) do titles[i] = column.title end
  lines[1] = line_of(laid, titles, paint, "bold")
  for _, row in ipairs(rows) do
    lines[#lines + 1] = line_of(laid, row, paint, row.color)
  end
  return lines
end

--- Prints a table to the standard output.
-- @tparam table columns see `lines`
-- @tparam table rows
-- @tparam[opt] string indent before each line
function tables.print(columns, rows, indent)
  indent = indent or ""
  local width = screen.width(screen.OUT)
  for _, line in ipairs(tables.lines(columns, rows,
                                     width and width - #indent,
                                     screen.painter(screen.OUT))) do
    screen.put(indent .. line)
  end
end

return tables
