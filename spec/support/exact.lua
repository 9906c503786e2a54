-- Reads JSON without changing a value: numbers keep their digits, null and
-- missing members differ, [] and {} differ, and duplicate names are an error.
local exact = {}

local read

local function skip(text, at)
  return text:match("^[ \t\r\n]*()", at)
end

local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function read_string(text, at)
  local parts = {}
  local from = at + 1
  while true do
    local stop = assert(text:find('["\\]', from), "a string without end")
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:byte(stop) == 34 then return table.concat(parts), stop + 1 end
    local mark = text:sub(stop + 1, stop + 1)
    from = stop + 2
    if mark == "u" then
      parts[#parts + 1] = utf8.char(tonumber(text:sub(from, from + 3), 16))
      from = from + 4
    else
      parts[#parts + 1] = escapes[mark] or mark
    end
  end
end

local function read_array(text, at)
  local list = { kind = "array" }
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    list[#list + 1], at = read(text, at)
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == "]" then return list, at + 1 end
    assert(mark == ",", "a comma is missing at " .. at)
    at = at + 1
  end
end

local function read_object(text, at)
  local object = { kind = "object" }
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    local name
    at = skip(text, at)
    assert(text:sub(at, at) == '"', "a name is missing at " .. at)
    name, at = read_string(text, at)
    name = "." .. name
    at = skip(text, at)
    assert(text:sub(at, at) == ":", "a colon is missing at " .. at)
    assert(object[name] == nil, "twice: " .. name)
    object[name], at = read(text, at + 1)
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == "}" then return object, at + 1 end
    assert(mark == ",", "a comma is missing at " .. at)
    at = at + 1
  end
end

function read(text, at)
  at = skip(text, at)
  local mark = text:sub(at, at)
  if mark == "{" then return read_object(text, at) end
  if mark == "[" then return read_array(text, at) end
  if mark == '"' then
    local value
    value, at = read_string(text, at)
    return "text " .. value, at
  end
  local word, after = text:match("^([%w%.+-]+)()", at)
  assert(word, "no value at " .. at)
  return word, after
end

--- The value of a JSON text: texts as "text ...", numbers and words unchanged,
-- arrays and objects as tables with `kind` (names with a leading dot).
function exact.parse(text)
  local value, at = read(text, 1)
  assert(skip(text, at) > #text, "more after the end")
  return value
end

--- The same form of a Lua value. Tables with names are objects, all others
-- arrays.
function exact.of(value)
  if type(value) == "table" then
    local is_object = type(next(value)) == "string"
    local copy = { kind = is_object and "object" or "array" }
    for name, item in pairs(value) do
      copy[is_object and "." .. name or name] = exact.of(item)
    end
    return copy
  end
  if type(value) == "string" then return "text " .. value end
  if type(value) == "userdata" then return "null" end
  return tostring(value)
end

return exact
