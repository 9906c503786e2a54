--- Readers of the values that a blueprint holds. Each takes a place and
-- returns its value in the one form, or raises the place's error.
local options = require "workstage.options"
local time = require "workstage.time"

local fields = {}

local MAX_DEPTH = 64

--- Some text in UTF-8.
function fields.text(at)
  if type(at.value) ~= "string" then at:expect "a string" end
  if at.value == "" then at:fail "is empty" end
  if not utf8.len(at.value) then at:fail "is not valid UTF-8" end
  if at.value:find("\0", 1, true) then at:fail "holds a NUL byte" end
  return at.value
end

--- True or false.
function fields.flag(at)
  if type(at.value) ~= "boolean" then at:expect "true or false" end
  return at.value
end

--- An id: an integer.
function fields.id(at)
  local id, why = options.id(at.value)
  if not id then at:fail(why) end
  return id
end

--- A time as the services write it.
function fields.time(at)
  if not time.parse(at.value) then
    at:expect "a time such as 2026-12-01T10:00:00.000Z"
  end
  return at.value
end

--- The length of a place's array, without holes and names.
function fields.length(at, what)
  if type(at.value) ~= "table" then at:expect(what) end
  local count = #at.value
  for _, key in ipairs(at:keys()) do
    if math.type(key) ~= "integer" or key < 1 or key > count then
      at:at(key):fail(("has no place here: expected %s"):format(what))
    end
  end
  return count
end

--- An array with each item read by `read`.
function fields.array(at, what, read)
  local items = {}
  for i = 1, fields.length(at, what) do items[i] = read(at:at(i)) end
  return items
end

--- A list of names; one name is a list of one, and one that comes again
-- counts once.
function fields.names(at)
  if type(at.value) == "string" then return { fields.text(at) } end
  local names, seen = {}, {}
  for i = 1, fields.length(at, "a list of names") do
    local name = fields.text(at:at(i))
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  return names
end

--- A copy of plain data: strings, numbers, booleans and tables of them.
function fields.data(at, depth)
  local value = at.value
  depth = depth or 1
  if type(value) == "string" then
    return value ~= "" and fields.text(at) or value
  elseif type(value) == "number" then
    if value ~= value or value == math.huge or value == -math.huge then
      at:expect "a number that is one"
    end
    return math.tointeger(value) or value
  elseif type(value) ~= "table" then
    return fields.flag(at)
  elseif depth > MAX_DEPTH then
    at:fail(("is nested deeper than %d levels"):format(MAX_DEPTH))
  end
  local copy = {}
  for _, key in ipairs(at:keys()) do
    if type(key) ~= "string" and math.type(key) ~= "integer" then
      at:fail "has a key that is neither a string nor an integer"
    end
    copy[key] = fields.data(at:at(key), depth + 1)
  end
  return copy
end

--- Reads a table by the list of its attributes: `{ name, read, required }`.
-- @tparam table at the place
-- @tparam string what it is, for errors: "a stage"
-- @tparam table list
-- @tparam[opt] table hints attribute -> what to say of one that is none
function fields.record(at, what, list, hints)
  if type(at.value) ~= "table" then at:expect(what) end
  local known, names, result = {}, {}, {}
  for i, field in ipairs(list) do
    known[field[1]], names[i] = true, field[1]
  end
  for _, key in ipairs(at:keys()) do
    if not known[key] then at:unknown(key, "attribute", names, hints) end
  end
  for _, field in ipairs(list) do
    local name, read, required = table.unpack(field)
    if at.value[name] ~= nil then result[name] = read(at:at(name))
    elseif required then at:at(name):fail "is missing" end
  end
  return result
end

return fields
