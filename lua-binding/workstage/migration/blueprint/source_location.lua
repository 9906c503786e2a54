--- Locations in a blueprint, such as `stages[2].next[1]`, for its errors and
-- findings. Each knows its value and, where the blueprint was read from a
-- file, the file and the line.
local core = require "workstage.core"
local errors = require "workstage.errors"
local visible = require "workstage.visible"

local Location = {}
Location.__index = Location

local source_location = {}

-- The maximum number of errors collected for one blueprint.
local MAX_ERRORS = 50

-- Where tables were written: table -> { file =, lines = { key -> line } }.
local origins = setmetatable({}, { __mode = "k" })

-- Raised by a reader whose errors are already collected.
local COLLECTED = {}

--- Remembers where a table and its entries were written.
-- @tparam table value
-- @tparam ?string file
-- @tparam table lines key -> line
function source_location.remember(value, file, lines)
  origins[value] = { file = file, lines = lines }
end

--- The location of a whole blueprint.
-- @param value
function source_location.root(value)
  local origin = value ~= nil and origins[value]
  return setmetatable({ value = value, path = "", errors = {},
                        file = origin and origin.file or nil }, Location)
end

--- The error of a location: "blueprint.lua:12: ...".
-- @tparam ?string file where it has a name
-- @tparam ?integer line where it is known
-- @tparam string message
function source_location.error(file, line, message)
  local prefix = file and line and ("%s:%d: "):format(file, line) or
                 file and file .. ": " or
                 line and ("line %d: "):format(line) or ""
  return errors.new { kind = "invalid", message = prefix .. message,
                      reason = message, file = file, line = line }
end

local function step(key)
  if math.type(key) == "integer" then return ("[%d]"):format(key) end
  return "." .. visible.short(tostring(key))
end

--- The location of one entry of a location that holds a table.
function Location:at(key)
  local value = self.value
  local origin = type(value) == "table" and origins[value] or nil
  local child
  if type(value) == "table" then child = value[key] end
  return setmetatable({
    value = child, path = (self.path .. step(key)):gsub("^%.", ""),
    line = origin and origin.lines[key] or self.line,
    file = origin and origin.file or self.file, errors = self.errors,
  }, Location)
end

--- Records that `copy` has the source location of this value.
function Location:remember_copy(copy)
  origins[copy] = origins[self.value]
  return copy
end

--- Raises the error of this location.
function Location:fail(message)
  local said = self.path ~= "" and self.path .. ": " .. message or message
  local err = source_location.error(self.file, self.line, said)
  err.where, err.reason = self.path, message
  err.fields = { [self.path] = { message } }
  error(err, 0)
end

local function shown(value)
  if type(value) == "string" then
    return ("the string '%s'"):format(visible.short(value))
  elseif type(value) == "number" then
    return ("the number %s"):format(value)
  end
  return type(value) == "boolean" and tostring(value) or
         value == nil and "nothing" or "a " .. type(value)
end

--- Raises "expected a string, got the number 5".
function Location:expect(what)
  self:fail(("expected %s, got %s"):format(what, shown(self.value)))
end

local function comes_before(a, b)
  local one, other = type(a), type(b)
  if one ~= other then return one < other end
  if one == "string" or one == "number" then return a < b end
  return tostring(a) < tostring(b)
end

--- The keys of a table, always in the same order.
function Location:keys()
  local keys = {}
  for key in next, self.value do keys[#keys + 1] = key end
  table.sort(keys, comes_before)
  return keys
end

--- Raises "unknown attribute, did you mean 'color'?".
-- @tparam string what "attribute"
-- @tparam table names those that exist
-- @tparam[opt] table hints name -> what to use instead
function Location:unknown(key, what, names, hints)
  local at = self:at(key)
  local hint = hints and hints[key]
  if hint then at:fail(("no %s here: %s"):format(what, hint)) end
  local near = type(key) == "string" and core.nearest(names, key)
  at:fail(("unknown %s%s"):format(what, near and
    (", did you mean '%s'?"):format(near) or
    (" (there are %s)"):format(table.concat(names, ", "))))
end

-- -------------------------------------------------------- several errors

--- Calls a reader and collects the location error that it may raise, so that
-- further entries can be read.
-- @treturn boolean true if nothing was raised
-- @return what the reader returned
function Location:collect(read, ...)
  local good, value = pcall(read, ...)
  if good then return true, value end
  if value ~= COLLECTED then
    if not errors.is(value) then error(value, 0) end
    table.insert(self.errors, value)
  end
  if #self.errors >= MAX_ERRORS then error(COLLECTED, 0) end
  return false
end

--- Aborts a reader after some of its entries were rejected.
function source_location.raise_collected()
  error(COLLECTED, 0)
end

--- Runs a reader of locations.
-- @tparam table root the location of the whole
-- @tparam function read `read(root)`
-- @return[1] what it returns
-- @treturn[2] nil
-- @treturn[2] table the first error; its `errors` are all
function source_location.run(root, read)
  local good, failed, value = pcall(root.collect, root, read, root)
  if not good and failed ~= COLLECTED then error(failed, 0) end
  if good and failed then return value end
  local first = root.errors[1]
  first.errors = root.errors
  return nil, first
end

return source_location
