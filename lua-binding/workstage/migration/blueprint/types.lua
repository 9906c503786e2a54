--- Readers of the values that a blueprint holds. Each takes a location and
-- returns its value in normal form, or raises the location's error.
local options = require "workstage.options"
local source_location = require "workstage.migration.blueprint.source_location"
local time = require "workstage.time"

local types = {}

local MAX_DEPTH = 64

--- Non-empty text in UTF-8.
function types.text(at)
  if type(at.value) ~= "string" then at:expect "a string" end
  if at.value == "" then at:fail "is empty" end
  if not utf8.len(at.value) then at:fail "is not valid UTF-8" end
  if at.value:find("\0", 1, true) then at:fail "contains a NUL byte" end
  return at.value
end

--- True or false.
function types.flag(at)
  if type(at.value) ~= "boolean" then at:expect "true or false" end
  return at.value
end

--- True; false becomes nil.
function types.only_true(at) return types.flag(at) or nil end

--- An id: an integer.
function types.id(at)
  local id, why = options.id(at.value)
  if not id then at:fail(why) end
  return id
end

--- A time as the services write it.
function types.time(at)
  if not time.parse(at.value) then
    at:expect "a time such as 2026-12-01T10:00:00.000Z"
  end
  return at.value
end

--- Returns the length of a location's array, which has no holes and no names.
function types.length(at, what)
  if type(at.value) ~= "table" then at:expect(what) end
  local count = #at.value
  for _, key in ipairs(at:keys()) do
    if math.type(key) ~= "integer" or key < 1 or key > count then
      at:at(key):fail(("unexpected key: expected %s"):format(what))
    end
  end
  return count
end

--- An array with each item read by `read`.
function types.array(at, what, read)
  local items, all_good = {}, true
  for i = 1, types.length(at, what) do
    local good, item = at:collect(read, at:at(i))
    items[i], all_good = item, all_good and good
  end
  if not all_good then source_location.raise_collected() end
  return at:remember_copy(items)
end

--- A list of names. One name is a list of one; repeated names count once.
function types.names(at)
  if type(at.value) == "string" then return { types.text(at) } end
  local names, seen = {}, {}
  for i = 1, types.length(at, "a list of names") do
    local name = types.text(at:at(i))
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  return at:remember_copy(names)
end

--- A copy of plain data: strings, numbers, booleans and tables of them.
function types.data(at, depth)
  local value = at.value
  depth = depth or 1
  if type(value) == "string" then
    return value ~= "" and types.text(at) or value
  elseif type(value) == "number" then
    if value ~= value or value == math.huge or value == -math.huge then
      at:expect "a finite number"
    end
    return math.tointeger(value) or value
  elseif type(value) ~= "table" then
    return types.flag(at)
  elseif depth > MAX_DEPTH then
    at:fail(("is nested deeper than %d levels"):format(MAX_DEPTH))
  end
  local copy = {}
  for _, key in ipairs(at:keys()) do
    if type(key) ~= "string" and math.type(key) ~= "integer" then
      at:fail "has a key that is neither a string nor an integer"
    end
    copy[key] = types.data(at:at(key), depth + 1)
  end
  return copy
end

-- Rejects attributes that are not in the list.
local function check_known(at, list, hints)
  local known, names, all_good = {}, {}, true
  for i, attribute in ipairs(list) do
    known[attribute[1]], names[i] = true, attribute[1]
  end
  for _, key in ipairs(at:keys()) do
    if not known[key] then
      all_good = at:collect(at.unknown, at, key, "attribute", names, hints)
                 and all_good
    end
  end
  return all_good
end

local function read_attribute(at, name, read, is_required)
  local entry = at:at(name)
  if entry.value ~= nil then return read(entry) end
  if is_required then entry:fail "is missing" end
end

--- Reads a table by the list of its attributes: `{ name, read, required }`.
-- @tparam table at the location
-- @tparam string what it is, for errors: "a stage"
-- @tparam table list
-- @tparam[opt] table hints attribute -> what to use instead of one that is
--   unknown
function types.record(at, what, list, hints)
  if type(at.value) ~= "table" then at:expect(what) end
  local result, all_good = {}, check_known(at, list, hints)
  for _, attribute in ipairs(list) do
    local name, read, is_required = table.unpack(attribute)
    local good, value = at:collect(read_attribute, at, name, read,
                                   is_required)
    result[name], all_good = value, all_good and good
  end
  if not all_good then source_location.raise_collected() end
  return at:remember_copy(result)
end

return types
