--- Places in a blueprint, such as `stages[2].next[1]`, for its errors: each
-- knows its value and, where the file's lines are known, its line.
local core = require "workstage.core"
local errors = require "workstage.errors"
local literal = require "workstage.migration.blueprint.parse"

local Place = {}
Place.__index = Place

local place = {}

--- The place of a whole blueprint.
-- @tparam any value
-- @tparam[opt] table source `name` and `lines`, as `literal.parse` gives them
function place.root(value, source)
  return setmetatable({ value = value, path = "", source = source or {} },
                      Place)
end

local function step(key)
  if math.type(key) == "integer" then return ("[%d]"):format(key) end
  return "." .. tostring(key):gsub("%c", "?"):sub(1, 40)
end

--- The place of one entry of a place that holds a table.
function Place:at(key)
  local lines = self.source.lines and self.source.lines[self.value]
  return setmetatable({
    value = self.value[key],
    path = (self.path .. step(key)):gsub("^%.", ""),
    line = lines and lines[key] or self.line,
    source = self.source,
  }, Place)
end

--- Raises the error of this place.
function Place:fail(message)
  local said = self.path ~= "" and self.path .. ": " .. message or message
  local err = literal.error(self.source.name, self.line, said)
  err.fields = { [self.path] = { message } }
  error(err, 0)
end

local function shown(value)
  if type(value) == "string" then
    local text = value:gsub("%c", "?")
    if #text > 40 then text = text:sub(1, 40) .. "..." end
    return ("the string '%s'"):format(text)
  elseif type(value) == "number" then
    return ("the number %s"):format(value)
  end
  return type(value) == "boolean" and tostring(value) or
         value == nil and "nothing" or "a " .. type(value)
end

--- Raises "expected a string, got the number 5".
function Place:expect(what)
  self:fail(("expected %s, got %s"):format(what, shown(self.value)))
end

local function comes_before(a, b)
  local one, other = type(a), type(b)
  if one ~= other then return one < other end
  if one == "string" or one == "number" then return a < b end
  return tostring(a) < tostring(b)
end

--- The keys of a table, in an order that does not change.
function Place:keys()
  local keys = {}
  for key in next, self.value do keys[#keys + 1] = key end
  table.sort(keys, comes_before)
  return keys
end

--- Raises "unknown attribute, did you mean 'color'?".
-- @tparam string what "attribute"
-- @tparam table names those that there are
-- @tparam[opt] table hints name -> what to say of it
function Place:unknown(key, what, names, hints)
  local at = self:at(key)
  local hint = hints and hints[key]
  if hint then at:fail(("no %s here: %s"):format(what, hint)) end
  local near = type(key) == "string" and core.nearest(names, key)
  at:fail(("unknown %s%s"):format(what, near and
    (", did you mean '%s'?"):format(near) or
    (" (there are %s)"):format(table.concat(names, ", "))))
end

--- Runs a reader of places, which may raise their errors.
-- @return[1] what it returns
-- @treturn[2] nil
-- @treturn[2] table the error
function place.run(read, ...)
  local good, value = pcall(read, ...)
  if good then return value end
  if not errors.is(value) then error(value, 0) end
  return nil, value
end

return place
