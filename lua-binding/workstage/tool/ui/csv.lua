--- Comma-separated values (RFC 4180).
local csv = {}

-- A spreadsheet runs what begins like a formula.
local function field(value)
  local text = tostring(value == nil and "" or value)
  if type(value) == "string" and text:find "^[=+@\t\r-]" then
    text = "'" .. text
  end
  if not text:find '[,"\r\n]' then return text end
  return '"' .. text:gsub('"', '""') .. '"'
end

--- Writes a row as text, with its line end.
-- @tparam table values array
-- @tparam integer count of columns, as values may be nil
function csv.row(values, count)
  local fields = {}
  for i = 1, count do fields[i] = field(values[i]) end
  return table.concat(fields, ",") .. "\r\n"
end

--- Writes records as text, below a line with the names of their fields.
-- @tparam table names array
-- @tparam table records array of tables
-- @treturn string
function csv.text(names, records)
  local lines = { csv.row(names, #names) }
  for i, record in ipairs(records) do
    local values = {}
    for place, name in ipairs(names) do values[place] = record[name] end
    lines[i + 1] = csv.row(values, #names)
  end
  return table.concat(lines)
end

-- ---------------------------------------------------------------- reading

-- Reads a quoted field that begins at `at`: its text and where it ends; nil
-- when it does not end.
local function read_quoted(text, at)
  local parts = {}
  at = at + 1
  while true do
    local close = text:find('"', at, true)
    if not close then return nil end
    parts[#parts + 1] = text:sub(at, close - 1)
    if text:sub(close + 1, close + 1) ~= '"' then
      return table.concat(parts), close + 1
    end
    parts[#parts + 1] = '"'
    at = close + 2
  end
end

local function trimmed(text)
  return text:match "^%s*(.-)%s*$"
end

-- Reads the field at a place: its text, the place after it, and what follows
-- there: ",", "\n" or "" (the end).
local function read_field(text, at)
  local quote = text:match('^[ \t]*()"', at)
  local value
  if quote then
    value, at = read_quoted(text, quote)
    if not value then return nil, "the quotes are not closed" end
    at = text:match("^[ \t]*()", at)
  else
    local stop = text:find("[,\r\n]", at) or #text + 1
    value, at = trimmed(text:sub(at, stop - 1)), stop
  end
  local follows = text:match("^\r?\n", at) or text:match("^\r", at)
  if follows then return value, at + #follows, "\n" end
  local char = text:sub(at, at)
  if char == "," or char == "" then return value, at + 1, char end
  return nil, ("'%s' after the closing quote"):format(char)
end

local function count_lines(text)
  local _, count = text:gsub("\n", "")
  return count
end

--- Reads all rows of a text. Line ends may be LF, CRLF or CR; a byte order
-- mark at the beginning is skipped; an empty line is a row of one empty
-- field.
-- @tparam string text
-- @treturn[1] table the rows: arrays of texts, each with its `line`
-- @treturn[2] nil
-- @treturn[2] string what is wrong
-- @treturn[2] integer in which line
function csv.read(text)
  text = text:gsub("^\xEF\xBB\xBF", "")
  local rows, row, at, line = {}, { line = 1 }, 1, 1
  while at <= #text do
    local value, after, follows = read_field(text, at)
    if not value then return nil, after, line end
    row[#row + 1] = value
    line = line + count_lines(text:sub(at, after - 1))
    at = after
    if follows ~= "," then
      rows[#rows + 1] = row
      row = { line = line }
    elseif at > #text then
      row[#row + 1] = ""
    end
  end
  if #row > 0 then rows[#rows + 1] = row end
  return rows
end

return csv
